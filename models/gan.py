"""Generative adversarial network: a generator learns to make what a discriminator cannot tell from the data."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from genbench.model import register_model
from genbench.nn.mlp import mlp
from genbench.recipe import Recipe
from genbench.torch_model import TorchModel, Update

__all__ = ["GAN", "Discriminator"]


class Discriminator(nn.Module):
    """A score of points, from their coordinates and from sines and cosines of these at doubling frequencies.

    The frequencies let a small network see detail that is much finer than the data are wide (Tancik et al. 2020).
    """

    frequency: Tensor

    def __init__(self, d: int, hidden: int, depth: int, frequencies: int) -> None:
        super().__init__()
        self.register_buffer("frequency", 2.0 ** torch.arange(frequencies))
        self.score = mlp(d * (1 + 2 * frequencies), hidden, depth, 1)

    def forward(self, x: Tensor) -> Tensor:  # (b, d) -> (b,)
        angle = (x[..., None] * self.frequency).flatten(1)  # (b, d · frequencies)
        return self.score(torch.cat([x, angle.sin(), angle.cos()], dim=1)).squeeze(1)

    def slope(self, x: Tensor) -> Tensor:
        """Return ½ E ‖∇D(x)‖² over points x (b, d): the R₁ penalty (Mescheder et al. 2018, eq. 9)."""
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self(x).sum(), x, create_graph=True)
        return 0.5 * gradient.square().sum(dim=1).mean()


@register_model(
    "gan",
    family="gan",
    paper="Goodfellow et al. 2014; Mescheder et al. 2018; Jolicoeur-Martineau 2019; Huang et al. 2024",
)
class GAN(TorchModel):
    """Generative adversarial network with the relativistic loss and gradient penalties at real and at made points.

    The discriminator is asked whether a real point scores above a made one, and the generator wants the reverse:

        max_D min_G  E log σ(D(x) − D(G(z)))

    (Jolicoeur-Martineau 2019, eq. 6; Huang et al. 2024, eq. 2). A generator that drops a mode can never win there, and
    with the penalties ½ γ E ‖∇D‖² at real points (R₁) and made points (R₂) training converges locally.

    Args:
        hidden: width of the hidden layers, of generator and discriminator alike.
        depth: number of hidden layers.
        latent_dim: dimension of the generator's normal noise; by default that of the data, but 2 at least.
        frequencies: number of sine and cosine pairs of each coordinate that the discriminator sees.
        penalty: γ, the weight of both penalties.
        penalty_every: steps from one penalised step to the next, whose weight makes up for those between.

    Raises:
        ValueError: a number is out of range.
    """

    recipe = Recipe(batch_size=256, lr=3e-3, beta1=0.0, beta2=0.99, clip=0.0, ema=0.995, step_ms=8.0)

    def __init__(
        self,
        hidden: int = 64,
        depth: int = 3,
        latent_dim: int | None = None,
        frequencies: int = 5,
        penalty: float = 0.05,
        penalty_every: int = 2,
    ) -> None:
        for name, size in (
            ("hidden", hidden),
            ("depth", depth),
            ("latent_dim", latent_dim),
            ("penalty_every", penalty_every),
        ):
            if size is not None and size < 1:
                raise ValueError(f"{name}={size} must be at least 1")
        if frequencies < 0 or penalty < 0:
            raise ValueError(f"frequencies={frequencies} and penalty={penalty} must not be negative")
        self.hidden, self.depth, self.latent_dim = hidden, depth, latent_dim
        self.frequencies, self.penalty, self.penalty_every = frequencies, penalty, penalty_every

    def build(self, shape: tuple[int, ...]) -> None:
        (d,) = shape
        self.latents = self.latent_dim or max(d, 2)
        self.generator = mlp(self.latents, self.hidden, self.depth, d)
        self.discriminator = Discriminator(d, self.hidden, self.depth, self.frequencies)
        self.steps_done = 0

    def players(self) -> Mapping[str, nn.Module]:
        return {"discriminator": self.discriminator, "generator": self.generator}

    def training_step(self, x: Tensor, update: Update) -> None:  # (b, d)
        with torch.no_grad():
            made = self.sample(len(x))
        real_score, made_score = self.discriminator(torch.cat([x, made])).chunk(2)
        loss = functional.softplus(made_score - real_score).mean()
        if self.penalty and self.steps_done % self.penalty_every == 0:
            slopes = self.discriminator.slope(x) + self.discriminator.slope(made)
            loss = loss + self.penalty * self.penalty_every * slopes
        update("discriminator", loss)
        self.steps_done += 1
        with torch.no_grad():
            real_score = self.discriminator(x)
        update("generator", functional.softplus(real_score - self.discriminator(self.sample(len(x)))).mean())

    def sample(self, n: int) -> Tensor:
        return self.generator(torch.randn(n, self.latents))
