"""The data to which models are fitted in checks, and fits that several checks share."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from genbench.contracts.classifier import Classifier
from genbench.contracts.model import Model, ModelCard
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.testing.check import DoesNotApply, require

__all__ = ["Material", "densities", "drawn", "fitted", "fitted_anew", "inside", "material", "needs_samples", "one_step"]

POINTS, HELD_OUT, STEPS = (
    400,
    40,
    "4",
)  # by hand: enough for a model to be what it is, and little enough to take no time
LENGTH, LEVELS, CLASSES = 12, 17, 3  # steps of a series, grey levels of an image, and labels
MOST = 6  # fits that are kept, by hand: those of one model

_kept: dict[tuple[Any, ...], Estimator] = {}


@dataclass(frozen=True)
class Material:
    """Points [n, *shape] of a kind that a model accepts."""

    kind: str
    points: Array
    levels: int | None = None

    @property
    def fit(self) -> dict[str, Any]:
        """The arguments of `Estimator.fit`; labels are used only by conditional models."""
        labels = np.arange(len(self.points)) % CLASSES
        held_out = {"validation": self.points[:HELD_OUT], "validation_labels": labels[:HELD_OUT]}
        return {
            "x": self.points,
            "labels": labels,
            "kind": self.kind,
            "levels": self.levels,
            "budget": STEPS,
            **held_out,
        }


def material(card: ModelCard, d: int | None = None, seed: int = 0) -> Material:
    """Return data for a model: a crescent in d dimensions, a series or an image.

    A series or an image is for a model that accepts no points.

    The crescent is not Gaussian, so that it reveals faults that Gaussian data hide.
    """
    rng = np.random.default_rng(stream(seed, "material"))
    kind = next(k for k in ("points", "table", "series", "image") if k in card.kinds)
    if kind == "image":
        return Material(kind, (rng.integers(0, LEVELS, size=(POINTS, 1, 8, 8)) + 0.5) / LEVELS, LEVELS)
    if kind == "series" and d is None:
        steps, x = rng.standard_normal((POINTS, LENGTH)), np.zeros((POINTS, LENGTH))
        for k in range(LENGTH):  # autoregressive, of coefficient 0.8
            x[:, k] = (0.8 * x[:, k - 1] + 0.6 * steps[:, k]) if k else steps[:, k]
        return Material(kind, 10 + 2 * x)
    x = rng.standard_normal((POINTS, d or 2))
    x[:, 1:2] = 0.5 * x[:, 1:2] + 0.6 * (x[:, :1] ** 2 - 1)
    return Material(kind, 3 * x + 1)


def needs_samples(card: ModelCard) -> None:
    """Skip a check for a model that cannot be fitted to points alone."""
    if card.role == "oracle":
        raise DoesNotApply("it is given the truth, and learns nothing")
    if issubclass(card.factory, Classifier):
        raise DoesNotApply("it classifies, and does not sample")


def fitted_anew(
    card: ModelCard, params: Mapping[str, Any], device: str, seed: int = 0, d: int | None = None, of: int = 0
) -> Estimator:
    """Return a model after a few steps of training on its data.

    `seed` is the seed of the training, `of` the seed of the data.
    """
    needs_samples(card)
    return Estimator(card, params, device).fit(seed=seed, **material(card, d, of).fit)


def fitted(
    card: ModelCard, params: Mapping[str, Any], device: str, seed: int = 0, d: int | None = None, of: int = 0
) -> Estimator:
    """Return a model as `fitted_anew` does, from an earlier call if possible.

    It is a copy, so that checks do not affect each other.
    """
    key = (card, repr(sorted(params.items())), device, seed, d, of)
    if any(other[0] is not card for other in _kept) or len(_kept) >= MOST:
        _kept.clear()
    if key not in _kept:
        _kept[key] = fitted_anew(card, params, device, seed, d, of)
    try:
        return copy.deepcopy(_kept[key], {id(card): card})
    except Exception:  # what a plugin holds may refuse to be copied in any way
        return _kept.pop(key)


@contextmanager
def inside(model: Estimator, seed: int = 0) -> Iterator[Any]:
    """Seed the generators for calls of a model's own methods, and yield the model."""
    with model._inside(seed):
        yield model.model


def drawn(model: Estimator, n: int) -> Any:
    """Return n samples in the model's own form, from the global generators as they are."""
    own: Any = model.model
    return own.sample(n, *model._of(model.labels(None, n), 0, n))


def one_step(model: Any, x: Any, update: Callable[[str, Any], None]) -> None:
    """Do a training step of a torch model on a batch x [b, *shape].

    Labels are added if it is conditional.
    """
    if model.conditional:
        import torch

        model.labelled_step(x, torch.arange(len(x)) % CLASSES, update)
    else:
        model.training_step(x, update)


def densities(model: Estimator, x: Array, seed: int = 0) -> Array:
    """Return the log-densities [n] of points; DoesNotApply is raised if there are none.

    Raises:
        CheckFailed: the model is registered with a likelihood but has no `log_prob`.
    """
    if model.card.likelihood == "none":
        raise DoesNotApply("it has no likelihood")
    written = type(model.model).log_prob is not Model.log_prob
    require(written, f"it writes no log_prob and is registered with likelihood={model.card.likelihood!r}")
    try:
        return model.log_prob(x, seed=seed)
    except NotImplementedError as error:
        raise DoesNotApply(f"it has no density for these data: {error}") from None
