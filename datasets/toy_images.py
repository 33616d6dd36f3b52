"""Images of planar sets: small images whose content is easy to recognise."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Interval

from genbench.contracts.dataset import Dataset, Sizes, Splits, SyntheticDataset, register_dataset
from genbench.core.errors import GenbenchError
from genbench.core.seeding import generator, stream
from genbench.core.types import Array, Labels
from genbench.datasets.curves import Circles, Moons
from genbench.datasets.shapes import Checkerboard, StretchedGaussian

__all__ = ["ToyImages"]

SHAPES: dict[str, type[SyntheticDataset]] = {
    "moons": Moons,
    "circles": Circles,
    "checkerboard": Checkerboard,
    "stretched_gaussian": StretchedGaussian,
}
# All chosen by hand, so that a shape is easy to recognise.
SIZES = Sizes(train=5_000, validation=1_000, test=1_000)
POINTS = 400  # in an image
RADIUS = (0.35, 0.5)  # root mean square distance of the points from their centre; an image shows [−1, 1]²
SHIFT = 0.1  # of the centre along either axis, at most
BLUR = 0.05  # standard deviation of the Gaussian that a point is drawn as
BLOCK = 32  # images drawn at once


@register_dataset("toy_images", family="images", kind="image", source="genbench")
class ToyImages(Dataset):
    """Images of moons, circles, boards and long Gaussians, rotated, scaled and shifted.

    Labels: the shape, if there are all. An image is the density of 400 points of the shape, each drawn as a small
    Gaussian, divided by its maximum: grey levels in [0, 1]. The angle is uniform, and so are the scale, from 0.35 to
    0.5, and the shift, up to 0.1 in each direction. The density of the images is unknown. Splits have 5,000, 1,000 and
    1,000 images unless other sizes than the usual ones are asked for; an image of 64×64 pixels needs 32 kB.

    Args:
        shape: moons, circles, checkerboard, stretched_gaussian, or all of them in equal parts.
        size: pixels along a side, 8 to 256.
    """

    def __init__(
        self,
        shape: Literal["moons", "circles", "checkerboard", "stretched_gaussian", "all"] = "all",
        size: Annotated[int, Interval(ge=8, le=256)] = 64,
    ) -> None:
        self.size, self.shape = size, (1, size, size)
        self.shapes = [SHAPES[name]() for name in (SHAPES if shape == "all" else [shape])]
        self.classes = len(SHAPES) if shape == "all" else None
        self.split_sizes = SIZES

    def splits(self, seed: int, sizes: Sizes = Sizes()) -> Splits:
        """Return independent images for train, validation and test."""
        parts = []
        for name in ("train", "validation", "test"):
            asked, usual = getattr(sizes, name), getattr(Sizes(), name)
            n = asked if asked != usual else getattr(SIZES, name)
            parts.append(self.labelled_sample(n, stream(seed, name)))
        (train, a), (validation, b), (test, c) = parts
        return Splits(train, validation, test, a, b, c)

    def reference(self, n: int, seed: int) -> Array:
        """Return `n` new images [n, 1, size, size]."""
        return self.sample(n, stream(seed, "reference"))

    def sample(self, n: int, seed: int = 0) -> Array:
        """Return `n` independent images [n, 1, size, size]."""
        return self.labelled_sample(n, seed)[0]

    def labelled_sample(self, n: int, seed: int = 0) -> tuple[Array, Labels | None]:
        """Return `n` independent images [n, 1, size, size] and their shapes [n], or None.

        The shapes are given if there are several.
        """
        if n < 0:
            raise GenbenchError(f"cannot draw {n} images from {self.card.name}; ask for 0 or more")
        rng = generator(seed, "sample")
        labels = rng.integers(len(self.shapes), size=n)
        x = np.empty((n, *self.shape))
        for label, shape in enumerate(self.shapes):
            mine = np.flatnonzero(labels == label)
            clouds = _place(_clouds(shape, len(mine), rng), rng)
            for start in range(0, len(mine), BLOCK):
                block = slice(start, start + BLOCK)
                x[mine[block], 0] = _pictures(clouds[block], self.size)
        return x, labels if self.classes else None


def _clouds(shape: SyntheticDataset, n: int, rng: np.random.Generator) -> Array:
    """Return n clouds of points [n, POINTS, 2] of a shape, whose centre is 0 and root mean square distance 1."""
    truth = shape.reference(10_000, seed=0)
    points = shape.draw(rng.random(n * POINTS), rng)[0]
    return ((points - truth.mean(axis=0)) / np.sqrt(truth.var(axis=0).sum())).reshape(n, POINTS, 2)


def _place(cloud: Array, rng: np.random.Generator) -> Array:
    """Return clouds [n, k, 2] turned, scaled and shifted, each in its own way."""
    n = len(cloud)
    angle, radius = rng.uniform(0, 2 * np.pi, n), rng.uniform(*RADIUS, n)
    cos, sin = radius * np.cos(angle), radius * np.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]]).transpose(2, 0, 1)  # (n, 2, 2)
    return cloud @ turn + rng.uniform(-SHIFT, SHIFT, (n, 1, 2))


def _pictures(cloud: Array, size: int) -> Array:
    """Return the density of clouds [n, k, 2] at the centres of pixels, [n, size, size], with maximum 1.

    A Gaussian is a product over axes, so the sum over points is a product of matrices: Σₖ g(yᵢ − yₖ) g(xⱼ − xₖ).
    """
    centres = (np.arange(size) + 0.5) / size * 2 - 1
    blur = max(BLUR, 1 / size)  # half a pixel at least
    gx, gy = np.exp(-0.5 * ((cloud[..., None] - centres) / blur) ** 2).transpose(2, 0, 1, 3)  # (n, k, size)
    density = gy[:, :, ::-1].transpose(0, 2, 1) @ gx  # the second axis points up
    return density / density.max(axis=(1, 2), keepdims=True)
