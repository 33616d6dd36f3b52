"""Leaderboards whose verdicts are given by hand, for tests of the words that show them."""

import math

import numpy as np

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.scores import Cell, Row, finite
from genbench.analysis.verdicts import Contest
from genbench.core.registry import discover
from genbench.statistics.best import WithBest


def row(model, mean, *, role="model", likelihood="exact", seeds=3, metric="w2", dataset="d", budgets=("quick",)):
    """Return a row whose scores all lie at its mean."""
    discover(groups=("metrics",))
    return Row(
        model=model, dataset=dataset, task="generate", place=dataset, family="f", role=role, likelihood=likelihood,
        seeds=seeds, failed=0, statuses={"ok": seeds}, metrics={metric: Cell(mean, None, None)},
        cost=dict.fromkeys(("train_seconds", "compute", "samples_per_second", "parameters", "nfe")), flags=[],
        values={metric: dict.fromkeys(range(seeds), mean)}, budgets=budgets,
    )  # fmt: skip


def judged(models, *, margin=None, metric="w2", scale="quotient", kind=None, **facts):
    """Return the contest of models by name -> (in the set, low, high), and their rows, with verdicts in their cells.

    The first leads, and each after it is a little worse.
    """
    rows = [
        row(name, 1 + 0.001 * i, metric=metric, likelihood=kind or "exact", **facts) for i, name in enumerate(models)
    ]
    ends = np.array([[low, high] for _, low, high in models.values()], dtype=float).T
    ends = np.log(ends) if scale == "quotient" else ends
    in_set = np.array([inside for inside, _, _ in models.values()])
    found = WithBest(np.arange(len(rows), dtype=float), in_set, *ends, None)
    contest = Contest(metric, kind, tuple(rows), scale, margin, found)
    for i, one in enumerate(rows):
        cell, ends = one.metrics[metric], contest.worse_by(i)
        cell.verdict, cell.scale = contest.verdict(i), scale
        cell.worse_by = (finite(ends[0]), finite(ends[1]))
    return contest, rows


def board_of(*judgements, others=(), metric="w2", verdicts=True):
    """Return the leaderboard of some contests with their rows, and of other rows."""
    rows = [one for _, rows in judgements for one in rows] + list(others)
    places = dict.fromkeys(one.place for one in rows)
    contests = {(place, metric): [c for c, its in judgements if its[0].place == place] for place in places}
    return Leaderboard(rows, metric, [metric], contests=contests if verdicts else {})


LEADS, OPEN = (True, 0.5, 1.0), (True, 0.8, 3.12)  # (in the set, low, high) by quotients
GOOD, WORSE, BARELY = (True, 0.9, 1.0834), (False, 1.7145, 11.7696), (False, 1.0, 5.8177)
INFINITE = math.inf
