"""Denoising diffusion: learn to undo the gradual destruction of data by Gaussian noise."""

from __future__ import annotations

import math
import warnings
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge
from torch import Tensor

from genbench.contracts.model import register_model
from genbench.contracts.recipe import Preset, Recipe, planar
from genbench.core.errors import GenbenchWarning
from genbench.core.search_ranges import LogRange, Range
from genbench.core.types import Count, Natural, NotNegative, Share, ShareBelowOne
from genbench.nn.backbones import PICTURES, time_network
from genbench.nn.diffusion_model import Diffusion
from genbench.nn.error_by_angle import ErrorByAngle
from genbench.nn.guide import GUIDED, check_guidance
from genbench.nn.noise_schedule import NoiseSchedule, log_normal
from genbench.nn.ode import Watch
from genbench.nn.time_embedding import stratified
from genbench.nn.time_network import by_parts, drop, largest_part

__all__ = ["DDPM", "KINDS", "PRESETS"]

TIME_FEATURES = {"sinusoidal": 8, "simple": 0}
LEAST_COS, LEAST_SIN = 0.05, 0.01  # by hand: smallest divisors of a prediction of ε and of x_0
STRATA = 50  # by hand: more cost time and lower the variance of the bound
KINDS = ("points", "table", "image", "series")
PRESETS = (
    Preset({"hidden": 128, "lr": 4e-3, "step_ms": 2.5}, dims=(8, None)),
    *PICTURES,
    Preset({"steps": 50}, kinds=("image",), dims=(257, None)),
)
# In 16 dimensions multistep is worse: energy distance to a funnel 0.026 instead of 0.014, means of three seeds.
BEYOND_THE_PLANE = Preset({"sampler": "ancestral", "steps": 250}, dims=(3, None))


@register_model(
    "ddpm", family="diffusion", likelihood="estimate", paper="Ho et al. 2020; Song et al. 2021", kinds=KINDS
)
class DDPM(Diffusion):
    """Denoising diffusion: undo T small steps of Gaussian noise.

    The density is that of the probability-flow ODE. Step t of the schedule mixes x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε = cos
    φ_t x_0 + sin φ_t ε. The network predicts the noise ε (Ho et al. 2020, eq. 14), the data x_0, or v = cos φ ε − sin φ
    x_0 (Salimans & Ho 2022, §4), and is trained by the squared error of this prediction. Each of the three gives the
    other two, by x_t = cos φ x_0 + sin φ ε.

    Args:
        hidden, depth: width and number of the hidden layers; for a U-Net, number of channels of the finest level, and
            of residual blocks of each.
        timesteps: T, the number of steps of the noising process.
        schedule: "linear", "cosine" or "sigmoid", see `NoiseSchedule`.
        prediction: "epsilon", "x0" or "v". v̂ follows from ε̂ by a division by cos φ, which is 0 in pure noise, and
            from x̂_0 by a division by sin φ, which is 0 at the data. The divisors are kept above 0.05 and 0.01, so that
            an error of the network grows at most 20 or 100 times. v itself has the scale of the data at every noise
            level.
        emphasis: the distribution of training steps t: "uniform" (Ho et al. 2020), or "log-normal", so that tan φ_t,
            the ratio of noise to data, is distributed as Karras et al. (2022) draw it, whatever the schedule.
        time_embedding: "sinusoidal" (Vaswani et al. 2017), or "simple": the time as one input;
            "time" is the logarithm of the noise, see `predict`.
        sampler: "multistep" (DPM-Solver++(2M), Lu et al. 2022, with noise, see `multistep`), "ancestral" (Ho et al.
            2020, algorithm 2; in the plane, 250 steps are as good as 80 of multistep), "ddim" (Song et al. 2021a), or
            "ode" (the probability flow by the midpoint rule, with two evaluations for each step).
        steps: number of steps of the sampler; for ancestral and ddim at most T, evenly spaced over 1 … T.
        tau: noise of "multistep": 0 follows the probability flow, 1 the reverse of the noising process.
        quiet_below: the ratio σ of noise to data below which "multistep" adds no noise (S_tmin of Karras et al. 2022,
            algorithm 2): noise corrects earlier errors, but noise in the last steps widens thin structures.
        variance: the variance of an ancestral step: "posterior", that of q(x_s | x_t, x_0), as if x̂_0 were x_0; or
            "optimal", which adds the variance of x_0 given x_t (Bao et al. 2022, eq. 7), as measured in training. It is
            exact for Gaussian data of one variance, for any number of steps.
        eta: noise of "ddim", as a share of the ancestral sampler's: 0 is deterministic, 1 is "ancestral" with
            variance=posterior.
        density_steps: number of Gauss–Legendre nodes for the trace of a log-density, with one Runge–Kutta step from
            node to node; 0 means no density, for data where it would take too long.
        probes: number of random directions for the trace in more than 10 dimensions; up to 10, the trace is exact.
        conditional: whether to learn p(x | label) from data with labels, and for a part of them p(x).
        guidance: how strongly samples follow their label: w of `genbench.nn.time_network`; 1 is p(x | label) itself.
        guide: share of training after which a copy of the network is kept, for autoguidance; 0 means no copy.
        autoguidance: how strongly samples are led away from those of the copy: w of `genbench.nn.time_network`; 1 is
            the learned model itself. `log_prob` is always its density, whatever w is.
        backbone: "mlp" or "unet"; by default a U-Net for images with more than 256 values, else an MLP. Set "unet" and
            its `hidden` together.

    Raises:
        ValueError: two parameters do not fit together.
    """

    recipe = Recipe(batch_size=256, lr=6e-3, step_ms=2.0)
    presets: ClassVar[tuple[Preset, ...]] = (planar(5.4, 1024, 0.9), BEYOND_THE_PLANE, *PRESETS, *GUIDED)

    def __init__(
        self,
        hidden: Annotated[Count, LogRange(16, 256)] = 96,
        depth: Annotated[Count, Range(2, 6)] = 3,
        timesteps: Annotated[int, Ge(2)] = 1000,
        schedule: Literal["linear", "cosine", "sigmoid"] = "cosine",
        prediction: Literal["epsilon", "x0", "v"] = "v",
        emphasis: Literal["log-normal", "uniform"] = "log-normal",
        time_embedding: Literal["sinusoidal", "simple"] = "sinusoidal",
        sampler: Literal["multistep", "ancestral", "ddim", "ode"] = "multistep",
        steps: Count = 80,
        tau: Share = 0.7,
        quiet_below: NotNegative = 0.5,
        variance: Literal["posterior", "optimal"] = "optimal",
        eta: Share = 0.0,
        density_steps: Natural = 20,
        probes: Count = 8,
        conditional: bool = False,
        guidance: NotNegative = 1.0,
        guide: ShareBelowOne = 0.0,
        autoguidance: NotNegative = 1.0,
        backbone: Literal["mlp", "unet"] | None = None,
    ) -> None:
        check_guidance(conditional, guidance, guide, autoguidance)
        self.hidden, self.depth, self.backbone = hidden, depth, backbone
        self.timesteps, self.schedule = timesteps, schedule
        self.prediction, self.emphasis, self.time_embedding = prediction, emphasis, time_embedding
        self.sampler, self.steps, self.variance, self.eta = sampler, steps, variance, eta
        self.tau, self.quiet_below = tau, quiet_below
        self.density_steps, self.probes = density_steps, probes
        self.conditional, self.guidance = conditional, guidance
        self.guide, self.autoguidance = guide, autoguidance
        self.noising = NoiseSchedule(schedule, timesteps)
        self.last_angle = float(self.noising.angle[-1])
        self.error = ErrorByAngle(self.last_angle)
        if self.noising.terminal_kl > 1e-3:
            warnings.warn(
                f"schedule={schedule} with timesteps={timesteps} ends at ᾱ_T = {self.noising.alpha_bar[-1]:.2g}: x_T "
                f"is up to {self.noising.terminal_kl:.2g} nats per dimension away from the N(0, I) that sampling "
                "starts from; use schedule=cosine or more timesteps",
                GenbenchWarning,
                stacklevel=2,
            )

    def build(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        classes = self.classes if self.conditional else 0
        features = {"time_features": TIME_FEATURES[self.time_embedding], "point_features": 3}
        self.network = time_network(shape, self.hidden, self.depth, classes, self.backbone, self.guide, **features)

    def field(self, x: Tensor, predicted: Tensor, angle: Tensor) -> Tensor:
        cos, sin = angle.cos(), angle.sin()
        if self.prediction == "epsilon":
            return (predicted - sin * x) / cos.clamp(min=LEAST_COS)
        if self.prediction == "x0":
            return (cos * x - predicted) / sin.clamp(min=LEAST_SIN)
        return predicted

    def draw_steps(self, n: int) -> Tensor:
        """Return the steps t (n, 1) in 1 … T for training."""
        if self.emphasis == "log-normal":
            return self.noising.nearest(log_normal(n).atan())
        return 1 + (self.timesteps * stratified(n)).long().clamp(max=self.timesteps - 1)

    def training_loss(self, x0: Tensor, labels: Tensor | None = None) -> Tensor:  # (b, *shape), (b,)
        if self.training:
            self.network.follow(self.progress)
        if labels is not None and self.training:
            labels = drop(labels, self.classes)
        with self.network.given(labels):
            return self.regression(x0.flatten(1))

    def regression(self, x0: Tensor) -> Tensor:
        """Return the mean squared error of the network's prediction, for noised points.

        `x0` (b, d) are the points.
        """
        angle, noise = self.noising.angle[self.draw_steps(len(x0))].float(), torch.randn_like(x0)
        cos, sin = angle.cos(), angle.sin()
        target = {"epsilon": noise, "x0": x0, "v": cos * noise - sin * x0}[self.prediction]
        error = (self.predict(cos * x0 + sin * noise, angle) - target).square()
        if self.training:
            divisor = {"epsilon": cos.clamp(min=LEAST_COS), "x0": sin.clamp(min=LEAST_SIN), "v": torch.ones_like(cos)}
            self.error.update(angle.squeeze(1), (error.detach() / divisor[self.prediction].square()).mean(1))
        return error.mean()

    def sample(self, n: int, labels: Tensor | None = None) -> Tensor:
        return by_parts(self.draw, n, labels, self.shape)

    def draw(self, n: int, labels: Tensor | None, watch: Watch | None = None) -> Tensor:
        with self.network.given(labels, self.guidance, self.autoguidance):
            x = self.undo(torch.randn(n, self.d), watch)
            self.nfe *= self.network.passes
        return x

    def undo(self, x: Tensor, watch: Watch | None = None) -> Tensor:
        """Return the sampler's points (n, d) from noise x (n, d).

        `watch` is called with angles and points.
        """
        if self.sampler == "ode":
            return self.flow(x, self.steps, watch)
        if self.sampler == "multistep":
            return self.multistep(x, watch)
        eta = 1.0 if self.sampler == "ancestral" else self.eta
        visited = torch.linspace(0, self.timesteps, self.steps + 1).round().long().unique().flip(0)  # T … 0
        self.nfe = len(visited) - 1
        if watch:
            watch(self.noising.angle[visited[0]].float(), x)
        for t, s in pairwise(visited):
            x = self.step(x, t, s, eta)
            if watch:
                watch(self.noising.angle[s].float(), x)
        return x

    def multistep(self, x: Tensor, watch: Watch | None = None) -> Tensor:
        """Return the points (n, d) of DPM-Solver++(2M) from noise x (n, d).

        The angles are evenly spaced. With λ = log cot φ and h its increase from φ to ψ, a step is (Lu et al. 2022,
        algorithm 2, where τ = 0; Xue et al. 2023, eq. 9 and 14, where τ is constant down to a least noise, and 0 from
        there)

            x_ψ = sin ψ / sin φ e^(−τ² h) x_φ + cos ψ (1 − e^(−(1 + τ²) h)) D + sin ψ √(1 − e^(−2 τ² h)) z,

        where D continues from x̂_0 by half of its change since the step before. The last step goes to x̂_0 itself.
        """
        self.nfe, before, past = self.steps, x, 0.0
        angles = [self.last_angle * (1 - k / self.steps) for k in range(self.steps + 1)]
        if watch:
            watch(torch.tensor(angles[0]), x)
        for angle, lower in pairwise(angles):
            x0, _ = self.ends(x, torch.tensor(angle))
            if lower > 0:
                h = math.log(math.tan(angle) / math.tan(lower))
                tau = self.tau if math.tan(angle) > self.quiet_below else 0.0
                ahead = x0 + h / (2 * past) * (x0 - before) if past else x0
                kept = math.sin(lower) / math.sin(angle) * math.exp(-(tau**2) * h)
                fresh = math.sin(lower) * math.sqrt(-math.expm1(-2 * tau**2 * h))
                x = kept * x - math.cos(lower) * math.expm1(-(1 + tau**2) * h) * ahead
                x = x + fresh * torch.randn_like(x) if fresh else x
                before, past = x0, h
            else:
                x = x0
            if watch:
                watch(torch.tensor(lower), x)
        return x

    def step(self, x: Tensor, t: Tensor, s: Tensor, eta: float) -> Tensor:
        """Return x_s from x_t, s < t: x_s = √ᾱ_s x̂_0 + √(1 − ᾱ_s − σ²) ε̂ + σ z.

        See Song et al. (2021a, eq. 12). σ is η times the standard deviation of q(x_s | x_t, x_0) = N(a x_0 + b x_t, σ²
        I). η = 1 draws from that distribution with x̂_0 instead of x_0 (Ho et al. 2020, algorithm 2). Then the optimal
        variance of the noise is larger by a² Var[x_0 | x_t], except in the last step, which adds no noise.
        """
        angle = self.noising.angle[t].float()
        x0, noise = self.ends(x, angle)
        left, (a, _, variance) = self.noising.alpha_bar[s], self.noising.posterior(s, t)
        variance = eta**2 * variance
        kept = left.sqrt().float() * x0 + (1 - left - variance).clamp(min=0).sqrt().float() * noise
        if self.sampler == "ancestral" and self.variance == "optimal" and s > 0:
            variance = variance + a.square() * angle.sin().square() * self.error.at(angle)
        return kept + variance.sqrt().float() * torch.randn_like(x) if eta else kept

    def diagnose(self, x: Tensor) -> dict[str, float]:
        """Return also the mean variational bound of log p(x) in nats, in standardised units."""
        if self.conditional:
            return {}
        few = x[: largest_part(len(x), self.shape)].flatten(1)
        return super().diagnose(x) | {"elbo": float(self.elbo(few).mean())}

    def elbo(self, x0: Tensor) -> Tensor:
        """Return an unbiased estimate (b,) of the bound of Ho et al. (2020, eq. 5).

        It is that of the T-step chain with σ_t² = β_t. −L_T − Σ_{t>1} KL(q(x_{t−1} | x_t, x_0) ‖ p(x_{t−1} | x_t)) +
        log p(x_0 | x_1), where each term except the first is −½(d c_t + w_t ‖x_0 − x̂_0‖²). Σ c_t and L_T = KL(q(x_T |
        x_0) ‖ N(0, I)) are exact. For the rest of the sum over t, one random t is drawn from each of about 50 strata of
        {1 … T}, which are finer for small t, and weighted by the size of its stratum.
        """
        T, d, beta = self.timesteps, x0.shape[1], self.noising.beta
        t = torch.arange(1, T + 1)
        a, _, variance = self.noising.posterior(t - 1, t)
        ratio = variance[1:] / beta[2:]  # of the true to the model's variance, for t > 1
        c = torch.cat([(2 * math.pi * beta[1:2]).log(), ratio - 1 - ratio.log()])
        weight = a.square() / beta[1:]
        left = self.noising.alpha_bar[-1]
        bound = -0.5 * (left * (x0.to(left).square() - 1) - (-left).log1p()).sum(1) - 0.5 * d * c.sum()  # (b,)
        edges = (T * torch.linspace(0, 1, STRATA + 1).square()).round().long().unique()
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            t = torch.randint(low + 1, high + 1, (len(x0), 1))
            angle = self.noising.angle[t].float()
            xt = angle.cos() * x0 + angle.sin() * torch.randn_like(x0)
            error = (x0 - self.ends(xt, angle)[0]).square().sum(1)  # (b,)
            bound -= 0.5 * (high - low) * weight[t.squeeze(1) - 1] * error
        return bound
