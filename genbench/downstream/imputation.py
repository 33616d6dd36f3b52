"""Imputation: draws of missing coordinates, given the known ones, from any model.

There are four ways; the first that a model has is used: exactly, by its `conditional_sample`; by guidance of its
diffusion or flow, see `genbench.nn.repaint`; by importance resampling of its own samples, if it has a density; and
otherwise by the nearest of its own samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np

from genbench.contracts.model import Model
from genbench.contracts.task_evidence import Mask
from genbench.core.errors import GenbenchError
from genbench.core.seeding import generator, stream
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator

__all__ = ["WAYS", "Filled", "fill", "way_of"]

WAYS = ("exact", "guided", "importance", "nearest")
# Chosen by hand: nearer candidates against time and memory.
POOL = 10_000  # samples among which the nearest are searched; chosen by hand, as what follows: quality against time
POOL_VALUES = 4_000_000  # numbers in them at most
CANDIDATES = 4  # nearest samples for each draw that is asked for


@dataclass(frozen=True)
class Filled:
    """The draws for the gaps of some points, `x` [m, n, *shape], and the way of drawing.

    `effective` is the mean effective number of weighted candidates, as a share; 1 for ways without weights.
    """

    x: Array
    way: str
    effective: float = 1.0


def way_of(model: Model, likelihood: str) -> str:
    """Return the first of the `WAYS` that a model has.

    Its own `conditional_sample` may still refuse a mask.
    """
    if type(model).conditional_sample is not Model.conditional_sample:
        return "exact"
    if getattr(model, "repaintable", False):
        return "guided"
    return _by_samples(likelihood)


def _by_samples(likelihood: str) -> str:
    """Return the way that needs only samples, and a density if there is one."""
    return "nearest" if likelihood == "none" else "importance"


def fill(estimator: Estimator, x: Array, known: Mask, n: int, seed: int = 0) -> Filled:
    """Return n draws of the missing coordinates for each point of x [m, *shape].

    The known coordinates do not change. The values of x at missing coordinates are ignored.

    Args:
        estimator: a fitted model.
        known: which coordinates are given, [*shape], the same for all points.

    Raises:
        GenbenchError: the mask has another shape than the points, or all or none of the coordinates are known.
    """
    x, known = np.asarray(x, dtype=np.float64), np.asarray(known, dtype=bool)
    if known.shape != x.shape[1:] or known.all() or not known.any():
        raise GenbenchError(
            f"the mask has shape {known.shape} and {known.sum()} known coordinates, and points have shape "
            f"{x.shape[1:]}; "
            "give a mask of that shape with at least one known and one unknown"
        )
    rows = np.repeat(estimator.blanked(x, known), n, axis=0)
    way = way_of(estimator.model, estimator.likelihood)
    if way == "exact" and not estimator.aligned:
        way = _by_samples(estimator.likelihood)
    if way == "exact":
        try:
            z = estimator.apply(rows, lambda z: estimator.model.conditional_sample(z, known), "fill", seed)
            return Filled(_kept(x, z.reshape(len(x), n, *known.shape), known), "exact")
        except NotImplementedError:  # an autoregressive model, which fills in its own order only
            way = _by_samples(estimator.likelihood)
    if way == "guided":
        z = estimator.apply(rows, partial(_guided, estimator, known=known), "fill", seed)
        return Filled(_kept(x, z.reshape(len(x), n, *known.shape), known), "guided")
    z, effective = _resampled(estimator, x, known, n, seed, way == "importance")
    return Filled(_kept(x, z, known), way, effective)


def _guided(estimator: Estimator, z: Any, known: Mask) -> Any:
    import torch

    from genbench.nn.repaint import repaint

    part = torch.as_tensor(estimator.known_part(known))
    return repaint(cast(Any, estimator.model), z.flatten(1), part.to(z.device)).unflatten(1, known.shape)


def _kept(x: Array, filled: Array, known: Mask) -> Array:
    """Return the filled points [m, n, *shape] with the known coordinates exactly as they are in x [m, *shape]."""
    return np.where(known, x[:, None], filled)


def _resampled(estimator: Estimator, x: Array, known: Mask, n: int, seed: int, weigh: bool) -> tuple[Array, float]:
    """Return draws [m, n, *shape] out of the model's own samples, and the effective share of the candidates.

    Samples (k, u) whose known part k is near to the given one, uniformly so, follow p(k, u) up to a constant there.
    With weights p(given, u) / p(k, u) their unknown parts u follow p(u | given), however wide the neighbourhood: on
    pairs (k, u) that is importance sampling of p(u | given) times the uniform distribution of k around it.
    """
    from scipy.special import softmax
    from sklearn.neighbors import NearestNeighbors

    size = max(CANDIDATES * n, min(POOL, POOL_VALUES // known.size))
    pool = estimator.sample(size, seed=stream(seed, "pool"))
    count = min(CANDIDATES * n, size)
    flat, mask = pool.reshape(size, -1), known.ravel()
    scale = flat[:, mask].std(axis=0)
    scale[scale == 0] = 1.0
    search = NearestNeighbors(n_neighbors=count).fit(flat[:, mask] / scale)
    near = search.kneighbors(x.reshape(len(x), -1)[:, mask] / scale, return_distance=False)  # (m, c)
    weights = np.full(near.shape, 1 / count)
    if weigh:
        used = np.unique(near)
        own = np.full(size, -np.inf)
        own[used] = estimator.log_prob(pool[used], seed=seed)
        own = own[near]
        moved = np.where(known, x[:, None], pool[near])  # (m, c, *shape)
        there = estimator.log_prob(moved.reshape(-1, *known.shape), seed=seed).reshape(near.shape)
        log_weights = np.where(np.isfinite(own), there - own, -np.inf)
        log_weights[~np.isfinite(log_weights).any(axis=1)] = 0.0  # no candidate is possible: all alike
        weights = softmax(log_weights, axis=1)
    rng = generator(seed, "resampling")
    levels = rng.random((len(x), n))
    chosen = np.stack([np.searchsorted(np.cumsum(w), u * w.sum()) for w, u in zip(weights, levels, strict=True)])
    picked = np.take_along_axis(near, chosen.clip(max=count - 1), axis=1)  # (m, n)
    effective = float((1 / (np.square(weights).sum(axis=1) * count)).mean())
    return pool[picked], effective
