"""Paths between two points, straight in data space and through the latent space of a model that encodes and decodes."""

from __future__ import annotations

import numpy as np

from genbench.contracts.optional_methods import SupportsEncoding
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator

__all__ = ["latent_paths", "slerp", "straight_paths"]


def slerp(a: Array, b: Array, t: Array) -> Array:
    """Return the codes [n, s, l] on great arcs from a [n, l] to b [n, l] at shares t [s] (Shoemake 1985; White 2016).

    sin((1 − t) Ω) / sin Ω · a + sin(t Ω) / sin Ω · b with Ω the angle between them: codes of a standard normal lie near
    a sphere, whose inside a straight line would cross. Where the ends are nearly parallel, the line is the arc.
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
    """Return the points [n, steps, *shape] that the arcs between the codes of a and b [n, *shape] decode to.

    Of a model without an encoder they are arcs between draws of its own codes.

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
