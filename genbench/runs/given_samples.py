"""A request to score samples from outside: inputs, checks against the data, and row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.dataset import Dataset, SyntheticDataset
from genbench.contracts.evidence import Protocol
from genbench.core.errors import GenbenchError, collected_warnings, shown
from genbench.core.exception_text import message_of
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.estimator.order import shuffle
from genbench.evaluation.model_outputs import ModelOutputs
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.evaluation.self_consistency import asks_for_shares, shares_of
from genbench.reading.arrays import exact, no_missing
from genbench.reading.sample_file import array_named, read_arrays
from genbench.runs.density_points import check_density_points
from genbench.runs.outside import Prepared, outside_spec, resolved, samples_digest
from genbench.storage.outside import Outside
from genbench.storage.records import TrialSpec

__all__ = ["Given", "dealt", "fitting_protocol", "given_sets", "prepared"]

SAMPLES = ("samples", "x")  # what the array of samples may be called in a file of several
TEST, OWN = "test_log_prob", "samples_log_prob"  # what log-densities are called in a file, as in those of a run
POINTS = "points"  # what the test points that log-densities belong to are called in a file
SCALE = (-0.5, 1.5)  # by hand: between these lie the values of images in [0, 1] that a model has not rounded

LogProb = Array | Callable[[Array], Any] | None


@dataclass(frozen=True)
class Given:
    """One set of samples that was given.

    Attributes:
        samples: the samples [n, …].
        log_prob: log-densities at the test points in nats [m], or a function of points [k, *shape] that returns them.
        own: log-densities at the first samples [k].
        points: the points of the log-densities at test points [m, *shape]; None if they are not given.
        about: where they come from.
    """

    samples: Array
    log_prob: LogProb = None
    own: Array | None = None
    points: Array | None = None
    about: Outside = field(default_factory=Outside)

    @property
    def source(self) -> str:
        """The name of the set in errors."""
        return self.about.file or "samples"


def given_sets(samples: Any, log_prob: Any = None) -> list[Given]:
    """Return the sets of samples of a request, one for each seed.

    Args:
        samples: a file, an array, or a list of files or arrays.
        log_prob: for each of them, log-densities at the test points: a file, an array, or a function.

    Raises:
        GenbenchError: a file cannot be read, values are not finite numbers, or there are different numbers of samples
            and log-densities.
    """
    sets, densities = _listed(samples), _listed(log_prob) if log_prob is not None else []
    if not sets:
        raise GenbenchError("no samples are given; give an array or a file of them")
    if densities and len(densities) not in (1, len(sets)):
        raise GenbenchError(f"{len(sets)} sets of samples and {len(densities)} of log-densities; give one for each set")
    if len(sets) > 1 and len(densities) == 1 and not callable(densities[0]):
        raise GenbenchError("log-densities are those of one set of samples, and there are more; give one for each set")
    densities = densities * len(sets) if len(densities) == 1 else densities or [None] * len(sets)
    return [_given(one, density) for one, density in zip(sets, densities, strict=True)]


def dealt(sets: Sequence[Given], seeds: int) -> list[Given]:
    """Return a set for each seed: the given ones, or equal parts of a single one.

    Raises:
        GenbenchError: the number of sets is wrong, or log-densities for one seed are given for several seeds.
    """
    if len(sets) == seeds:
        return list(sets)
    if len(sets) > 1:
        raise GenbenchError(f"{len(sets)} sets of samples for {seeds} seeds; give a set for each seed")
    (one,) = sets
    if one.log_prob is not None and not callable(one.log_prob):
        raise GenbenchError("log-densities are of the test points of one seed; give samples and log-densities of each")
    size = len(one.samples) // seeds
    return [
        replace(
            one,
            samples=one.samples[k * size : (k + 1) * size],
            own=None,
            about=one.about.model_copy(update={"given": size, "part": f"{k + 1} of {seeds}"}),
        )
        for k in range(seeds)
    ]


def fitting_protocol(
    protocol: Protocol, sets: Sequence[Given], count: int | None, dataset: Dataset, tested: int
) -> Protocol:
    """Return a protocol that needs no more evidence than was given.

    Args:
        protocol: the protocol, which is changed as little as possible.
        count: number of samples to score. Unless given, all, up to the number of the protocol.
        tested: number of test points.

    Raises:
        GenbenchError: fewer samples are given than `count`.
    """
    fewest = min(len(one.samples) for one in sets)
    if count is not None and fewest < count:
        raise GenbenchError(f"samples={count:,}, and {fewest:,} are given for each seed; ask for at most these")
    enough = not isinstance(dataset, SyntheticDataset) and fewest >= tested  # no more than these are scored
    if count is None and not enough:
        count = min(protocol.samples, fewest)
    known = [len(one.log_prob) for one in sets if isinstance(one.log_prob, np.ndarray) and one.points is not None]
    return protocol.asked(samples=count, tested=min([protocol.tested, *known]))


def prepared(planned: TrialSpec, given: Given, name: str, likelihood: str, family: str) -> Prepared:
    """Return a set of samples with the spec of its trial.

    Args:
        planned: the spec of the oracle with the same seed.
        name, likelihood, family: those of the row.

    Raises:
        GenbenchError: samples or log-densities have another shape than the data, are too few, or are not numbers.
    """
    kind = likelihood if given.log_prob is not None else "none"
    spec = outside_spec(planned, name, "")
    with collected_warnings():  # which are said when they are scored
        trial = resolved(spec, kind, family)
        samples = _points(given, trial.dataset)
        if len(samples) < trial.sample_size:
            raise GenbenchError(
                f"{given.source} has {len(samples):,} samples for seed {spec.seed}, and this run scores "
                f"{trial.sample_size:,}; give as many, or name a run of its own"
            )
        samples = samples[: trial.sample_size].astype(trial.dataset.precision).astype(np.float64)
        outputs = _with_densities(trial, given, samples, kind)
    return Prepared(outside_spec(planned, name, samples_digest(outputs)), outputs, given.about)


def _listed(given: Any) -> list[Any]:
    """Return what was given for each seed: a list of files, arrays or functions, or a single one."""
    if isinstance(given, list | tuple) and given and all(_is_whole(part) for part in given):
        return list(given)
    return [] if isinstance(given, list | tuple) and not given else [given]


def _is_whole(part: Any) -> bool:
    """Whether a part of a list is a set by itself, and no number or row of one."""
    if isinstance(part, str | Path) or callable(part):
        return True
    return np.ndim(part) > (0 if hasattr(part, "dtype") else 1)


def _given(samples: Any, log_prob: Any) -> Given:
    test: LogProb = None
    own: Array | None = None
    points: Array | None = None
    name = ""
    if isinstance(samples, str | Path):
        file = Path(samples).expanduser()
        name, arrays = file.name, read_arrays(file)
        found = array_named(arrays, SAMPLES, (TEST, OWN, POINTS), str(file))
        if found is None:
            raise GenbenchError(f"{file} holds no samples; call their array '{SAMPLES[0]}'")
        samples = found
        test, own, points = _known(arrays, arrays.get(TEST), file)
    x = exact(samples, name or "samples")
    if not x.ndim or not len(x):
        raise GenbenchError(f"{name or 'samples'} holds no samples; its shape is {list(x.shape)}, and [n, …] is due")
    no_missing(x, name or "samples")
    about = Outside(file=shown(name, 200), given=len(x), log_prob=shown(name, 200) if test is not None else "")
    if isinstance(log_prob, str | Path):
        file = Path(log_prob).expanduser()
        arrays = read_arrays(file)
        values = array_named(arrays, (TEST, "log_prob"), (OWN, POINTS, *SAMPLES), str(file))
        if values is None:
            raise GenbenchError(f"{file} holds no log-densities of the test points; call their array '{TEST}'")
        test, more, points = _known(arrays, values, file)
        own, about = own if more is None else more, about.model_copy(update={"log_prob": shown(file.name, 200)})
    elif callable(log_prob):
        test, points, about = log_prob, None, about.model_copy(update={"log_prob": "function"})
    elif log_prob is not None:
        test, points = _densities(log_prob, "log_prob"), None
        about = about.model_copy(update={"log_prob": "array"})
    known = 0 if own is None else len(own)
    if known > len(x):
        raise GenbenchError(f"{known:,} numbers in '{OWN}' for {len(x):,} samples; give those of the first samples")
    order = _order(x, known)
    return Given(x[order], test, None if own is None else own[order[:known]], points, about)


def _known(arrays: Mapping[str, Any], values: Any, file: Path) -> tuple[Array | None, Array | None, Array | None]:
    """Return log-densities of test points, of samples, and the points of the former, as far as a file has them."""
    test = None if values is None else _densities(values, f"{file}: {TEST}" if TEST in arrays else str(file))
    own = _densities(arrays[OWN], f"{file}: {OWN}") if OWN in arrays else None
    points = exact(arrays[POINTS], f"{file}: {POINTS}") if POINTS in arrays else None
    if points is not None:
        no_missing(points, f"{file}: {POINTS}")
    return test, own, points


def _order(x: Array, known: int) -> NDArray[np.int64]:
    """Return a random order [n] of samples, in which the first `known`, whose log-densities are given, stay the first.

    Samplers may return their points sorted, such as by component, and only some may be scored, or parts of them.
    """
    if known >= len(x):
        return shuffle(x, None, 0)
    return np.concatenate([shuffle(x[:known], None, 0), known + shuffle(x[known:], None, 0)])


def _densities(values: Any, name: str) -> Array:
    """Return log-densities [m]; −∞ is one, and NaN is none."""
    found = exact(values, name)
    found = found.reshape(-1) if found.ndim == 2 and 1 in found.shape else found
    if found.ndim != 1 or not len(found):
        raise GenbenchError(f"{name} has the shape {list(found.shape)}; log-densities are one for each point, [m]")
    if bad := int(np.isnan(found).sum()):
        raise GenbenchError(f"{name}: {bad} of {len(found)} log-densities are NaN; give a number for each point")
    return found


def _points(given: Given, dataset: Dataset) -> Array:
    """Return samples [n, *shape]; those of images may be flat, or without their single channel."""
    x, shape = given.samples, tuple(dataset.shape)
    drop = tuple(size for size in shape if size != 1)
    if x.shape[1:] != shape:
        flat = x.shape[1:] in (drop, (int(np.prod(shape)),))
        if not flat:
            due = ", ".join(map(str, ("n", *shape)))
            raise GenbenchError(f"{given.source} has the shape {list(x.shape)}, and the data need [{due}]; reshape it")
        x = x.reshape(len(x), *shape)
    if dataset.kind == "image" and (x.min() < SCALE[0] or x.max() > SCALE[1]):
        raise GenbenchError(
            f"{given.source} has values from {x.min():g} to {x.max():g}, and images are in [0, 1]; scale them"
        )
    return x


def _with_densities(trial: ResolvedTrial, given: Given, samples: Array, kind: str) -> ModelOutputs:
    """Return what the metrics see: the samples, and log-densities of as many points as the protocol asks for."""
    if given.log_prob is None:
        return ModelOutputs(samples)
    test, first = trial.splits.test[: trial.protocol.tested], samples[: trial.protocol.densities]
    if callable(given.log_prob):
        density = _Function(given.log_prob)
        outputs = ModelOutputs(samples, density.log_prob(test), density.log_prob(first), kind)
        if not (asks_for_shares(trial) and kind == "exact" and outputs.samples_log_prob is not None):
            return outputs
        seed = stream(trial.spec.seed, "shares")
        shares = shares_of(trial, cast(Estimator, density), samples, outputs.samples_log_prob, seed)
        return replace(outputs, shares=shares)
    check_density_points(trial, given.log_prob, given.points, given.about.log_prob or "log_prob")
    if len(given.log_prob) < len(test):
        raise GenbenchError(
            f"{given.about.log_prob} has {len(given.log_prob):,} log-densities, and this run asks for {len(test):,} "
            "test points; give as many, or name a run of its own"
        )
    own = None if given.own is None else given.own[: len(first)]
    return ModelOutputs(samples, given.log_prob[: len(test)], own, kind)


class _Function:
    """A log-density that was given as a function, in the place of a fitted model's."""

    def __init__(self, function: Callable[[Array], Any]) -> None:
        self.function = function

    def log_prob(self, x: Array, seed: int = 0) -> Array:
        """Return the log-density of points [k, *shape] in nats [k].

        Raises:
            GenbenchError: the function fails, or gives something else.
        """
        try:
            found = _densities(self.function(x), "log_prob")
        except GenbenchError:
            raise
        except Exception as error:  # a user's function may raise anything
            text = f"log_prob failed at {len(x):,} points: {type(error).__name__}: {message_of(error)}"
            raise GenbenchError(f"{text}; it takes an array [k, *shape] and returns [k]") from None
        if len(found) != len(x):
            raise GenbenchError(f"log_prob gave {len(found):,} numbers for {len(x):,} points; one for each is due")
        return found
