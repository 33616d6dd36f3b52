"""Give stored results of earlier code today's keys, where that code is proved to be equal to today's.

Plugins (models, datasets, metrics) are proved by their syntax trees: the digest of an earlier commit's tree, taken by
today's rules and with today's names, equals today's. The engine is proved by a run of each code with the same request
on the same machine: every score and, where both are stored, every weight is the same to the last bit.

    git worktree add /tmp/before 3debc9f && (cd /tmp/before && make .venv/installed)
    /tmp/before/.venv/bin/genbench run --models all --data moons --results /tmp/old
    genbench run --models all --data moons --results /tmp/new
    python benchmarks/restamp.py --before 3debc9f --same /tmp/old/moons-quick /tmp/new/moons-quick results/reference/*

Results whose digests have today's form need no commit, but a run of the code that made them and one of today's, of
whatever request: what differs between their digests, while every score, sample and weight is the same to the last bit,
is proved to change nothing.

`--table` also writes what genbench needs to read that commit's runs: genbench/storage/earlier_code.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import genbench
from genbench.analysis.run_data import RunData
from genbench.core.code_fingerprint import CodeTree, Definition
from genbench.core.errors import GenbenchError
from genbench.core.registry import REGISTRY, discover
from genbench.runs.code import code_of
from genbench.runs.plan import make_plan
from genbench.storage.digests import seal_of, sealed
from genbench.storage.earlier_code import TABLE
from genbench.storage.records import TrialSpec

ROOT = Path(__file__).parents[1]
# Today's names of what 3debc9f called otherwise.
RENAMED = {
    "Boundary": "ModelAdapter",
    "Classes": "ClassLabels",
    "Players": "OptimizerGroups",
    "Spec": "Selection",
    "Verbs": "FittedModel",
    "players": "optimizer_groups",
}
# Modules of 3debc9f that do not count, as today's counterparts do not.
PLUMBING = (
    "conditions",
    "downloads",
    "errors",
    "files",
    "notebook",
    "parameters",
    "previews",
    "record",
    "registry",
    "sources",
    "spec",
    "tensorboard",
)
# Run by the earlier code: its plugins, and the digests by its own rules of all modules that each of them imports.
LIST = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
sys.meta_path[:] = [finder for finder in sys.meta_path if isinstance(finder, type)]  # Python's own, no test's
import genbench, genbench.tasks
from genbench.registry import REGISTRY, discover
from genbench.sources import fingerprint
discover()
cards = [(name, card) for name, group in REGISTRY.items() for card in group.cards.values()]
tasks = sorted(Path(genbench.tasks.__path__[0]).glob("*.py"))
print(json.dumps({
    "engine": fingerprint(*tasks),
    "home": {name: f"genbench.{module}" for name, module in genbench.HOME.items()},
    "cards": [[name, card.name, str(card.file), card.factory.__name__, fingerprint(card.file)] for name, card in cards],
}))
"""


def unpack(commit: str, folder: Path) -> None:
    """Put the packages of a commit into a folder, models and datasets inside genbench, where they are imported from."""
    archive = subprocess.run(
        ["git", "archive", commit, "genbench", "models", "datasets"], cwd=ROOT, check=True, capture_output=True
    )
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    for name in ("models", "datasets"):
        (folder / name).rename(folder / "genbench" / name)


def digests_of(folder: Path, facts: dict[str, Any]) -> dict[str, str]:
    """Return the digest of each plugin of an earlier tree, by today's rules and with today's names."""

    def locate(module: str) -> Path | None:
        path = folder.joinpath(*module.split("."))
        found = [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()]
        return found[0] if found else None

    plumbing = [f"genbench.{name}" for name in PLUMBING]
    tree = CodeTree(locate, facts["home"], plumbing, RENAMED)
    found = {}
    for group, name, file, factory, _ in facts["cards"]:
        found[f"{group[:-1]} {name}"] = tree.digest(tree.reached(Definition(Path(file), factory)))
    return found


def table_of(facts: dict[str, Any], digests: dict[str, str]) -> dict[str, Any]:
    """Return the modules of the earlier code with their digests by its rules, and which of them each plugin has."""
    modules: dict[str, str] = {}
    for group, *_, uses in facts["cards"]:
        modules |= uses if group != "metrics" else {}
    places = {name: i for i, name in enumerate(modules)}
    plugins = {
        f"{group[:-1]} {name}": [digests[f"{group[:-1]} {name}"], [places[module] for module in uses]]
        for group, name, _, _, uses in facts["cards"]
        if group != "metrics"
    }
    return {"modules": list(modules.items()), "plugins": plugins}


def same_bits(old: RunData, new: RunData) -> set[str]:
    """Return the tasks of two runs of the same request whose every score, sample and weight is the same.

    Raises:
        SystemExit: something differs.
    """
    mine = {trial.spec.identity: trial for trial in new.trials}
    for trial in old.trials:
        other = mine.get(trial.spec.identity)
        if other is None or other.metrics != trial.metrics or other.curve != trial.curve:
            raise SystemExit(f"restamp: {trial.model} on {trial.dataset}, seed {trial.seed}, has other scores")
        for stored in ("arrays", "weights"):
            before, now = getattr(old.store, stored)(trial.key), getattr(new.store, stored)(other.key)
            if before.keys() != now.keys() or not all(
                np.array_equal(before[k], now[k], equal_nan=True) for k in before
            ):
                raise SystemExit(f"restamp: {trial.model}, seed {trial.seed}, has other {stored}")
    print(f"{len(old.trials)} trials of {old.path} and {new.path} are the same to the last bit")
    return {trial.spec.task for trial in old.trials}


def equal_code(old: RunData, new: RunData) -> set[tuple[str, str, str]]:
    """Return what two runs with the same bits are made of: a part of the code, its digest then, and its digest now.

    A metric counts where it gave a score.
    """
    mine = {trial.spec.identity: trial for trial in new.trials}
    return {
        (name, digest, mine[trial.spec.identity].spec.sources.get(name, ""))
        for trial in old.trials
        for name, digest in trial.spec.sources.items()
        if not name.startswith("metric ") or trial.metrics.get(name.removeprefix("metric ")) is not None
    }


def differing(record: dict[str, Any], now: TrialSpec, equal: set[tuple[str, str, str]]) -> str:
    """Return why code in today's form is not proved to be today's; empty if it is.

    A metric that gave no score needs no proof.
    """
    earlier = record["spec"]["sources"]
    for name in sorted(earlier.keys() | now.sources.keys()):
        scored = not name.startswith("metric ") or record["metrics"].get(name.removeprefix("metric ")) is not None
        digest, today = earlier.get(name, ""), now.sources.get(name, "")
        if scored and digest != today and (name, digest, today) not in equal:
            return f"the code of {name} has changed"
    return ""


def unproved(record: dict[str, Any], before: dict[str, str], modules: dict[str, str], engine: set[str]) -> str:
    """Return why a trial's code is not proved to be today's; empty if it is.

    A metric that gave no score needs no proof.
    """
    if other := [name for name, digest in record["spec"]["sources"].items() if modules.get(name) != digest]:
        return f"made by other code than that commit's ({other[0]})"
    spec = TrialSpec(**record["spec"])
    parts = [("model", "models", spec.model_name), ("dataset", "datasets", spec.dataset_name)]
    parts += [("metric", "metrics", name) for name in spec.metrics if record["metrics"].get(name) is not None]
    for what, group, name in parts:
        card = REGISTRY[group].cards.get(name)
        if card is None or before.get(f"{what} {name}") != code_of(card):
            return f"the code of {what} {name} has changed"
    return "" if spec.task in engine else f"the engine is not proved for the task {spec.task}"


def planned(spec: TrialSpec) -> TrialSpec | None:
    """Return today's spec of the same trial, or None where a parameter or the data differ.

    A parameter that came later has its default, which the runs that prove the code have, too.
    """
    plan = make_plan(
        spec.model,
        spec.dataset,
        [spec.seed],
        spec.budget,
        ",".join(spec.metrics),
        spec.task,
        spec.protocol,
    )
    same = ("dataset_params", "data_fingerprint", "metrics", "protocol", "tuned")
    for now in plan.trials:
        unchanged = all(getattr(now, name) == getattr(spec, name) for name in same)
        if now.identity == spec.identity and unchanged and spec.params.items() <= now.params.items():
            return now.model_copy(update={"steps": spec.steps})
    return None


def restamp(
    folder: Path,
    before: dict[str, str],
    modules: dict[str, str],
    engine: set[str],
    equal: set[tuple[str, str, str]],
) -> None:
    """Give the trials of a run today's keys, where their code is proved to be today's, and say of how many it is."""
    asked = json.loads((folder / "run.json").read_text())
    names: dict[str, str] = {}
    reasons: dict[str, int] = {}
    for key in asked["trials"]:
        file = folder / "trials" / f"{key}.json"
        raw = json.loads(text := file.read_text())
        seal = seal_of(text.encode(), raw)
        todays_form = "model" in raw["spec"]["sources"]
        reason = "" if todays_form else unproved(raw, before, modules, engine)
        now = None if reason else planned(TrialSpec(**raw["spec"]))
        if now is not None and todays_form:
            reason = "they have today's keys" if now.key == key else differing(raw, now, equal)
        if now is None or reason:
            reason = reason or "its parameters or data are not today's"
            reasons[reason] = reasons.get(reason, 0) + 1
            continue
        names[key] = now.key
        raw["key"], raw["spec"]["sources"] = now.key, now.sources
        raw["params"] = raw["spec"]["params"] = now.params
        facts = {name: fact for name, fact in raw.items() if name not in ("digests", "digest")}
        plain = (json.dumps(raw, indent=1, allow_nan=False) + "\n").encode()
        file.with_name(f"{now.key}.json").write_bytes(sealed(facts, seal.files) if seal else plain)
        file.unlink()
        for other in (*file.parent.glob(f"{key}.*"), folder / "sweeps" / f"{key}.json"):
            if other.exists():
                other.rename(other.with_name(other.name.replace(key, now.key)))
    asked["trials"] = [names.get(key, key) for key in asked["trials"]]
    (folder / "run.json").write_text(json.dumps(asked, indent=1, allow_nan=False) + "\n")
    print(f"{folder.name}: {len(names)} of {len(asked['trials'])} trials have today's keys")
    for reason, count in sorted(reasons.items(), key=lambda item: -item[1]):
        print(f"  {count} stay: {reason}")


def main() -> None:
    """Prove, print what is proved, and restamp."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="*", type=Path, help="folders of runs")
    parser.add_argument("--before", default="3debc9f", help="the commit whose code made the results")
    parser.add_argument("--same", nargs=2, type=Path, action="append", default=[], metavar=("OLD", "NEW"),
                        help="a run by that commit and one of the same request by today's code")  # fmt: skip
    parser.add_argument("--table", action="store_true", help="write genbench/storage/earlier_code.json")
    options = parser.parse_args()
    discover()
    with tempfile.TemporaryDirectory() as place:
        unpack(options.before, Path(place))
        listed = subprocess.run([sys.executable, "-c", LIST, place], capture_output=True, text=True, check=True)
        facts = json.loads(listed.stdout.splitlines()[-1])
        before = digests_of(Path(place), facts)
    now = {
        f"{group[:-1]} {card.name}": code_of(card) for group, cards in REGISTRY.items() for card in cards.cards.values()
    }
    others = sorted(name for name in before if before[name] != now.get(name))
    print(f"{len(before) - len(others)} of {len(before)} plugins have the syntax trees of {options.before}")
    if others:
        print(f"  others: {', '.join(others)}")
    table = table_of(facts, before)
    if options.table:
        TABLE.write_text(json.dumps({"commit": options.before, **table}, separators=(",", ":")) + "\n")
        print(f"wrote {TABLE.relative_to(Path(genbench.__file__).parents[1])}")
    engine, equal = set[str](), set[tuple[str, str, str]]()
    for old, new in options.same:
        engine |= same_bits(RunData(old), RunData(new))
        equal |= equal_code(RunData(old), RunData(new))
    modules = dict(facts["engine"])
    for *_, uses in facts["cards"]:
        modules |= uses
    for run in options.runs:
        if (run / "run.json").exists():
            restamp(run, before, modules, engine, equal)


if __name__ == "__main__":
    try:
        main()
    except GenbenchError as error:
        raise SystemExit(f"restamp: {error}") from None
