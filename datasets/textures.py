"""Textures: images of Gaussian random fields, whose density is exact."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

import numpy as np
from annotated_types import Interval

from genbench.contracts.dataset import SyntheticDataset, register_dataset
from genbench.core.types import Array, Finite, Positive

__all__ = ["Textures"]

FLAT = 1.5  # by hand: of a field of unit variance not one value in 10¹⁵ comes so near to 1 that float32 rounds to it


@register_dataset("textures", family="images", kind="image", source="genbench")
class Textures(SyntheticDataset):
    """Clouds: a stationary Gaussian field on a torus, mapped into (0, 1).

    Its spectrum is ∝ (f² + f₀²)^(−slope). The field is z = F⁻¹ √S F ε for white noise ε and the Fourier transform F, of
    unit variance, and the grey levels are x = Φ(z / 1.5). So log p(x) = log N(z; 0, C) − Σ log dx/dz, where log N needs
    only a Fourier transform of z and Σ log S.

    Args:
        size: pixels along a side, 8 to 64.
        slope: slope of the spectrum; 0 is white noise, and a larger slope is smoother.
        cutoff: f₀, in cycles per image: patterns are at most about size / f₀ pixels wide.
    """

    def __init__(
        self,
        size: Annotated[int, Interval(ge=8, le=64)] = 16,
        slope: Annotated[Finite, Interval(ge=0, le=4)] = 1.5,
        cutoff: Positive = 1.0,
    ) -> None:
        self.size, self.slope, self.cutoff, self.shape = size, slope, cutoff, (1, size, size)

    @cached_property
    def spectrum(self) -> Array:
        """The eigenvalues S [size, size] of the field's covariance. Their mean is 1."""
        f = np.fft.fftfreq(self.size, 1 / self.size)
        power = (f[:, None] ** 2 + f**2 + self.cutoff**2) ** -self.slope
        return np.asarray(power / power.mean())

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        """Return images [n, 1, size, size]; u determines their mean grey."""
        from scipy.special import ndtr, ndtri

        white = rng.standard_normal((len(u), self.size, self.size))
        mean = ndtri(np.maximum(u, 2.0**-54)) / self.size  # of size² independent values
        white += (mean - white.mean(axis=(1, 2)))[:, None, None]
        return ndtr(self._filtered(white, np.sqrt(self.spectrum)) / FLAT)[:, None], None

    def log_density(self, x: Array) -> Array:
        from scipy.special import ndtri

        inside = ((x > 0) & (x < 1)).all(axis=(1, 2, 3))
        z = FLAT * ndtri(np.where((x > 0) & (x < 1), x, 0.5))[:, 0]
        white = self._filtered(z, 1 / np.sqrt(self.spectrum))
        nats = (0.5 * (z / FLAT) ** 2 - 0.5 * white**2 + np.log(FLAT)).sum(axis=(1, 2))
        nats -= 0.5 * np.log(self.spectrum).sum()
        return np.where(inside, nats, -np.inf)

    def _filtered(self, pictures: Array, gain: Array) -> Array:
        """Return images [n, size, size] with their Fourier coefficients multiplied by gains [size, size]."""
        from scipy import fft

        half = self.size // 2 + 1
        return np.asarray(fft.irfft2(fft.rfft2(pictures) * gain[:, :half], pictures.shape[1:]))

    @property
    def entropy(self) -> float:
        """The entropy of the field, ½ Σ log (2πe S), plus the mean of Σ log dx/dz, in nats."""
        slopes = self.size**2 * (0.5 - 0.5 / FLAT**2 - np.log(FLAT))  # beside ½ log 2π, which goes away
        return float(0.5 * np.log(self.spectrum).sum() + slopes)
