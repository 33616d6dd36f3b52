"""Networks of a point, a time and perhaps a label: their common part."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from genbench.nn.guide import Guide
from genbench.nn.ode import Track, Watch

__all__ = ["TimeNetwork", "by_parts", "cached_part", "drop", "largest_part", "tracks_by_parts"]

UNLABELLED = 0.1  # share of a batch that is learned without labels (Ho & Salimans 2021, §4: 0.1 or 0.2)
CACHED = 1_250  # by hand: points whose value and two slopes in a layer of 96 units take 1.4 MB
AT_ONCE = 256  # by hand: images that go through a network at once, when nothing is learned


class Given(NamedTuple):
    """The conditions of a network: labels (b,) or None, and two weights of samples.

    The weights are guidance and autoguidance; 1 means none.
    """

    labels: Tensor | None = None
    guidance: float = 1.0
    autoguidance: float = 1.0


class TimeNetwork(nn.Module):
    """A field v(x, t) or v(x, t | y) of points x (b, d) of any shape.

    A subclass defines `field`. `given` sets labels for a block of code, so that the code of a flow does not need them.
    With guidance w the field is v(x, t) + w (v(x, t | y) − v(x, t)) (Ho & Salimans 2021, eq. 6, with w = 1 for no
    guidance), where the last label means "no label". With autoguidance w and the guide g, an earlier version of the
    network with the same inputs, it is g + w (v − g) (Karras et al. 2024, §4). `width` is the size of a label's vector.
    """

    def __init__(self, classes: int = 0, width: int = 0) -> None:
        super().__init__()
        self.classes = classes
        self.embed_label = nn.Embedding(classes + 1, width) if classes else None
        self.guide: Guide | None = None
        self._given = Given()

    def field(self, x: Tensor, t: Tensor, labels: Tensor | None) -> Tensor:
        """Return the value (b, d) at points x (b, d), times t (b, 1) or () and labels (b,)."""
        raise NotImplementedError

    def keep_guide(self, until: float) -> None:
        """Create a guide, which follows this network for a share `until` of its training.

        It follows when `follow` is called.
        """
        self.guide = Guide(self, until)

    def follow(self, progress: float) -> None:
        """Update the guide, if there is one, when a share `progress` of training is over."""
        if self.guide:
            self.guide.follow([p for p in self.parameters() if p.requires_grad], progress)

    @contextlib.contextmanager
    def given(self, labels: Tensor | None, guidance: float = 1.0, autoguidance: float = 1.0) -> Iterator[None]:
        """Set labels (b,) and weights of samples inside the block, for batches of b points."""
        self._given = Given(labels, guidance, autoguidance)
        with self.guide.network.given(labels, guidance) if self.guide else contextlib.nullcontext():
            try:
                yield
            finally:
                self._given = Given()

    @property
    def passes(self) -> int:
        """The number of network evaluations for one value, with the present conditions."""
        given = self._given
        return (1 + (given.labels is not None and given.guidance != 1)) * (1 + (given.autoguidance != 1))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Return the value (b, d) at points x (b, d) and times t (b, 1) or ()."""
        value = self._value(x, t)
        if self.guide is None or self._given.autoguidance == 1:
            return value
        return torch.lerp(self.guide.network(x, t), value, self._given.autoguidance)

    def _value(self, x: Tensor, t: Tensor) -> Tensor:
        labels, guidance, _ = self._given
        if labels is None or guidance == 1:
            return self.field(x, t, self._labels(len(x)))
        told, free = self._twice(x, t, labels).chunk(2)
        return free + guidance * (told - free)

    def _twice(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """Return the values (2b, d) with labels and without, in one pass."""
        time = t if t.ndim == 0 else torch.cat([t, t])
        return self.field(torch.cat([x, x]), time, torch.cat([labels, torch.full_like(labels, self.classes)]))

    def _labels(self, n: int) -> Tensor | None:
        """Return the labels (n,) that the network is told, which are "no label" where none are given."""
        if self._given.labels is not None:
            return self._given.labels
        return torch.full((n,), self.classes) if self.classes else None


def drop(labels: Tensor, classes: int) -> Tensor:
    """Return labels (b,), a random tenth of them replaced by the last, "no label".

    So p(x) is learned too.
    """
    return torch.where(torch.rand(len(labels)) < UNLABELLED, classes, labels)


def largest_part(n: int, shape: tuple[int, ...]) -> int:
    """Return how many of n points to follow at once.

    They are all, but at most 256 images, because of the memory.
    """
    return min(n, AT_ONCE) if len(shape) == 3 else n


def cached_part(n: int, shape: tuple[int, ...]) -> int:
    """Return how many of n points to draw at once, so that their rows fit the cache.

    The same number is used for densities.
    """
    return min(CACHED, largest_part(n, shape))


def by_parts(
    flow: Callable[[int, Tensor | None], Tensor], n: int, labels: Tensor | None, shape: tuple[int, ...]
) -> Tensor:
    """Return n samples (n, *shape) of flow(n, labels) -> (n, d), in parts that fit the cache."""
    parts = [flow(*part) for part in _parts(n, labels, shape)]
    return torch.cat(parts).unflatten(1, shape) if parts else torch.empty(0, *shape)


def tracks_by_parts(
    flow: Callable[[int, Tensor | None, Watch], Tensor], n: int, labels: Tensor | None, shape: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """Return the times (k,) and points (k, n, *shape) of flow(n, labels, watch).

    It is computed in the parts of `by_parts`.
    """
    tracks = [Track() for _ in _parts(n, labels, shape)]
    for track, part in zip(tracks, _parts(n, labels, shape), strict=True):
        flow(*part, track)
    times, _ = tracks[0].stacked()
    return times, torch.cat([track.stacked()[1] for track in tracks], dim=1).unflatten(2, shape)


def _parts(n: int, labels: Tensor | None, shape: tuple[int, ...]) -> list[tuple[int, Tensor | None]]:
    """Return the size and the labels of each part of n samples."""
    size = cached_part(n, shape)
    starts = range(0, n, size) if n else ()
    return [(min(size, n - i), None if labels is None else labels[i : i + size]) for i in starts]
