"""Mixture of Gaussians by expectation-maximisation."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.model import Model, register_model
from genbench.core.errors import GenbenchError
from genbench.core.search_ranges import LogRange
from genbench.core.types import Array, Count, Positive
from genbench.numerics.conditional_gaussian import conditional_gaussian
from genbench.numerics.covariance import ENOUGH, shrunk
from genbench.numerics.mixture import Mixture

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

__all__ = ["GMM"]

CANDIDATES = (1, 2, 4, 8, 16, 24, 32, 48)  # by hand: more choices take longer
MOST_STEPS, LEAST_STEPS = 200, 3  # by hand: steps of EM that are worth while, and that are worth a start
# Steps of EM that a start takes until it converges, and that its k-means takes as long as: both measured on the plane.
TYPICAL, K_MEANS = 10, 5
REFINING = 0.25  # by hand: share of the budget for all points, where fewer of them choose the number of components
ROWS = 20  # by hand: points a dimension that choose it, at least: enough for ten components of 2(d + 1)


@register_model("gmm", family="classic", likelihood="exact", paper="Dempster et al. 1977; Schwarz 1978")
class GMM(Model):
    """Mixture of Gaussians with full covariances, by EM; BIC selects their number.

    The covariance of a component with fewer than two points for each dimension is shrunk
    (`genbench.numerics.covariance`).

    Args:
        components: number of Gaussians; None selects the one of 1, 2, 4, 8, 16, 24, 32, 48 with the lowest BIC.
        restarts: number of EM runs from new k-means++ centres, of which the likeliest is kept; fewer if the budget
            ends.
        ridge: added to the diagonal of each covariance, in standardised units, so that none collapses on a point.
        tolerance: EM stops when the log-likelihood per point rises by less than this in a step, in nats.
    """

    def __init__(
        self,
        components: Annotated[Count | None, LogRange(2, 100)] = None,
        restarts: Count = 2,
        ridge: Positive = 1e-6,
        tolerance: Positive = 1e-3,
    ) -> None:
        self.components, self.restarts, self.ridge, self.tolerance = components, restarts, ridge, tolerance

    def fit(self, x: Array) -> None:
        if len(x) < 2:
            raise GenbenchError("gmm needs at least 2 points; give more, or take kde")
        self.mixture = self._fitted(x, _Left(self.budget_seconds))
        k, d = self.mixture.means_.shape
        self.n_parameters = (k - 1) + k * d + k * d * (d + 1) // 2

    def sample(self, n: int) -> Array:
        """Draw a component, then a point of it."""
        mixture = self.mixture
        component = np.random.choice(len(mixture.weights_), size=n, p=mixture.weights_ / mixture.weights_.sum())
        noise = np.random.standard_normal((n, mixture.means_.shape[1]))  # (n, d)
        x: Array = mixture.means_[component]
        for k, cholesky in enumerate(np.linalg.cholesky(mixture.covariances_)):
            x[component == k] += noise[component == k] @ cholesky.T
        return x

    def log_prob(self, x: Array) -> Array:
        """Return log p(x) = log Σₖ πₖ N(x; μₖ, Σₖ)."""
        density: Array = self.mixture.score_samples(x)
        return density

    def score_at(self, x: Array) -> Array:
        """Return ∇ log p(x) = Σₖ p(k | x) Σₖ⁻¹ (μₖ − x)."""
        mixture = self.mixture
        shares = mixture.predict_proba(x)  # (n, K)
        away = mixture.means_[:, None] - x  # (K, n, d)
        slope: Array = np.einsum("nk,knd->nd", shares, np.linalg.solve(mixture.covariances_, away.mT).mT)
        return slope

    def forecast(self, x: Array) -> Mixture:
        """Return the last coordinate given the others x [n, d − 1].

        It is a mixture of each Gaussian's conditional, weighted by its π p(x).
        """
        mixture = self.mixture
        roots = np.linalg.cholesky(mixture.covariances_)  # (K, d, d)
        away = (x[:, None] - mixture.means_[:, :-1]).transpose(1, 2, 0)  # (K, d − 1, n)
        white = np.linalg.solve(roots[:, :-1, :-1], away)
        means = mixture.means_[:, -1:] + np.einsum("kd,kdn->kn", roots[:, -1, :-1], white)
        log_det = np.log(np.diagonal(roots, axis1=1, axis2=2)[:, :-1]).sum(axis=1)
        log_joint = (np.log(mixture.weights_) - log_det)[:, None] - 0.5 * (white**2).sum(axis=1)  # (K, n)
        log_weights = (log_joint - np.logaddexp.reduce(log_joint, axis=0)).T
        return Mixture(log_weights, means.T, np.broadcast_to(roots[:, -1, -1], log_weights.shape))

    def conditional_sample(self, x: Array, known: NDArray[np.bool_]) -> Array:
        """Draw the unknown coordinates given the known ones.

        A component is drawn with its weight πₖ N(x_known; …), then the rest from its Gaussian.
        """
        mixture, x = self.mixture, x.copy()
        parts = [conditional_gaussian(covariance, known) for covariance in mixture.covariances_]
        pairs = list(zip(mixture.means_, parts, strict=True))
        logits = np.stack([part.log_known(x[:, known] - mean[known]) for mean, part in pairs], axis=1)
        logits += np.log(mixture.weights_) + np.random.gumbel(size=logits.shape)  # the largest is a draw (Gumbel-max)
        component, noise = logits.argmax(axis=1), np.random.standard_normal((len(x), int((~known).sum())))
        for k, (mean, part) in enumerate(pairs):
            mine = component == k
            centre = mean[~known] + (x[np.ix_(mine, known)] - mean[known]) @ part.gain.T
            x[np.ix_(mine, ~known)] = centre + noise[mine] @ part.root.T
        return x

    def _fitted(self, x: Array, left: _Left) -> GaussianMixture:
        """Return the mixture of as many points, candidates and steps as the budget pays for.

        Where it does not pay for the search among all points, fewer of them decide how many components there are, and
        the mixture that they found is fitted further on as many points as the rest pays for.
        """
        n, d = x.shape
        candidates = CANDIDATES if self.components is None else (self.components,)
        # The seconds of the whole search among no points, and those of each point more.
        none, one = (self.restarts * sum(em_seconds(m, d, k) for k in candidates) for m in (0, 1))
        none, one = (TYPICAL + K_MEANS) * none, (TYPICAL + K_MEANS) * (one - none)
        if none + n * one <= left.seconds:
            return self._chosen(x, candidates, left)
        kept = REFINING * left.seconds
        left.seconds -= kept
        rows = min(n, max(round((left.seconds - none) / one), ROWS * (d + 1)))
        x = x[np.random.permutation(n)]
        mixture = self._chosen(x[:rows], candidates, left)
        left.seconds += kept
        k = len(mixture.weights_)
        more = min(n, round(n * left.seconds / em_seconds(n, d, k) / LEAST_STEPS))
        if more > rows:
            mixture.set_params(warm_start=True, max_iter=left.steps(em_seconds(more, d, k)))
            mixture.lower_bound_ = -np.inf  # that of the fewer points says nothing about these
            mixture = _regular(_converged(mixture, x[:more]), more)
        return mixture

    def _chosen(self, x: Array, candidates: tuple[int, ...], left: _Left) -> GaussianMixture:
        """Return the mixture with the lowest BIC = −2 log L + (parameters) log n; two worse ones in a row end it.

        A component has at least 2(d + 1) points on average: with fewer, Gaussians that collapse onto the ridge buy
        likelihood that BIC cannot price.
        """
        n, d = x.shape
        best, lowest, worse = None, np.inf, 0
        for k in candidates:
            dear = self.restarts * (LEAST_STEPS + K_MEANS) * em_seconds(n, d, k) > left.seconds
            if best is not None and (worse == 2 or 2 * k * (d + 1) > n or dear):
                break
            mixture = self._expectation_maximisation(x, k, left)
            bic = mixture.bic(x)
            worse = worse + 1 if bic >= lowest else 0
            if best is None or bic < lowest:
                best, lowest = mixture, bic
        assert best is not None
        return best

    def _expectation_maximisation(self, x: Array, k: int, left: _Left) -> GaussianMixture:
        """Return the likeliest mixture of several starts, as many as the budget pays for."""
        from sklearn.mixture import GaussianMixture

        best, step = None, em_seconds(len(x), x.shape[1], k)
        for _ in range(self.restarts):
            if best is not None and left.seconds < (K_MEANS + LEAST_STEPS) * step:
                break
            left.seconds -= K_MEANS * step
            mixture = GaussianMixture(
                min(k, len(x)), reg_covar=self.ridge, tol=self.tolerance, max_iter=left.steps(step)
            )
            mixture = _converged(mixture, x)
            left.seconds -= mixture.n_iter_ * step
            if best is None or mixture.lower_bound_ > best.lower_bound_:
                best = mixture
        assert best is not None
        return _regular(best, len(x))


class _Left:
    """What is left of the budget, in nominal seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def steps(self, seconds: float) -> int:
        """Return how many steps of EM that take so long are paid for, of the most that are worth while."""
        return int(np.clip(self.seconds / seconds, LEAST_STEPS, MOST_STEPS))


def em_seconds(n: int, d: int, k: int) -> float:
    """Return the nominal seconds of one step of EM for k components and n points.

    The points have d dimensions. It was measured with scikit-learn 1.9 on one core of the reference machine, from 2 to
    300 dimensions; the error is up to a third.
    """
    return k * (5e-5 + 1e-9 * d**3 + n * (80e-9 + 3e-9 * d + 0.17e-9 * d**2))


def _converged(mixture: GaussianMixture, x: Array) -> GaussianMixture:
    """Return a mixture fitted to points, by the random numbers of numpy's global generator."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a flat likelihood after 200 steps is good enough
        return mixture.fit(x)


def _regular(mixture: GaussianMixture, n: int) -> GaussianMixture:
    """Return the mixture with the covariances shrunk of those components that have few of its n points."""
    few = np.flatnonzero(n * mixture.weights_ < ENOUGH * mixture.means_.shape[1])
    for k in few:
        mixture.covariances_[k] = shrunk(mixture.covariances_[k], n * mixture.weights_[k])
        root = np.linalg.cholesky(mixture.covariances_[k])
        mixture.precisions_cholesky_[k] = np.linalg.inv(root).T
        mixture.precisions_[k] = mixture.precisions_cholesky_[k] @ mixture.precisions_cholesky_[k].T
    return mixture
