"""Several drivers on one folder: each trial once, no table lost, and what a killed one had begun is taken over."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

import genbench
from genbench.core.errors import GenbenchError
from genbench.runs.rescoring import rescore
from genbench.storage.claims import entered
from genbench.storage.store import Store
from trial_records import outcome

PLUGIN = str(Path(__file__).with_name("counting.py"))
QUICK = {"budget": "3", "samples": 100, "train": 100, "metrics": "sliced_w2", "progress": False, "plugins": [PLUGIN]}
WIDTHS = ",".join(f"counted[width={w}]" for w in range(1, 5))


@pytest.fixture(autouse=True)
def count(tmp_path, monkeypatch):
    monkeypatch.setenv("COUNT", str(tmp_path / "count"))
    return tmp_path / "count"


def run(folder, models=WIDTHS, data="moons", seeds=2, said=None, **more):
    options = {"results": folder, "name": "r", "jobs": 0} | QUICK | more
    return genbench.run(models, data, seeds=seeds, say=(said if said is not None else []).append, **options)


@pytest.fixture
def driver(tmp_path):
    """Starts drivers: this process once more, which has imported all that it needs."""
    pids = []

    def start(**more):
        pids.append(os.fork())
        if pids[-1] == 0:
            code = 1
            try:
                run(tmp_path, **more)
                code = 0
            finally:
                os._exit(code)
        return pids[-1]

    yield start
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    assert true()


def test_three_drivers_do_each_trial_once(tmp_path, count, driver):
    alone = run(tmp_path / "alone")
    count.unlink()
    pids = [driver(**more) for more in ({}, {}, {"models": "counted[width=9],counted[width=2]"})]
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 3
    times = Counter(count.read_text().splitlines())
    assert len(times) == 2 * 5
    assert set(times.values()) == {1}
    together = genbench.load_run(tmp_path / "r")
    assert len(together.record.requests) == 3
    assert len(together.trials) == 2 * 6, "and the oracle's"
    found = outcome(together)
    mine = {key: {**trial, "provenance": 0} for key, trial in outcome(alone).items()}
    assert {key: {**trial, "provenance": 0} for key, trial in found.items() if key in mine} == mine
    assert list((tmp_path / "r" / "trials").glob(".*")) == []


def test_a_killed_driver_is_replaced(tmp_path, count, driver):
    """The second waits for what the first has begun, and does it when that one is killed."""
    slow = {"models": "counted[pause=600],counted", "data": "moons", "seeds": 1}
    first = driver(**slow)
    until(count.exists)
    second = driver(**slow | {"models": "counted[pause=600],counted,counted[width=2]"})
    until(lambda: len(count.read_text().splitlines()) == 3)
    (claim,) = (tmp_path / "r" / "trials").glob(".counted_pause*.claim")
    assert f'"pid": {first}' in claim.read_text()
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)
    until(lambda: len(count.read_text().splitlines()) == 4)
    assert f'"pid": {second}' in claim.read_text()
    assert len(genbench.load_run(tmp_path / "r").trials) == 3, "oracle, counted and counted[width=2]"


def test_who_is_waited_for_is_said_and_a_request_to_stop_is_heard(tmp_path, count, driver):
    slow = {"models": "counted[pause=600],counted", "data": "moons", "seeds": 1}
    first, said = driver(**slow), []
    until(count.exists)

    def say(text):
        said.append(text)
        if "waiting" in text:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="^2 of 3 trials"):
        genbench.run(
            "counted[pause=600],counted", "moons", seeds=1, results=tmp_path, name="r", jobs=0, say=say, **QUICK
        )
    assert any(f"pid {first}); waiting" in line and line.startswith("1 trial is being done by") for line in said)
    with (
        pytest.raises(GenbenchError, match=f"in use by another genbench .*pid {first}"),
        entered(Store(tmp_path / "r"), alone=True),
    ):
        pass
    with pytest.raises(GenbenchError, match=f"pid {first}"):
        rescore(genbench.load_run(tmp_path / "r"), progress=False)


def test_a_failed_trial_is_not_tried_again_by_two(tmp_path, count, driver):
    """`retry_failed` of two drivers at once is one attempt."""
    broken = {"models": "counted[fails=true,pause=0.3]", "data": "moons", "seeds": 1}
    run(tmp_path, **broken)
    count.unlink()
    pids = [driver(retry_failed=True, **broken) for _ in range(2)]
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0]
    assert count.read_text().count("\n") in (1, 2), "2 where the second began after the first had ended"


@pytest.mark.slow
def test_three_commands_with_workers_and_shards_give_one_table(tmp_path, count):
    """Three processes with two workers each on all trials, one of them killed; then three shards in another folder."""

    def start(name, *more):
        argv = [
            sys.executable, "-m", "genbench", "run", "--models", WIDTHS, "--data", "moons,ring", "--seeds", "2",
            "--plugin", PLUGIN, "--budget", "3", "--samples", "100", "--train", "100", "--metrics", "sliced_w2",
            "--results", str(tmp_path), "--name", name, "-q", *more,
        ]  # fmt: skip
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    alone = run(tmp_path / "alone", data="moons,ring")
    count.unlink()
    drivers = [start("r", "--jobs", "2") for _ in range(3)]
    until(lambda: count.exists() and len(count.read_text().splitlines()) > 3, 120)
    drivers[0].kill()
    for each in drivers:
        each.communicate()
    assert [each.returncode for each in drivers] == [-signal.SIGKILL, 0, 0]
    times = Counter(count.read_text().splitlines())
    assert len(times) == 16
    assert sum(times.values()) <= 18, "what the killed one had begun was done again"
    shards = [start("s", "--jobs", "1", "--shard", f"{k}/3") for k in (1, 2, 3)]
    for each in shards:
        assert each.wait() == 0, each.communicate()[1]
    for name in ("r", "s"):
        found = {t.key: (t.status, t.metrics) for t in genbench.load_run(tmp_path / name).trials}
        assert found == {t.key: (t.status, t.metrics) for t in alone.trials}
        assert list((tmp_path / name / "trials").glob(".*")) == []
