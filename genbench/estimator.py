"""A model as a user holds it: numpy in, numpy out, the data's own units, seeded, checked."""

from __future__ import annotations

import contextlib
import copy
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from genbench.checkpoint import Checkpoint, misfits
from genbench.classes import Classes, whole_labels
from genbench.dataset import Array, Dataset, Labels, Splits
from genbench.errors import BadSamples, ContractError, GenbenchError
from genbench.model import Model, ModelCard
from genbench.parameters import bind, create
from genbench.predictive import Mixture
from genbench.recipe import Budget
from genbench.seeding import isolated, stream
from genbench.standardise import Standardiser
from genbench.training import History, Snapshots, train

if TYPE_CHECKING:
    from genbench.torch_model import TorchModel

__all__ = ["Estimator"]

BATCH, VALUES = 10_000, 640_000  # points, and numbers in them, that a model is given at once at most
Redraw = Callable[[int], NDArray[np.floating] | None]


class Estimator:
    """Wraps a registered model: standardises, seeds, converts and checks, so that a model need not.

    >>> import genbench
    >>> moons = genbench.load_dataset("moons")
    >>> model = genbench.load_model("gaussian").fit(moons.sample(1000))
    >>> model.sample(5).shape, model.log_prob(moons.sample(3, seed=1)).shape
    ((5, 2), (3,))
    """

    def __init__(self, card: ModelCard, params: Mapping[str, Any] | None = None, device: str = "cpu") -> None:
        self.card, self.device = card, device
        self.given = dict(params or {})
        self.params = bind(card, self.given)
        self.model: Model = create(card, self.params)
        self.history = History()
        self.standardiser: Standardiser | None = None
        self.classes: Classes | None = None  # of a conditional model

    def __repr__(self) -> str:
        return f"Estimator({self.card.name!r}, {self.given!r})"

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
    ) -> Estimator:
        """Learn from points x [n, *shape], or from one whole series [n]; returns itself.

        Args:
            validation: held-out points, by which a torch model chooses among its weights; a tenth of x if not given.
            labels, validation_labels: whole numbers [n] from 0 on, for a conditional model; others look at none.
            kind: what x is, "points", "table", "image" or "series"; with the shape it chooses the model's presets.
            levels: grey levels of pictures, which are the whole part of levels · x; 256 if not given.
            classes: how many labels there are; one more than the largest of x if not given.
            seed: of initialisation and training.
            budget: "smoke", "quick", "standard", a number of steps ("2000") or of seconds ("30s"); for torch models.
            progress: show a progress bar.
            snapshots: what is called with an estimator of the present weights now and then; for torch models.
            redraw: gives x with fresh noise for epoch 1, 2, … (the first is 0), or None; for torch models.
            checkpoint: from which a training goes on that was killed; for torch models.

        Raises:
            GenbenchError: x is not an array of finite numbers, the model needs the truth, or it needs labels and there
                are none that fit.
            Diverged: training failed.
        """
        if self.card.role == "oracle":
            raise GenbenchError(
                f"{self.card.name} samples from the truth and cannot be fitted to points; use load_dataset"
            )
        kind = self._kind(kind)
        x = self._prepare(x, kind, levels)
        y = self._count(labels, len(x), classes)
        kept = np.arange(len(x))
        if validation is None and self._is_torch:
            order = np.random.default_rng(stream(seed, "validation")).permutation(len(x))
            kept, held_out = np.split(order, [len(x) - len(x) // 10])
            validation, validation_labels = x[held_out], None if y is None else y[held_out]
            x, y = x[kept], None if y is None else y[kept]
        self.standardiser = self._units(x, kind)
        if not self._is_torch:
            with isolated(stream(seed, "training")):
                self.model.fit(self.standardiser.forward(x))
            return self
        validation = _points(validation, self.card.name)

        def again(epoch: int) -> NDArray[np.float32] | None:
            fresh = redraw(epoch) if redraw else None
            return None if fresh is None else self._single(fresh, kept)

        both = None
        if y is not None:
            both = (y, whole_labels(repr(self), validation_labels, len(validation), "validation points"))
        with isolated(stream(seed, "training")), self._on_device():
            self.history = train(
                cast("TorchModel", self.model),
                self._single(x),
                self._single(validation),
                Budget(budget),
                labels=both,
                progress=progress,
                snapshots=self._watch(snapshots),
                redraw=again,
                checkpoint=checkpoint,
            )
        return self

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
        """Take the weights of an earlier `fit` instead of learning; returns itself.

        Args:
            weights: tensors by name, as `weights` returned them.
            x: the points [n, *shape] that they were trained on, for the units; a model looks at no other thing in them.
            labels, kind, levels, classes: what x is, as in `fit`.

        Raises:
            GenbenchError: it is not a torch model, the weights are not those of a model with these parameters, or it
                needs labels and there are none that fit.
        """
        if not self._is_torch:
            raise GenbenchError(f"{self.card.name} has no weights to restore; fit it again")
        kind = self._kind(kind)
        x = self._prepare(x, kind, levels)
        self._count(labels, len(x), classes)
        self.standardiser = self._units(x, kind)
        model = cast("TorchModel", self.model)
        with isolated(0), self._on_device():
            model.build(x.shape[1:])
        if wrong := misfits(model.state_dict(), weights):
            raise GenbenchError(
                f"the weights do not fit {self!r} on points of shape {x.shape[1:]}: {'; '.join(wrong)}; "
                f"give it the parameters and the data that they were trained with"
            )
        model.load_state_dict(weights)
        model.eval()
        return self

    def reveal(self, dataset: Dataset, splits: Splits) -> Estimator:
        """Show the truth to the oracle, instead of fitting it."""
        self.standardiser = Standardiser.identity(dataset.shape)
        self.model.reveal(dataset, splits)
        return self

    def sample(self, n: int, seed: int = 0, labels: Any = None) -> Array:
        """Return `n` points [n, *shape] float64 in the data's own units.

        Each model has a stream of its own: all that start from normal noise would else share one draw's luck.

        Args:
            labels: of the points that a conditional model draws, [n], or one for all; as frequent as in training if
                not given.

        Raises:
            GenbenchError: labels are given that do not fit, or the model is not conditional.
            BadSamples: the model gave another shape, or NaN or infinite values.
        """
        units = self._fitted()
        y = self.labels(labels, n, seed)
        with self._inside(stream(seed, "sampling", self.card.name)):
            parts = [_numpy(self.model.sample(size, *self._of(y, at, size))) for at, size in self._batches(n)]
        for part, (_, size) in zip(parts, self._batches(n), strict=True):
            if part.shape != (size, *units.mean.shape):
                raise BadSamples(
                    f"{self.card.name}.sample({size}) gave shape {part.shape}; it must be {(size, *units.mean.shape)}"
                )
        z = np.concatenate(parts) if parts else np.empty((0, *units.mean.shape))
        bad = int((~np.isfinite(z.reshape(len(z), units.mean.size)).all(axis=1)).sum())
        if bad:
            raise BadSamples(f"{bad} of {len(z)} samples of {self.card.name} are NaN or infinite")
        return units.inverse(z)

    def labels(self, asked: Any, n: int, seed: int = 0) -> Labels | None:
        """Return the labels [n] with which `sample` draws on this seed; None for a model that draws without.

        Raises:
            GenbenchError: labels are asked for that do not fit, or the model is not conditional.
        """
        self._fitted()
        if self.classes is not None:
            return self.classes.asked(asked, n, seed)
        if asked is not None:
            raise GenbenchError(f"{self!r} is not conditional and draws without labels; leave them out")
        return None

    def log_prob(self, x: Any, seed: int = 0, labels: Any = None) -> Array:
        """Return log p(x) in nats of the data's own units, [n] float64; its kind is `card.likelihood`.

        Args:
            labels: of the points [n], or one for all, for log p(x | label) of a conditional model; none is p(x).

        Raises:
            GenbenchError: the model has no likelihood, or labels are given that do not fit.
            ContractError: the model gave another shape, or NaN.
        """
        if self.card.likelihood == "none":
            raise GenbenchError(f"{self.card.name} has no likelihood; `genbench list models` shows which have one")
        z = self._standardised(x)
        y = None if labels is None else self.labels(labels, len(z))
        with self._inside(stream(seed, "log_prob")):
            parts = [self._log_prob(z[at : at + size], *self._of(y, at, size)) for at, size in self._batches(len(z))]
        return np.concatenate(parts) + self._fitted().log_det

    def diagnose(self, x: Any, seed: int = 0) -> dict[str, float]:
        """Return the numbers of the family's own about points x [n, *shape]; empty where it has none."""
        if not hasattr(self.model, "diagnose"):
            return {}
        z = self._standardised(x)
        with self._inside(stream(seed, "diagnosis")):
            return {name: float(value) for name, value in self.model.diagnose(self._native(z)).items()}

    def forecast(self, x: Any, seed: int = 0) -> Mixture:
        """Return the distribution of the value after each history x [n, length − 1], in the data's own units.

        Raises:
            GenbenchError: the model does not forecast, or the histories have another length.
            ContractError: the model gave another shape, or NaN.
        """
        if not hasattr(self.model, "forecast"):
            raise GenbenchError(f"{self.card.name} does not forecast: it has no verb `forecast`")
        units, x = self._fitted(), _points(x, self.card.name)
        if x.shape[1:] != (units.mean.size - 1,):
            raise GenbenchError(f"{self.card.name} needs histories [n, {units.mean.size - 1}], got shape {x.shape}")
        z = (x - units.mean[:-1]) / units.scale[:-1]
        with self._inside(stream(seed, "forecast")):
            parts = [self.model.forecast(self._native(z[at : at + size])) for at, size in self._batches(len(z))]
        fields = ("log_weights", "means", "stds")
        found = Mixture(*(np.concatenate([_numpy(getattr(part, name)) for part in parts]) for name in fields))
        if found.means.shape[:1] != (len(x),) or not found.is_sound:
            raise ContractError(f"{self.card.name}.forecast gave {found.means.shape} or NaN for {len(x)} histories")
        return found.affine(units.scale[-1], units.mean[-1])

    def apply(self, x: Any, verb: Callable[[Model, Any], Any], name: str, seed: int = 0) -> Array:
        """Return what a verb of the model makes of points x [n, *shape]: again points [n, *shape], in the data's units.

        Args:
            verb: called as `verb(model, z)` with batches z of standardised points, as the model reads them.
            name: of the stream of randomness.
        """
        return self._fitted().inverse(self._transformed(x, verb, name, seed))

    def encode(self, x: Any, seed: int = 0) -> Array:
        """Return the codes [n, l] of points x [n, *shape] in the model's latent space.

        Raises:
            GenbenchError: the model does not encode.
        """
        if not hasattr(self.model, "to_latent"):
            raise GenbenchError(f"{self.card.name} does not encode; see `genbench list models --capabilities`")
        return self._transformed(x, lambda model, z: cast(Any, model).to_latent(z), "encode", seed)

    def draw_codes(self, n: int, seed: int = 0) -> Array:
        """Return n draws [n, l] from the prior of the latent space of a model that decodes and does not encode.

        Raises:
            GenbenchError: the model has no such draws.
        """
        if not hasattr(self.model, "draw_latent"):
            raise GenbenchError(f"{self.card.name} does not draw codes; see `genbench list models --capabilities`")
        with self._inside(stream(seed, "codes")):
            return _numpy(cast(Any, self.model).draw_latent(n))

    def decode(self, codes: Array, seed: int = 0) -> Array:
        """Return the points [n, *shape] that codes [n, l] stand for, in the data's own units.

        Raises:
            GenbenchError: the model does not decode.
        """
        if not hasattr(self.model, "from_latent"):
            raise GenbenchError(f"{self.card.name} does not decode; see `genbench list models --capabilities`")
        model, units = cast(Any, self.model), self._fitted()
        with self._inside(stream(seed, "decode")):
            parts = [_numpy(model.from_latent(self._native(codes[at : at + n]))) for at, n in self._batches(len(codes))]
        return units.inverse(np.concatenate(parts))

    def blanked(self, x: Array, known: Any) -> Array:
        """Return x [n, *shape] with the mean of the training points where coordinates are not known [*shape]."""
        return np.where(known, x, self._fitted().mean)

    def weights(self) -> dict[str, Any]:
        """Return the weights of a torch model by name, as tensors; empty for others."""
        if not self._is_torch:
            return {}
        return {name: value.cpu() for name, value in cast("TorchModel", self.model).state_dict().items()}

    @property
    def parameters(self) -> int | None:
        """Number of trained parameters of a torch model, or what the model says in `n_parameters`."""
        if self._is_torch:
            return sum(p.numel() for p in self.model.parameters() if p.requires_grad)  # type: ignore[attr-defined]
        known: int | None = getattr(self.model, "n_parameters", None)
        return known

    @property
    def likelihood(self) -> str:
        """What `log_prob` gives on the data at hand: "exact", "estimate", "bound" or "none"."""
        return getattr(self.model, "likelihood", self.card.likelihood)

    @property
    def nfe(self) -> int | None:
        """Network evaluations that the last `sample` spent on one point; None for models without a network."""
        nfe: int | None = getattr(self.model, "nfe", None)
        return nfe

    @property
    def _is_torch(self) -> bool:
        return hasattr(self.model, "training_loss")

    def _kind(self, kind: str) -> str:
        """Return the kind of data as it was given; whatever is given to a model of series alone is series."""
        return "series" if self.card.kinds == ("series",) else kind

    def _prepare(self, x: Any, kind: str, levels: int | None) -> Array:
        """Return x as an array, and create the model with the presets for its kind and shape."""
        x = _points(np.asarray(x)[None] if kind == "series" and np.ndim(x) == 1 else x, self.card.name)
        self.params = bind(self.card, self.given, (kind, x.shape[1:]))
        with self._on_device():
            self.model = create(self.card, self.params)
        if levels is not None:
            self.model.levels = levels
        return x

    def _units(self, x: Array, kind: str) -> Standardiser:
        if not self.card.standardise or (kind == "image" and self.model.reads_levels):
            return Standardiser.identity(x.shape[1:])
        if kind == "series":
            return Standardiser.of_series(x)
        return Standardiser.of_pictures(x) if kind == "image" else Standardiser.fit(x)

    def _single(self, x: NDArray[np.floating], rows: NDArray[np.integer] | None = None) -> NDArray[np.float32]:
        """Return points [n, *shape], or some rows of them, in the model's units and in float32, a part at a time."""
        units, n = self._fitted(), len(x) if rows is None else len(rows)
        z = np.empty((n, *x.shape[1:]), dtype=np.float32)
        for at, size in self._batches(n):
            part = slice(at, at + size)
            z[part] = units.forward(x[part if rows is None else rows[part]].astype(np.float64))
        return z

    def _batches(self, n: int) -> list[tuple[int, int]]:
        """Return where each batch of n points begins, and its size: fewer where a point is large, as a picture is."""
        size = max(1, min(BATCH, VALUES // self._fitted().mean.size))
        return [(start, min(size, n - start)) for start in range(0, n, size)]

    def _count(self, labels: Any, n: int, classes: int | None) -> Labels | None:
        """Tell a conditional model how many classes there are, and return the labels [n]; None for other models."""
        if not getattr(self.model, "conditional", False):
            self.classes = None
            return None
        y = whole_labels(repr(self), labels, n, "points")
        self.classes = Classes.of(repr(self), y, classes)
        cast("TorchModel", self.model).classes = len(self.classes)
        return y

    @staticmethod
    def _of(labels: Labels | None, at: int, size: int) -> tuple[Any, ...]:
        """Return the labels of one batch of samples as a tensor, if there are any."""
        return () if labels is None else (sys.modules["torch"].as_tensor(labels[at : at + size]),)

    def _watch(self, snapshots: Snapshots | None) -> Snapshots | None:
        """Return snapshots that are shown an estimator where the trainer shows a module."""
        if snapshots is None:
            return None

        def take(module: TorchModel, *when: Any) -> dict[str, float] | None:
            present = copy.copy(self)
            present.model = module
            return snapshots.take(present, *when)

        return replace(snapshots, take=take)

    def _fitted(self) -> Standardiser:
        if self.standardiser is None:
            raise GenbenchError(f"{self.card.name} is not fitted; call fit first")
        return self.standardiser

    def _transformed(self, x: Any, verb: Callable[[Model, Any], Any], name: str, seed: int) -> Array:
        """Return what verb(model, z) makes of the standardised points z of x [n, *shape], batch after batch."""
        z = self._standardised(x)
        with self._inside(stream(seed, name)):
            parts = [_numpy(verb(self.model, self._native(z[at : at + n]))) for at, n in self._batches(len(z))]
        return np.concatenate(parts)

    def _standardised(self, x: Any) -> Array:
        """Return points x [n, *shape] in the model's units, or say why they are none."""
        units, x = self._fitted(), _points(x, self.card.name)
        if x.shape[1:] != units.mean.shape:
            raise GenbenchError(f"{self.card.name} was fitted to points of shape {units.mean.shape}, got {x.shape[1:]}")
        return units.forward(x)

    def _log_prob(self, z: Array, *labels: Any) -> Array:
        """Return the model's own log p(z) for one batch of standardised points [n, *shape], checked."""
        values = _numpy(self.model.log_prob(self._native(z), *labels))
        if values.shape != (len(z),):
            raise ContractError(f"{self.card.name}.log_prob gave shape {values.shape}; it must be {(len(z),)}")
        bad = int(np.isnan(values).sum())
        if bad:
            raise ContractError(f"{self.card.name}.log_prob gave NaN for {bad} of {len(z)} points")
        return values

    def _native(self, z: Array) -> Any:
        """Return what the model reads: a float32 tensor for a torch model, the array itself for others."""
        return sys.modules["torch"].tensor(z, dtype=sys.modules["torch"].float32) if self._is_torch else z

    @contextlib.contextmanager
    def _inside(self, seed: int) -> Iterator[None]:
        """Seed the global generators and turn off the gradients of a torch model."""
        gradients = sys.modules["torch"].no_grad() if self._is_torch else contextlib.nullcontext()
        with isolated(seed), gradients, self._on_device():
            yield

    def _on_device(self) -> contextlib.AbstractContextManager[Any]:
        """Let all tensors that a plugin makes inside be on this estimator's device; nothing to do for the processor."""
        if self.device == "cpu" or "torch" not in sys.modules:
            return contextlib.nullcontext()
        device: contextlib.AbstractContextManager[Any] = sys.modules["torch"].device(self.device)
        return device


def _points(x: Any, name: str) -> Array:
    """Return x as float64 [n, *shape], or say what is wrong with it."""
    try:
        x = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        raise GenbenchError(f"{name} needs an array of numbers, got {type(x).__name__}; convert it first") from None
    if x.ndim < 2 or len(x) < 1:
        raise GenbenchError(f"{name} needs points [n, *shape], got shape {x.shape}; one-dimensional data are [n, 1]")
    if not np.isfinite(x).all():
        bad = int((~np.isfinite(x.reshape(len(x), -1)).all(axis=1)).sum())
        raise GenbenchError(f"{bad} of {len(x)} points for {name} hold NaN or infinite values; drop or impute them")
    return x


def _numpy(x: Any) -> Array:
    """Return a tensor or array as float64 numpy."""
    x = x.detach().cpu().numpy() if hasattr(x, "detach") else x
    return np.asarray(x, dtype=np.float64)
