"""Conversion between numpy and a model: batches, tensors, units, randomness, devices."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from genbench.contracts.model import Model, ModelCard
from genbench.contracts.optional_methods import Values
from genbench.core.errors import BadSamples, ContractError, GenbenchError
from genbench.core.hardware import default_device
from genbench.core.parameters import bind, create
from genbench.core.seeding import isolated, stream
from genbench.core.types import Array, Labels
from genbench.estimator.class_labels import ClassLabels
from genbench.estimator.conversion import as_numbers
from genbench.numerics.independent_axes import IndependentAxes
from genbench.numerics.standardiser import Standardiser
from genbench.reading.arrays import exact

__all__ = ["ModelAdapter", "Units", "as_points"]

Units: TypeAlias = Standardiser | IndependentAxes  # the change of units between data and model

# Points, and numbers in them, that a model is given at once at most. Chosen by hand: a batch of float32 is 2.6 MB.
BATCH, VALUES = 10_000, 640_000
# The method that is called, where the stream of its randomness has another name.
METHODS = {
    "codes": "draw_latent",
    "decode": "from_latent",
    "encode": "to_latent",
    "fill": "conditional_sample",
    "velocity": "velocity_at",
}


class ModelAdapter:
    """A registered model with its parameters, and the conversions to and from user arrays."""

    def __init__(self, card: ModelCard, params: Mapping[str, Any] | None = None, device: str = "cpu") -> None:
        self.card, self.device = card, device
        self.given = dict(params or {})
        self.params = bind(card, self.given)
        self.model: Model = create(card, self.params)
        self.standardiser: Units | None = None
        self.classes: ClassLabels | None = None  # of a conditional model
        self.deals = False  # whether it is an oracle that deals real points, each once, so that a draw is one batch

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.card.name!r}, {self.given!r})"

    def _batches(self, n: int) -> list[tuple[int, int]]:
        """Return where each batch of n points begins, and its size: fewer where a point is large, as an image is."""
        size = max(1, min(BATCH, VALUES // self._fitted().mean.size))
        return [(start, min(size, n - start)) for start in range(0, n, size)]

    @staticmethod
    def _of(labels: Labels | None, at: int, size: int) -> tuple[Any, ...]:
        """Return the labels of one batch of samples as a tensor, if there are any."""
        return () if labels is None else (sys.modules["torch"].as_tensor(labels[at : at + size]),)

    def _fitted(self) -> Units:
        if self.standardiser is None:
            raise GenbenchError(f"{self.card.name} is not fitted; call fit first")
        return self.standardiser

    def drawn(self, n: int, seed: int, labels: Labels | None) -> Array:
        """Return n samples [n, …] of one batch, in the model's own order and units.

        They are not checked.
        """
        with self._inside(stream(seed, "sampling", self.card.name)):
            return self._numbers(self.model.sample(n, *self._of(labels, 0, n)), "sample")

    def _transformed(self, x: Any, method: Callable[[Values], Values], name: str, seed: int) -> Array:
        """Return what a method of the model makes of the standardised points of x [n, *shape], batch after batch."""
        z = self._standardised(x)
        with self._inside(stream(seed, name)):
            parts = [self._rows(method(self._native(z[at : at + n])), name, n) for at, n in self._batches(len(z))]
        return np.concatenate(parts)

    def _rows(self, given: Any, name: str, n: int) -> Array:
        """Return what a method gave for n points as float64 [n, …]; a ContractError says what is wrong with it."""
        values = self._numbers(given, name)
        if values.shape[:1] != (n,):
            method = METHODS.get(name, name)
            raise ContractError(
                f"{self.card.name}.{method} gave shape {values.shape} for {n} points; it must be [n, …]"
            )
        return values

    def _of_points(self, z: Array, name: str) -> Array:
        """Return points [n, *shape] that a method gave; a ContractError where they have another shape."""
        shape = self._fitted().mean.shape
        if z.shape[1:] != shape:
            method = METHODS.get(name, name)
            raise ContractError(f"{self.card.name}.{method} gave points of shape {z.shape[1:]}; it must be {shape}")
        return z

    def _numbers(self, given: Any, name: str) -> Array:
        """Return what a method gave as float64; a ContractError, of samples BadSamples, says why it cannot be."""
        error = BadSamples if name == "sample" else ContractError
        return as_numbers(given, f"{self.card.name}.{METHODS.get(name, name)}", error)

    def _standardised(self, x: Any) -> Array:
        """Return points x [n, *shape] in the model's units; a GenbenchError says why they do not fit."""
        units, x = self._fitted(), as_points(x, self.card.name)
        if x.shape[1:] != units.mean.shape:
            raise GenbenchError(f"{self.card.name} was fitted to points of shape {units.mean.shape}, got {x.shape[1:]}")
        return units.forward(x)

    def _native(self, z: Array) -> Values:
        """Return what the model reads: a float32 tensor for a torch model, the array itself for others."""
        return sys.modules["torch"].tensor(z, dtype=sys.modules["torch"].float32) if self.card.is_torch else z

    @contextlib.contextmanager
    def _inside(self, seed: int) -> Iterator[None]:
        """Seed the global generators and turn off the gradients of a torch model."""
        gradients = sys.modules["torch"].no_grad() if self.card.is_torch else contextlib.nullcontext()
        with self._on_device(), isolated(seed), gradients:
            yield

    def _on_device(self) -> contextlib.AbstractContextManager[Any]:
        """Make this estimator's device the default of all tensors created inside; does nothing for the processor."""
        return contextlib.nullcontext() if "torch" not in sys.modules else default_device(self.device)


def as_points(x: Any, name: str) -> Array:
    """Return x, an array, data frame or tensor, as float64 [n, *shape].

    Raises:
        GenbenchError: x is not such an array; the message says why.
    """
    x = exact(x, f"x for {name}")
    if x.ndim < 2 or len(x) < 1:
        raise GenbenchError(f"{name} needs points [n, *shape], got shape {x.shape}; one-dimensional data are [n, 1]")
    if not np.isfinite(x).all():
        bad = int((~np.isfinite(x.reshape(len(x), -1)).all(axis=1)).sum())
        raise GenbenchError(f"{bad} of {len(x)} points for {name} hold NaN or infinite values; drop or impute them")
    return x
