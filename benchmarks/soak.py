"""Runs that are killed at random moments, and trials that end in every way: nothing lost, nothing twice, nothing left.

Run it as `python benchmarks/soak.py [--kills 100] [--trials 200] [--timeout 20] [--seed 0] [--out soak.json]`:

- kills: runs of models that train in no time are killed `--kills` times in all, the driver, a worker, or the server of
  the workers, and started again until all is done. Their scores must be those of an undisturbed run, to the bit. No
  process of it may be alive 3 s after its driver has ended, no file may be left that was being written, and no trial
  that was finished may be begun again.
- ends: of `--trials` trials 10 % hang, 10 % crash (an exception, two signals, `_exit(0)`), 5 % eat memory, and 5 % give
  NaN. Each must be a row with the right status, and all others scored.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genbench.core.process_tree import offspring
from genbench.storage.store import Store

PLUGIN = Path(__file__).with_name("soak_models.py")
GONE = 3.0  # seconds after which nothing may be left
PAUSE = 0.4  # of the seconds of an undisturbed run, at most between two kills: some come before a trial has begun
# Models, datasets and seeds of the run that is killed: 36 trials, and those of the oracle.
MODELS = "steady,steady[width=1.1],steady[width=0.9],gaussian"
DATA = "moons,circles,ring"
ENDS = {  # kinds, with their share of the trials and the status that is right
    "hangs": (0.10, "timeout"),
    "raises": (0.025, "crashed"),
    "faults": (0.025, "crashed"),
    "aborts": (0.025, "crashed"),
    "exits": (0.025, "crashed"),
    "eats": (0.05, "out_of_memory"),
    "no_numbers": (0.05, "invalid_samples"),
}


def command(folder: Path, name: str, models: str, data: str, seeds: int, *more: str) -> list[str]:
    """Return the command of a run of tiny trials."""
    return [
        sys.executable, "-m", "genbench", "run", "--models", models, "--data", data, "--seeds", str(seeds), "--budget",
        "3", "--samples", "200", "--train", "200", "--metrics", "sliced_w2", "--results", str(folder), "--name", name,
        "--jobs", "2", "--plugin", str(PLUGIN), "-q", *more,
    ]  # fmt: skip


def alive(pids: set[int]) -> set[int]:
    """Return those processes that are there, apart from the dead whom nobody has buried."""
    found = set()
    for pid in pids:
        with suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            found |= {pid} if state not in "ZX" else set()
    return found


def victims(driver: int, kind: str) -> list[int]:
    """Return the processes of a kind: the driver, the server of workers, or its workers."""
    if kind == "driver":
        return [driver]
    servers = [pid for pid in offspring(driver) if b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    parents = {pid: int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) for pid in servers}
    return [pid for pid, parent in parents.items() if (parent == driver) == (kind == "server")]


@dataclass
class Killed:
    """What became of runs that were killed."""

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    left: set[int] = field(default_factory=set)
    codes: Counter[int] = field(default_factory=Counter)


def kill_at_random(
    argv: list[str], kills: int, pause: float, luck: random.Random, environment: dict[str, str], so_far: Killed
) -> None:
    """Start a run again and again, and kill some process of it now and then, until it has ended by itself.

    Args:
        argv: its command.
        kills: that are enough, those so far included.
        pause: seconds between two kills at most.
        luck: draws the moments and the victims.
        environment: of the run.
        so_far: is added to.
    """
    code = -1
    while code < 0:
        so_far.starts += 1
        driver = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
        known: set[int] = set()
        while driver.poll() is None:
            until = time.monotonic() + luck.uniform(0, pause)
            while driver.poll() is None and (so_far.kills.total() == kills or time.monotonic() < until):
                known |= offspring(driver.pid)
                time.sleep(0.05)
            if driver.poll() is None and so_far.kills.total() < kills:
                kind = luck.choices(["driver", "worker", "server"], [3, 4, 1])[0]
                with suppress(OSError, IndexError):
                    os.kill(luck.choice(victims(driver.pid, kind)), signal.SIGKILL)
                    so_far.kills[kind] += 1
                    print(f"kill {so_far.kills.total()} of {kills}: {kind}", file=sys.stderr)
        code = driver.returncode
        so_far.codes[code] += 1
        assert driver.stderr is not None
        said = driver.stderr.read()
        if "Traceback" in said:
            raise SystemExit(f"a traceback:\n{said}")
        end = time.monotonic() + GONE
        while alive(known) and time.monotonic() < end:
            time.sleep(0.05)
        so_far.left |= alive(known)


def scores(folder: Path) -> dict[str, Any]:
    """Return the status and the scores of each trial of a run."""
    store = Store(folder)
    records = [store.read(key) for key in store.read_run().trials]
    return {record.key: (record.status, record.metrics) for record in records}


def soak_kills(folder: Path, kills: int, luck: random.Random) -> dict[str, Any]:
    """Kill runs at random moments until there were enough kills, and compare each with an undisturbed one."""

    def of(name: str) -> tuple[list[str], dict[str, str]]:
        return command(folder, name, MODELS, DATA, 3), os.environ | {"SOAK_LOG": str(folder / f"{name}.log")}

    def trained(name: str) -> int:
        return len((folder / f"{name}.log").read_text().splitlines())

    begin = time.monotonic()
    argv, environment = of("still")
    subprocess.run(argv, check=True, capture_output=True, env=environment)
    pause, killed = PAUSE * (time.monotonic() - begin), Killed()
    rounds, equal, again, files = 0, True, 0, list[str]()
    while killed.kills.total() < kills:
        name = f"killed{rounds}"
        argv, environment = of(name)
        kill_at_random(argv, kills, pause, luck, environment, killed)
        # what was killed twice within one start is a row, and the same command does it again
        last = subprocess.run(argv, check=False, capture_output=True, env=environment)
        equal &= last.returncode == 0 and scores(folder / "still") == scores(folder / name)
        again += trained(name) - trained("still")
        files += [file.name for pattern in (".*.tmp", ".*.phase") for file in (folder / name).rglob(pattern)]
        rounds += 1
    counts = killed.kills
    return {
        "kills": dict(counts),
        "runs": rounds,
        "starts": killed.starts,
        "exit codes": dict(killed.codes),
        "trials of a run": len(scores(folder / "still")),
        "scores equal": equal,
        "trained again": again,
        # a kill of a driver or of the server costs the trials of two workers, one of a worker costs one
        "trained again at most": 2 * counts["driver"] + 2 * counts["server"] + counts["worker"],
        "processes left": len(killed.left),
        "files left": files,
    }


def soak_ends(folder: Path, trials: int, timeout: float) -> dict[str, Any]:
    """Run trials that end in every way, and compare their rows with what is right."""
    seeds = max(1, round(trials * min(share for share, _ in ENDS.values())))
    statuses = {
        f"ending[copy={copy + 1},kind={kind}]": status
        for kind, (share, status) in ENDS.items()
        for copy in range(max(1, round(trials * share / seeds)))
    }
    statuses |= {f"steady[width={1 + n / 100}]": "ok" for n in range(1, trials // seeds - len(statuses) + 1)}
    argv = command(folder, "ends", ",".join(statuses), "moons", seeds, "--timeout", f"{timeout:g}")
    begin = time.monotonic()
    done = subprocess.run(
        argv, check=False, capture_output=True, text=True, env=os.environ | {"SOAK_LOG": str(folder / "log")}
    )
    if "Traceback" in done.stderr or done.returncode != 1:
        raise SystemExit(f"exit code {done.returncode}:\n{done.stderr}")
    store = Store(folder / "ends")
    records = [store.read(key) for key in store.read_run().trials]
    rows = {(record.model, record.seed): record.status for record in records if record.role == "model"}
    expected = {(model, seed): status for model, status in statuses.items() for seed in range(seeds)}
    lines = len(done.stderr.splitlines())
    return {
        "rows": len(rows),
        "right": rows == expected,
        "wrong": sorted(
            f"{model}, seed {seed}: {rows.get((model, seed))}, not {status}"
            for (model, seed), status in expected.items()
            if rows.get((model, seed)) != status
        ),
        "statuses": dict(Counter(rows.values())),
        "a line for each failure": lines == sum(status != "ok" for status in rows.values()),
        "seconds": round(time.monotonic() - begin, 1),
    }


def main() -> None:
    """Run both, print what was found, and end with 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--timeout", type=float, default=20.0, help="seconds of a trial; a hanging one takes them all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak") as name:
        folder, found = Path(name), dict[str, Any]()
        if options.kills:
            found["kills"] = soak_kills(folder, options.kills, random.Random(options.seed))
        if options.trials:
            found["ends"] = soak_ends(folder, options.trials, options.timeout)
    text = json.dumps(found, indent=1)
    print(text)
    if options.out:
        options.out.write_text(f"{text}\n")
    kills, ends = found.get("kills"), found.get("ends")
    wrong = kills and not (
        kills["scores equal"]
        and not kills["processes left"]
        and not kills["files left"]
        and kills["trained again"] <= kills["trained again at most"]
    )
    raise SystemExit(bool(wrong or (ends and not ends["right"])))


if __name__ == "__main__":
    main()
