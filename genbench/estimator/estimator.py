"""The estimator: a model with numpy input and output, in the data's own units.

It seeds the model and checks its results.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.dataset import Dataset, Splits, SyntheticDataset
from genbench.contracts.model import ModelCard
from genbench.contracts.recipe import Budget, Recipe
from genbench.core.errors import GenbenchError, GenbenchWarning, WeightsDoNotFit
from genbench.core.parameters import bind, create
from genbench.core.seeding import isolated, stream, with_threads
from genbench.core.types import Array, Labels
from genbench.estimator.adapter import Units, as_points
from genbench.estimator.class_labels import ClassLabels, whole_labels
from genbench.estimator.fitted import FittedModel
from genbench.estimator.stored_axes import with_axes, without_axes
from genbench.numerics.independent_axes import IndependentAxes
from genbench.numerics.standardiser import Standardiser, constant
from genbench.reading.arrays import as_array
from genbench.training.batches import Redraw
from genbench.training.checkpoint import Checkpoint, misfits
from genbench.training.compute import Meter
from genbench.training.step_time import measured_step_ms
from genbench.training.trainer import History, Snapshots, TrainingOptions, train

if TYPE_CHECKING:
    from genbench.contracts.torch_model import TorchModel

__all__ = ["Estimator"]

Labelled: TypeAlias = tuple[Array, Labels | None]  # points [n, *shape] and their labels [n]


class Estimator(FittedModel):
    """A registered model with standardised data, seeds, conversions and checks.

    The model itself need not do any of these.

    >>> import genbench
    >>> moons = genbench.load_dataset("moons")
    >>> model = genbench.load_model("gaussian").fit(moons.sample(1000))
    >>> model.sample(5).shape, model.log_prob(moons.sample(3, seed=1)).shape
    ((5, 2), (3,))
    """

    def __init__(self, card: ModelCard, params: Mapping[str, Any] | None = None, device: str = "cpu") -> None:
        super().__init__(card, params, device)
        self.history = History()

    def fit(
        self,
        x: Any,
        validation: Any = None,
        *,
        labels: Any = None,
        validation_labels: Any = None,
        kind: str = "points",
        levels: int | None = None,
        classes: int | None = None,
        seed: int = 0,
        budget: str = "quick",
        progress: bool = False,
        snapshots: Snapshots | None = None,
        redraw: Redraw | None = None,
        checkpoint: Checkpoint | None = None,
        metered: bool = False,
    ) -> Estimator:
        """Learn from points x [n, *shape], or from one whole series [n]; returns itself.

        `snapshots`, `redraw` and `checkpoint` are for torch models. Without a `step_ms`, some steps are timed first.

        Args:
            validation: held-out points [m, *shape], with which a torch model selects among its weights; a tenth of x if
                not given.
            labels, validation_labels: whole numbers [n] from 0 on, for a conditional model; others ignore them.
            kind: "points", "table", "image" or "series". With the shape, it selects the model's presets.
            levels: number of grey levels of images; the level is the whole part of levels · x; 256 if not given.
            classes: number of labels; one more than the largest of x if not given.
            seed: seed of initialisation and training.
            budget: "smoke", "quick", "standard", a number of steps ("2000") or of seconds ("30s"). A model without
                steps may use these seconds to limit its work, or those of "quick" if the budget is in steps.
            snapshots: called from time to time with an estimator that has the present weights.
            redraw: returns x with new noise for epoch 1, 2, … (the first epoch is 0), or None.
            checkpoint: the file from which a killed training run resumes.
            metered: whether to measure the amount of computation, for `history.compute`; not on a GPU.

        Raises:
            GenbenchError: x is not an array of finite numbers, the model needs the truth, or it needs labels and they
                are missing or wrong.
            Diverged: training failed.
        """
        if self.card.role == "oracle":
            raise GenbenchError(
                f"{self.card.name} samples from the truth and cannot be fitted to points; use load_dataset"
            )
        kind = self._kind(kind)
        x = self._prepare(x, kind, levels)
        if kind in ("points", "table"):
            self._warn_of_constants(x)
        y = self._count(labels, len(x), classes)
        metered = metered and self.device == "cpu"
        if self.card.is_torch:
            held_out = None if validation is None else (validation, validation_labels)
            options = TrainingOptions(Budget(budget), progress, snapshots, redraw, checkpoint, metered)
            self._train((x, y), held_out, kind, seed, options)
        else:
            self.standardiser = self._units(x, kind)
            self._fit_at_once(x, seed, Budget(budget), Meter() if metered else None)
        return self

    def _fit_at_once(self, x: Array, seed: int, budget: Budget, meter: Meter | None) -> None:
        """Fit a model that has no steps."""
        self.model.budget_seconds = budget.nominal_seconds
        with isolated(stream(seed, "training")), meter.start() if meter else nullcontext():
            self.model.fit(self._fitted().forward(x))
        self.history = History(compute=meter.finish() if meter else None)

    def _train(
        self, data: Labelled, held_out: tuple[Any, Any] | None, kind: str, seed: int, options: TrainingOptions
    ) -> None:
        """Train a torch model on points and labels, for as many steps as its budget is, which may have to be timed."""
        if options.budget.nominal and self.states_no_step_ms:
            facts: dict[str, Any] = {"kind": kind, "levels": self.model.levels, "redraw": options.redraw}
            points, labels = held_out or (None, None)
            classes = None if self.classes is None else len(self.classes)
            ms = self.step_ms(data[0], points, labels=data[1], validation_labels=labels, classes=classes, **facts)
            options = replace(options, budget=Budget(str(options.budget.steps(Recipe(step_ms=ms)))))
        inputs = self._inputs(data, held_out, kind, seed, options)
        with self._on_device(), isolated(stream(seed, "training")):
            self.history = train(**inputs)

    def _inputs(
        self, data: Labelled, held_out: tuple[Any, Any] | None, kind: str, seed: int, options: TrainingOptions
    ) -> dict[str, Any]:
        """Return the arguments of the trainer; without held-out points, a tenth of the points is held out."""
        (x, y), rows = data, np.arange(len(data[0]))
        if held_out is None:
            order = np.random.default_rng(stream(seed, "validation")).permutation(len(x))
            rows, last = np.split(order, [len(x) - len(x) // 10])
            held_out = x[last], None if y is None else y[last]
            x, y = x[rows], None if y is None else y[rows]
        self.standardiser = self._units(x, kind)
        validation = as_points(held_out[0], self.card.name)
        labels = None
        if y is not None:
            labels = y, whole_labels(repr(self), held_out[1], len(validation), "validation points")
        options = replace(
            options, snapshots=self._watch(options.snapshots), redraw=self._standardising(options.redraw, rows)
        )
        points = {"x": self._single(x), "validation": self._single(validation)}
        return {"model": self.model, **points, "options": options, "labels": labels}

    @property
    def states_no_step_ms(self) -> bool:
        """Whether it is trained by steps and its recipe has no `step_ms`."""
        return self.card.is_torch and cast("TorchModel", self.model).recipe.step_ms is None

    def step_ms(
        self,
        x: Any,
        validation: Any = None,
        *,
        labels: Any = None,
        validation_labels: Any = None,
        kind: str = "points",
        levels: int | None = None,
        classes: int | None = None,
        redraw: Redraw | None = None,
    ) -> float:
        """Return the milliseconds of a training step on the reference machine, to two digits.

        A few steps of another model with the same parameters are timed, on the processor in one thread, whatever the
        device of this model. Arguments and errors are those of `fit`.
        """
        twin = Estimator(self.card, self.given)
        kind = twin._kind(kind)
        x = twin._prepare(x, kind, levels)
        data = x, twin._count(labels, len(x), classes)
        held_out = None if validation is None else (validation, validation_labels)
        inputs = twin._inputs(data, held_out, kind, 0, TrainingOptions(Budget("1"), redraw=redraw))
        with with_threads(1), isolated(0):
            return float(f"{measured_step_ms(**inputs):.2g}")

    def restore(
        self,
        weights: Mapping[str, Any],
        x: Any,
        *,
        labels: Any = None,
        kind: str = "points",
        levels: int | None = None,
        classes: int | None = None,
    ) -> Estimator:
        """Set the weights of an earlier `fit` instead of learning; returns itself.

        Args:
            weights: tensors by name, as `weights` returned them.
            x: the training points [n, *shape] of these weights, from which the units are computed.
            labels, kind, levels, classes: as in `fit`.

        Raises:
            WeightsDoNotFit: the weights are not those of a model with these parameters.
            GenbenchError: it is not a torch model, or it needs labels and they are missing or wrong.
        """
        if not self.card.is_torch:
            raise GenbenchError(f"{self.card.name} has no weights to restore; fit it again")
        kind = self._kind(kind)
        x = self._prepare(x, kind, levels)
        self._count(labels, len(x), classes)
        axes, own, wrong = without_axes(weights, x[0].size)
        self.standardiser = axes or self._units(x, kind)
        model = cast("TorchModel", self.model)
        with self._on_device(), isolated(0):
            model.build(x.shape[1:])
        if wrong := wrong + misfits(model.state_dict(), own):
            raise WeightsDoNotFit(
                f"the weights do not fit {self!r} on points of shape {x.shape[1:]}: {'; '.join(wrong)}; "
                f"give it the parameters and the data that they were trained with"
            )
        model.load_state_dict(own)
        model.eval()
        return self

    def reveal(self, dataset: Dataset, splits: Splits) -> Estimator:
        """Give the true distribution to the oracle, instead of fitting; returns itself."""
        self.standardiser = Standardiser.identity(dataset.shape)
        self.deals = not isinstance(dataset, SyntheticDataset)
        self.model.reveal(dataset, splits)
        return self

    def weights(self) -> dict[str, Any]:
        """Return the weights of a torch model and its axes by name; {} for other models."""
        if not self.card.is_torch:
            return {}
        own = {name: value.cpu() for name, value in cast("TorchModel", self.model).state_dict().items()}
        return with_axes(own, self.standardiser)

    @property
    def parameters(self) -> int | None:
        """The number of trained parameters of a torch model, or the model's `n_parameters`."""
        if self.card.is_torch:
            return sum(p.numel() for p in self.model.parameters() if p.requires_grad)  # type: ignore[attr-defined]
        return getattr(self.model, "n_parameters", None)

    @property
    def likelihood(self) -> str:
        """The kind of `log_prob` on the present data: "exact", "estimate", "bound" or "none"."""
        return getattr(self.model, "likelihood", self.card.likelihood)

    @property
    def nfe(self) -> int | None:
        """The network evaluations for one point in the last `sample`.

        The model states them, or its calls are counted.

        None if neither is known, as for models without a network.
        """
        said: int | None = getattr(self.model, "nfe", None)
        if said is not None:
            return said
        counted = self.counted_calls()
        said = getattr(self.model, "nfe", None)  # where it says so only after a draw
        return counted if said is None else said

    def _kind(self, kind: str) -> str:
        """Return the kind of data as it was given; whatever is given to a model of series alone is series."""
        return "series" if self.card.kinds == ("series",) else kind

    def _prepare(self, x: Any, kind: str, levels: int | None) -> Array:
        """Return x as an array, and create the model with the presets for its kind and shape."""
        whole = kind == "series" and np.ndim(x) == 1
        x = as_points(as_array(x, f"x for {self.card.name}")[None] if whole else x, self.card.name)
        self.params = bind(self.card, self.given, (kind, x.shape[1:]))
        with self._on_device():
            self.model = create(self.card, self.params)
        if levels is not None:
            self.model.levels = levels
        return x

    def _units(self, x: Array, kind: str) -> Units:
        """Return the change of units for training points, which a model's recipe and the kind of data ask for."""
        if not self.card.standardise or (kind == "image" and self.model.reads_levels):
            return Standardiser.identity(x.shape[1:])
        if kind == "series":
            return Standardiser.of_series(x)
        if kind == "image":
            return Standardiser.of_pictures(x)
        axes = cast("TorchModel", self.model).recipe.axes if self.card.is_torch else "coordinates"
        found = IndependentAxes.fit(x) if axes == "independent" and x.ndim == 2 else None
        return Standardiser.fit(x) if found is None else found

    def _warn_of_constants(self, x: Array) -> None:
        places = np.flatnonzero(constant(x)[0])
        if len(places):
            which = ", ".join(str(place + 1) for place in places[:5]) + ", …" * (len(places) > 5)
            warnings.warn(
                f"{len(places)} of {x[0].size} coordinates are constant ({which}): no density has a meaning there; "
                "leave them out, or make nothing of log p",
                GenbenchWarning,
                stacklevel=3,
            )

    def _single(self, x: NDArray[np.floating], rows: NDArray[np.integer] | None = None) -> NDArray[np.float32]:
        """Return points [n, *shape], or some rows of them, in the model's units and in float32, a part at a time."""
        units, n = self._fitted(), len(x) if rows is None else len(rows)
        z = np.empty((n, *x.shape[1:]), dtype=np.float32)
        for at, size in self._batches(n):
            part = slice(at, at + size)
            z[part] = units.forward(x[part if rows is None else rows[part]].astype(np.float64))
        return z

    def _standardising(self, redraw: Redraw | None, rows: NDArray[np.integer]) -> Redraw | None:
        """Return what draws the noise of an epoch anew for some of the training points, in the model's units."""
        if redraw is None:
            return None
        return lambda epoch: None if (fresh := redraw(epoch)) is None else self._single(fresh, rows)

    def _count(self, labels: Any, n: int, classes: int | None) -> Labels | None:
        """Tell a conditional model how many classes there are, and return the labels [n]; None for other models."""
        if not getattr(self.model, "conditional", False):
            self.classes = None
            return None
        y = whole_labels(repr(self), labels, n, "points")
        self.classes = ClassLabels.of(repr(self), y, classes)
        cast("TorchModel", self.model).classes = len(self.classes)
        return y

    def _watch(self, snapshots: Snapshots | None) -> Snapshots | None:
        """Return snapshots that are taken of an estimator, where the trainer's are taken of a module."""
        if snapshots is None:
            return None

        def take(module: TorchModel, *when: Any) -> dict[str, float] | None:
            present = copy.copy(self)
            present.model = module
            return snapshots.take(present, *when)

        return replace(snapshots, take=take)
