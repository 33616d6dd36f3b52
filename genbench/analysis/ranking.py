"""One ranking over several datasets: the best model, and how much worse the others are.

It also has intervals of their ranks.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.analysis.dataset_scores import DatasetScores, Scale, scores_by_dataset
from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.scores import Row, Verdict, card_of, finite
from genbench.analysis.verdicts import USUAL_MARGIN, Margin
from genbench.statistics.best import compare_with_best
from genbench.statistics.intervals import mean_intervals
from genbench.statistics.paired import holm
from genbench.statistics.rank_intervals import rank_intervals
from genbench.statistics.ranks import Ranks
from genbench.statistics.signed_rank import Odds, signed_rank_odds, wilcoxon

__all__ = ["MIN_DATASETS", "Estimate", "RankedModel", "Ranking", "rankings"]

MIN_DATASETS = 3  # with 2, how an advantage varies between datasets would be known from a single number


class Estimate(NamedTuple):
    """A value and the ends of its interval, which are NaN if there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class RankedModel:
    """One model over all datasets.

    Attributes:
        score: its mean over datasets, on the scale of the ranking, with a 95 % interval by Student's t over datasets.
        average_rank: its mean rank over datasets, used by Friedman's test; 1 is best.
        ranks: the first and the last rank that it may have, simultaneous with those of the others.
        verdict, worse_by: as in a table, with datasets instead of seeds. None if there are too few; `worse_by` is also
            None if this model or the only other one failed.
        wilcoxon: p-value of the signed-rank test against the leader, adjusted over all models by Holm's method; None
            for the leader and for a model with a failure.
        odds: probabilities that it is better than the leader, equivalent, or worse on a further dataset of this kind;
            None in the same cases.
        failures: number of seeds that failed or have an infinite score, over all datasets.
    """

    name: str
    score: Estimate
    average_rank: float
    ranks: tuple[int, int] | None = None
    verdict: Verdict | None = None
    worse_by: tuple[float | None, float | None] | None = None
    wilcoxon: float | None = None
    odds: Odds | None = None
    failures: int = 0


@dataclass(frozen=True)
class Ranking:
    """Models over several datasets, ranked by one metric, best first.

    Attributes:
        metric, unit: the metric, and the unit of `RankedModel.score`: "× oracle" or the metric's own.
        likelihood: the kind of likelihood, if kinds must not be ranked together.
        datasets: the datasets on which all of the models were run.
        models: the models sorted by score, those with a failure last.
        scale: the scale of the comparison: quotients of scores, differences of scores, or differences of ranks.
        margin: how much worse than the best a model may be and still count as good; None if unknown.
        ranks: the tests of average ranks, in the order of `models`.
        left_out: models that lack scores on some datasets.
    """

    metric: str
    unit: str
    likelihood: str | None
    datasets: tuple[str, ...]
    models: tuple[RankedModel, ...]
    scale: Scale
    margin: float | None
    ranks: Ranks
    left_out: tuple[str, ...]

    @property
    def cliques(self) -> list[list[str]]:
        """The largest groups of models whose average ranks do not differ significantly."""
        return [[self.models[i].name for i in clique] for clique in self.ranks.cliques]


def rankings(board: Leaderboard, metric: str | None = None) -> list[Ranking]:
    """Return the rankings over the datasets of a leaderboard, by a metric.

    Unless given, it is the metric by which the leaderboard is sorted. There is one ranking for each kind of likelihood
    if kinds must not be mixed, and none for fewer than two datasets or two models. Datasets on which fewer than half of
    the models were run do not count.

    Models are compared by `compare_with_best` with datasets instead of seeds. A model's entry for a dataset is the mean
    over its seeds, effects that all models share on a dataset are subtracted, and the noise is the variation of a
    model's advantage between datasets. So the verdicts hold for further datasets of this kind, not only for these.

    The scale is that of `scores_by_dataset`: quotients, differences, or ranks.

    A model with a seed that failed, or whose score is infinite, has no finite mean. That counts as worse than any
    score, so it ranks behind all models without a failure. Its score is shown over the other seeds.
    """
    metric = metric or board.sort
    tasks = {row.task for row in board.rows if metric in row.values}
    rows = [row for row in board.rows if row.role == "model" and row.task in tasks]
    counts = Counter(row.dataset for row in rows)
    datasets = tuple(name for name, count in counts.items() if 2 * count >= max(counts.values()))
    if metric is None or len(datasets) < 2:
        return []
    kinds = dict.fromkeys(row.likelihood for row in rows if row.seeds) if card_of(metric).by_likelihood else [None]
    found = []
    for kind in kinds:
        mine = [r for r in rows if r.dataset in datasets and (kind is None or r.likelihood == kind or not r.seeds)]
        scores = scores_by_dataset(mine, metric, datasets)
        if len(scores.models) > 1:
            margin = _margin(board, metric, mine, scores.scale)
            found.append(_ranking(scores, metric, kind, margin, board.alpha))
    return found


def _ranking(one: DatasetScores, metric: str, kind: str | None, margin: float | None, alpha: float) -> Ranking:
    competing = np.flatnonzero(one.failures == 0)
    blank = [
        RankedModel(name, _estimate(one, i), 0.0, failures=int(one.failures[i])) for i, name in enumerate(one.models)
    ]
    models = _compared(one, blank, competing, margin, alpha) if len(one.datasets) >= MIN_DATASETS else blank
    means = one.values.mean(axis=1)
    order = sorted(range(len(models)), key=lambda i: (one.failures[i] > 0, means[i]))
    ranks = Ranks.of(np.where(one.broken, np.nan, one.values)[order].T, alpha)
    listed = (replace(models[i], average_rank=float(rank)) for i, rank in zip(order, ranks.average, strict=True))
    return Ranking(metric, one.unit, kind, one.datasets, tuple(listed), one.scale, margin, ranks, one.left_out)


def _compared(
    one: DatasetScores, blank: list[RankedModel], competing: NDArray[np.intp], margin: float | None, alpha: float
) -> list[RankedModel]:
    """Return the models with their verdicts, intervals of ranks, and comparisons with the leader."""
    if not len(competing):
        return blank
    k = len(blank)
    models = [replace(model, ranks=(len(competing) + 1, k), verdict="worse") for model in blank]
    found = compare_with_best(one.values[competing], alpha)
    first, last = rank_intervals(found, len(one.datasets), alpha)
    leader = competing[int(np.argmin(found.mean))]
    for place, i in enumerate(competing):
        ends = found.low[place], found.high[place]
        low, high = (_exp(end) if one.scale == "quotient" else float(end) for end in ends)
        verdict: Verdict = "best" if i == leader else "open" if found.in_set[place] else "worse"
        if verdict == "open" and margin is not None and high <= margin and _holds(models[i], models[leader]):
            verdict = "as good"
        # The two procedures err in 5 % each; what one says of the first rank, the other must not contradict.
        start = 1 if found.in_set[place] else max(2, int(first[place]))
        ranks = (start, max(start, int(last[place])))
        worse_by = (finite(low), finite(high)) if len(competing) > 1 else None
        models[i] = replace(models[i], verdict=verdict, worse_by=worse_by, ranks=ranks)
    differences = one.values - one.values[leader]
    others = competing[competing != leader]
    rope = 0.0 if margin is None else math.log(margin) if one.scale == "quotient" else margin
    for i, p in zip(others, holm(wilcoxon(differences[others])), strict=True):
        models[i] = replace(models[i], wilcoxon=float(p), odds=signed_rank_odds(differences[i], rope))
    return models


def _exp(x: float) -> float:
    """Return e^x, ∞ where a double ends."""
    return math.exp(x) if x < 700 else math.inf


def _holds(model: RankedModel, leader: RankedModel) -> bool:
    """Return whether the interval that is shown beside a model holds the leader's score; no other is shown as good."""
    return model.score.low <= leader.score.value <= model.score.high


def _estimate(one: DatasetScores, i: int) -> Estimate:
    """Return a model's mean over datasets as it is shown, with its interval."""
    shown = one.values[i] - one.offsets
    ends = [float(x[0]) for x in mean_intervals(shown[None], "t")]
    if len(one.datasets) < MIN_DATASETS or one.failures[i]:
        ends[1:] = np.nan, np.nan
    if one.scale == "quotient":
        return Estimate(*np.exp(ends).tolist())
    return Estimate(-ends[0], -ends[2], -ends[1]) if one.flipped else Estimate(*ends)


def _margin(board: Leaderboard, metric: str, rows: list[Row], scale: Scale) -> float | None:
    """Return the margin: the one asked for, 10 % of quotients, or the median of those of the datasets' tables."""
    asked = board.margin or Margin()
    if scale == "rank":
        return None
    if scale == "quotient":
        return 1 + (USUAL_MARGIN if asked.share is None else asked.share)
    places = [[r for r in board.rows if r.place == place] for place in dict.fromkeys(row.place for row in rows)]
    found = [margin for here in places if (margin := asked.of(metric, here, "difference")) is not None]
    return float(np.median(found)) if found else None
