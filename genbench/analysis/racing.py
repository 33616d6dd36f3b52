"""Verdicts of tables whose seeds were added in a race: level, and models to continue."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genbench.analysis.scores import Row
from genbench.analysis.verdicts import Contest, Margin
from genbench.core.types import Array
from genbench.statistics.racing import FIRST, level, needed, running
from genbench.storage.races import Race

__all__ = ["RaceState", "Undecided", "verdict_terms"]

NEVER = 10_000  # seeds; where so many are needed, the models are equal
Terms = tuple[Margin | None, float, frozenset[str]]


def verdict_terms(race: Race | None, rows: Sequence[Row], name: str, margin: Margin | None, alpha: float) -> Terms:
    """Return the terms of one table's comparison by one metric.

    They are the margin, the level, and the models that were found worse. A race has the level of its last look, for all
    metrics: wherever it ended, the error probabilities of all looks sum to 5 %. A table with more seeds than the race
    is a further look. Only the raced metric defines which models were found worse.
    """
    if race is None:
        return margin, alpha, frozenset()
    looks = [look.seeds for look in race.looks]
    most = max((row.seeds + row.failed for row in rows if row.role == "model"), default=0)
    if not looks or most > looks[-1]:
        looks.append(max(most, FIRST))
    if margin is None and race.margin is not None:
        margin = Margin.parse(race.margin)
    return margin, level(looks), race.dropped if name == race.metric else frozenset()


@dataclass(frozen=True)
class Undecided:
    """A model that may be the best and may be worse, and the seeds that would decide it.

    Their number is approximate; None if no number would decide it.
    """

    model: str
    seeds: int | None


@dataclass(frozen=True)
class RaceState:
    """The state of a race after a look.

    Attributes:
        worse: models that are worse.
        open: models that are open.
        running: models that get more seeds.
    """

    worse: frozenset[str]
    open: tuple[Undecided, ...]
    running: frozenset[str]

    @classmethod
    def of(cls, contests: Sequence[Contest], rows: Sequence[Row], looks: Sequence[int], most: int) -> RaceState:
        """Return the state of one table.

        Args:
            contests: the contests of the table by the raced metric.
            rows: the rows of the table, with their verdicts.
            looks: numbers of seeds of all looks, including this one.
            most: largest number of seeds for a model.
        """
        alpha = level(looks)
        undecided, going = list[Undecided](), set[str]()
        for contest in contests:
            names = [row.model for row in contest.rows]
            open_: Array = np.array([contest.verdict(i) == "open" for i in range(len(names))])
            margin = contest.margin
            if margin is not None and contest.scale == "quotient":
                margin = math.log(margin)
            seeds = np.maximum(needed(contest.found, alpha, margin), looks[-1] + 1)
            undecided += [
                Undecided(names[i], math.ceil(seeds[i]) if seeds[i] < NEVER else None) for i in np.flatnonzero(open_)
            ]
            has = np.array([len(row.values[contest.metric]) for row in contest.rows])
            more = running(contest.found, np.logical_and(open_, seeds <= most), has, alpha, most)
            going |= {names[i] for i in np.flatnonzero(more)}
        metric = contests[0].metric if contests else ""
        cells = {row.model: row.metrics.get(metric) for row in rows if row.role == "model"}
        worse = frozenset(model for model, cell in cells.items() if cell and cell.verdict == "worse")
        return cls(worse, tuple(undecided), frozenset(going))
