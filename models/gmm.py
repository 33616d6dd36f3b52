"""Mixture of Gaussians by expectation-maximisation."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.model import Model, register_model
from genbench.core.errors import GenbenchError
from genbench.core.types import Array, Count, Positive
from genbench.numerics.conditional_gaussian import conditional_gaussian
from genbench.numerics.mixture import Mixture

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

__all__ = ["GMM"]

CANDIDATES = (1, 2, 4, 8, 16, 24, 32, 48)  # by hand: more choices take longer


@register_model("gmm", family="classic", likelihood="exact", paper="Dempster et al. 1977; Schwarz 1978")
class GMM(Model):
    """Mixture of Gaussians with full covariances, by EM; BIC chooses how many.

    Args:
        components: number of Gaussians; None takes the one of 1, 2, 4, 8, 16, 24, 32, 48 with the lowest BIC.
        restarts: runs of EM from new k-means++ centres, of which the likeliest is kept.
        ridge: added to the diagonal of each covariance, in standardised units, so that none collapses on a point.
        tolerance: EM ends when a step gains less log-likelihood per point than this, in nats.
    """

    def __init__(
        self, components: Count | None = None, restarts: Count = 2, ridge: Positive = 1e-6, tolerance: Positive = 1e-3
    ) -> None:
        self.components, self.restarts, self.ridge, self.tolerance = components, restarts, ridge, tolerance

    def fit(self, x: Array) -> None:
        if len(x) < 2:
            raise GenbenchError("gmm needs at least 2 points; give more, or take kde")
        self.mixture = (
            self._chosen(x) if self.components is None else self._expectation_maximisation(x, self.components)
        )
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

    def forecast(self, x: Array) -> Mixture:
        """Return the last coordinate given the others x [n, d − 1]: of each Gaussian, in proportion to its π p(x)."""
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
        """Draw a component by its weight πₖ N(x_known; …), then the rest from its Gaussian given the known part."""
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

    def _chosen(self, x: Array) -> GaussianMixture:
        """Return the mixture with the lowest BIC = −2 log L + (parameters) log n; two worse ones in a row end it.

        A component has at least 2(d + 1) points on average: with fewer, Gaussians that collapse onto the ridge buy
        likelihood that BIC cannot price.
        """
        n, d = x.shape
        best, lowest, worse = None, np.inf, 0
        for k in CANDIDATES:
            if best is not None and (worse == 2 or 2 * k * (d + 1) > n):
                break
            mixture = self._expectation_maximisation(x, k)
            bic = mixture.bic(x)
            worse = worse + 1 if bic >= lowest else 0
            if best is None or bic < lowest:
                best, lowest = mixture, bic
        assert best is not None
        return best

    def _expectation_maximisation(self, x: Array, k: int) -> GaussianMixture:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        mixture = GaussianMixture(
            min(k, len(x)), n_init=self.restarts, reg_covar=self.ridge, tol=self.tolerance, max_iter=200
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a flat likelihood after 200 steps is good enough
            return mixture.fit(x)  # its random numbers are those of numpy's global generator
