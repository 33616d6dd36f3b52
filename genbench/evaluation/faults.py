"""Models with known faults: a truth that is moved, thinned, shrunk, copied, and so on.

In one more model, the coordinates depend on each other in a wrong way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from genbench.contracts.dataset import SyntheticDataset
from genbench.core.seeding import generator, stream
from genbench.core.types import Array
from genbench.metrics.discrepancy import squared_distances

__all__ = ["MEMORY", "SHIFT", "Case", "Copied", "cases"]

SHIFT = 0.1  # standard deviations; this and the faults below are by hand: small enough to be missed by some metric
SHRINK = 0.9
DROPPED = 1 / 8  # mass that is dropped where there are no modes
KEPT = 0.5  # share of the points that stay in the thinned half
THICKER = 1.1  # times the width of what is thin
MEMORY = 1_000  # training points of which samples are copies
LARGE = 100_000  # points behind a mean, a median, a covariance and the mass of a region


@dataclass(frozen=True)
class Case:
    """A model with a known fault.

    Attributes:
        name: the heading of its column.
        what: the fault, as text.
        draw: (n, seed, training points [k, d]) -> samples [n, d].
        log_prob: its exact log-density in nats [n] at points [n, d], if known.
        distances: the closed forms of metrics, by name.
    """

    name: str
    what: str
    draw: Callable[[int, int, Array], Array]
    log_prob: Callable[[Array], Array] | None = None
    distances: dict[str, float] | None = None


@runtime_checkable
class Copied(Protocol):
    """A dataset that is a product of independent copies of a dataset in the plane."""

    def apart(self, x: Array) -> Array:
        """Return points [n, d] as copies [n, copies, 2]."""

    def together(self, parts: Array) -> Array:
        """Return copies [n, copies, 2] as points [n, d]."""


def cases(dataset: SyntheticDataset, shift: float = SHIFT) -> list[Case]:
    """Return the models with known faults for a dataset; the truth itself is the first.

    All but one have a density.
    """
    d = math.prod(dataset.shape)

    def truth(n: int, seed: int, train: Array | None = None) -> Array:
        return dataset.sample(n, seed=seed).reshape(n, -1)

    def density(x: Array) -> Array:
        return dataset.log_prob(x.reshape(-1, *dataset.shape))

    def memorised(n: int, seed: int, train: Array) -> Array:
        return train[generator(seed, "copies").integers(len(train), size=n)]

    large = truth(LARGE, stream(0, "selftest"))
    step = np.full(d, shift * math.sqrt(large.var(axis=0).mean() / d))  # along the diagonal
    middle, edge = np.quantile(large[:, 0], [0.5, 1 - DROPPED])
    if dataset.modes is None:
        centres, gap = large.mean(axis=0)[None], f"the {DROPPED:.1%} with the largest first coordinate"
    else:
        centres, gap = dataset.modes.reshape(-1, d), "one mode"

    def outside_gap(x: Array) -> Array:
        return np.asarray(x[:, 0] < edge if dataset.modes is None else _nearest(x, centres) > 0, dtype=np.float64)

    def thin_half(x: Array) -> Array:
        return np.where(x[:, 0] > middle, KEPT, 1.0)

    length = float(np.linalg.norm(step))
    by_thinning = [
        Case(name, what, _thinned(truth, keep), _thinned_density(density, keep, large))
        for name, what, keep in (
            ("dropped mode", f"the truth without {gap}", outside_gap),
            ("wrong weights", "the truth, half of the space with half of its weight", thin_half),
        )
    ]
    return [
        Case("null", "the truth", truth, density),
        Case(
            "mean shift",
            f"the truth, moved by {shift:g} standard deviations",
            lambda n, seed, train: truth(n, seed) + step,
            lambda x: density(x - step),
            {"w2": length, "sliced_w2": length / math.sqrt(d)},  # E ⟨s, θ⟩² = ‖s‖² / d over directions θ
        ),
        *by_thinning,
        Case(
            "variance collapse",
            f"the truth, each point {1 - SHRINK:.0%} nearer to its {'mean' if dataset.modes is None else 'mode'}",
            lambda n, seed, train: _towards(truth(n, seed), centres, SHRINK),
            lambda x: _shrunk_density(x, density, centres),
        ),
        Case("copies", f"{MEMORY:,} training points, again and again", memorised),
        *_dependence(dataset, truth, density, large),
    ]


def _dependence(
    dataset: SyntheticDataset, truth: Callable[..., Array], density: Callable[[Array], Array], large: Array
) -> list[Case]:
    """Return faults of how coordinates depend on each other, and of thin supports, as far as the dataset has them."""
    found = []
    if large.shape[1] > 1:
        found += [
            Case(
                "gaussian copula",
                "the truth's margins and rank correlations, and no other dependence than a Gaussian's",
                _gaussian_copula(large),
            ),
            Case(
                "independent",
                "each coordinate of the truth by itself: shuffled among the points",
                lambda n, seed, train: generator(seed, "shuffle").permuted(truth(n, seed), axis=0),
            ),
        ]
    if isinstance(dataset, Copied) and dataset.apart(large[:1]).shape[1] >= 3:
        found += [_triples(dataset, truth, density, large), _replaced(dataset, truth, density, large)]
    if dataset.thin:
        own = {name: getattr(dataset, name) for name in dataset.card.signature}
        thick: SyntheticDataset = dataset.card.factory(**own | {dataset.thin: THICKER * own[dataset.thin]})
        found.append(
            Case(
                "thickened",
                f"the truth with {dataset.thin} {THICKER - 1:.0%} larger",
                lambda n, seed, train: thick.sample(n, seed=seed).reshape(n, -1),
                lambda x: thick.log_prob(x.reshape(-1, *dataset.shape)),
            )
        )
    return found


def _gaussian_copula(large: Array) -> Callable[[int, int, Array], Array]:
    """Return a sampler of the Gaussian copula of points [n, d], with their margins.

    Normal scores give the correlations, and the margins' quantiles the values.
    """
    from scipy.special import ndtr, ndtri
    from scipy.stats import rankdata

    n, d = large.shape
    scores = ndtri((rankdata(large, axis=0) - 0.5) / n)
    root = np.linalg.cholesky(np.corrcoef(scores.T) + 1e-9 * np.eye(d))
    ordered = np.sort(large, axis=0)

    def draw(count: int, seed: int, train: Array) -> Array:
        u = ndtr(generator(seed, "copula").standard_normal((count, d)) @ root.T)
        places = (np.arange(n) + 0.5) / n
        return np.column_stack(
            [np.interp(column, places, values) for column, values in zip(u.T, ordered.T, strict=True)]
        )

    return draw


def _triples(dataset: Copied, truth: Callable[..., Array], density: Callable[[Array], Array], large: Array) -> Case:
    """Return the truth where the first three copies lie on an even number of left halves: any two remain independent.

    With signs s of the sides of the medians, half of the points have s₁ s₂ s₃ > 0; given two of the signs, the third is
    told, but one alone tells nothing of another.
    """
    medians = np.median(dataset.apart(large)[:, :3, 0], axis=0)

    def keep(x: Array) -> Array:
        return np.asarray(np.prod(np.sign(dataset.apart(x)[:, :3, 0] - medians), axis=1) > 0, dtype=np.float64)

    return Case(
        "triples",
        "the truth, of three copies only what lies on an even number of left halves: every pair is right",
        _thinned(truth, keep),
        _thinned_density(density, keep, large),
    )


def _replaced(dataset: Copied, truth: Callable[..., Array], density: Callable[[Array], Array], large: Array) -> Case:
    """Return the truth whose first copy is a Gaussian of the same mean and covariance."""
    from scipy.stats import multivariate_normal

    copies = dataset.apart(large)
    gaussian = multivariate_normal(copies[:, 0].mean(axis=0), np.cov(copies[:, 0].T))

    def draw(n: int, seed: int, train: Array) -> Array:
        parts = dataset.apart(truth(n, seed))
        parts[:, 0] = gaussian.rvs(n, random_state=generator(seed, "gaussian"))
        return dataset.together(parts)

    return Case("one copy replaced", "the truth, one of its copies a Gaussian of the same covariance", draw)


def _thinned(truth: Callable[..., Array], keep: Callable[[Array], Array]) -> Callable[[int, int, Array], Array]:
    """Return the sampler of the truth whose points stay with the probability `keep`."""

    def draw(n: int, seed: int, train: Array) -> Array:
        parts: list[Array] = []
        while sum(map(len, parts)) < n:
            x = truth(2 * n, stream(seed, len(parts)))
            parts.append(x[generator(seed, "keep", len(parts)).random(len(x)) < keep(x)])
        return np.concatenate(parts)[:n]

    return draw


def _thinned_density(
    density: Callable[[Array], Array], keep: Callable[[Array], Array], large: Array
) -> Callable[[Array], Array]:
    """Return log p(x) a(x) / E a for the probability a to stay, E a by a large sample of the truth."""
    log_mass = math.log(keep(large).mean())

    def log_prob(x: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.asarray(density(x) + np.log(keep(x)) - log_mass)

    return log_prob


def _shrunk_density(x: Array, density: Callable[[Array], Array], centres: Array) -> Array:
    """Return the log-density [n] of the truth moved towards the nearest centre: 0 where no point can have come from."""
    before = _towards(x, centres, 1 / SHRINK)
    same = _nearest(before, centres) == _nearest(x, centres)  # a point stays in the cell of its centre
    return np.where(same, density(before) - x.shape[1] * math.log(SHRINK), -np.inf)


def _towards(x: Array, centres: Array, factor: float) -> Array:
    """Return the points [n, d] with their offsets from the nearest centre times a factor."""
    own = centres[_nearest(x, centres)]
    return np.asarray(own + factor * (x - own))


def _nearest(x: Array, centres: Array) -> Array:
    """Return the index of the nearest centre [n]."""
    return np.asarray(squared_distances(x, centres).argmin(axis=1))
