"""Linear autoregression of a series, and the two naive forecasts.

The naive forecasts are autoregressions with fixed coefficients.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from genbench.contracts.model import Model, register_model
from genbench.contracts.series import stretches
from genbench.core.errors import GenbenchError
from genbench.core.types import Array, Count, Natural
from genbench.numerics.mixture import Mixture

__all__ = ["ARLinear", "Naive", "SeasonalNaive"]

RIDGE = 1e-6  # by hand; keeps the fitted covariance of a window's first values invertible, in standardised units
EXPLOSIVE = 1 - 1e-8  # by hand, near 1: modulus of a root from which on there is no stationary distribution


@register_model(
    "ar_linear", family="autoregressive", likelihood="exact", paper="Box and Jenkins 1970, ch. 7", kinds=("series",)
)
class ARLinear(Model):
    """Linear autoregression AR(p): x_t = c + Σ_j φ_j x_{t−j} + ε_t with Gaussian ε.

    It is fitted by least squares. Conditional least squares give the coefficients: each value of the training series
    with p values before it is an equation, and a QR decomposition solves them. log p of a window is that of its first p
    values plus the p(x_t | x_{t−1} … x_{t−p}). The first values have the stationary distribution if there is one. If a
    root is outside the unit circle, as for a series that grows, they have the Gaussian of all p consecutive values of
    the training series.

    Args:
        p: order; None selects the one with the lowest criterion.
        criterion: "bic" or "aic", for orders up to `most`, all fitted to the same values.
        most: largest order to try; None is the largest that fits a window, at most 10 log₁₀ of the number of values.
    """

    def __init__(
        self, p: Natural | None = None, criterion: Literal["bic", "aic"] = "bic", most: Natural | None = None
    ) -> None:
        self.p, self.criterion, self.most = p, criterion, most

    def fit(self, x: Array) -> None:
        """Learn from windows x [n, length].

        If windows overlap, each one step after the other, each value counts once.
        """
        self.length, pieces = x.shape[1], stretches(x)
        self.order = self._best_order(pieces) if self.p is None else self.p
        lags, target = _equations(pieces, self.order)
        if len(target) <= self.order + 1:
            raise GenbenchError(
                f"ar_linear[p={self.order}] needs windows of at least {self.order + 1} steps and more than "
                f"{self.order + 1} equations, got {len(target)}; give a smaller p or longer windows"
            )
        self.intercept, self.coefficients = self.solve(lags, target)
        residuals = target - self.intercept - lags @ self.coefficients
        self.std = max(float(np.sqrt(np.mean(residuals**2))), 1e-6)
        self.n_parameters = self.order + 2
        self._begin(pieces)

    def solve(self, lags: Array, target: Array) -> tuple[float, Array]:
        """Return c and φ [p] that minimise ‖target − c − lags φ‖², by X = QR, R β = Qᵀ y."""
        q, r = np.linalg.qr(np.column_stack([np.ones(len(lags)), lags]))
        if np.abs(np.diag(r)).min() < 1e-10 * np.abs(np.diag(r)).max():
            raise GenbenchError(f"the {self.order} values before each are linearly dependent; give a smaller p")
        beta = np.linalg.solve(r, q.T @ target)
        return float(beta[0]), beta[1:]

    def sample(self, n: int) -> Array:
        """Draw the first p values, then each value from those before it."""
        p = min(self.order, self.length)
        x = np.empty((n, self.length))
        x[:, :p] = self.start_mean[:p] + np.random.standard_normal((n, p)) @ self.start_root[:p, :p].T
        for t in range(p, self.length):
            x[:, t] = self._mean(x[:, t - p : t]) + self.std * np.random.standard_normal(n)
        return x

    def log_prob(self, x: Array) -> Array:
        """Return log p(x_1 … x_p) + Σ_{t>p} log p(x_t | x_{t−1} … x_{t−p}) in nats [n]."""
        p = min(self.order, x.shape[1])
        root = self.start_root[:p, :p]
        white = np.linalg.solve(root, (x[:, :p] - self.start_mean[:p]).T)
        log_start = -0.5 * (white**2).sum(axis=0) - np.log(np.diag(root)).sum() - 0.5 * p * np.log(2 * np.pi)
        log_p: Array = log_start + self.log_conditionals(x).sum(axis=1)
        return log_p

    def log_conditionals(self, x: Array) -> Array:
        """Return log N(x_t; c + Σ_j φ_j x_{t−j}, σ²) in nats, [n, length − p].

        There is one for each value with p values before it.
        """
        lags, target = _equations([x], self.order)
        noise = (target - self.intercept - lags @ self.coefficients) / self.std
        log_p: Array = -0.5 * noise**2 - np.log(self.std) - 0.5 * np.log(2 * np.pi)
        return log_p.reshape(-1, len(x)).T

    def forecast(self, x: Array) -> Mixture:
        """Return N(c + Σ_j φ_j x_{k+1−j}, σ²) for each history x [n, k], k at least p."""
        if x.shape[1] < self.order:
            raise GenbenchError(
                f"an autoregression of order {self.order} needs {self.order} values before, got {x.shape[1]}"
            )
        return Mixture.gaussian(self._mean(x), self.std)

    def _mean(self, x: Array) -> Array:
        """Return c + Σ_j φ_j x_{k+1−j} [n] for histories x [n, k]."""
        mean: Array = self.intercept + x[:, x.shape[1] - self.order :] @ self.coefficients[::-1]
        return mean

    def _best_order(self, pieces: list[Array]) -> int:
        """Return the order with the lowest criterion, n log σ² + (p + 2) · (log n or 2), over the same n values.

        With the columns 1, x_{t−1}, …, x_{t−P}, x_t, one QR decomposition gives all: the residual of order p has the
        squared norm of the last column of R below row p.
        """
        values = sum(piece.size for piece in pieces)
        longest = max(piece.shape[1] for piece in pieces)
        most = min(self.length, longest) - 1 if len(pieces[0]) > 1 or self.length < longest else longest // 3
        most = min(most, int(10 * np.log10(values))) if self.most is None else min(self.most, longest - 1)
        lags, target = _equations(pieces, most)
        _, r = np.linalg.qr(np.column_stack([np.ones(len(lags)), lags, target]))
        last = r[:, -1]
        n = len(target)
        orders = np.arange(min(most, len(last) - 2) + 1)
        residual = np.array([(last[p + 1 :] ** 2).sum() for p in orders])
        price = np.log(n) if self.criterion == "bic" else 2.0
        return int(np.argmin(n * np.log(np.maximum(residual, 1e-12 * n) / n) + (orders + 2) * price))

    def _begin(self, pieces: list[Array]) -> None:
        """Set mean [p] and Cholesky factor [p, p] of the distribution of the first p values of a window."""
        p = self.order
        companion = np.eye(p, k=-1)
        companion[:1] = self.coefficients
        self.stationary = p == 0 or float(np.abs(np.linalg.eigvals(companion)).max()) < EXPLOSIVE
        if p == 0:
            self.start_mean, covariance = np.zeros(0), np.zeros((0, 0))
        elif self.stationary:
            from scipy.linalg import solve_discrete_lyapunov

            self.start_mean = np.full(p, self.intercept / (1 - self.coefficients.sum()))
            covariance = solve_discrete_lyapunov(companion, self.std**2 * np.eye(p, 1) @ np.eye(1, p))
        else:
            starts = np.concatenate([_windows(piece, p).reshape(-1, p) for piece in pieces])
            self.start_mean = starts.mean(axis=0)
            covariance = np.cov(starts.T, bias=True).reshape(p, p) + RIDGE * np.eye(p)
        self.start_root = np.linalg.cholesky(covariance)


class _Given(ARLinear):
    """An autoregression x_t = x_{t−s} + ε_t: only the noise is learnt."""

    def _lag(self) -> int:
        """Return s."""
        raise NotImplementedError

    def fit(self, x: Array) -> None:
        self.length = x.shape[1]
        self.p = self._lag()
        super().fit(x)
        self.n_parameters = 1

    def solve(self, lags: Array, target: Array) -> tuple[float, Array]:
        return 0.0, np.eye(1, self.order, self.order - 1)[0]


@register_model("naive", family="control", likelihood="exact", paper="", kinds=("series",), role="control")
class Naive(_Given):
    """The naive forecast: the next value is the last one, plus Gaussian noise. A random walk."""

    def __init__(self) -> None:
        super().__init__()

    def _lag(self) -> int:
        return 1


@register_model("seasonal_naive", family="control", likelihood="exact", kinds=("series",), role="control")
class SeasonalNaive(_Given):
    """The seasonal naive forecast: the next value is the one a period ago, plus noise.

    The noise is Gaussian.

    Args:
        period: number of steps; None is the longest period in a window, which is its length minus 1.
    """

    def __init__(self, period: Count | None = None) -> None:
        super().__init__()
        self.period = period

    def _lag(self) -> int:
        return self.length - 1 if self.period is None else self.period


def _windows(x: Array, length: int) -> Array:
    """Return all stretches [n, T − length + 1, length] of series x [n, T]."""
    if x.shape[1] < length:
        return np.empty((len(x), 0, length))
    return np.lib.stride_tricks.sliding_window_view(x, length, axis=1)


def _equations(pieces: list[Array], p: int) -> tuple[Array, Array]:
    """Return the p values before each value, the latest first [m, p], and the values [m], in order of time."""
    rows = [_windows(piece, p + 1).swapaxes(0, 1).reshape(-1, p + 1) for piece in pieces]
    both = np.concatenate(rows)
    return both[:, -2::-1] if p else both[:, :0], both[:, -1]
