"""Kernel density estimate of scikit-learn."""

import numpy as np

from genbench.contracts.model import Model
from genbench.core.types import Array, Count
from genbench.models.peers.registration import SCIKIT_LEARN, register_peer

__all__ = ["SklearnKDE"]

PAIR = 1.5e-6  # nominal seconds of a pair of points in the search: 20 widths, 5 folds; measured in the plane


@register_peer("sklearn_kde", likelihood="exact", paper="Pedregosa et al. 2011")
class SklearnKDE(Model):
    """KernelDensity of scikit-learn, Gaussian, as in the user guide.

    5-fold cross-validation selects its width. There are 20 widths from 0.01 to 1 standard deviation; those of the
    guide, from 0.1 to 10, are for data that are not standardised. The selection uses as many points as the budget
    allows; all points become kernels.
    """

    library = SCIKIT_LEARN

    def __init__(self, widths: Count = 20) -> None:
        self.widths = widths

    def fit(self, x: Array) -> None:
        from sklearn.model_selection import GridSearchCV
        from sklearn.neighbors import KernelDensity

        few = np.random.permutation(x)[: max(5, round((self.budget_seconds / PAIR) ** 0.5))]
        grid = {"bandwidth": np.logspace(-2, 0, self.widths)}
        self.density = KernelDensity(**GridSearchCV(KernelDensity(), grid).fit(few).best_params_).fit(x)

    def sample(self, n: int) -> Array:
        return np.asarray(self.density.sample(n))

    def log_prob(self, x: Array) -> Array:
        return np.asarray(self.density.score_samples(x))
