"""One ranking over several datasets: interquartile means, average ranks, and how often a run beats another's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.scores import Row, card_of
from genbench.core.types import Array
from genbench.statistics.aggregate import Estimate, interquartile_mean, probability_of_improvement
from genbench.statistics.ranks import Ranks

__all__ = ["RankedModel", "Ranking", "rankings"]


@dataclass(frozen=True)
class RankedModel:
    """One model over all datasets."""

    name: str
    iqm: Estimate  # interquartile mean of its scores over seeds and datasets, with a stratified bootstrap interval
    rank: float  # average; 1 is best
    improvement: Estimate | None  # how often one of its runs beats one of the leader's; None for the leader


@dataclass(frozen=True)
class Ranking:
    """Models over several datasets by one metric, best first (Agarwal et al. 2021; Demšar 2006)."""

    metric: str
    unit: str  # "× oracle", or the metric's own
    likelihood: str | None  # the kind, where kinds must not be ranked together
    datasets: tuple[str, ...]  # on which all of the models were run
    models: tuple[RankedModel, ...]  # by interquartile mean
    ranks: Ranks  # the rank tests, in the order of `models`
    left_out: tuple[str, ...]  # models without scores on all datasets

    @property
    def cliques(self) -> list[list[str]]:
        """The largest groups of models whose ranks do not differ significantly."""
        return [[self.models[i].name for i in clique] for clique in self.ranks.cliques]


def rankings(board: Leaderboard, metric: str | None = None) -> list[Ranking]:
    """Return the ranking over the datasets of a leaderboard by a metric (by the one it is sorted by unless given).

    There is one for each kind of likelihood where kinds must not be mixed, and none with fewer than two datasets or two
    models. Datasets on which fewer than half of the models were run do not count. A score is the quotient by the
    oracle's where the metric has one, so that datasets weigh alike. A seed that failed, or whose score is infinite,
    counts as worse than any score.
    """
    metric = metric or board.sort
    tasks = {row.task for row in board.rows if metric in row.values}
    rows = [row for row in board.rows if row.role == "model" and row.task in tasks]
    counts = Counter(row.dataset for row in rows)
    datasets = tuple(name for name, count in counts.items() if 2 * count >= max(counts.values()))
    if metric is None or len(datasets) < 2:
        return []
    kinds = dict.fromkeys(row.likelihood for row in rows if row.seeds) if card_of(metric).by_likelihood else [None]
    found = [_of_kind(rows, metric, datasets, kind) for kind in kinds]
    return [one for one in found if len(one.models) > 1]


def _of_kind(rows: Sequence[Row], metric: str, datasets: tuple[str, ...], kind: str | None) -> Ranking:
    by_place = {
        (row.model, row.dataset): row for row in rows if kind is None or row.likelihood == kind or not row.seeds
    }
    models = list(dict.fromkeys(model for model, _ in by_place))
    scores = {model: _scores([by_place.get((model, dataset)) for dataset in datasets], metric) for model in models}
    known = {model: x for model, x in scores.items() if x is not None}
    iqm = {model: interquartile_mean(x) for model, x in known.items()}
    order = sorted(known, key=lambda model: iqm[model].value)
    if card_of(metric).higher_is_better:  # the scores had their sign changed
        iqm = {model: Estimate(-one.value, -one.high, -one.low) for model, one in iqm.items()}
    ranks = Ranks.of(np.array([np.mean(known[model], axis=0) for model in order]).T.reshape(len(datasets), -1))
    ranked = tuple(
        RankedModel(
            name=model,
            iqm=iqm[model],
            rank=float(ranks.average[i]),
            improvement=probability_of_improvement(known[model], known[order[0]]) if i else None,
        )
        for i, model in enumerate(order)
    )
    quotient = any(cell.ratio is not None for row in rows if (cell := row.metrics.get(metric)))
    unit = "× oracle" if quotient else card_of(metric).unit
    left_out = tuple(model for model in models if model not in known)
    return Ranking(metric, unit, likelihood=kind, datasets=datasets, models=ranked, ranks=ranks, left_out=left_out)


def _scores(rows: Sequence[Row | None], metric: str) -> Array | None:
    """Return a model's scores [seeds, datasets], lower is better; None where it has none on a dataset.

    Failed seeds and infinite scores are NaN.
    """
    card, columns = card_of(metric), []
    sign = -1 if card.higher_is_better else 1
    for row in rows:
        if row is None or (row.seeds and not row.values.get(metric)):
            return None
        cell = row.metrics.get(metric)
        floor = cell.floor if cell and card.ratio else None
        scale = floor if floor is not None and 0 < floor < np.inf else 1.0
        values = row.values.get(metric, {}).values()
        columns.append([sign * value / scale if np.isfinite(value) else np.nan for value in values])
    seeds = max(row.seeds + row.failed for row in rows if row)
    return np.array([column + [np.nan] * (seeds - len(column)) for column in columns]).T
