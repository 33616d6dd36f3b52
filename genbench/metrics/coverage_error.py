"""Do 95 % intervals of forecasts hold 95 % of what comes?"""

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
    """How far the share of values within the central 95 % interval of their forecast is from 0.95.

    The share itself is the diagnostic `coverage_95` of a trial. A flag tells a share that 95 % intervals have less than
    once in 1,000 series, by the binomial test.
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
    """Return which of the values [m] lie within the central 95 % interval of their forecast."""
    low, high = (evidence.predicted.quantile(q) for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return np.asarray((low <= evidence.observed) & (evidence.observed <= high))
