"""Optional methods of a model, with a protocol for each.

A model has the methods that it defines. Nothing needs to be registered.

Arrays are those that the model reads and returns: float32 tensors for a torch model, float64 arrays for others. Points
x [n, *shape] are in standardised units. Time t is a scalar () from 0 (noise) to 1 (data); each model chooses its own
time scale. Three more optional methods are declared elsewhere: `conditional_sample` in `genbench.contracts.model`,
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
    """A model that the engine trains step by step.

    It is a torch model, see `genbench.contracts.torch_model`.
    """

    def training_loss(self, x: Values) -> Values:
        """Return the scalar loss of a batch x [b, *shape]."""


@runtime_checkable
class SupportsDiagnosis(Protocol):
    """A model with its own diagnostic numbers, such as the parts of an ELBO.

    They become the `diagnostics` of a trial.
    """

    def diagnose(self, x: Values) -> Mapping[str, Values]:
        """Return scalars by name for test points x [n, *shape]."""


@runtime_checkable
class SupportsForecast(Protocol):
    """A model that predicts the next value of a series. Enables the task `forecast`."""

    def forecast(self, x: Values) -> Mixture:
        """Return the distribution of the value after each history x [n, length − 1]."""


@runtime_checkable
class SupportsEncoding(Protocol):
    """A model that maps points to codes, which can be interpolated. See `SupportsDecoding`."""

    def to_latent(self, x: Values) -> Values:
        """Return the codes [n, l] of points x [n, *shape]."""


@runtime_checkable
class SupportsDecoding(Protocol):
    """A model that maps codes to points.

    With `to_latent` or `draw_latent`, it enables `--task interpolate` and the figure `latents`.
    """

    def from_latent(self, z: Values) -> Values:
        """Return the points [n, *shape] of codes z [n, l]."""


@runtime_checkable
class SupportsLatentSampling(Protocol):
    """A model that draws codes from their prior, and decodes but does not encode."""

    def draw_latent(self, n: int) -> Values:
        """Return n codes [n, l]."""


@runtime_checkable
class SupportsReconstruction(Protocol):
    """A model that reconstructs points otherwise than by `from_latent(to_latent(x))`.

    Enables the figure `reconstructions`.
    """

    def reconstruct(self, x: Values) -> Values:
        """Return the reconstructions [n, *shape] of points x [n, *shape]."""


@runtime_checkable
class SupportsScore(Protocol):
    """A model with the gradient of its log-density. Enables the metric `fisher`."""

    def score_at(self, x: Values) -> Values:
        """Return ∇ log p(x) [n, *shape] at points x [n, *shape]."""


@runtime_checkable
class SupportsTrajectory(Protocol):
    """A model that returns the paths of its samples from noise to data.

    Enables the figures `paths`, `generation` and `animation`.
    """

    def trajectory(self, n: int, *labels: Values) -> tuple[Values, Values]:
        """Return times [k] that rise from 0 to 1, and the points [k, n, *shape] at these times.

        The last points are those that `sample(n)` would return for the same state of the generators. Only a conditional
        model receives labels [n].
        """


@runtime_checkable
class SupportsVelocity(Protocol):
    """A model with a flow from noise to data.

    With `trajectory`, it enables the figure `velocity`.
    """

    def velocity_at(self, x: Values, t: Values) -> Values:
        """Return dx/dt [n, *shape] per unit of time, at points x [n, *shape] and one time t ()."""


@runtime_checkable
class SupportsNoising(Protocol):
    """A model that learns from noised data. Enables the figure `noising`."""

    def noised(self, x: Values, t: Values) -> Values:
        """Return points x [n, *shape] with the noise that training adds at time t ()."""


@runtime_checkable
class SupportsNoiseLevel(Protocol):
    """A model that tells how much noise `noised` adds, for the figure `noising`."""

    def noise_level(self, t: Values) -> tuple[Values, Values] | None:
        """Return α and β if `noised(x, t)` is α x + β ε with ε ~ N(0, I); None otherwise."""


def supports(model: type, *methods: type) -> bool:
    """Whether a model class has the optional methods of all these protocols."""
    return all(issubclass(model, protocol) for protocol in methods)
