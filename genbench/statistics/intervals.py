"""Confidence intervals over seeds, for a mean and for the quotient of two means."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from genbench.core.errors import GenbenchError
from genbench.core.types import Array

__all__ = ["BOOTSTRAP_FROM", "Method", "mean_intervals", "ratio_intervals"]

Method = Literal["auto", "t", "bootstrap"]

BOOTSTRAP_FROM = 10  # seeds; with fewer the studentised bootstrap has too few distinct resamples
RESAMPLES = 999  # so that the 2.5 % and 97.5 % quantiles are the 25th and the 975th of the ordered values
BLOCK = 2_000_000  # numbers of a block of rows × resamples: chosen by hand, time against memory


def mean_intervals(
    values: Array, method: Method = "auto", level: float = 0.95, seed: int = 0
) -> tuple[Array, Array, Array]:
    """Return the mean of each row of independent values [r, n] and its interval.

    The result is three arrays [r]: means, lower ends, upper ends. "t" is Student's. "bootstrap" is the studentised
    bootstrap (Efron and Tibshirani 1993, section 12.5): quantiles of (x̄* − x̄) / se* over resamples in place of
    Student's, so that a skewed score gets a skewed interval; a row with too few distinct values gets Student's. "auto"
    is t for fewer than 10 values and the bootstrap otherwise: for few values, its intervals are much longer; for more,
    those of skewed scores cover the mean more often. The ends are NaN for fewer than two values, or if a value is
    infinite; then the mean is infinite too, or NaN if there are infinities of both signs.

    Raises:
        GenbenchError: the method is unknown.
    """
    from scipy.special import stdtrit

    if method not in ("auto", "t", "bootstrap"):
        raise GenbenchError(f"no interval method '{method}'; write auto, t or bootstrap")
    values = np.asarray(values, dtype=np.float64)
    n = values.shape[1]
    with np.errstate(invalid="ignore"):
        mean = values.mean(axis=1)
    if n < 2:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    values = np.where(np.isfinite(values).all(axis=1, keepdims=True), values, np.nan)
    error = values.std(axis=1, ddof=1) / np.sqrt(n)
    half = stdtrit(n - 1, 0.5 + level / 2) * error  # Student's
    low, high = mean - half, mean + half
    if method == "bootstrap" or (method == "auto" and n >= BOOTSTRAP_FROM):
        for start in range(0, len(values), max(1, BLOCK // RESAMPLES)):
            rows = slice(start, start + max(1, BLOCK // RESAMPLES))
            quantiles = _studentised_quantiles(values[rows], level, seed)  # (2, rows)
            fine = np.isfinite(quantiles).all(axis=0)
            ends = mean[rows] - np.where(fine, quantiles, 0.0)[::-1] * error[rows]
            low[rows], high[rows] = np.where(fine, ends, (low[rows], high[rows]))
    return mean, low, high


def ratio_intervals(values: Array, floors: Array, level: float = 0.95) -> tuple[Array, Array, Array]:
    """Return the quotients of the means of `values` [r, n] and `floors` [r, m], by row.

    The result is three arrays [r]: quotients, lower ends, upper ends. Both means have an error. By the delta method,
    log(x̄/f̄) has variance s_x²/(n x̄²) + s_f²/(m f̄²) and Welch–Satterthwaite degrees of freedom; the ends are exp of
    log(x̄/f̄) ± t · standard error, and positive. Fieller's interval may be unbounded if the floors are few and noisy.
    The result is NaN if a mean is infinite or not positive; the ends are NaN for fewer than two values or floors.
    """
    from scipy.special import stdtrit

    x, f = np.asarray(values, dtype=np.float64), np.asarray(floors, dtype=np.float64)
    n, m = x.shape[1], f.shape[1]
    above, below = x.mean(axis=1), f.mean(axis=1)
    positive = (above > 0) & (below > 0) & np.isfinite(above) & np.isfinite(below)
    x, f = np.where(positive[:, None], x, np.nan), np.where(positive[:, None], f, np.nan)
    above, below = np.where(positive, above, np.nan), np.where(positive, below, np.nan)
    ratio = above / below
    if n < 2 or m < 2:
        return ratio, np.full_like(ratio, np.nan), np.full_like(ratio, np.nan)
    a, b = x.var(axis=1, ddof=1) / n / above**2, f.var(axis=1, ddof=1) / m / below**2
    spread = np.where(a + b > 0, a + b, 1.0)
    freedom = spread**2 / np.maximum(a**2 / (n - 1) + b**2 / (m - 1), np.finfo(float).tiny)
    half = np.where(a + b > 0, stdtrit(freedom, 0.5 + level / 2) * np.sqrt(a + b), a + b)
    return ratio, ratio * np.exp(-half), ratio * np.exp(half)


def _studentised_quantiles(x: Array, level: float, seed: int) -> Array:
    """Return the lower and upper quantile of (x̄* − x̄) / se* for each row of x [r, n]: [2, r], not finite in vain."""
    n = x.shape[1]
    centred = x - x.mean(axis=1, keepdims=True)
    scale = centred.std(axis=1, ddof=1, keepdims=True)
    z = np.divide(centred, scale, out=np.full_like(centred, np.nan), where=scale > 0).astype(np.float32)
    weights = _weights(n, seed)
    mean = z @ weights.T  # (r, resamples); in single precision, which is far finer than what resampling leaves open
    variance = (z * z) @ weights.T - mean**2
    varied = variance > 1e-5  # less is rounding: the resample holds one value only
    t = np.where(varied, mean, np.copysign(np.inf, mean))
    t = np.divide(t, np.sqrt(variance / (n - 1), where=varied, out=np.ones_like(t)), out=t)
    low = max(0, round((RESAMPLES + 1) * (0.5 - level / 2)) - 1)
    t.partition((low, RESAMPLES - 1 - low), axis=1)
    return t[:, (low, RESAMPLES - 1 - low)].T


@lru_cache(maxsize=32)
def _weights(n: int, seed: int) -> Array:
    """Return how often each of n values is in each resample, divided by n: [resamples, n]."""
    counts = np.random.default_rng([seed, n]).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    return (counts / n).astype(np.float32)
