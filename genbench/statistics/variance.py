"""Sources of a score's variance: data, initialisation and training, draw of samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genbench.core.errors import GenbenchError
from genbench.core.types import Array

__all__ = ["Components", "decompose"]


@dataclass(frozen=True)
class Components:
    """The variances of one score by source, in the squared unit of the score."""

    data: float
    initialisation: float
    sampling: float

    @property
    def total(self) -> float:
        """The variance of a single score."""
        return self.data + self.initialisation + self.sampling

    @property
    def shares(self) -> dict[str, float]:
        """The share of each source in the total; all are 0 if nothing varies."""
        parts = {"data": self.data, "initialisation": self.initialisation, "sampling": self.sampling}
        return {name: part / self.total if self.total > 0 else 0.0 for name, part in parts.items()}


def decompose(values: Array) -> Components:
    """Return the variance components of values [data seeds, initialisations, draws].

    Each axis is nested in the one before it. The model is y_ijk = μ + a_i + b_ij + c_ijk with independent random
    effects. The ANOVA estimators equate mean squares with their expected values (Searle, Casella and McCulloch 1992,
    chapter 3; I, J, K are the three sizes):

        E MS_c = σ_c²,    E MS_b = σ_c² + K σ_b²,    E MS_a = σ_c² + K σ_b² + J K σ_a²,

    and an estimate below 0 is replaced by 0.

    Raises:
        GenbenchError: the array does not have three axes, an axis has fewer than 2 values, or a value is not finite.
    """
    y = np.asarray(values, dtype=np.float64)
    if y.ndim != 3 or min(y.shape) < 2:
        raise GenbenchError(
            f"values of shape {y.shape} cannot be decomposed; give [data, initialisations, draws], 2 or more of each"
        )
    if not np.isfinite(y).all():
        raise GenbenchError(f"{(~np.isfinite(y)).sum()} of {y.size} values are NaN or infinite; leave failed seeds out")
    i, j, k = y.shape
    by_init, by_data = y.mean(axis=2), y.mean(axis=(1, 2))  # (i, j), (i,)
    ms_data = j * k * by_data.var(ddof=1)
    ms_init = k * ((by_init - by_data[:, None]) ** 2).sum() / (i * (j - 1))
    ms_draw = ((y - by_init[:, :, None]) ** 2).sum() / (i * j * (k - 1))
    return Components(
        data=max(0.0, float(ms_data - ms_init) / (j * k)),
        initialisation=max(0.0, float(ms_init - ms_draw) / k),
        sampling=float(ms_draw),
    )
