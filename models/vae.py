"""Variational autoencoder: a Gaussian latent variable, an encoder, and a decoder."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, cast

import torch
from annotated_types import Gt
from torch import Tensor, nn

from genbench.contracts.model import register_model
from genbench.contracts.recipe import Preset, Recipe
from genbench.contracts.torch_model import TorchModel
from genbench.core.errors import GenbenchError
from genbench.core.search_ranges import LogRange, Range
from genbench.core.types import Count, Finite, Natural, NotNegative, Share
from genbench.nn.convolutional import ConvolutionalDecoder, convolutional_encoder
from genbench.nn.likelihoods import STD_FLOOR, Bernoulli, DiscretisedLogistic, Gaussian, Likelihood, log_normal
from genbench.nn.mlp import mlp
from genbench.nn.prior import prior_of

__all__ = ["VAE"]

ROWS = 16_384  # by hand: decoded latents at a time, when scoring
VALUES = 2**20  # by hand: of images, decoded at a time when scoring or sampling
LOG_STD_RANGE = (-10.0, 5.0)  # by hand, of the encoder, so that a point far from the data has a finite bound
DIAGNOSTIC_SAMPLES = 10  # by hand: latents per point behind `diagnose`
ACTIVE_VARIANCE = 0.01  # a latent coordinate is active where Var_x E[z|x] exceeds this (Burda et al. 2016, §5.2)


@register_model(
    "vae",
    family="vae",
    likelihood="bound",
    paper="Kingma & Welling 2014; Burda et al. 2016",
    kinds=("points", "table", "image", "series"),
)
class VAE(TorchModel):
    """Variational autoencoder: maximise a lower bound of log p(x).

    The encoder is q(z|x) and the decoder p(x|z). p(z) = N(0, I) or a learned mixture (`genbench.nn.prior`), p(x|z) =
    N(μ(z), diag σ²(z)) and q(z|x) = N(m(x), diag s²(x)). With latents z₁ … z_K ~ q(z|x) and weights w_k = p(x|z_k)
    p(z_k) / q(z_k|x) the bound is

        L_K = E log (1/K) Σ_k w_k  ≤  log p(x)

    (Burda et al. 2016, eq. 8), which rises with K; L_1 is the evidence lower bound E log p(x|z) − KL(q(z|x) ‖ p(z))
    (Kingma & Welling 2014, eq. 3). `log_prob` is L_K with `importance_samples` latents, whatever the training. These
    are a scrambled Sobol net, randomly shifted for each x (Buchholz et al. 2018): each z_k has the same distribution as
    before, so that the bound holds, and in few dimensions 64 of them leave a smaller gap than 200 independent ones.

    For images, encoder and decoder are convolutional, and p(x|z) is a mass of grey levels k. Then the bound is that of
    log P(k), plus d · log levels for the density of x = (k + u) / levels.

    Args:
        hidden, depth: width and number of the hidden layers of both networks; for images, number of channels at half
            resolution, and of convolutions at each scale.
        latent_dim: dimension of z; by default that of the data, but at least 2 and at most 16.
        components: number of Gaussians of the learned prior p(z); 0 for N(0, I), whose KL has a closed form.
        objective: what training maximises: "iwae", the bound L_K, or "elbo", L_1 with its KL in closed form, if it has
            one, and the rest averaged over K latents.
        training_samples: K in training; 1 with "elbo" is the classic VAE.
        beta: weight of log q(z|x) − log p(z) in training; if it is not 1, there is no bound (Higgins et al. 2017, eq.
            4).
        kl_warmup: share of training over which that weight rises from 0 to `beta`, so that the latents are used before
            their KL counts.
        decoder_std: σ of p(x|z): None for a function of z, one for each coordinate; "shared" for one learned number
            (Rybkin et al. 2021, eq. 4); or a number. It is in standardised units; for a logistic, white is 1.
        importance_samples: K of `log_prob`.
        decoder_likelihood: the kind of p(x|z): "gaussian"; for images also "logistic", discretised to the grey levels,
            and "bernoulli", for two levels. By default bernoulli for two levels, logistic for more, and Gaussian for
            data that are not images.
    """

    recipe = Recipe(batch_size=64, lr=8e-3, warmup=0.1, beta2=0.99, step_ms=6.8)
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            {"hidden": 32, "depth": 2, "objective": "elbo", "training_samples": 1, "lr": 4e-3, "step_ms": 10.0},
            kinds=("image",),
        ),
        Preset({"components": 50}, kinds=("image",), dims=(1, 255)),
        Preset(
            {"depth": 1, "latent_dim": 40, "importance_samples": 50, "lr": 2e-3, "beta2": 0.999, "step_ms": 50.0},
            kinds=("image",),
            dims=(256, None),
        ),
        Preset({"latent_dim": 64, "step_ms": 95.0}, kinds=("image",), dims=(2048, None)),
        Preset(
            {"hidden": 16, "latent_dim": 32, "batch_size": 32, "step_ms": 83.0}, kinds=("image",), dims=(4096, None)
        ),
    )

    def __init__(
        self,
        hidden: Annotated[Count, LogRange(16, 256)] = 128,
        depth: Annotated[Count, Range(1, 5)] = 3,
        latent_dim: Count | None = None,
        components: Natural = 0,
        objective: Literal["iwae", "elbo"] = "iwae",
        training_samples: Annotated[Count, LogRange(1, 16)] = 8,
        beta: Annotated[NotNegative, LogRange(0.25, 4)] = 1.0,
        kl_warmup: Share = 0.1,
        decoder_std: Annotated[Finite, Gt(STD_FLOOR)] | Literal["shared"] | None = None,
        importance_samples: Count = 64,
        decoder_likelihood: Literal["gaussian", "logistic", "bernoulli"] | None = None,
    ) -> None:
        self.hidden, self.depth, self.latent_dim, self.components = hidden, depth, latent_dim, components
        self.objective, self.beta, self.kl_warmup = objective, beta, kl_warmup
        self.decoder_std, self.decoder_likelihood = decoder_std, decoder_likelihood
        self.training_samples, self.importance_samples = training_samples, importance_samples

    @property
    def reads_levels(self) -> bool:  # type: ignore[override]
        """Whether it models grey levels, so that images are not standardised."""
        return self.decoder_likelihood != "gaussian"

    def build(self, shape: tuple[int, ...]) -> None:
        self.shape, d = shape, math.prod(shape)
        self.observed = self._likelihood(shape)
        self.latents = self.latent_dim or min(max(d, 2), 16)
        self.prior = prior_of(self.components, self.latents)
        outputs = (self.observed.outputs * shape[0], *shape[1:])
        if len(shape) == 3:
            self.encoder = convolutional_encoder(shape, self.hidden, self.depth, 2 * self.latents)
            self.decoder: nn.Module = ConvolutionalDecoder(self.latents, self.hidden, self.depth, outputs)
        else:
            self.encoder = mlp(d, self.hidden, self.depth, 2 * self.latents)
            self.decoder = mlp(self.latents, self.hidden, self.depth, *outputs)
        # Latents that begin as pure noise teach the decoder to ignore them, for good: a linear path carries x to the
        # mean from the first step, and the posterior begins narrow.
        self.skip = nn.Linear(d, self.latents)
        nn.init.constant_(cast(nn.Linear, self.encoder[-1]).bias[self.latents :], -3.0)

    def _likelihood(self, shape: tuple[int, ...]) -> Likelihood:
        by_data = "gaussian" if len(shape) != 3 else "bernoulli" if self.levels == 2 else "logistic"
        kind = self.decoder_likelihood or by_data
        if kind == "gaussian":
            return Gaussian(shape, self.decoder_std)
        if len(shape) != 3:
            raise GenbenchError(f"decoder_likelihood={kind} is for images, not for shape {shape}; use gaussian")
        if kind == "bernoulli":
            return Bernoulli(shape, self.levels)
        return DiscretisedLogistic(shape, self.levels, self.decoder_std)

    @property
    def kl_weight(self) -> float:
        """The present weight of log q(z|x) − log p(z), in [0, β]."""
        return self.beta * (min(1.0, self.progress / self.kl_warmup) if self.kl_warmup else 1.0)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log standard deviation (b, l) of q(z|x) for x (b, *shape)."""
        values = self.observed.values(x)
        mean, log_std = self.encoder(values).chunk(2, dim=-1)
        return mean + self.skip(values.flatten(1)), log_std.clamp(*LOG_STD_RANGE)

    def decode(self, z: Tensor) -> tuple[Tensor, ...]:
        """Return the parameters (…, *shape) of p(x|z) for z (…, l).

        Those of a Gaussian are mean and log standard deviation.
        """
        return self.observed.read(self.decoder(z))

    def log_weights(self, x: Tensor, samples: int, kl_weight: float = 1.0, even: bool = False) -> Tensor:
        """Return log p(x|z_k) + β (log p(z_k) − log q(z_k|x)), (samples, b), for x (b, *shape).

        The latents are z_k ~ q(z|x). They are independent, or, with `even`, spread evenly over q(z|x) for each x.
        """
        mean, log_std = self.encode(x)
        noise = _even_normal(samples, mean) if even else torch.randn(samples, *mean.shape)
        z = mean + log_std.exp() * noise  # (k, b, l)
        log_q = log_normal(noise) - log_std.sum(dim=-1)
        return self.observed.log_prob(x, *self.decode(z)) + kl_weight * (self.prior.log_prob(z) - log_q)

    def training_loss(self, x: Tensor) -> Tensor:  # (b, *shape)
        if self.objective == "elbo":
            reconstruction, kl = self.evidence_parts(x, self.training_samples)
            return (self.kl_weight * kl - reconstruction).mean()
        return -_log_mean_exp(self.log_weights(x, self.training_samples, self.kl_weight)).mean()

    def sample(self, n: int) -> Tensor:
        sizes = [len(part) for part in torch.empty(n).split(self._block(1))]
        return torch.cat([self.observed.sample(*self.decode(self.prior.sample(size))) for size in sizes])

    def log_prob(self, x: Tensor) -> Tensor:
        parts = x.split(self._block(self.importance_samples))
        bounds = [_log_mean_exp(self.log_weights(part, self.importance_samples, even=True)) for part in parts]
        return torch.cat(bounds) + self.observed.log_scale

    def _block(self, samples: int) -> int:
        """Return how many x are scored or made at a time, with `samples` latents each, to spare the memory."""
        values = math.prod(self.shape)
        return max(1, (ROWS if len(self.shape) == 1 else VALUES // values) // samples)

    def evidence_parts(self, x: Tensor, samples: int) -> tuple[Tensor, Tensor]:
        """Return E log p(x|z), averaged over `samples` latents, and KL(q(z|x) ‖ p(z)), (b,) each.

        The KL to a mixture is averaged over the latents, too.
        """
        mean, log_std = self.encode(x)
        z = mean + log_std.exp() * torch.randn(samples, *mean.shape)  # (k, b, l)
        return self.observed.log_prob(x, *self.decode(z)).mean(dim=0), self.prior.kl(mean, log_std, z)

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return E[values|z], (b, *shape), at the mean z of q(z|x), for x (b, *shape)."""
        return self.observed.mean(*self.decode(self.encode(x)[0]))

    def to_latent(self, x: Tensor) -> Tensor:
        """Return the mean (b, l) of q(z|x) for x (b, *shape)."""
        return self.encode(x)[0]

    def from_latent(self, z: Tensor) -> Tensor:
        """Return the mean (b, *shape) of p(x|z) for z (b, l).

        For an image it is the mean of its values, not of grey levels.
        """
        return self.observed.mean(*self.decode(z))

    def diagnose(self, x: Tensor) -> dict[str, float]:
        """Return the parts of the evidence lower bound at points x (n, *shape), in nats.

        They are in standardised units. `elbo` = `reconstruction` E log p(x|z) − `kl` KL(q(z|x) ‖ p(z)), means over the
        points; `kl_share` = kl / (kl + |reconstruction|), 0 if the latents have no information; `active_units` counts
        the latent coordinates with Var_x E[z|x] > 0.01; `importance_samples` is the K of `log_prob`.

        For images there is also `mean_squared_error`, that of `reconstruct` per value. If grey levels are modelled,
        values are from 0 to 1, nats are those of the levels' masses, and `nats_per_image` = −`elbo` is an upper bound
        of their description length.
        """
        blocks = [self._examine(part) for part in x.split(self._block(1))]
        reconstruction, kl, error, mean = (torch.cat(parts) for parts in zip(*blocks, strict=True))
        share = kl.mean() / (kl.mean() + reconstruction.mean().abs())
        numbers = {
            "elbo": (reconstruction - kl).mean(),
            "reconstruction": reconstruction.mean(),
            "kl": kl.mean(),
            "kl_share": share if kl.mean() > 0 else 0.0,
            "active_units": (mean.var(dim=0, correction=0) > ACTIVE_VARIANCE).sum(),
            "importance_samples": self.importance_samples,
        }
        if len(self.shape) == 3:
            numbers["mean_squared_error"] = error.mean()
        if self.observed.log_scale:
            numbers["nats_per_image"] = -numbers["elbo"]
        return {name: float(value) for name, value in numbers.items()}

    def _examine(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return E log p(x|z), the KL, the squared error, (b,) each, and the mean (b, l) of q(z|x)."""
        parts = [self.evidence_parts(x, 1) for _ in range(DIAGNOSTIC_SAMPLES)]  # one at a time, to spare the memory
        reconstruction, kl = (torch.stack(part).mean(dim=0) for part in zip(*parts, strict=True))
        error = (self.observed.values(x) - self.reconstruct(x)).square().flatten(1).mean(dim=1)
        return reconstruction, kl, error, self.encode(x)[0]


def _log_mean_exp(log_w: Tensor) -> Tensor:
    """Return log (1/K) Σ_k w_k over the first axis."""
    return torch.logsumexp(log_w, dim=0) - math.log(len(log_w))


def _even_normal(samples: int, like: Tensor) -> Tensor:
    """Return standard normal numbers (samples, b, l) that are even over the first axis, for `like` (b, l)."""
    engine = torch.quasirandom.SobolEngine(like.shape[1], scramble=True, seed=int(torch.randint(2**31, ())))
    uniform = (engine.draw(samples).to(like).unsqueeze(1) + torch.rand_like(like)) % 1
    return torch.special.ndtri(uniform.clamp(1e-6, 1 - 1e-6))
