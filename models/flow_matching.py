"""Flow matching: learn the velocity of paths from a source to the data, then follow it.

Three parts are selected independently: the path between a source point and a data point (`genbench.nn.paths`), the
coupling of source points and data points (`couple`), and the solver that follows the learned velocity
(`genbench.nn.ode`). Some combinations of the first two have their own names in
`genbench.models.flow_matching_variants`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from torch import Tensor

from genbench.contracts.model import register_model
from genbench.contracts.recipe import Preset, Recipe, planar
from genbench.core.search_ranges import LogRange, Range
from genbench.core.types import Count, Finite, Natural, NotNegative, ShareBelowOne
from genbench.nn.backbones import PICTURES, time_network
from genbench.nn.guide import GUIDED, check_guidance
from genbench.nn.minibatch_ot import entropic_pairing, optimal_pairing
from genbench.nn.ode import EXACT_UP_TO, Watch, integrate, stochastic_euler
from genbench.nn.path_flow import PathFlow
from genbench.nn.paths import PATHS, AffinePath, Path
from genbench.nn.source_distribution import source_distribution
from genbench.nn.time_embedding import stratified, stratified_normal
from genbench.nn.time_network import TimeNetwork, by_parts, drop, tracks_by_parts

__all__ = ["CFM", "KINDS", "ON_LINES", "PRESETS", "TO_THE_DATA"]

KINDS = ("points", "table", "image", "series")
PRESETS = (
    Preset({"hidden": 128, "lr": 4e-3, "step_ms": 2.7}, dims=(8, None)),
    *PICTURES,
    *GUIDED,
    Preset({"steps": 10}, kinds=("image",), dims=(257, None)),
)
ON_LINES = (Preset({"time_mean": 0.7, "time_std": 1.5}, kinds=("points",)),)  # straight paths; by genbench tune
TO_THE_DATA = (  # large images: a network of patches is too narrow for noise (Li & He 2025); times by hand
    Preset(
        {"predict": "data", "time_mean": -1.2, "optimiser": "muon", "lr": 4e-3, "weight_decay": 0.1},
        kinds=("image",),
        dims=(257, None),
    ),
)


@register_model(
    "cfm", family="flow matching", likelihood="exact", paper="Lipman et al. 2023; Tong et al. 2024", kinds=KINDS
)
class CFM(PathFlow):
    """Conditional flow matching: regress the velocity of straight paths from noise to data.

    With x0 from the source, x1 from the data, x_t on a path between them and u_t its velocity, the minimiser of E
    ‖v(x_t, t) − u_t‖² over v is E[u_t | x_t], whose flow leads from the source to the data (Lipman et al. 2023, eq. 9;
    Tong et al. 2024, eq. 9–10).

    Args:
        hidden, depth, density_steps, probes, conditional, guidance, guide, autoguidance, backbone: as for `ddpm`.
        path: "straight" x_t = (1 − t) x0 + t x1 + σ ε, "lipman" (ends in noise of size σ_min), "trigonometric",
            "variance_preserving" (the path of diffusion), "bridge" (Brownian, for sb_cfm). By default that of the
            model.
        coupling: "independent", "optimal" (exact minibatch transport) or "entropic" (Schrödinger bridge, weight 2σ²).
            By default that of the model.
        sigma: σ of the path, and of the entropic coupling. By default that of the path.
        source: "noise" is N(0, I); or a synthetic dataset of the data's shape, such as moons, standardised.
        ot_batch: largest number of points that the optimal coupling pairs exactly, in equal blocks of a batch.
        steps: number of solver steps of a sample.
        solver: "euler", "midpoint", "rk4", "dopri5" (adaptive, `steps` ignored), or "stochastic_euler" for
            dx = (v − η E[x0|x]) dt + √(2η β) dW, which has the same marginals; only for independent normal noise.
        noise: η of the stochastic solver.
        predict: the output of the network, "velocity" or "data", the end x1, from which the velocity follows. The loss
            is that of the velocity in both cases. But images are in few dimensions and noise in all: a narrow network
            can predict images, but not noise (Li & He 2025).
        time_mean, time_std: mean and standard deviation of ln(u / (1 − u)), which is normal, for the clock's times u in
            training. A mean below 0 is nearer to the noise, where the shape of an image is decided, a mean above 0
            nearer to the data, where sharp edges are. None for even times.

    Raises:
        ValueError: two parameters do not fit together.
    """

    network: Any  # a TimeNetwork; with `jvp` the divergence takes one pass in forward mode
    recipe = Recipe(batch_size=256, lr=6e-3, step_ms=1.9)
    presets: ClassVar[tuple[Preset, ...]] = (planar(5.8, 1024, 0.9), *PRESETS, *ON_LINES, *TO_THE_DATA)
    own_path, own_coupling = "straight", "independent"

    def __init__(
        self,
        hidden: Annotated[Count, LogRange(16, 256)] = 96,
        depth: Annotated[Count, Range(2, 6)] = 4,
        path: Literal["straight", "lipman", "trigonometric", "variance_preserving", "bridge"] | None = None,
        coupling: Literal["independent", "optimal", "entropic"] | None = None,
        sigma: NotNegative | None = None,
        source: str = "noise",
        ot_batch: Count = 16,  # measured: benchmarks/ot_coupling.py
        steps: Count = 20,
        solver: Literal["euler", "midpoint", "rk4", "dopri5", "stochastic_euler"] = "midpoint",
        noise: NotNegative = 1.0,
        density_steps: Natural = 20,
        probes: Count = 8,
        conditional: bool = False,
        guidance: NotNegative = 1.0,
        guide: ShareBelowOne = 0.0,
        autoguidance: NotNegative = 1.0,
        backbone: Literal["mlp", "unet"] | None = None,
        predict: Literal["velocity", "data"] = "velocity",
        time_mean: Finite | None = None,
        time_std: NotNegative = 1.2,
    ) -> None:
        check_guidance(conditional, guidance, guide, autoguidance)
        self.hidden, self.depth, self.backbone = hidden, depth, backbone
        self.path, self.coupling, self.sigma = path, coupling, sigma
        self.source, self.ot_batch = source, ot_batch
        self.steps, self.solver, self.noise = steps, solver, noise
        self.density_steps, self.probes = density_steps, probes
        self.conditional, self.guidance = conditional, guidance
        self.guide, self.autoguidance = guide, autoguidance
        self.predict, self.time_mean, self.time_std = predict, time_mean, time_std
        self.way, self.pairs = self._path(), coupling or self.own_coupling
        if self.pairs == "entropic" and not getattr(self.way, "sigma", 0) > 0:
            raise ValueError("coupling=entropic needs a path with sigma > 0: bridge, lipman or straight")
        if predict == "data" and not isinstance(self.way, AffinePath):
            raise ValueError("predict=data needs a path that its ends determine, which a bridge is not; take velocity")
        if solver == "stochastic_euler" and not self.repaintable:
            raise ValueError(
                "solver=stochastic_euler needs the score, which follows from the velocity for independent normal noise "
                "alone: source=noise, coupling=independent, sigma=0 or none, path other than bridge"
            )

    def build(self, shape: tuple[int, ...]) -> None:
        self.shape, self.d = shape, math.prod(shape)
        self.likelihood = "exact" if self.d <= EXACT_UP_TO else "estimate"
        self.start = source_distribution(self.source, self.d)
        self.network = self.new_network()

    def new_network(self) -> TimeNetwork:
        """Return an untrained network for the velocity."""
        classes = self.classes if self.conditional else 0
        return time_network(self.shape, self.hidden, self.depth, classes, self.backbone, self.guide, point_features=3)

    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        return self.field(x, self.network(x, self.way.clock(t)), t)

    def field(self, x: Tensor, predicted: Tensor, t: Tensor) -> Tensor:
        """Return the velocity (b, d) at points (b, d) from a network's output there.

        The same holds for derivatives of both.
        """
        if self.predict == "data":
            return self.way.towards(x, predicted, t)  # type: ignore[attr-defined]
        return self.way.scale(t) * predicted

    def velocity_jvp(self, x: Tensor, t: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        value, slope = self.network.jvp(x, self.way.clock(t), directions)
        return self.field(x, value, t), self.field(directions, slope, t)

    def couple(self, x0: Tensor, x1: Tensor) -> Tensor:
        if self.pairs == "optimal":
            return x0[optimal_pairing(x0, x1, self.ot_batch)]
        if self.pairs == "entropic":
            return x0[entropic_pairing(x0, x1, self.way.sigma)]  # type: ignore[attr-defined]
        return x0

    def training_loss(self, x1: Tensor, labels: Tensor | None = None) -> Tensor:  # (b, *shape), (b,)
        self.follow()
        x1 = x1.flatten(1)
        x0 = self.couple_within(self.start.sample(len(x1)), x1, labels)
        if labels is not None and self.training:
            labels = drop(labels, self.network.classes)
        with self.network.given(labels):
            return self.regression(x0, x1)

    def follow(self) -> None:
        """Update the network's guide during training."""
        if self.training:
            self.network.follow(self.flown)

    @property
    def flown(self) -> float:
        """The finished share of training of the flow that makes the samples.

        It is below 0 before its training begins.
        """
        return self.progress

    def couple_within(self, x0: Tensor, x1: Tensor, labels: Tensor | None) -> Tensor:
        """Return x0 (b, d) coupled with x1 (b, d), separately for the points of each label (b,).

        If points of different labels were coupled, the position of a noise point would depend on the label (Cheng &
        Schwing 2025).
        """
        if labels is None:
            return self.couple(x0, x1)
        for label in labels.unique():
            mine = labels == label
            x0[mine] = self.couple(x0[mine], x1[mine])
        return x0

    def regression(self, x0: Tensor, x1: Tensor) -> Tensor:
        """Return the mean of w(t) (v(x_t, t) − u_t)² over times and coordinates.

        The paths are between pairs (b, d).
        """
        t = self.way.time(self._clock(len(x1)))  # (b, 1)
        xt, ut = self.way.draw(x0, x1, t)
        return (self.way.weight(t) * (self.velocity(xt, t) - ut).square()).mean()

    def sample(self, n: int, labels: Tensor | None = None) -> Tensor:
        return by_parts(self._flow, n, labels, self.shape)

    def trajectory(self, n: int, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the times (k,) of the solver's grid, and the paths of samples (k, n, *shape)."""
        return tracks_by_parts(self._flow, n, labels, self.shape)

    def _flow(self, n: int, labels: Tensor | None, watch: Watch | None = None) -> Tensor:
        """Return what the flow carries n source points to, (n, d)."""
        x0, times = self.start.sample(n), self.grid(self.steps)
        with self.network.given(labels, self.guidance, self.autoguidance):
            if self.solver == "stochastic_euler":
                x1, self.nfe = stochastic_euler(self._drift, self._diffusion, x0, times, watch)
            else:
                x1, self.nfe = integrate(self.velocity, x0, times, self.solver, watch=watch)
            self.nfe *= self.network.passes
        return x1

    def _clock(self, n: int) -> Tensor:
        """Return readings (n, 1) of the path's clock for training, logit-normal about a mean (Esser et al. 2024)."""
        if self.time_mean is None:
            return stratified(n)
        return (self.time_mean + self.time_std * stratified_normal(n)).sigmoid()

    def _path(self) -> Path:
        path = PATHS[self.path or self.own_path]
        if self.sigma is None:
            return path()
        if "sigma" not in path.__dataclass_fields__:  # type: ignore[attr-defined]
            raise ValueError(
                f"sigma={self.sigma} has no meaning on the path {self.path or self.own_path}; leave it out"
            )
        return path(sigma=self.sigma)  # type: ignore[call-arg]

    def _drift(self, x: Tensor, t: Tensor) -> Tensor:
        """Return v + ½ g² ∇log p_t with g² = 2ηβ and ∇log p_t = −E[x0 | x] / β (Song et al. 2021, eq. 13)."""
        v = self.velocity(x, t)
        return v - self.noise * self.way.ends(x, v, t)[1]  # type: ignore[attr-defined]

    def _diffusion(self, t: Tensor) -> Tensor:
        return (2 * self.noise * self.way.coefficients(t)[1]).sqrt()  # type: ignore[attr-defined]
