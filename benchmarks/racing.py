"""What `--seeds auto` spends, and how often it fails, by simulation.

  python benchmarks/racing.py                                  # a table in Markdown
  python benchmarks/racing.py --runs 1000 --out racing.json

Scores are logarithms with a standard deviation for each model as genbench's own stored runs have it: scaled inverse χ²
with 5 degrees of freedom around 0.172. In each simulated table ten models are this many times worse than the best:

  equal     none is worse                     one 1.5, one 2    one model
  half 2    half of them, 2 times             mixture           1, 1, 1.1, 1.3, 1.5, 2, 2, 3, 5, 10 times

with normal noise, t₄ noise, and seeds that are hard for all models alike. Each table is raced up to `--most`
seeds, and compared at once with each of some fixed numbers of seeds at 5 %. The columns:

  error       how often the first model, which is a best one, was called worse at one of the looks (± 2 standard errors)
  other       the same by another metric, whose noise correlates by 0.8 and whose best model is this one alone
  too good    how often a model was called as good that is worse by more than the margin
  trials      spent by the race, on average
  excluded    share of the worse models that were called worse
  decided     share of all models that were called best, as good or worse
  tables      share of the tables in which all models were decided
  fixed       trials that fixed seeds need for as many excluded, decided, tables, and the race's share of them; with
              normal noise only
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genbench.core.types import Array
from genbench.statistics.best import WithBest, compare_with_best
from genbench.statistics.racing import FIRST, level, needed, next_look, running, with_lost

FACTORS = {
    "equal": [1.0] * 10,
    "one 1.5": [1.0] * 9 + [1.5],
    "one 2": [1.0] * 9 + [2.0],
    "half 2": [1.0] * 5 + [2.0] * 5,
    "mixture": [1, 1, 1.1, 1.3, 1.5, 2, 2, 3, 5, 10],
}
NOISE = ("normal", "t4", "blocks")
SD, FREEDOM, BLOCKS = 0.172, 5, 0.3
FIXED = (3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 25, 30, 40, 60, 100)
CORRELATION = 0.8


@dataclass(frozen=True)
class Outcome:
    """Verdicts of one table: which models were called worse, which are open, and which as good [k]."""

    worse: Array
    open: Array
    good: Array
    trials: int = 0
    seeds: Array | None = None  # of each model, at the end
    alpha: float = 0.05  # of the last look


def tables(factors: Sequence[float], noise: str, runs: int) -> list[Array]:
    """Return simulated scores: of each table [2, k, seeds], by the raced metric and by another."""
    rng, k, n = np.random.default_rng(1), len(factors), max(FIXED)
    found = []
    for _ in range(runs):
        sd = SD * np.sqrt(FREEDOM / rng.chisquare(FREEDOM, size=k))[:, None]
        draws = rng.standard_normal((2, k, n)) if noise != "t4" else rng.standard_t(4, (2, k, n)) / np.sqrt(2)
        draws[1] = CORRELATION * draws[0] + np.sqrt(1 - CORRELATION**2) * draws[1]
        shared = BLOCKS * rng.standard_normal(n) if noise == "blocks" else 0.0
        others = np.where(np.arange(k) == k - 1, 0.0, 0.05)  # by the other metric the last model is best, by 5 %
        found.append(np.stack([np.log(factors)[:, None], others[:, None]]) + sd * draws + shared)
    return found


def outcome(found: WithBest, margin: float, **more: object) -> Outcome:
    """Return the verdicts of a comparison."""
    leads = np.arange(len(found.mean)) == np.argmin(np.where(found.in_set, found.mean, np.inf))
    good = found.in_set & ~leads & (found.high <= margin)
    return Outcome(~found.in_set, found.in_set & ~leads & ~good, good, **more)  # type: ignore[arg-type]


def race(scores: Array, margin: float, most: int) -> Outcome:
    """Race the models of one table [k, seeds], as `genbench.runs.race` does."""
    k = len(scores)
    n, lost, looks = np.full(k, FIRST), np.zeros(k, bool), [FIRST]
    while True:
        alpha = level(looks)
        found = with_lost(compare_with_best(cut(scores, n), alpha), lost)
        now = outcome(found, margin, trials=int(n.sum()), seeds=n.copy(), alpha=alpha)
        lost = now.worse
        after = next_look(looks[-1], most)
        hopeful = now.open & (needed(found, alpha, margin) <= most)
        more = running(found, hopeful, n, alpha, most)
        if looks[-1] >= most or not more.any():
            return now
        n[more] = after
        looks.append(after)


def cut(scores: Array, seeds: Array) -> Array:
    """Return scores with NaN beyond the seeds of each model."""
    return np.where(np.arange(scores.shape[1]) < seeds[:, None], scores, np.nan)[:, : seeds.max()]


def measures(outcomes: Sequence[Outcome], worse: Array) -> tuple[float, float, float]:
    """Return the shares of worse models that were excluded, of models that were decided, and of tables."""
    open_ = np.array([one.open for one in outcomes])
    excluded = np.array([one.worse for one in outcomes])[:, worse].mean() if worse.any() else np.nan
    return float(excluded), float(1 - open_.mean()), float((~open_.any(axis=1)).mean())


def as_many(target: float, reached: Sequence[float]) -> float:
    """Return the fixed number of seeds that reaches a target, between those of FIXED; infinite if none does."""
    ever = np.maximum.accumulate(reached)
    at = int(np.searchsorted(ever, target - 1e-9))
    if at == 0:
        return FIXED[0]
    if at == len(FIXED):
        return np.inf
    return float(FIXED[at - 1] + (FIXED[at] - FIXED[at - 1]) * (target - ever[at - 1]) / (ever[at] - ever[at - 1]))


def cell(name: str, noise: str, margin: float, most: int, runs: int) -> dict[str, object]:
    """Return the figures of one configuration."""
    factors = np.array(FACTORS[name], dtype=float)
    least, simulated = np.log(margin), tables(list(factors), noise, runs)
    raced = [race(both[0], least, most) for both in simulated]
    other = [compare_with_best(cut(y[1], one.seeds), one.alpha) for y, one in zip(simulated, raced, strict=True)]
    fixed = FIXED if noise == NOISE[0] else ()
    reached = [
        measures([outcome(compare_with_best(both[0][:, :n]), least) for both in simulated], factors > 1) for n in fixed
    ]
    row: dict[str, object] = {"models": name, "noise": noise, "margin": margin, "most": most, "runs": runs}
    row["error"] = float(np.mean([one.worse[0] for one in raced]))
    row["other"] = float(np.mean([not one.in_set[-1] for one in other]))
    row["too good"] = float(np.mean([(one.good & (factors > margin)).any() for one in raced]))
    row["trials"] = float(np.mean([one.trials for one in raced]))
    for i, what in enumerate(("excluded", "decided", "tables")):
        row[what] = measures(raced, factors > 1)[i]
        n = as_many(float(row[what]), [each[i] for each in reached]) if reached and np.isfinite(row[what]) else np.nan  # type: ignore[arg-type, call-overload]
        row[f"fixed, {what}"] = len(factors) * n
    return row


def markdown(rows: Sequence[dict[str, object]]) -> str:
    """Return the figures as a table."""
    heads = ["models", "noise", "margin", "error", "other", "too good", "trials"]
    powers = ["excluded", "decided", "tables"]
    lines = ["| " + " | ".join([*heads, *(h for p in powers for h in (p, "fixed"))]) + " |", "|---" * 13 + "|"]
    for row in rows:
        error = float(row["error"])  # type: ignore[arg-type]
        two = 2 * np.sqrt(error * (1 - error) / int(row["runs"]))  # type: ignore[call-overload]
        cells = [row["models"], row["noise"], f"{row['margin']:g} ×", f"{error:.1%} ± {two:.1%}"]
        cells += [f"{row['other']:.1%}", f"{row['too good']:.1%}", f"{row['trials']:.0f}"]
        for what in powers:
            fixed = float(row[f"fixed, {what}"])  # type: ignore[arg-type]
            share = float(row["trials"]) / fixed  # type: ignore[arg-type]
            known = f"{fixed:.0f} ({share:.0%})" if np.isfinite(fixed) else f"> {10 * FIXED[-1]}"
            power = float(row[what])  # type: ignore[arg-type]
            cells += ["–" if np.isnan(power) else f"{power:.1%}", "–" if np.isnan(fixed) else known]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def known(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with None for what has no value."""
    return {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in row.items()}


def main() -> None:
    """Run as a script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=400, help="simulated tables of each kind")
    parser.add_argument("--models", default=",".join(FACTORS), help="kinds of tables")
    parser.add_argument("--noise", default=",".join(NOISE))
    parser.add_argument("--margins", default="1.25,1.5,2", help="quotients within which models are as good")
    parser.add_argument("--most", type=int, default=20, help="seeds that a model may get")
    parser.add_argument("--out", type=Path, help="file for the figures as JSON")
    asked = parser.parse_args()
    rows = []
    for margin in map(float, asked.margins.split(",")):
        for noise in asked.noise.split(","):
            for name in asked.models.split(","):
                rows.append(cell(name, noise, margin, asked.most, asked.runs))
                print(markdown(rows[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
                if asked.out:
                    asked.out.write_text(json.dumps([known(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    print(markdown(rows))


if __name__ == "__main__":
    main()
