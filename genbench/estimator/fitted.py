"""What a trained model does, in numpy and the data's own units; `Estimator` adds how it is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, cast

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
    SupportsTrajectory,
    SupportsVelocity,
    Values,
)
from genbench.core.errors import BadSamples, ContractError, GenbenchError
from genbench.core.seeding import stream
from genbench.core.types import Array, Labels
from genbench.estimator.adapter import ModelAdapter, as_numpy, as_points
from genbench.estimator.network_calls import NetworkCalls
from genbench.numerics.mixture import Mixture

if TYPE_CHECKING:
    from genbench.contracts.torch_model import TorchModel

__all__ = ["FittedModel", "Trajectory"]

COUNTED = 32  # samples by which network evaluations are counted; by hand: a small part of what a trial draws


class Trajectory(NamedTuple):
    """The paths of samples from noise (t = 0) to data (t = 1), in the data's own units.

    Attributes:
        times: rising from 0 to 1, [k].
        points: [k, n, *shape]; the last are the samples.
    """

    times: Array
    points: Array

    def at(self, times: Array) -> Trajectory:
        """Return the states that are nearest to some times [m]; the times are then those of the states."""
        nearest = np.abs(self.times[:, None] - np.asarray(times)).argmin(axis=0)
        return Trajectory(self.times[nearest], self.points[nearest])


class FittedModel(ModelAdapter):
    """The methods of a trained model. `genbench list models --capabilities` shows which model has which.

    A method that the model lacks raises a GenbenchError, and so do points of another shape and a model that is not
    fitted.
    """

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
            parts = [as_numpy(self.model.sample(size, *self._of(y, at, size))) for at, size in self._batches(n)]
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

    def counted_calls(self) -> int | None:
        """Return the network evaluations of one sample of a torch model, by a small draw; None where it cannot tell.

        The draw is one of its own, so that hooks neither slow nor change those whose time and scores count.
        """
        if not self.card.is_torch or self.standardiser is None:
            return None
        calls, seed = NetworkCalls(), stream(0, "calls")
        labels = self._of(self.labels(None, COUNTED, seed), 0, COUNTED)
        try:
            with self._inside(seed), calls.counting(cast("TorchModel", self.model)):
                self.model.sample(COUNTED, *labels)
        except Exception:  # a plugin may raise anything, and has drawn samples before
            return None
        return calls.evaluations(COUNTED)

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
        if not isinstance(self.model, SupportsDiagnosis):
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
        if not isinstance(self.model, SupportsForecast):
            raise GenbenchError(f"{self.card.name} does not forecast: it has no method `forecast`")
        units, x = self._fitted(), as_points(x, self.card.name)
        if x.shape[1:] != (units.mean.size - 1,):
            raise GenbenchError(f"{self.card.name} needs histories [n, {units.mean.size - 1}], got shape {x.shape}")
        z = (x - units.mean[:-1]) / units.scale[:-1]
        with self._inside(stream(seed, "forecast")):
            parts = [self.model.forecast(self._native(z[at : at + size])) for at, size in self._batches(len(z))]
        fields = ("log_weights", "means", "stds")
        found = Mixture(*(np.concatenate([as_numpy(getattr(part, name)) for part in parts]) for name in fields))
        if found.means.shape[:1] != (len(x),) or not found.is_sound:
            raise ContractError(f"{self.card.name}.forecast gave {found.means.shape} or NaN for {len(x)} histories")
        return found.affine(units.scale[-1], units.mean[-1])

    def apply(self, x: Any, method: Callable[[Values], Values], name: str, seed: int = 0) -> Array:
        """Return the points [n, *shape] that a method of the model makes of points x [n, *shape], in the data's units.

        Args:
            method: called with batches of standardised points, as the model reads them.
            name: of the stream of randomness.
        """
        return self._fitted().inverse(self._transformed(x, method, name, seed))

    def encode(self, x: Any, seed: int = 0) -> Array:
        """Return the codes [n, l] of points x [n, *shape] in the model's latent space."""
        if not isinstance(self.model, SupportsEncoding):
            raise self._cannot("encode")
        return self._transformed(x, self.model.to_latent, "encode", seed)

    def draw_codes(self, n: int, seed: int = 0) -> Array:
        """Return n draws [n, l] from the prior of the latent space of a model that decodes and does not encode."""
        if not isinstance(self.model, SupportsLatentSampling):
            raise self._cannot("draw codes")
        with self._inside(stream(seed, "codes")):
            return as_numpy(self.model.draw_latent(n))

    def decode(self, codes: Array, seed: int = 0) -> Array:
        """Return the points [n, *shape] that codes [n, l] stand for, in the data's own units."""
        if not isinstance(self.model, SupportsDecoding):
            raise self._cannot("decode")
        decode, units = self.model.from_latent, self._fitted()
        with self._inside(stream(seed, "decode")):
            parts = [as_numpy(decode(self._native(codes[at : at + n]))) for at, n in self._batches(len(codes))]
        return units.inverse(np.concatenate(parts))

    def reconstruct(self, x: Any, seed: int = 0) -> Array:
        """Return what is left of points x [n, *shape] after the model's latent space, in the data's own units.

        By the model's own `reconstruct`; without one, by encoding and decoding. Of an invertible flow it is x itself,
        to rounding.
        """
        if isinstance(self.model, SupportsReconstruction):
            return self.apply(x, self.model.reconstruct, "reconstruct", seed)
        if not isinstance(self.model, SupportsEncoding):
            raise self._cannot("reconstruct")
        return self.decode(self.encode(x, seed), seed)

    def trajectory(self, n: int, seed: int = 0, labels: Any = None) -> Trajectory:
        """Return the paths of the samples of `sample(n, seed, labels)` from noise to data, at the sampler's own steps.

        Noise is in the data's units, too: where a model starts from N(0, I), as N(mean, variance) of the
        training points.

        Raises:
            GenbenchError: the model has no method `trajectory`, or labels are given that do not fit.
            ContractError: the times do not rise from 0 to 1, or the points do not go with them, or are not finite.
        """
        if not isinstance(self.model, SupportsTrajectory):
            raise self._cannot("show a way from noise to data")
        trajectory, units, y = self.model.trajectory, self._fitted(), self.labels(labels, n, seed)
        with self._inside(stream(seed, "sampling", self.card.name)):
            parts = [[as_numpy(a) for a in trajectory(size, *self._of(y, at, size))] for at, size in self._batches(n)]
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
        return Trajectory(times, units.inverse(z))

    def velocity(self, x: Any, t: float) -> Array:
        """Return dx/dt [n, *shape] of the model's flow at points x [n, *shape] and a time t in [0, 1].

        In the data's own units per unit of time. The flow carries noise (t = 0) to data (t = 1); its time is that of
        `trajectory` and of `noised`.

        Raises:
            GenbenchError: the model has no such flow, or t is not in [0, 1].
        """
        if not isinstance(self.model, SupportsVelocity):
            raise self._cannot("have a velocity")
        velocity, time = self.model.velocity_at, self._time(t)
        return self._fitted().scale * self._transformed(x, lambda z: velocity(z, time), "velocity", 0)

    def noised(self, x: Any, t: float, seed: int = 0) -> Array:
        """Return data x [n, *shape] with the noise that the model learns from at time t: 1 is data, 0 is noise.

        A seed draws the same noise for each t, so that points keep to their paths.

        Raises:
            GenbenchError: the model does not noise, or t is not in [0, 1].
        """
        if not isinstance(self.model, SupportsNoising):
            raise self._cannot("noise its data")
        noised, time = self.model.noised, self._time(t)
        return self.apply(x, lambda z: noised(z, time), "noised", seed)

    def noise_level(self, t: float) -> tuple[float, float] | None:
        """Return α and β of x_t = α · data + β · noise at time t, in standardised units; None where x_t is another.

        Raises:
            GenbenchError: t is not in [0, 1].
        """
        time = self._time(t)
        if not isinstance(self.model, SupportsNoiseLevel):
            return None
        with self._inside(0):
            level = self.model.noise_level(time)
        return None if level is None else (float(level[0]), float(level[1]))

    def blanked(self, x: Array, known: Any) -> Array:
        """Return x [n, *shape] with the mean of the training points where coordinates are not known [*shape]."""
        return np.where(known, x, self._fitted().mean)

    def _cannot(self, do: str) -> GenbenchError:
        """Return the error that says what the model does not do."""
        return GenbenchError(f"{self.card.name} does not {do}; see `genbench list models --capabilities`")

    def _time(self, t: float) -> Any:
        """Return a time as the model reads it; a GenbenchError if it is not in [0, 1]."""
        if not 0 <= t <= 1:
            raise GenbenchError(f"time t={t} of {self.card.name} must lie between 0 (noise) and 1 (data)")
        return self._native(np.asarray(t, dtype=np.float64))

    def _log_prob(self, z: Array, *labels: Any) -> Array:
        """Return the model's own log p(z) for one batch of standardised points [n, *shape], checked."""
        values = as_numpy(self.model.log_prob(self._native(z), *labels))
        if values.shape != (len(z),):
            raise ContractError(f"{self.card.name}.log_prob gave shape {values.shape}; it must be {(len(z),)}")
        bad = int(np.isnan(values).sum())
        if bad:
            raise ContractError(f"{self.card.name}.log_prob gave NaN for {bad} of {len(z)} points")
        return values
