"""Verdicts of a table by a metric: best, as good, worse, or open."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from genbench.analysis.scores import Cell, Row, card_of, finite
from genbench.contracts.metric import MetricCard
from genbench.core.errors import GenbenchError, shown
from genbench.core.types import Array
from genbench.statistics.best import ALPHA, WithBest, compare_with_best
from genbench.statistics.racing import with_lost
from genbench.statistics.resolution import resolution, smallest_difference

__all__ = ["EQUIVALENT", "USUAL_MARGIN", "Contest", "Margin", "Scale", "contests", "set_verdicts"]

Scale = Literal["quotient", "difference"]

MARGIN = re.compile(r"(\d*\.?\d+(?:e-?\d+)?)\s*(%?)", re.ASCII)
LONGEST = 100  # letters of a margin; by hand
# The default margin is a metric's resolution, at most this: the bounds within which two drugs are taken for equivalent
# (FDA 2001, Statistical approaches to establishing bioequivalence).
EQUIVALENT = 1.25
# A share: the margin between pairs of one seed, and over datasets, where no table gives one. By hand: seeds cancel in
# pairs, and errors of datasets average out, so that smaller differences can be shown than between models of a table.
USUAL_MARGIN = 0.1
MINIMUM_SEEDS = 2
ROUNDING = 1e-12  # a score that varies less from draw to draw is exact


@dataclass(frozen=True)
class Margin:
    """How much worse than the best a model may be and still count as good.

    None means the metric's own margin.

    Attributes:
        share: a share of the best score, for scores that are compared by quotients; 0.1 is 10 %.
        difference: a difference in the metric's unit, for other scores.
    """

    share: float | None = None
    difference: float | None = None

    @classmethod
    def parse(cls, text: str) -> Margin:
        """Return the margin from a text: "10%", "0.05", or both with a comma.

        >>> Margin.parse("10%,0.05")
        Margin(share=0.1, difference=0.05)

        Raises:
            GenbenchError: it is neither, is not above 0, or has one of them twice.
        """
        found = cls()
        for part in text.split(","):
            match = MARGIN.fullmatch(part.strip()) if len(part) < LONGEST else None  # the pattern is no linear one
            if not match or not 0 < float(match[1]) < math.inf:
                raise GenbenchError(
                    f"margin '{shown(text)}' is neither a share nor a difference above 0; write 10% (for scores "
                    "that are compared by quotients), 0.05 (in the metric's unit, for the others), or both: 10%,0.05"
                )
            number, slot = float(match[1]), "share" if match[2] else "difference"
            if getattr(found, slot) is not None:
                what = "shares" if match[2] else "differences"
                raise GenbenchError(f"margin '{shown(text)}' names two {what}; write one of each: 10%,0.05")
            found = replace(found, **{slot: number / 100 if match[2] else number})
        return found

    def of(self, name: str, rows: Sequence[Row], scale: Scale) -> float | None:
        """Return the margin for the scores of one metric in one table; None if there is none.

        It is a quotient or a difference. A metric's own margin is the smallest difference that it can show. It follows
        from the oracle's draws, or without them from the standard errors of the scores.
        """
        given = self.share if scale == "quotient" else self.difference
        if given is not None:
            return 1 + given if scale == "quotient" else given
        oracle = next((row for row in rows if row.role == "oracle"), None)
        seeds = max(row.seeds for row in rows)
        own = resolution(name, oracle.draws.get(name, []), oracle.samples, seeds) if oracle else None
        if scale == "quotient":
            if own is None or own.smallest_difference is None or own.oracle_mean <= 0:
                return EQUIVALENT
            return min(1 + own.smallest_difference / own.oracle_mean, EQUIVALENT)
        errors = [row.standard_errors.get(name, 0.0) for row in rows if row.role == "model"]
        sd = own.oracle_sd if own else float(np.sqrt(np.mean(np.square(errors or 0.0))))
        return smallest_difference(sd, seeds) if sd > ROUNDING else None


@dataclass(frozen=True)
class Contest:
    """The models of one table that compete by one metric, with their verdicts.

    Attributes:
        metric, likelihood: the metric, and the kind of likelihood, if kinds are ranked separately.
        rows: the models with a finite score for two seeds or more.
        scale: whether they are compared by quotients of scores, or by differences.
        margin: largest quotient or difference of two models that are equally good; None if unknown.
        found: the comparison of logarithms, or of scores with such a sign that smaller is better.
    """

    metric: str
    likelihood: str | None
    rows: tuple[Row, ...]
    scale: Scale
    margin: float | None
    found: WithBest

    @property
    def leader(self) -> Row:
        """The leading model: the one with the best mean among those that may be the best."""
        return self.rows[self.first]

    @cached_property
    def first(self) -> int:
        """The index of the leader."""
        sign = -1 if card_of(self.metric).higher_is_better else 1
        means = [sign * cell.mean if (cell := row.metrics[self.metric]) else np.nan for row in self.rows]
        return int(np.argmin(np.where(self.found.in_set, means, np.inf)))

    def verdict(self, i: int) -> Literal["best", "as good", "open", "worse"]:
        """Return the verdict on the i-th model."""
        if i == self.first:
            return "best"
        if not self.found.in_set[i]:
            return "worse"
        close = self.margin is not None and self.worse_by(i)[1] <= self.margin
        return "as good" if close and self._holds_the_best(self.rows[i]) else "open"

    def worse_by(self, i: int) -> tuple[float, float]:
        """Return the interval of how much worse the i-th model is than the best of the others."""
        low, high = float(self.found.low[i]), float(self.found.high[i])
        return (_exp(low), _exp(high)) if self.scale == "quotient" else (low, high)

    def behind(self, i: int) -> float:
        """Return how much worse the i-th model is than the best of the others, by compared means.

        `worse_by` is its interval. A quotient is that of geometric means over seeds.
        """
        ahead = float(self.found.mean[i] - np.delete(self.found.mean, i).min())
        return _exp(ahead) if self.scale == "quotient" else ahead

    def _holds_the_best(self, row: Row) -> bool:
        """Return whether all intervals that are shown of a row hold the leader's mean; no other is shown as good."""
        mine, best = row.metrics[self.metric], self.leader.metrics[self.metric]
        return bool(mine and best and _holds(mine, best))


def _holds(cell: Cell, best: Cell) -> bool:
    """Return whether the intervals of a score hold another: itself, mean ± half-width, and that of the quotient.

    The second is what a table prints; by the bootstrap an interval is not symmetric.
    """
    if cell.low is not None and cell.high is not None:
        reach = (cell.high - cell.low) / 2
        if not (cell.low <= best.mean <= cell.high and abs(best.mean - cell.mean) <= reach):
            return False
    if cell.ratio_low is None or cell.ratio_high is None or best.ratio is None:
        return True
    return cell.ratio_low <= best.ratio <= cell.ratio_high


def contests(
    rows: Sequence[Row],
    name: str,
    margin: Margin | None = None,
    alpha: float = ALPHA,
    lost: frozenset[str] = frozenset(),
) -> list[Contest]:
    """Return the contests of one table by one metric: one, or one for each likelihood kind.

    Controls and models with an infinite score do not compete. There is no contest for a metric that does not rank
    models (`ranked`), or for fewer than two models. Models in `lost` are worse, because that was found with fewer
    seeds.
    """
    card = card_of(name)
    if not card.ranked:
        return []
    competing = [row for row in rows if row.role == "model" and _competes(row, name)]
    found = []
    for kind in sorted({row.likelihood for row in competing}) if card.by_likelihood else [None]:
        group = [row for row in competing if kind is None or row.likelihood == kind]
        if len(group) < 2:
            continue
        scores, errors, scale = compared_scores(group, name)
        compared = compare_with_best(scores, alpha, errors)
        if lost:
            compared = with_lost(compared, np.array([row.model in lost for row in group]))
        found.append(Contest(name, kind, tuple(group), scale, (margin or Margin()).of(name, rows, scale), compared))
    return found


def set_verdicts(rows: Sequence[Row], name: str, found: Sequence[Contest]) -> None:
    """Set the verdicts of the contests by one metric in the cells of one table.

    A model with an infinite score for a seed is worse than models without one.
    """
    for contest in found:
        for i, row in enumerate(contest.rows):
            cell = row.metrics[name]
            assert cell
            low, high = contest.worse_by(i)
            cell.verdict, cell.worse_by, cell.scale = contest.verdict(i), (finite(low), finite(high)), contest.scale
        for row in rows:
            cell, competing = row.metrics.get(name), row.role == "model" and len(row.values.get(name, {})) > 1
            if cell and competing and contest.likelihood in (None, row.likelihood) and _lost(cell, card_of(name)):
                cell.verdict = "worse"


def _exp(logarithm: float) -> float:
    """Return the exponential; infinity where it is too large for a number."""
    return math.exp(logarithm) if logarithm < 700 else math.inf


def scale_of(card: MetricCard, scores: Array) -> Scale:
    """Return how scores are compared: by quotients or by differences.

    It is by quotients if the card says so and all scores are positive.
    """
    return "quotient" if card.logarithmic and bool(np.nanmin(scores) > 0) else "difference"


def compared_scores(rows: Sequence[Row], name: str) -> tuple[Array, Array, Scale]:
    """Return the compared scores [k, n], lower bounds of their errors [k], and the scale.

    The scores are logarithms, or have such a sign that smaller is better; NaN for a seed that a model lacks. The errors
    are standard errors of one score.
    """
    card, seeds = card_of(name), sorted({seed for row in rows for seed in row.values[name]})
    scores = np.array([[row.values[name].get(seed, np.nan) for seed in seeds] for row in rows])
    errors = np.array([row.standard_errors.get(name, 0.0) for row in rows])
    if scale_of(card, scores) == "quotient":
        return np.log(scores), errors / np.nanmean(scores, axis=1), "quotient"
    return -scores if card.higher_is_better else scores, errors, "difference"


def _competes(row: Row, name: str) -> bool:
    cell = row.metrics.get(name)
    return cell is not None and math.isfinite(cell.mean) and len(row.values[name]) >= MINIMUM_SEEDS


def _lost(cell: Cell, card: MetricCard) -> bool:
    return cell.mean == (-math.inf if card.higher_is_better else math.inf)
