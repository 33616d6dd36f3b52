"""Classification by Bayes' rule, with any model that has a density.

The rule is p(y | x) = p(x | y) p(y) / Σ_k p(x | k) p(k).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.classifier import Classifier
from genbench.contracts.model import ModelCard
from genbench.contracts.recipe import Budget, Recipe
from genbench.core.errors import GenbenchError
from genbench.core.parameters import bind, create
from genbench.core.seeding import isolated, stream
from genbench.core.types import Array
from genbench.estimator.adapter import as_points
from genbench.estimator.class_labels import ClassLabels, whole_labels
from genbench.estimator.conversion import as_numbers
from genbench.estimator.estimator import Estimator
from genbench.numerics.standardiser import Standardiser
from genbench.training.batches import Redraw
from genbench.training.checkpoint import Checkpoint
from genbench.training.compute import Compute, Meter

__all__ = ["Bayes", "Direct", "part_of", "posterior"]


def posterior(log_joint: Array) -> Array:
    """Return log p(y | x) [n, k] from log p(x, y) [n, k].

    All classes are equal where no class has a density at x.
    """
    peak = log_joint.max(axis=1, keepdims=True)
    lost = ~np.isfinite(peak[:, 0])
    shifted = np.where(lost[:, None], 0.0, log_joint - np.where(np.isfinite(peak), peak, 0.0))
    log_proba: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return log_proba


def part_of(budget: str, parts: int, recipe: Recipe | None) -> str:
    """Return the budget of one of several training runs that share a budget.

    It is in steps, or in seconds without a recipe.

    >>> part_of("quick", 10, Recipe(step_ms=2)), part_of("30s", 10, Recipe()), part_of("quick", 10, None)
    ('500', '3.000s', '1.000s')
    """
    whole = Budget(budget)
    if recipe is None:
        return f"{max(whole.nominal_seconds / parts, 0.001):.3f}s"
    if (seconds := whole.seconds) is not None:
        return f"{max(seconds / parts, 0.001):.3f}s"
    steps = whole.steps(recipe)
    assert steps is not None
    return str(max(1, steps // parts))


class Bayes:
    """A classifier made of densities: one model for each class, or one conditional model.

    The prior p(y) is the share of each class in the training points. The budget is divided over the classes, so that
    a classifier costs as much as one model.

    >>> import genbench, numpy as np
    >>> x, y = genbench.load_dataset("moons").labelled_sample(500)
    >>> by_bayes = genbench.load_classifier("gaussian").fit(x, y)
    >>> by_bayes.predict_log_proba(x[:3]).shape
    (3, 2)
    """

    def __init__(self, card: ModelCard, params: Mapping[str, Any] | None = None, device: str = "cpu") -> None:
        if card.likelihood == "none" or card.role == "oracle":
            raise GenbenchError(
                f"{card.name} has no density, so it cannot classify; `genbench list models --can classifies` shows "
                "those that can"
            )
        self.card, self.given, self.device = card, dict(params or {}), device
        self.densities: dict[int, Estimator] = {}
        self.prior = ClassLabels(card.name, np.empty(0))

    def __repr__(self) -> str:
        return f"Bayes({self.card.name!r}, {self.given!r})"

    def fit(
        self,
        x: Any,
        labels: Any,
        validation: Any = None,
        validation_labels: Any = None,
        *,
        kind: str = "points",
        levels: int | None = None,
        classes: int | None = None,
        seed: int = 0,
        budget: str = "quick",
        progress: bool = False,
        redraw: Redraw | None = None,
        checkpoint: Callable[[int], Checkpoint | None] = lambda k: None,
        metered: bool = False,
    ) -> Bayes:
        """Learn from points x [n, *shape] with labels [n]; returns itself.

        The arguments are those of `Estimator.fit`.

        Args:
            checkpoint: returns the checkpoint of each of the training runs 0, 1, …

        Raises:
            GenbenchError: x is not finite, the labels are wrong, or a class has a single point.
        """
        x = as_points(x, self.card.name)
        y = whole_labels(repr(self), labels, len(x), "points")
        self.prior = ClassLabels.of(repr(self), y, classes)
        self.densities = {}
        example = create(self.card, bind(self.card, self.given, (kind, x.shape[1:])))
        self.conditional = bool(getattr(example, "conditional", False))
        common: dict[str, Any] = {"kind": kind, "levels": levels, "progress": progress, "metered": metered}
        if self.conditional:
            whole = Estimator(self.card, self.given, self.device).fit(
                x, validation, labels=y, validation_labels=validation_labels, classes=len(self.prior), seed=seed,
                budget=budget, redraw=redraw, checkpoint=checkpoint(0), **common,
            )  # fmt: skip
            self.densities = dict.fromkeys(range(len(self.prior)), whole)
            return self
        present = np.flatnonzero(self.prior.frequencies)
        recipe = getattr(example, "recipe", None)
        if recipe and recipe.step_ms is None and Budget(budget).nominal:
            ms = Estimator(self.card, self.given).step_ms(x, validation, kind=kind, levels=levels, redraw=redraw)
            recipe = replace(recipe, step_ms=ms)
        share = part_of(budget, len(present), recipe)
        for k in map(int, present):
            mine, held_out = np.flatnonzero(y == k), None
            if len(mine) < 2:
                raise GenbenchError(f"class {k} has a single training point, which has no density; give it more")
            if validation is not None and (own := np.asarray(validation_labels) == k).any():
                held_out = as_points(validation, self.card.name)[own]
            self.densities[k] = Estimator(self.card, self.given, self.device).fit(
                x[mine], held_out, seed=stream(seed, "class", k),
                budget=share, redraw=partial(_rows, redraw, mine), checkpoint=checkpoint(k), **common,
            )  # fmt: skip
        return self

    def log_joint(self, x: Any, seed: int = 0) -> Array:
        """Return log p(x, y) = log p(x | y) + log p(y) in nats for each class, [n, classes]."""
        if not self.densities:
            raise GenbenchError(f"{self.card.name} is not fitted; call fit first")
        joint = np.full((len(x), len(self.prior)), -np.inf)
        for k, model in self.densities.items():
            given = {"labels": k} if self.conditional else {}
            if self.prior.frequencies[k] > 0:
                joint[:, k] = model.log_prob(x, seed=seed, **given) + np.log(self.prior.frequencies[k])
        return joint

    def predict_log_proba(self, x: Any, seed: int = 0) -> Array:
        """Return log p(y | x) for each class, [n, classes]."""
        return posterior(self.log_joint(x, seed))

    @property
    def models(self) -> list[Estimator]:
        """The fitted models, each once."""
        return list({id(model): model for model in self.densities.values()}.values())

    @property
    def earlier(self) -> float:
        """Seconds of training before the runs were resumed from checkpoints, for all models."""
        return sum(model.history.earlier for model in self.models)

    @property
    def compute(self) -> Compute | None:
        """The computation of all training runs together, if it was measured; None otherwise."""
        known = [model.history.compute for model in self.models]
        return None if None in known else sum((one for one in known if one), start=Compute())

    @property
    def parameters(self) -> int | None:
        """The number of trained parameters of all models together, or None if unknown."""
        known = [model.parameters for model in self.models]
        return None if None in known else sum(n for n in known if n is not None)

    @property
    def steps(self) -> int | None:
        """The number of training steps of all models together."""
        return sum(model.history.steps for model in self.models) or None

    @property
    def likelihood(self) -> str:
        """The kind of the densities: "exact", "estimate" or "bound"."""
        return self.models[0].likelihood if self.densities else self.card.likelihood


class Direct:
    """A model of p(y | x) alone, with standardised data."""

    likelihood, steps, earlier = "none", None, 0.0
    compute: Compute | None = None

    def __init__(self, card: ModelCard, params: Mapping[str, Any] | None = None, device: str = "cpu") -> None:
        self.card, self.given = card, dict(params or {})
        self.model: Classifier = create(card, bind(card, self.given))
        self.standardiser: Standardiser | None = None

    def __repr__(self) -> str:
        return f"Direct({self.card.name!r}, {self.given!r})"

    def fit(
        self,
        x: Any,
        labels: Any,
        *_: Any,
        classes: int | None = None,
        seed: int = 0,
        metered: bool = False,
        **__: Any,
    ) -> Direct:
        """Learn from points x [n, *shape] with labels [n]; returns itself.

        Other arguments of `Bayes.fit` are ignored.
        """
        x = as_points(x, self.card.name)
        y = whole_labels(repr(self), labels, len(x), "points")
        k = len(ClassLabels.of(repr(self), y, classes))
        flat = x.reshape(len(x), -1)
        self.standardiser = Standardiser.fit(flat)
        meter = Meter() if metered else None
        with isolated(stream(seed, "training")), meter.start() if meter else nullcontext():
            self.model.learn(self.standardiser.forward(flat), y, k)
        self.compute = meter.finish() if meter else None
        return self

    def predict_log_proba(self, x: Any, seed: int = 0) -> Array:
        """Return log p(y | x) for each class, [n, classes]."""
        if self.standardiser is None:
            raise GenbenchError(f"{self.card.name} is not fitted; call fit first")
        flat = as_points(x, self.card.name).reshape(len(x), -1)
        found = self.model.predict_log_proba(self.standardiser.forward(flat))
        return as_numbers(found, f"{self.card.name}.predict_log_proba")

    @property
    def parameters(self) -> int | None:
        """The model's `n_parameters`, or None."""
        return getattr(self.model, "n_parameters", None)


def _rows(redraw: Redraw | None, rows: NDArray[np.integer], epoch: int) -> NDArray[np.floating] | None:
    """Return some of the training points with the noise of an epoch, or None where they have none."""
    fresh = redraw(epoch) if redraw else None
    return None if fresh is None else fresh[rows]
