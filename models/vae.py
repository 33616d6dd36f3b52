"""Variational autoencoder: a Gaussian latent, an encoder that infers it and a Gaussian decoder."""

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
OBJECTIVES = ("iwae", "elbo")


@register_model("vae", family="vae", likelihood="bound", paper="Kingma & Welling 2014; Burda et al. 2016")
class VAE(TorchModel):
    """Variational autoencoder: maximise a lower bound on log p(x) with an encoder q(z|x) and a decoder p(x|z).

    p(z) = N(0, I), p(x|z) = N(μ(z), diag σ²(z)) and q(z|x) = N(m(x), diag s²(x)). With latents z₁ … z_K ~ q(z|x) and
    weights w_k = p(x|z_k) p(z_k) / q(z_k|x) the bound is

        L_K = E log (1/K) Σ_k w_k  ≤  log p(x)

    (Burda et al. 2016, eq. 8), which rises with K; L_1 is the evidence lower bound E log p(x|z) − KL(q(z|x) ‖ p(z))
    (Kingma & Welling 2014, eq. 3). `log_prob` is L_K with `importance_samples` latents, however it was trained.

    Args:
        hidden: width of the hidden layers, of encoder and decoder alike.
        depth: number of hidden layers.
        latent_dim: dimension of z; by default that of the data, within 2 and 16.
        objective: what training maximises: "iwae", the bound L_K, or "elbo", L_1 with its KL in closed form and its
            other part averaged over K latents.
        training_samples: K in training; 1 with "elbo" is the classic VAE.
        beta: weight of log q(z|x) − log p(z) in training; other than 1 it is no bound (Higgins et al. 2017, eq. 4).
        kl_warmup: share of the training over which that weight rises from 0 to `beta`, so that the latents come into
            use before they have to pay for it.
        decoder_std: σ of p(x|z) in standardised units: None for a function of z, one for each coordinate; "shared" for
            one learned number (Rybkin et al. 2021, eq. 4); or the number.
        importance_samples: K of `log_prob`.

    Raises:
        ValueError: a size is less than 1, `kl_warmup` is not in [0, 1], `beta` is negative, `decoder_std` is not above
            0.001, or a word is not one of those listed.
    """

    recipe = Recipe(batch_size=64, lr=8e-3, warmup=0.1, beta2=0.99, step_ms=6.8)

    def __init__(
        self,
        hidden: int = 128,
        depth: int = 3,
        latent_dim: int | None = None,
        objective: str = "iwae",
        training_samples: int = 8,
        beta: float = 1.0,
        kl_warmup: float = 0.1,
        decoder_std: float | str | None = None,
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
        if objective not in OBJECTIVES:
            raise ValueError(f"objective={objective} must be one of {', '.join(OBJECTIVES)}")
        if not beta >= 0:
            raise ValueError(f"beta={beta} must not be negative")
        fine = (
            decoder_std == "shared" if isinstance(decoder_std, str) else decoder_std is None or decoder_std > STD_FLOOR
        )
        if not fine:
            raise ValueError(f"decoder_std={decoder_std} must be none, shared, or a number above {STD_FLOOR}")
        self.hidden, self.depth, self.latent_dim = hidden, depth, latent_dim
        self.objective, self.beta, self.kl_warmup = objective, beta, kl_warmup
        self.decoder_std = decoder_std
        self.training_samples, self.importance_samples = training_samples, importance_samples

    def build(self, shape: tuple[int, ...]) -> None:
        (d,) = shape
        self.latents = self.latent_dim or min(max(d, 2), 16)
        self.encoder = mlp(d, self.hidden, self.depth, 2 * self.latents)
        self.decoder = mlp(self.latents, self.hidden, self.depth, 2 * d if self.decoder_std is None else d)
        if self.decoder_std == "shared":
            self.raw_std = nn.Parameter(torch.zeros(()))
        # Latents that begin as pure noise teach the decoder to ignore them, for good: a linear path carries x to the
        # mean from the first step, and the posterior begins narrow.
        self.skip = nn.Linear(d, self.latents)
        nn.init.constant_(cast(nn.Linear, self.encoder[-1]).bias[self.latents :], -3.0)

    @property
    def kl_weight(self) -> float:
        """The weight of log q(z|x) − log p(z) at the present progress, in [0, β]."""
        return self.beta * (min(1.0, self.progress / self.kl_warmup) if self.kl_warmup else 1.0)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log standard deviation (b, l) of q(z|x) for x (b, d)."""
        mean, log_std = self.encoder(x).chunk(2, dim=-1)
        return mean + self.skip(x), log_std.clamp(*LOG_STD_RANGE)

    def decode(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log standard deviation (…, d) of p(x|z) for z (…, l)."""
        output = self.decoder(z)
        if self.decoder_std is None:
            mean, raw = output.chunk(2, dim=-1)
            return mean, (functional.softplus(raw) + STD_FLOOR).log()
        return output, self.shared_std.log().expand_as(output)

    @property
    def shared_std(self) -> Tensor:
        """The one σ () of p(x|z) where `decoder_std` is "shared" or a number."""
        if self.decoder_std == "shared":
            return functional.softplus(self.raw_std) + STD_FLOOR
        return torch.tensor(self.decoder_std)

    def log_weights(self, x: Tensor, samples: int, kl_weight: float = 1.0) -> Tensor:
        """Return log p(x|z_k) + β (log p(z_k) − log q(z_k|x)), (samples, b), with z_k ~ q(z|x), for x (b, d)."""
        mean, log_std = self.encode(x)
        noise = torch.randn(samples, *mean.shape)
        z = mean + log_std.exp() * noise  # (k, b, l)
        log_q = _log_normal(noise) - log_std.sum(dim=-1)
        return _log_normal(x, *self.decode(z)) + kl_weight * (_log_normal(z) - log_q)

    def training_loss(self, x: Tensor) -> Tensor:  # (b, d)
        if self.objective == "elbo":
            reconstruction, kl = self.evidence_parts(x, self.training_samples)
            return (self.kl_weight * kl - reconstruction).mean()
        return -_log_mean_exp(self.log_weights(x, self.training_samples, self.kl_weight)).mean()

    def sample(self, n: int) -> Tensor:
        mean, log_std = self.decode(torch.randn(n, self.latents))
        return mean + log_std.exp() * torch.randn_like(mean)

    def log_prob(self, x: Tensor) -> Tensor:
        parts = x.split(max(1, ROWS // self.importance_samples))
        return torch.cat([_log_mean_exp(self.log_weights(part, self.importance_samples)) for part in parts])

    def evidence_parts(self, x: Tensor, samples: int) -> tuple[Tensor, Tensor]:
        """Return E log p(x|z), averaged over `samples` latents, and KL(q(z|x) ‖ p(z)), (b,) each, for x (b, d)."""
        mean, log_std = self.encode(x)
        z = mean + log_std.exp() * torch.randn(samples, *mean.shape)  # (k, b, l)
        return _log_normal(x, *self.decode(z)).mean(dim=0), kl_to_standard_normal(mean, log_std)

    def diagnose(self, x: Tensor) -> dict[str, float]:
        """Return the parts of the evidence lower bound at points x (n, d), in nats of standardised units.

        `elbo` = `reconstruction` E log p(x|z) − `kl` KL(q(z|x) ‖ p(z)), means over the points; `kl_share` =
        kl / (kl + |reconstruction|), 0 where the latents say nothing; `active_units` counts the latent coordinates with
        Var_x E[z|x] > 0.01; `importance_samples` is the K of `log_prob`.
        """
        parts = [self.evidence_parts(x, 1) for _ in range(DIAGNOSTIC_SAMPLES)]  # one at a time, to spare the memory
        reconstruction, kl = (sum(p.mean().item() for p in each) / len(each) for each in zip(*parts, strict=True))
        active = (self.encode(x)[0].var(dim=0, correction=0) > ACTIVE_VARIANCE).sum().item()
        return {
            "elbo": reconstruction - kl,
            "reconstruction": reconstruction,
            "kl": kl,
            "kl_share": kl / (kl + abs(reconstruction)) if kl > 0 else 0.0,
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
