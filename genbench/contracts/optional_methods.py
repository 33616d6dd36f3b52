"""Optional methods of a model, a protocol for each: a model has what it defines, and nothing is registered.

Arrays are what the model itself reads and returns: float32 tensors for a torch model, float64 arrays for others, points
x [n, *shape] in standardised units. Time t is a scalar () that goes from 0 (noise) to 1 (data), by a clock of the
model's own. Three more optional methods are declared elsewhere: `conditional_sample` in `genbench.contracts.model`,
`noise_grid` and `ends` in `genbench.nn.repaint`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

from genbench.numerics.mixture import Mixture

__all__ = [
    "SupportsDecoding",
    "SupportsDiagnosis",
    "SupportsEncoding",
    "SupportsForecast",
    "SupportsLatentSampling",
    "SupportsNoiseLevel",
    "SupportsNoising",
    "SupportsReconstruction",
    "SupportsScore",
    "SupportsTorchTraining",
    "SupportsTrajectory",
    "SupportsVelocity",
    "Values",
    "supports",
]

Values: TypeAlias = Any  # a float32 tensor or a float64 array


@runtime_checkable
class SupportsTorchTraining(Protocol):
    """Is trained by the engine, step by step: a torch model, see `genbench.contracts.torch_model`."""

    def training_loss(self, x: Values) -> Values:
        """Return the scalar loss of a batch x [b, *shape]."""


@runtime_checkable
class SupportsDiagnosis(Protocol):
    """Has numbers of the family's own, such as the parts of an ELBO. Enables the `diagnostics` of a trial."""

    def diagnose(self, x: Values) -> Mapping[str, Values]:
        """Return scalars by name for test points x [n, *shape]."""


@runtime_checkable
class SupportsForecast(Protocol):
    """Predicts the next value of a series. Enables the task `forecast`."""

    def forecast(self, x: Values) -> Mixture:
        """Return the distribution of the value after each history x [n, length − 1]."""


@runtime_checkable
class SupportsEncoding(Protocol):
    """Maps points to codes in which they can be interpolated, see `SupportsDecoding`."""

    def to_latent(self, x: Values) -> Values:
        """Return the codes [n, l] of points x [n, *shape]."""


@runtime_checkable
class SupportsDecoding(Protocol):
    """Maps codes to points. With `to_latent` or `draw_latent`, enables `--task interpolate` and figure `latents`."""

    def from_latent(self, z: Values) -> Values:
        """Return the points [n, *shape] of codes z [n, l]."""


@runtime_checkable
class SupportsLatentSampling(Protocol):
    """Draws codes from their prior, for models that decode and do not encode."""

    def draw_latent(self, n: int) -> Values:
        """Return n codes [n, l]."""


@runtime_checkable
class SupportsReconstruction(Protocol):
    """Reconstructs points otherwise than by `from_latent(to_latent(x))`. Enables the figure `reconstructions`."""

    def reconstruct(self, x: Values) -> Values:
        """Return what is left of points x [n, *shape] after the latent space [n, *shape]."""


@runtime_checkable
class SupportsScore(Protocol):
    """Knows the gradient of its log-density. Enables the metric `fisher`."""

    def score_at(self, x: Values) -> Values:
        """Return ∇ log p(x) [n, *shape] at points x [n, *shape]."""


@runtime_checkable
class SupportsTrajectory(Protocol):
    """Shows the path of its samples from noise to data. Enables the figures `paths`, `generation` and `animation`."""

    def trajectory(self, n: int, *labels: Values) -> tuple[Values, Values]:
        """Return times [k] that rise from 0 to 1, and the points [k, n, *shape] at these times.

        They are the points that `sample(n)` would return for the same state of the generators. Only a conditional model
        is given labels [n].
        """


@runtime_checkable
class SupportsVelocity(Protocol):
    """Has a flow that carries noise to data. Enables the figure `velocity` with `trajectory`."""

    def velocity_at(self, x: Values, t: Values) -> Values:
        """Return dx/dt [n, *shape] per unit of time, at points x [n, *shape] and one time t ()."""


@runtime_checkable
class SupportsNoising(Protocol):
    """Learns from noised data. Enables the figure `noising`."""

    def noised(self, x: Values, t: Values) -> Values:
        """Return points x [n, *shape] with the noise [n, *shape] that the model learns from at time t ()."""


@runtime_checkable
class SupportsNoiseLevel(Protocol):
    """Says how much noise `noised` adds, for the figure `noising`."""

    def noise_level(self, t: Values) -> tuple[Values, Values] | None:
        """Return α and β where `noised(x, t)` is α x + β ε with ε ~ N(0, I); None where it is not."""


def supports(model: type, *methods: type) -> bool:
    """Whether a model class has the optional methods of all these protocols."""
    return all(issubclass(model, protocol) for protocol in methods)
