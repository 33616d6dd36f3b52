"""Whether 95 % intervals of forecasts contain 95 % of the values."""

from __future__ import annotations

import numpy as np

from genbench.contracts.metric import Score, register_metric
from genbench.contracts.task_evidence import Forecasts

__all__ = ["LEVEL", "coverage", "coverage_error"]

LEVEL = 0.95  # the usual level of an interval
RARE = 0.001  # probability below which a number of hits is flagged; chosen by hand: few false alarms a table


@register_metric(
    "coverage_error", family="forecast", label="|coverage − 95 %|", order=28, ratio=False, task="forecast", main=True
)
def coverage_error(evidence: Forecasts) -> Score:
    """|share − 0.95| for the share of values inside the central 95 % interval of the forecast.

    The share itself is the diagnostic `coverage_95` of a trial. A share that correct intervals have in less than one of
    1,000 series, by the binomial test, is flagged.
    """
    from scipy.stats import binomtest

    inside = coverage(evidence)
    share, n = float(inside.mean()), len(inside)
    flag = None
    if binomtest(int(inside.sum()), n, LEVEL).pvalue < RARE:
        what = "narrow" if share < LEVEL else "wide"
        flag = (
            f"coverage_error: {100 * share:.0f} % of {n} values lie within their 95 % intervals, which are too {what}"
        )
    return Score(abs(share - LEVEL), None, flag)


def coverage(evidence: Forecasts) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which of the values [m] are inside the central 95 % interval of their forecast."""
    low, high = (evidence.predicted.quantile(q) for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return np.asarray((low <= evidence.observed) & (evidence.observed <= high))
