"""The methods of a trained model, with numpy arrays in the data's own units.

`Estimator` adds training.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from genbench.contracts.optional_methods import (
    SupportsDecoding,
    SupportsDiagnosis,
    SupportsEncoding,
    SupportsForecast,
    SupportsLatentSampling,
    SupportsNoiseLevel,
    SupportsNoising,
    SupportsReconstruction,
    SupportsScore,
    SupportsTrajectory,
    SupportsVelocity,
    Values,
)
from genbench.core.errors import ContractError, GenbenchError, GenbenchWarning
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.estimator.adapter import as_points
from genbench.estimator.conversion import as_scalars
from genbench.estimator.order import shuffle
from genbench.estimator.sampling import SamplingModel
from genbench.numerics.mixture import Mixture
from genbench.numerics.standardiser import Standardiser

__all__ = ["FittedModel", "Trajectory"]


class Trajectory(NamedTuple):
    """The paths of samples from noise (t = 0) to data (t = 1), in the data's own units.

    Attributes:
        times: times that rise from 0 to 1, [k].
        points: the points at these times [k, n, *shape]; the last are the samples.
    """

    times: Array
    points: Array

    def at(self, times: Array) -> Trajectory:
        """Return the states that are nearest to some times [m], with their own times."""
        nearest = np.abs(self.times[:, None] - np.asarray(times)).argmin(axis=0)
        return Trajectory(self.times[nearest], self.points[nearest])


class FittedModel(SamplingModel):
    """The methods of a trained model.

    `genbench list models --capabilities` shows which model has which. A GenbenchError is raised if the model lacks the
    method or is not fitted, or if points have another shape.
    """

    def log_prob(self, x: Any, seed: int = 0, labels: Any = None) -> Array:
        """Return log p(x) in nats of the data's own units, [n] float64.

        Its kind is `likelihood`.

        Args:
            labels: the labels of the points [n], or one for all, for log p(x | label) of a conditional model. Without
                them, the result is log p(x).

        Raises:
            GenbenchError: the model has no likelihood, or the labels are wrong.
            ContractError: the model returned another shape, or NaN.
        """
        if self.card.likelihood == "none":
            raise GenbenchError(f"{self.card.name} has no likelihood; `genbench list models` shows which have one")
        z = self._standardised(x)
        y = None if labels is None else self.labels(labels, len(z))
        with self._inside(stream(seed, "log_prob")):
            parts = [self._log_prob(z[at : at + size], *self._of(y, at, size)) for at, size in self._batches(len(z))]
        return np.concatenate(parts) + self._fitted().log_det

    def score(self, x: Any, seed: int = 0) -> Array:
        """Return ∇ log p(x) [n, *shape] of the model's density at points x [n, *shape].

        It is in nats per unit of the data.

        Raises:
            GenbenchError: the model cannot compute its score.
            ContractError: the model returned another shape, or NaN.
        """
        if not isinstance(self.model, SupportsScore):
            raise self._cannot("know its score")
        return self._fitted().slope(self._of_points(self._transformed(x, self.model.score_at, "score", seed), "score"))

    def diagnose(self, x: Any, seed: int = 0) -> dict[str, float]:
        """Return the model's own diagnostic numbers for points x [n, *shape]; {} if none.

        Raises:
            ContractError: the model did not return numbers by name.
        """
        if not isinstance(self.model, SupportsDiagnosis):
            return {}
        z = self._standardised(x)
        with self._inside(stream(seed, "diagnosis")):
            found = as_scalars(self.model.diagnose(self._native(z)), f"{self.card.name}.diagnose")
        for name in (name for name, value in found.items() if np.isnan(value)):
            warnings.warn(f"{self.card.name}.diagnose gave NaN for {name!r}; left out", GenbenchWarning, stacklevel=2)
        return {name: value for name, value in found.items() if not np.isnan(value)}

    def forecast(self, x: Any, seed: int = 0) -> Mixture:
        """Return the distribution of the value after each history x [n, length − 1].

        It is in the data's own units.

        Raises:
            GenbenchError: the model does not forecast, or the histories have another length.
            ContractError: the model returned another shape, or NaN.
        """
        if not isinstance(self.model, SupportsForecast):
            raise GenbenchError(f"{self.card.name} does not forecast: it has no method `forecast`")
        units, x = self._fitted(), as_points(x, self.card.name)
        if x.shape[1:] != (units.mean.size - 1,):
            raise GenbenchError(f"{self.card.name} needs histories [n, {units.mean.size - 1}], got shape {x.shape}")
        if not isinstance(units, Standardiser):
            raise GenbenchError(
                f"{self.card.name} was trained with axes=independent, which mix the coordinates, so that none is the "
                "last one; train it with axes=coordinates to forecast"
            )
        z = (x - units.mean[:-1]) / units.scale[:-1]
        with self._inside(stream(seed, "forecast")):
            parts = [self.model.forecast(self._native(z[at : at + size])) for at, size in self._batches(len(z))]
        fields = ("log_weights", "means", "stds")
        if odd := [type(part).__name__ for part in parts if not all(hasattr(part, name) for name in fields)]:
            raise ContractError(f"{self.card.name}.forecast gave a {odd[0]}; it must be a Mixture")
        columns = ([self._numbers(getattr(part, name), "forecast") for part in parts] for name in fields)
        found = Mixture(*map(np.concatenate, columns))
        if found.means.shape[:1] != (len(x),) or not found.is_sound:
            raise ContractError(f"{self.card.name}.forecast gave {found.means.shape} or NaN for {len(x)} histories")
        return found.affine(units.scale[-1], units.mean[-1])

    def apply(self, x: Any, method: Callable[[Values], Values], name: str, seed: int = 0) -> Array:
        """Return the points [n, *shape] that a method of the model makes of x [n, *shape].

        They are in the data's units.

        Args:
            method: a method that takes batches of standardised points, in the model's own form.
            name: the name of the random stream.
        """
        return self._fitted().inverse(self._of_points(self._transformed(x, method, name, seed), name))

    def encode(self, x: Any, seed: int = 0) -> Array:
        """Return the codes [n, l] of points x [n, *shape] in the model's latent space."""
        if not isinstance(self.model, SupportsEncoding):
            raise self._cannot("encode")
        return self._transformed(x, self.model.to_latent, "encode", seed)

    def draw_codes(self, n: int, seed: int = 0) -> Array:
        """Return n draws [n, l] from the prior of the latent space.

        It is for a model that decodes and does not encode.
        """
        if not isinstance(self.model, SupportsLatentSampling):
            raise self._cannot("draw codes")
        with self._inside(stream(seed, "codes")):
            return self._rows(self.model.draw_latent(n), "codes", n)

    def decode(self, codes: Array, seed: int = 0) -> Array:
        """Return the points [n, *shape] of codes [n, l], in the data's own units."""
        if not isinstance(self.model, SupportsDecoding):
            raise self._cannot("decode")
        decode, units = self.model.from_latent, self._fitted()
        with self._inside(stream(seed, "decode")):
            parts = [
                self._rows(decode(self._native(codes[at : at + n])), "decode", n) for at, n in self._batches(len(codes))
            ]
        return units.inverse(self._of_points(np.concatenate(parts), "decode"))

    def reconstruct(self, x: Any, seed: int = 0) -> Array:
        """Return the reconstructions [n, *shape] of points x [n, *shape], in the data's units.

        The model's own `reconstruct` makes them; without one, encoding and decoding. For an invertible flow they equal
        x, up to rounding.
        """
        if isinstance(self.model, SupportsReconstruction):
            return self.apply(x, self.model.reconstruct, "reconstruct", seed)
        if not isinstance(self.model, SupportsEncoding):
            raise self._cannot("reconstruct")
        return self.decode(self.encode(x, seed), seed)

    def trajectory(self, n: int, seed: int = 0, labels: Any = None) -> Trajectory:
        """Return the paths of `sample(n, seed, labels)` from noise to data, step by step.

        The steps are those of the sampler.

        The noise is in the data's units, too: N(0, I) of the model becomes N(mean, variance) of the training points.

        Raises:
            GenbenchError: the model has no method `trajectory`, or the labels are wrong.
            ContractError: the times do not rise from 0 to 1, or the points have another shape or are not finite.
        """
        if not isinstance(self.model, SupportsTrajectory):
            raise self._cannot("show a way from noise to data")
        trajectory, units, y = self.model.trajectory, self._fitted(), self.labels(labels, n, seed)
        with self._inside(stream(seed, "sampling", self.card.name)):
            parts = [self._path(trajectory(size, *self._of(y, at, size))) for at, size in self._batches(n)]
        if not parts:
            raise GenbenchError(f"a trajectory of {n} samples of {self.card.name} shows nothing; ask for 1 or more")
        times, z = parts[0][0], np.concatenate([points for _, points in parts], axis=1)
        rising = times.ndim == 1 and len(times) > 1 and bool((np.diff(times) > 0).all())
        if not rising or abs(times[0]) > 1e-6 or abs(times[-1] - 1) > 1e-6:
            raise ContractError(f"{self.card.name}.trajectory gave times {times}; they must rise from 0 to 1")
        if z.shape != (len(times), n, *units.mean.shape) or not np.isfinite(z).all():
            raise ContractError(
                f"{self.card.name}.trajectory gave points {z.shape}, or NaN among them; they must be finite and "
                f"{(len(times), n, *units.mean.shape)}"
            )
        return Trajectory(times, units.inverse(z[:, shuffle(z[-1], y, seed)]))

    def velocity(self, x: Any, t: float) -> Array:
        """Return dx/dt [n, *shape] of the model's flow at points x [n, *shape] and a time t.

        It is in the data's own units per unit of time, and t is in [0, 1]. The flow leads from noise (t = 0) to data (t
        = 1), on the time scale of `trajectory` and `noised`.

        Raises:
            GenbenchError: the model has no such flow, or t is not in [0, 1].
        """
        if not isinstance(self.model, SupportsVelocity):
            raise self._cannot("have a velocity")
        velocity, time = self.model.velocity_at, self._time(t)
        found = self._transformed(x, lambda z: velocity(z, self._native(time)), "velocity", 0)
        return self._fitted().moved(self._of_points(found, "velocity"))

    def noised(self, x: Any, t: float, seed: int = 0) -> Array:
        """Return data x [n, *shape] with the noise of training at time t: 1 is data, 0 noise.

        A seed gives the same noise at each t, so that each point follows one path.

        Raises:
            GenbenchError: the model has no noising, or t is not in [0, 1].
        """
        if not isinstance(self.model, SupportsNoising):
            raise self._cannot("noise its data")
        noised, time = self.model.noised, self._time(t)
        return self.apply(x, lambda z: noised(z, self._native(time)), "noised", seed)

    def noise_level(self, t: float) -> tuple[float, float] | None:
        """Return α and β of x_t = α · data + β · noise at time t, in standardised units.

        None if x_t has another form.

        Raises:
            GenbenchError: t is not in [0, 1].
        """
        time = self._time(t)
        if not isinstance(self.model, SupportsNoiseLevel):
            return None
        with self._inside(0):
            level = self.model.noise_level(self._native(time))
        return None if level is None else (float(level[0]), float(level[1]))

    @property
    def aligned(self) -> bool:
        """Whether a coordinate of the model is one of the data, in other units."""
        return isinstance(self._fitted(), Standardiser)

    def known_part(self, known: Any) -> Any:
        """Return what tells the known coordinates [*shape] of a point in the model's units.

        A mask [d]; or where the model has other axes than the data, the projection [d, d] onto those directions on
        which the known coordinates depend: noise that is the same along all axes is independent in the others.
        """
        units, mask = self._fitted(), np.asarray(known, dtype=bool).ravel()
        if isinstance(units, Standardiser):
            return mask
        rows = units.mixing[mask]
        return np.linalg.pinv(rows) @ rows

    def blanked(self, x: Array, known: Any) -> Array:
        """Return x [n, *shape] with its unknown coordinates set to the training mean.

        `known` [*shape] says which coordinates are known.
        """
        return np.where(known, x, self._fitted().mean)

    def _cannot(self, do: str) -> GenbenchError:
        """Return the error that says what the model does not do."""
        return GenbenchError(f"{self.card.name} does not {do}; see `genbench list models --capabilities`")

    def _time(self, t: float) -> Array:
        """Return a time () as an array; a GenbenchError if it is not in [0, 1]."""
        if not 0 <= t <= 1:
            raise GenbenchError(f"time t={t} of {self.card.name} must lie between 0 (noise) and 1 (data)")
        return np.asarray(t, dtype=np.float64)

    def _path(self, given: Any) -> tuple[Array, Array]:
        """Return the times [k] and the points [k, n, *shape] of one batch of a trajectory, as float64."""
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise ContractError(f"{self.card.name}.trajectory gave a {type(given).__name__}, not times and points")
        return self._numbers(given[0], "trajectory"), self._numbers(given[1], "trajectory")

    def _log_prob(self, z: Array, *labels: Any) -> Array:
        """Return the model's own log p(z) for one batch of standardised points [n, *shape], checked."""
        values = self._numbers(self.model.log_prob(self._native(z), *labels), "log_prob")
        if values.shape != (len(z),):
            raise ContractError(f"{self.card.name}.log_prob gave shape {values.shape}; it must be {(len(z),)}")
        bad = int(np.isnan(values).sum())
        if bad:
            raise ContractError(f"{self.card.name}.log_prob gave NaN for {bad} of {len(z)} points")
        return values
