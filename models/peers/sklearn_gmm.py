"""Mixture of Gaussians of scikit-learn."""

import numpy as np

from genbench.contracts.model import Model
from genbench.core.types import Array, Count
from genbench.models.gmm import K_MEANS, em_seconds
from genbench.models.peers.registration import SCIKIT_LEARN, register_peer

__all__ = ["SklearnGMM"]


@register_peer("sklearn_gmm", likelihood="exact", paper="Pedregosa et al. 2011; VanderPlas 2016")
class SklearnGMM(Model):
    """GaussianMixture of scikit-learn, with full covariances and 1, 2, … 20 components by BIC.

    See VanderPlas (2016). The search ends with the budget. That recipe does not standardise data; that is done here.
    """

    library = SCIKIT_LEARN

    def __init__(self, most: Count = 20) -> None:
        self.most = most

    def fit(self, x: Array) -> None:
        from sklearn.mixture import GaussianMixture

        spent, tried = 0.0, list[GaussianMixture]()
        while len(tried) < min(self.most, len(x)) and spent < self.budget_seconds:
            tried.append(GaussianMixture(len(tried) + 1).fit(x))
            spent += (K_MEANS + tried[-1].n_iter_) * em_seconds(*x.shape, len(tried))
        self.mixture = min(tried, key=lambda mixture: float(mixture.bic(x)))

    def sample(self, n: int) -> Array:
        return np.random.permutation(self.mixture.sample(n)[0])  # they come component by component

    def log_prob(self, x: Array) -> Array:
        return np.asarray(self.mixture.score_samples(x))
