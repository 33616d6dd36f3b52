"""Planar sets in many dimensions: independent copies, or thin noise around a plane."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Interval

from genbench.contracts.dataset import SyntheticDataset, register_dataset
from genbench.core.seeding import generator
from genbench.core.types import Array, Natural, Positive
from genbench.datasets.curves import Circles, Moons, SCurve, SwissRoll, TwoSpirals
from genbench.datasets.mixtures import EightGaussians, Grid, Ring
from genbench.datasets.shapes import Banana, Checkerboard, Funnel, Pinwheel, StretchedGaussian

__all__ = ["Noisy", "Planar", "Product", "rotation"]

Planar = Literal[
    "banana",
    "checkerboard",
    "circles",
    "eight_gaussians",
    "funnel",
    "grid",
    "moons",
    "pinwheel",
    "ring",
    "s_curve",
    "stretched_gaussian",
    "swiss_roll",
    "two_spirals",
]
PLANAR: dict[str, type[SyntheticDataset]] = {
    "banana": Banana,
    "checkerboard": Checkerboard,
    "circles": Circles,
    "eight_gaussians": EightGaussians,
    "funnel": Funnel,
    "grid": Grid,
    "moons": Moons,
    "pinwheel": Pinwheel,
    "ring": Ring,
    "s_curve": SCurve,
    "stretched_gaussian": StretchedGaussian,
    "swiss_roll": SwissRoll,
    "two_spirals": TwoSpirals,
}
LOG_2PI_E = float(np.log(2 * np.pi) + 1)


def rotation(dim: int, seed: int) -> Array:
    """Return a uniformly random rotation or reflection [dim, dim].

    It has the Haar measure (Mezzadri 2007, section 5).
    """
    q, r = np.linalg.qr(generator(seed, "rotation").standard_normal((dim, dim)))
    return np.asarray(q * np.sign(np.diag(r)))


@register_dataset("product", family="products", source="genbench", tests="dimension")
class Product(SyntheticDataset):
    """Independent copies of a planar set, side by side and rotated at random.

    It is one kind of difficulty in any dimension. Each pair of coordinates has the structure of the set, before the
    rotation Q mixes them: x = Q z has the density of z = Qᵀx, the product over the copies. After it, sums of many
    coordinates are nearly Gaussian, and so is nearly every projection (Diaconis & Freedman 1984). So it is a test of
    metrics as well as of models.

    Args:
        of: the planar set, with its default parameters.
        copies: number of copies, 1 to 128; the dimension is twice this number.
        rotate: whether to mix the coordinates by a random rotation.
        seed: seed of the rotation.
    """

    grows_with = "copies"

    def __init__(
        self,
        of: Planar = "moons",
        copies: Annotated[int, Interval(ge=1, le=128)] = 8,
        rotate: bool = True,
        seed: Natural = 0,
    ) -> None:
        self.of, self.copies, self.rotate, self.seed = of, copies, rotate, seed
        self.shape = (2 * copies,)
        self.base = PLANAR[of]()
        self.smooth = self.base.smooth
        self.turn = rotation(2 * copies, seed) if rotate else np.eye(2 * copies)

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        """Return points [n, d]; u determines the position in the first copy."""
        places = [u, *(rng.random(len(u)) for _ in range(self.copies - 1))]
        return self.together(np.stack([self.base.draw(place, rng)[0] for place in places], axis=1)), None

    def apart(self, x: Array) -> Array:
        """Return points [n, d] as copies [n, copies, 2], without the rotation."""
        return np.asarray((x @ self.turn).reshape(-1, self.copies, 2))

    def together(self, parts: Array) -> Array:
        """Return copies [n, copies, 2] as points [n, d], with the rotation."""
        return np.asarray(parts.reshape(-1, 2 * self.copies) @ self.turn.T)

    def log_density(self, x: Array) -> Array:
        pairs = self.apart(x).reshape(-1, 2)  # (n · copies, 2)
        return np.asarray(self.base.log_density(pairs).reshape(-1, self.copies).sum(axis=1))

    def score(self, x: Array) -> Array:
        """Return ∇ log p(x) [n, d]: that of the pairs, rotated."""
        return np.asarray(self.base.score((x @ self.turn).reshape(-1, 2)).reshape(x.shape) @ self.turn.T)

    @property
    def entropy(self) -> float:
        """The entropy of the planar set times the number of copies, in nats."""
        return float(self.copies * self.base.entropy)


@register_dataset("noisy", family="products", source="genbench", tests="thin support")
class Noisy(SyntheticDataset):
    """A planar set in a random plane of a larger space, with thin Gaussian noise around it.

    It is nearly a manifold: all structure is in the plane, and the density is that of the set times N(0, noise² I) of
    the coordinates across the plane. The set's own noise does not change.

    Args:
        of: the planar set, with its default parameters.
        dim: dimension of the space, 3 to 256.
        noise: standard deviation across the plane, along each axis.
        seed: seed of the plane.
    """

    thin = "noise"

    def __init__(
        self,
        of: Planar = "moons",
        dim: Annotated[int, Interval(ge=3, le=256)] = 64,
        noise: Positive = 0.01,
        seed: Natural = 0,
    ) -> None:
        self.of, self.dim, self.noise, self.seed = of, dim, noise, seed
        self.shape = (dim,)
        self.base, self.turn = PLANAR[of](), rotation(dim, seed)
        self.smooth = self.base.smooth

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        plane, _ = self.base.draw(u, rng)
        across = self.noise * rng.standard_normal((len(u), self.dim - 2))
        return np.hstack([plane, across]) @ self.turn.T, None

    def log_density(self, x: Array) -> Array:
        z = x @ self.turn
        squares = (z[:, 2:] ** 2).sum(axis=1) / self.noise**2
        across = -0.5 * squares - (self.dim - 2) * (0.5 * np.log(2 * np.pi) + np.log(self.noise))
        return np.asarray(self.base.log_density(z[:, :2]) + across)

    def score(self, x: Array) -> Array:
        """Return ∇ log p(x) [n, dim]: that of the set in its plane, −z / noise² across, rotated."""
        z = x @ self.turn
        return np.asarray(np.hstack([self.base.score(z[:, :2]), -z[:, 2:] / self.noise**2]) @ self.turn.T)

    @property
    def entropy(self) -> float:
        """The entropy of the planar set plus ½ log(2πe noise²) for each axis across, in nats."""
        return float(self.base.entropy + (self.dim - 2) * (0.5 * LOG_2PI_E + np.log(self.noise)))
