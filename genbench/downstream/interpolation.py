"""Paths between two points: straight in data space, or through a latent space.

The model must encode and decode, or decode draws of its own codes.
"""

from __future__ import annotations

import numpy as np

from genbench.contracts.optional_methods import SupportsEncoding
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator

__all__ = ["latent_paths", "slerp", "straight_paths"]


def slerp(a: Array, b: Array, t: Array) -> Array:
    """Return the codes [n, s, l] on great arcs from a [n, l] to b [n, l] at shares t [s].

    See Shoemake (1985) and White (2016). They are sin((1 − t) Ω) / sin Ω · a + sin(t Ω) / sin Ω · b, where Ω is the
    angle between a and b. Codes of a standard normal are near a sphere, and a straight line would cross its inside. If
    the ends are nearly parallel, the line is used.
    """
    cosine = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1) + 1e-300)
    angle = np.arccos(cosine.clip(-1, 1))[:, None]  # (n, 1)
    sine = np.sin(angle)
    flat = sine < 1e-6
    safe = np.where(flat, 1.0, sine)
    first = np.where(flat, 1 - t, np.sin((1 - t) * angle) / safe)  # (n, s)
    second = np.where(flat, t, np.sin(t * angle) / safe)
    path: Array = first[..., None] * a[:, None] + second[..., None] * b[:, None]
    return path


def straight_paths(a: Array, b: Array, steps: int) -> Array:
    """Return the points [n, steps, *shape] on the lines from a to b [n, *shape]."""
    t = np.linspace(0, 1, steps).reshape(-1, *[1] * (a.ndim - 1))
    path: Array = (1 - t) * a[:, None] + t * b[:, None]
    return path


def latent_paths(estimator: Estimator, a: Array, b: Array, steps: int, seed: int = 0) -> Array:
    """Return the points [n, steps, *shape] on arcs between the codes of a and b [n, *shape].

    For a model without an encoder, the arcs are between draws of its own codes.

    Raises:
        GenbenchError: the model has no codes.
    """
    if isinstance(estimator.model, SupportsEncoding):
        ends = estimator.encode(a, seed), estimator.encode(b, seed)
    else:
        drawn = estimator.draw_codes(2 * len(a), seed)
        ends = drawn[: len(a)], drawn[len(a) :]
    codes = slerp(*ends, np.linspace(0, 1, steps))  # (n, s, l)
    points = estimator.decode(codes.reshape(-1, codes.shape[-1]), seed)
    return points.reshape(len(a), steps, *a.shape[1:])
