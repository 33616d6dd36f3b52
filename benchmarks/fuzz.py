"""Fuzzed selections, seeds, budgets, records, arrays and CSV files: nothing but results and one-line errors.

Each input is drawn from a generator whose seed is fixed, most by changing what is right a little. For each kind it
prints how many inputs there were, how many were refused, the slowest, and what was raised that is no GenbenchError.
The exit code is 1 where anything was, where an input took a second or more, or where a file was written outside.

    python benchmarks/fuzz.py --inputs 10000
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from genbench.core.errors import GenbenchError

LIMIT = 1.0  # seconds of an input, in processor time: other programs may run
LETTERS = "ab1.=,[](){}:\"' \\\t\n-_/~é٣\0\x1b+e<>&|%$#@;😀\u202e\ud800"
TOKENS = (
    "moons", "cfm", "vae[latent_dim=4]", "true", "none", "1e999", "NaN", "Infinity", "-", "007", "../", "=cmd()",
    "\\input{x}", "[]", "{}", "{[]:1}", "9" * 50, "path=", "x=1", "all", "zoo", ",", "4294967295", "1e5", "10%", "30s",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 10**400, 1.5, -0.0, 1e308, float("inf"), float("nan"),
    "", "x", "Infinity", "NaN",
    "../../x", "\x1b[2J", "a" * 5_000, [], {}, [[]], {"a": []}, [None], [1, "x"], {"": None}, "=1+1", "<script>",
    "\0", "1", "/dev/zero",
)  # fmt: skip
CELLS = (
    "1",
    "-2.5",
    "1e999",
    "NaN",
    "",
    "inf",
    "x",
    "=1+1",
    '"',
    "'",
    "1,5",
    "2024-01-01",
    "9" * 400,
    "\0",
    "é",
    "1;2",
    " ",
    "0x1",
    "1_000",
)


def mutated(text: str, draw: random.Random, longest: int = 20_000) -> str:
    """Return a text with a few letters or words put in, taken out, repeated or exchanged.

    Args:
        longest: how often a letter may be repeated; a table of 17,000 columns takes seconds.
    """
    for _ in range(draw.randrange(1, 5)):
        at, kind = draw.randrange(len(text) + 1), draw.randrange(5)
        if kind == 0:
            text = text[:at] + draw.choice(LETTERS) + text[at:]
        elif kind == 1:
            text = text[:at] + draw.choice(TOKENS) + text[at:]
        elif kind == 2:
            text = text[:at] + text[at + draw.randrange(1, 6) :]
        elif kind == 3 and draw.random() < 0.1:
            text = text[:at] + draw.choice(LETTERS) * draw.randrange(longest) + text[at:]
        else:
            end = at + draw.randrange(20)
            text = text[:at] + text[at:end] * draw.randrange(4) + text[end:]
    return text


def replaced(tree: Any, draw: random.Random) -> Any:
    """Return JSON with one of its parts replaced, taken out, or put in twice."""
    if isinstance(tree, dict) and tree and draw.random() < 0.9:
        name = draw.choice(list(tree))
        kind = draw.randrange(8)
        if kind == 0:
            return {key: part for key, part in tree.items() if key != name}
        if kind == 1:
            return tree | {str(draw.choice(VALUES))[:100]: draw.choice(VALUES)}
        return tree | {name: replaced(tree[name], draw)}
    if isinstance(tree, list) and tree and draw.random() < 0.8:
        at = draw.randrange(len(tree))
        return [*tree[:at], replaced(tree[at], draw), *tree[at + 1 :]]
    return draw.choice(VALUES)


def selections(draw: random.Random, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Selections of models and data, labels, and values of parameters."""
    from genbench.contracts.data_files import select_datasets, short_label
    from genbench.contracts.model import MODELS
    from genbench.core.parameters import bind
    from genbench.core.selection import parse, parse_list

    def look_up(text: str) -> None:
        for one in MODELS.select(text)[:20]:
            bind(MODELS[one.name], one.params)

    def round_trip(text: str) -> None:
        selection = parse(text)
        assert parse(str(selection)) == selection, "parse(str(selection)) is another selection"
        assert parse_list(str(selection)) == [selection]

    starts = (
        "cfm",
        "vae[latent_dim=4],ddpm",
        "moons[noise=0.1]",
        'csv[path="a, b.csv"]',
        "m[a={b:1},c=[1,(2,3)]]",
        "gan[lr={critic:1e-3}]",
    )
    while True:
        text = mutated(draw.choice(starts), draw)
        act = draw.choice([look_up, round_trip, parse_list, short_label, select_datasets])
        yield text, lambda text=text, act=act: act(text)  # type: ignore[misc]


def options(draw: random.Random, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Seeds, budgets, margins, and lists of steps and labels."""
    from genbench.analysis.verdicts import Margin
    from genbench.cli.sample import _labels, _settings
    from genbench.cli.sweep import _numbers
    from genbench.contracts.recipe import Budget
    from genbench.runs.plan import parse_seeds

    readers: dict[Callable[[str], object], str] = {
        parse_seeds: "4,7,", Budget: "2000 steps", Margin.parse: "10%,0.05", _numbers: "1,2,5",
        lambda text: _labels(text, 3): "0,1",
        lambda text: _settings([text]): "steps=4",
    }  # fmt: skip
    while True:
        act, start = draw.choice(list(readers.items()))
        text = mutated(start, draw)
        yield text, lambda text=text, act=act: act(text)  # type: ignore[misc]


def small_run(folder: Path) -> Any:
    """Return the store of a run of three models with two seeds, made by hand."""
    from genbench.storage.records import Cost, Failure, RunRecord, TrialRecord, TrialSpec
    from genbench.storage.store import Store

    store, keys = Store(folder / "run"), []
    store.create()
    for model, role in (("oracle", "oracle"), ("gmm", "model"), ("kde", "model")):
        for seed in range(2):
            spec = TrialSpec(
                model=model, model_name=model, params={"a": [1, {"b": 2}]}, dataset="moons", dataset_name="moons",
                dataset_params={"noise": 0.1}, seed=seed, budget="quick", metrics=("w2", "kl"), sources={"model": "1"},
                protocol={"samples": 20},
            )  # fmt: skip
            error = (
                Failure(phase="fit", type="Diverged", message="nan", seconds=1.0, traceback="x")
                if model == "kde" and seed
                else None
            )
            record = TrialRecord(
                key=spec.key, model=model, dataset="moons", seed=seed, params=spec.params, budget="quick",
                status="diverged" if error else "ok", family="x", role=role, error=error, spec=spec,
                metrics={} if error else {"w2": 0.1 + seed, "kl": 0.2}, standard_errors={"w2": 0.01},
                flags=[{"metric": "w2", "text": "odd"}], draws={"w2": [0.1, 0.2]}, likelihood="exact",
                cost=Cost(train_seconds=1.0, steps=10),
                history={"step": [1.0, 2.0], "loss": [1.0, None]}, diagnostics={"temperature": 1.0},
            )  # fmt: skip
            store.write(record, {"samples": np.random.default_rng(seed).normal(size=(20, 2))})
            keys.append(spec.key)
    request = {"command": ["genbench", "run"], "trials": 6}
    environment = {"libraries": {"genbench": "1", "numpy": "2"}, "commit": "abc", "command": ["genbench"]}
    store.write_run(
        RunRecord(name="run", trials=keys, requests=[request], environment=environment, data={"moons": ["read"]})
    )
    return store


def records(draw: random.Random, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Files of JSON in a run, changed as JSON or as text; then all that reads a run without drawing."""
    from genbench.analysis.comparison import compare
    from genbench.display.export import FORMATS, render
    from genbench.display.notebook import run_html
    from genbench.report.run_page import run_page
    from genbench.results import Run
    from genbench.runs.reload import find

    store = small_run(folder)
    good = {file: file.read_text() for file in (*sorted(store.trials.glob("*.json")), store.path / "run.json")}

    def look() -> None:
        run = Run(store.path)
        board = run.leaderboard()
        kind = draw.randrange(6)
        if kind == 0:
            run_page(run, None)
        elif kind == 1:
            run_html(run)
        elif kind == 2:
            compare(run, run, ["gmm", "kde"])
        elif kind == 3:
            run.frame()
            find(run, "gmm")
        else:
            render(board, draw.choice(list(FORMATS)))
        assert all("\n" not in line for line in run.problems), "a line of two"

    while True:
        for file, text in good.items():
            file.write_text(text)
        file = draw.choice(list(good))
        changed = json.dumps(replaced(json.loads(good[file]), draw))
        text = changed if draw.random() < 0.85 else mutated(good[file], draw)
        file.write_text(text, errors="replace")
        yield f"{file.name}: {_difference(good[file], text)}", look


def arrays(draw: random.Random, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Archives of samples with bytes changed, cut or put in."""
    store = small_run(folder)
    file = sorted(store.trials.glob("gmm*.npz"))[0]
    good = file.read_bytes()
    while True:
        content = bytearray(good)
        for _ in range(draw.randrange(1, 6)):
            at = (
                draw.randrange(len(content))
                if draw.random() < 0.3
                else draw.choice([0, 30, 80, len(good) - 60, len(good) - 20]) + draw.randrange(20)
            )
            content[at : at + draw.randrange(3)] = bytes(
                draw.choices([0, 1, 0x5B, 0xFF, draw.randrange(256)], k=draw.randrange(4))
            )
        file.write_bytes(content)
        yield content.hex()[:200], lambda: store.arrays(file.stem)


def tables(draw: random.Random, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """CSV files with odd cells, separators, quotes and line ends."""
    from genbench.contracts.dataset import DATASETS
    from genbench.core.parameters import bind, create

    file = folder / "table.csv"
    while True:
        columns, separator = draw.randrange(1, 5), draw.choice([",", ",", ";", "\t", " ", "|"])
        end = draw.choice(["\n", "\n", "\r\n", "\r"])
        rows = [[f"{draw.gauss(0, 1):.3f}" for _ in range(columns)] for _ in range(draw.choice([0, 3, *[60] * 8]))]
        text = end.join(separator.join(row) for row in [[f"c{i}" for i in range(columns)], *rows])
        for _ in range(draw.randrange(4)):
            at = draw.randrange(len(text) + 1)
            end = at + draw.randrange(4) if draw.random() < 0.3 else text.find(separator, at + 1)
            text = text[:at] + draw.choice(CELLS) + text[end:]
        file.write_text(mutated(text, draw, 2_000) if draw.random() < 0.1 else text, errors="replace", newline="")

        def look() -> None:
            create(DATASETS["csv"], bind(DATASETS["csv"], {"path": str(file)})).splits(0)

        yield repr(text[:200]), look


KINDS = {"selections": selections, "options": options, "records": records, "arrays": arrays, "tables": tables}


def _difference(before: str, after: str) -> str:
    at = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
    return repr(after[max(0, at - 40) : at + 120])


def fuzz(kind: str, inputs: int, seed: int) -> bool:
    """Try inputs of a kind, print what came of them, and return whether all was well."""
    draw, refused, slowest, worst = random.Random(f"{kind} {seed}"), 0, 0.0, ""
    raised: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        inner = Path(name) / "a" / "b"
        inner.mkdir(parents=True)
        stream = KINDS[kind](draw, inner)
        for _ in range(inputs):
            text, act = next(stream)
            begin = time.process_time()
            try:
                act()
            except GenbenchError as error:
                refused += 1
                if "\n" in str(error):
                    raised.setdefault("a message of several lines", text[:300])
            except Exception as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                raised.setdefault(
                    f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}: {error}"[:200], text[:300]
                )
            seconds = time.process_time() - begin
            if seconds > slowest:
                slowest, worst = seconds, text[:100]
        stray = [file for file in Path(name).rglob("*") if file.is_file() and not file.is_relative_to(inner)]
    print(f"{kind}: {inputs:,} inputs, {refused:,} refused, slowest {slowest:.3f} s ({worst!a})", flush=True)
    for what, text in raised.items():
        print(f"  {what!a}\n    by {text!a}")
    for file in stray:
        print(f"  written outside: {file}")
    return not raised and not stray and slowest < LIMIT


def main() -> None:
    """Fuzz all kinds, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=10_000, help="of each kind; a tenth of it of records and tables")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    from genbench.core.registry import discover

    discover()
    costly = ("records", "tables")
    results = [
        fuzz(kind, asked.inputs // 10 if kind in costly else asked.inputs, asked.seed) for kind in asked.kinds or KINDS
    ]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
