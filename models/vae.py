"""Variational autoencoder: a Gaussian latent, an encoder that infers it and a decoder with a learned variance."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from genbench.model import register_model
from genbench.nn.mlp import mlp
from genbench.recipe import Recipe
from genbench.torch_model import TorchModel

__all__ = ["VAE", "kl_to_standard_normal"]

ROWS = 16_384  # decoded latents at a time, when scoring
STD_FLOOR = 1e-3  # of the decoder, in standardised units: without it a repeated point has infinite density
LOG_STD_RANGE = (-10.0, 5.0)  # of the encoder, so that a point far from the data has a finite bound
DIAGNOSTIC_SAMPLES = 10  # latents per point behind `diagnose`
ACTIVE_VARIANCE = 0.01  # a latent coordinate is active where Var_x E[z|x] exceeds this (Burda et al. 2016, §5.2)


@register_model("vae", family="vae", likelihood="bound", paper="Kingma & Welling 2014; Burda et al. 2016")
class VAE(TorchModel):
    """Variational autoencoder: maximise a lower bound on log p(x) with an encoder q(z|x) and a decoder p(x|z).

    p(z) = N(0, I), p(x|z) = N(μ(z), diag σ²(z)) and q(z|x) = N(m(x), diag s²(x)). With latents z₁ … z_K ~ q(z|x) and
    weights w_k = p(x|z_k) p(z_k) / q(z_k|x) the bound is

        L_K = E log (1/K) Σ_k w_k  ≤  log p(x)

    (Burda et al. 2016, eq. 8), which rises with K; K = 1 is the evidence lower bound (Kingma & Welling 2014, eq. 3).
    `log_prob` is L_K with `importance_samples` latents.

    Args:
        hidden: width of the hidden layers, of encoder and decoder alike.
        depth: number of hidden layers.
        latent_dim: dimension of z; by default that of the data, within 2 and 16.
        training_samples: K in training; 1 is the classic VAE.
        kl_warmup: share of the training over which the weight of log q(z|x) − log p(z) rises from 0 to 1, so that
            the latents come into use before they have to pay for it.
        importance_samples: K of `log_prob`.

    Raises:
        ValueError: a size is less than 1, or `kl_warmup` is not in [0, 1].
    """

    recipe = Recipe(batch_size=64, lr=8e-3, warmup=0.1, beta2=0.99, step_ms=6.8)

    def __init__(
        self,
        hidden: int = 128,
        depth: int = 3,
        latent_dim: int | None = None,
        training_samples: int = 8,
        kl_warmup: float = 0.1,
        importance_samples: int = 200,
    ) -> None:
        sizes = {
            "hidden": hidden,
            "depth": depth,
            "latent_dim": latent_dim,
            "training_samples": training_samples,
            "importance_samples": importance_samples,
        }
        for name, size in sizes.items():
            if size is not None and size < 1:
                raise ValueError(f"{name}={size} must be at least 1")
        if not 0 <= kl_warmup <= 1:
            raise ValueError(f"kl_warmup={kl_warmup} is a share of the training and must be between 0 and 1")
        self.hidden, self.depth, self.latent_dim = hidden, depth, latent_dim
        self.training_samples, self.importance_samples = training_samples, importance_samples
        self.kl_warmup = kl_warmup

    def build(self, shape: tuple[int, ...]) -> None:
        (d,) = shape
        self.latents = self.latent_dim or min(max(d, 2), 16)
        self.encoder = mlp(d, self.hidden, self.depth, 2 * self.latents)
        self.decoder = mlp(self.latents, self.hidden, self.depth, 2 * d)
        # Latents that begin as pure noise teach the decoder to ignore them, for good: a linear path carries x to the
        # mean from the first step, and the posterior begins narrow.
        self.skip = nn.Linear(d, self.latents)
        nn.init.constant_(cast(nn.Linear, self.encoder[-1]).bias[self.latents :], -3.0)

    @property
    def kl_weight(self) -> float:
        """The weight of log q(z|x) − log p(z) at the present progress, in [0, 1]."""
        return min(1.0, self.progress / self.kl_warmup) if self.kl_warmup else 1.0

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log standard deviation (b, l) of q(z|x) for x (b, d)."""
        mean, log_std = self.encoder(x).chunk(2, dim=-1)
        return mean + self.skip(x), log_std.clamp(*LOG_STD_RANGE)

    def decode(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log standard deviation (…, d) of p(x|z) for z (…, l)."""
        mean, raw = self.decoder(z).chunk(2, dim=-1)
        return mean, (functional.softplus(raw) + STD_FLOOR).log()

    def log_weights(self, x: Tensor, samples: int, kl_weight: float = 1.0) -> Tensor:
        """Return log p(x|z_k) + β (log p(z_k) − log q(z_k|x)), (samples, b), with z_k ~ q(z|x), for x (b, d)."""
        mean, log_std = self.encode(x)
        noise = torch.randn(samples, *mean.shape)
        z = mean + log_std.exp() * noise  # (k, b, l)
        log_q = _log_normal(noise) - log_std.sum(dim=-1)
        return _log_normal(x, *self.decode(z)) + kl_weight * (_log_normal(z) - log_q)

    def training_loss(self, x: Tensor) -> Tensor:  # (b, d)
        return -_log_mean_exp(self.log_weights(x, self.training_samples, self.kl_weight)).mean()

    def sample(self, n: int) -> Tensor:
        mean, log_std = self.decode(torch.randn(n, self.latents))
        return mean + log_std.exp() * torch.randn_like(mean)

    def log_prob(self, x: Tensor) -> Tensor:
        parts = x.split(max(1, ROWS // self.importance_samples))
        return torch.cat([_log_mean_exp(self.log_weights(part, self.importance_samples)) for part in parts])

    def diagnose(self, x: Tensor) -> dict[str, float]:
        """Return the parts of the evidence lower bound at points x (n, d), in nats of standardised units.

        `elbo` = `reconstruction` E log p(x|z) − `kl` KL(q(z|x) ‖ p(z)), means over the points; `active_units` counts
        the latent coordinates with Var_x E[z|x] > 0.01; `importance_samples` is the K of `log_prob`.
        """
        mean, log_std = self.encode(x)
        reconstruction = 0.0
        for _ in range(DIAGNOSTIC_SAMPLES):
            z = mean + log_std.exp() * torch.randn_like(mean)
            reconstruction += _log_normal(x, *self.decode(z)).mean().item() / DIAGNOSTIC_SAMPLES
        kl = kl_to_standard_normal(mean, log_std).mean().item()
        active = (mean.var(dim=0, correction=0) > ACTIVE_VARIANCE).sum().item()
        return {
            "elbo": reconstruction - kl,
            "reconstruction": reconstruction,
            "kl": kl,
            "active_units": active,
            "importance_samples": self.importance_samples,
        }


def kl_to_standard_normal(mean: Tensor, log_std: Tensor) -> Tensor:
    """Return KL(N(m, diag s²) ‖ N(0, I)) = ½ Σ (m² + s² − 1 − log s²) in nats, (b,) (Kingma & Welling 2014, app. B)."""
    return 0.5 * (mean.square() + (2 * log_std).exp() - 1 - 2 * log_std).sum(dim=-1)


def _log_normal(x: Tensor, mean: Tensor | float = 0.0, log_std: Tensor | float = 0.0) -> Tensor:
    """Return log N(x; μ, diag σ²), summed over the last axis; the standard normal by default."""
    log_std = torch.as_tensor(log_std)
    white = (x - mean) * (-log_std).exp()
    return -(0.5 * white.square() + log_std + 0.5 * math.log(2 * math.pi)).sum(dim=-1)


def _log_mean_exp(log_w: Tensor) -> Tensor:
    """Return log (1/K) Σ_k w_k over the first axis."""
    return torch.logsumexp(log_w, dim=0) - math.log(len(log_w))
