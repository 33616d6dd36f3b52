"""The table of `peers.py`: rows of single seeds in a file, and their means, ratios and times beside the goals."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from typing import Any

__all__ = ["means", "show", "store", "stored"]

SCORES = ("excess", "kl")
SOONER_GOAL = 10.0
Row = dict[str, Any]


def means(rows: Iterable[Row]) -> list[Row]:
    """Return a row for each pair and dataset, with means over its seeds, ratios of means, and how much sooner.

    Seeds in which the peer diverged are left out of both sides, if there are others. Each score is (mean, standard
    error): the error is None of one seed, and the whole is None where a side has not that score in every seed.
    """
    table = []
    for (data, model, seconds, train), group in groupby(sorted(rows, key=_pair), _pair):
        every = list(group)
        kept = [row for row in every if row["peer"]["status"] == "ok"] or every
        peer = _mean([row["peer"] for row in kept])
        ours = [
            _mean(runs) | {"seconds": runs[0]["seconds"]} for runs in zip(*(row["ours"] for row in kept), strict=True)
        ]
        table.append(
            {"model": model, "data": data, "seconds": seconds, "train": train, "seeds": len(kept)}
            | {"recipe": kept[0]["peer"]["recipe"], "goal": kept[0]["goal"], "diverged": len(every) - len(kept)}
            | {"floor": statistics.fmean(row["floor"] for row in kept), "peer": peer, "ours": ours}
            | {"ratio": {name: _ratio(ours[-1][name], peer[name]) for name in SCORES}}
            | {"sooner": _sooner(ours, peer, seconds)}
        )
    return table


def _mean(scores: Sequence[Row]) -> Row:
    """Return mean and standard error of each score over the seeds."""
    found = {name: [score[name] for score in scores] for name in SCORES}
    return {
        name: None if None in values else (statistics.fmean(values), _error(values)) for name, values in found.items()
    }


def _error(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None


def _ratio(ours: tuple[float, Any] | None, theirs: tuple[float, Any] | None) -> float | None:
    """Return ours / theirs; None where one is missing or the peer is at the floor itself."""
    return None if ours is None or theirs is None or theirs[0] <= 0 else ours[0] / theirs[0]


def _sooner(ours: Sequence[Row], peer: Row, seconds: float) -> float | None:
    """Return seconds / the fewest seconds with which ours is as good as the peer; None if never, or if it diverged."""
    names = [name for name in SCORES if peer[name] is not None]
    reached = [
        run["seconds"]
        for run in ours
        if names and all(run[name] is not None and run[name][0] <= peer[name][0] for name in names)
    ]
    return seconds / min(reached) if reached else None


def show(rows: Iterable[Row]) -> None:
    """Print the table, and how many of the goals were met."""
    table = means(rows)
    head = ("model", "peer", "data", "seeds", "floor", "excess", "peer's", "ratio", "kl", "peer's", "ratio", "goal")
    form = "{:14}{:19}{:16}{:>6}{:>8}" + "{:>15}{:>15}{:>7}" * 2 + "{:>6}{:>8}"
    print(form.format(*head, "sooner"))
    for row in table:
        cells = [row["model"], row["recipe"], row["data"], row["seeds"], f"{row['floor']:.4f}"]
        for name in SCORES:
            both = [
                _text(side[name], "diverged" if side["excess"] is None else "–")
                for side in (row["ours"][-1], row["peer"])
            ]
            cells += [*both, _digits(row["ratio"][name], 2)]
        note = f"  (the peer diverged in {row['diverged']} more)" if row["diverged"] else ""
        print(form.format(*cells, _digits(row["goal"], 2), _digits(row["sooner"], 0)) + note)
    ratios = [(value, row["goal"]) for row in table for value in row["ratio"].values() if value is not None]
    sooner = [row["sooner"] or 0 for row in table if row["peer"]["excess"] is not None]
    print(f"{sum(value <= goal for value, goal in ratios)} of {len(ratios)} ratios within their goal; ", end="")
    print(f"{sum(s >= SOONER_GOAL for s in sooner)} of {len(sooner)} at least {SOONER_GOAL:.0f} times sooner")


def _text(score: tuple[float, float | None] | None, missing: str) -> str:
    if score is None:
        return missing
    mean, error = score
    return f"{mean:.4f}" if error is None else f"{mean:.4f}±{error:.4f}"


def _digits(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def store(rows: Sequence[Row], path: Path, packages: Sequence[str]) -> None:
    """Write the rows with what they ran on, each with its commit; rows of earlier runs stay, but for the same pairs.

    Args:
        packages: those of the peers, whose versions are written where they are installed.
    """
    from genbench.core.environment import environment
    from genbench.core.files import write_whole

    facts = environment()
    rows = [row | {"commit": facts["commit"]} for row in rows]
    taken = {_place(row) for row in rows}
    rows = sorted([*(row for row in stored(path) if _place(row) not in taken), *rows], key=_place)
    facts["libraries"] |= {name: found for name in packages if (found := _version(name))}
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"environment": facts, "rows": rows}, indent=1) + "\n"
    write_whole(path, lambda file: file.write(text.encode()))


def stored(path: Path) -> list[Row]:
    """Return the rows of a file that may not be there; GenbenchError if it holds something else."""
    from genbench.core.errors import GenbenchError

    if not path.exists():
        return []
    try:
        rows: list[Row] = json.loads(path.read_text(encoding="utf-8"))["rows"]
        means(rows)  # which reads all that a table needs
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GenbenchError(f"{path} holds no table of peers; give another file") from error
    return rows


def _pair(row: Row) -> tuple[str, str, float, int]:
    """Return what rows have in common that differ by their seed alone."""
    return row["data"], row["model"], row["seconds"], row["train"]


def _place(row: Row) -> tuple[str, str, float, int, int]:
    """Return where a row stands in the whole table."""
    return *_pair(row), row["seed"]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
