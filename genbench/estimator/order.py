"""The order of samples: shuffled, so that no score depends on the sampler's own order."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from genbench.core.seeding import generator
from genbench.core.types import Array, Labels

__all__ = ["shuffle"]


def shuffle(samples: Array, labels: Labels | None, seed: int) -> NDArray[np.int64]:
    """Return a random order [n] of samples [n, *shape].

    With labels, samples of a label stay in the positions of that label.

    It depends on the samples as a set: they are sorted along a random direction first, and shuffled then. So a sampler
    that returns its points sorted, for example by component, gets the scores of one that returns the same points in
    another order. Points that differ only by rounding get the same order, unless they nearly coincide.
    """
    flat = samples.reshape(len(samples), math.prod(samples.shape[1:]))
    along = flat @ generator(seed, "direction").standard_normal(flat.shape[1])
    order = np.arange(len(samples))
    for label in (None,) if labels is None else np.unique(labels):
        places = order if label is None else np.flatnonzero(labels == label)
        in_line = places[np.argsort(along[places], kind="stable")]
        order[places] = in_line[generator(seed, "order", str(label)).permutation(len(places))]
    return order
