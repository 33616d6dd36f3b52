"""Generative adversarial networks: a generator learns to make what a discriminator cannot tell from the data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import softplus

from genbench.errors import GenbenchError
from genbench.model import register_model
from genbench.nn.discriminator import Discriminator, gradient_penalty, slope_penalty
from genbench.nn.mlp import mlp
from genbench.recipe import Recipe
from genbench.torch_model import TorchModel, Update

__all__ = ["GAMES", "GAN", "WGANGP", "Game", "Generator"]


class Game(NamedTuple):
    """What each player descends, pair by pair, given the scores r = D(x) and f = D(G(z)); σ(D) is a probability."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]


def _cross_entropy(r: Tensor, f: Tensor) -> Tensor:
    return softplus(-r) + softplus(f)  # −log σ(r) − log(1 − σ(f))


GAMES = {
    "relativistic": Game(lambda r, f: softplus(f - r), lambda r, f: softplus(r - f)),
    "non_saturating": Game(_cross_entropy, lambda r, f: softplus(-f)),  # −log σ(f)
    "minimax": Game(_cross_entropy, lambda r, f: -softplus(f)),  # log(1 − σ(f))
    "wgan_gp": Game(lambda r, f: f - r, lambda r, f: -f),
}
FALL = (0.4, 1.0)  # shares of the training between which the weight of R₁ and R₂ falls


class Generator(nn.Module):
    """Maps noise to points. The noise is drawn from an equal mixture of Gaussians, whose means and scales are learnt.

    A continuous map of one Gaussian has to tear it for data of separate parts, and leaves bridges; the components can
    part (DeLiGAN: Gurumurthy et al. 2017). At the start they tile the normal distribution, and the map is near the
    identity: x = z + mlp(z), with z cut or padded with zeros to d coordinates in the first term.

    Args:
        d: coordinates of a point.
        latents: coordinates of the noise.
        components: number K of Gaussians of the noise; 1 is the usual noise.
        hidden: width of every hidden layer.
        depth: number of hidden layers.
    """

    def __init__(self, d: int, latents: int, components: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.d, self.latents, self.components = d, latents, components
        tile = -math.log(components) / latents
        self.mean = nn.Parameter(torch.randn(components, latents) * (components > 1))
        self.log_scale = nn.Parameter(torch.full((components, latents), tile))
        self.net = mlp(latents, hidden, depth, d)

    def forward(self, component: Tensor) -> Tensor:
        """Return a point (n, d) made from fresh noise of each component (n,), an integer below K."""
        noise = torch.randn(len(component), self.latents)
        z = self.mean[component] + self.log_scale[component].exp() * noise  # (n, latents)
        made: Tensor = functional.pad(z, (0, self.d - self.latents)) + self.net(z)
        return made

    def stratified(self, n: int) -> Tensor:
        """Return n components (n,), each as often as the others or once more, in random order."""
        rounds = [torch.randperm(self.components) for _ in range(-(-n // self.components))]
        return torch.cat(rounds)[:n]


@register_model(
    "gan",
    family="gan",
    paper="Goodfellow et al. 2014; Mescheder et al. 2018; Lin et al. 2018; Jolicoeur-Martineau 2019",
)
class GAN(TorchModel):
    """Generative adversarial network: the relativistic, non-saturating, minimax or Wasserstein game, penalised, packed.

    In the relativistic game the discriminator is asked whether a real point scores above a made one, and the generator
    wants the reverse:

        max_D min_G  E log σ(D(x) − D(G(z)))

    (Jolicoeur-Martineau 2019, eq. 6; Huang et al. 2024, eq. 2). A generator that drops a mode can never win there, and
    with the penalties ½ γ E ‖∇D‖² at real points (R₁) and made points (R₂) training converges locally. The detail that
    the discriminator resolves is about √γ wide, so γ falls in the course of training: first the masses are put right,
    then the shapes. `gan[loss=minimax,penalty=0]` is the original game (Goodfellow et al. 2014, algorithm 1).

    Args:
        loss: "relativistic", "non_saturating", "minimax" or "wgan_gp".
        critic_steps: k, steps of the discriminator for one of the generator, each on a batch of its own.
        packing: m, points that the discriminator judges at once, so that it sees missing variety (Lin et al. 2018).
        hidden: width of the hidden layers, of generator and discriminator alike.
        depth: number of hidden layers.
        latent_dim: dimension of the generator's noise; by default that of the data, but 2 at least.
        components: number of Gaussians of which the generator's noise is a learnt mixture; 1 is the usual noise.
        frequencies: number of sine and cosine pairs of each coordinate that the discriminator sees.
        penalty: γ, the weight of R₁ and R₂ at the start; with "wgan_gp" λ, the weight of its own penalty throughout.
        final_penalty: γ at the end.

    Raises:
        ValueError: a parameter is out of range.
    """

    recipe = Recipe(
        batch_size=256,
        lr={"discriminator": 3e-3, "generator": 1.5e-3},  # alike, the shaking of the components made modes too tight
        beta1=0.0,
        beta2=0.99,
        clip=0.0,
        ema=0.999,
        step_ms=7.0,
    )

    def __init__(
        self,
        loss: str = "relativistic",
        critic_steps: int = 1,
        packing: int = 1,
        hidden: int = 64,
        depth: int = 2,
        latent_dim: int | None = None,
        components: int = 1024,
        frequencies: int = 7,
        penalty: float = 0.2,
        final_penalty: float = 0.002,
    ) -> None:
        if loss not in GAMES:
            raise ValueError(f"loss={loss} must be one of {', '.join(GAMES)}")
        for name, size in (
            ("critic_steps", critic_steps),
            ("packing", packing),
            ("hidden", hidden),
            ("depth", depth),
            ("latent_dim", latent_dim),
            ("components", components),
        ):
            if size is not None and size < 1:
                raise ValueError(f"{name}={size} must be at least 1")
        for name, weight in (("frequencies", frequencies), ("penalty", penalty), ("final_penalty", final_penalty)):
            if weight < 0:
                raise ValueError(f"{name}={weight} must not be negative")
        self.loss, self.critic_steps, self.packing = loss, critic_steps, packing
        self.hidden, self.depth, self.latent_dim, self.components = hidden, depth, latent_dim, components
        self.frequencies, self.penalty, self.final_penalty = frequencies, penalty, final_penalty

    def build(self, shape: tuple[int, ...]) -> None:
        (d,) = shape
        self.generator = Generator(d, self.latent_dim or max(d, 2), self.components, self.hidden, self.depth)
        self.discriminator = Discriminator(self.packing * d, self.hidden, self.depth, self.frequencies)
        self.steps_done = 0

    def players(self) -> Mapping[str, nn.Module]:
        return {"discriminator": self.discriminator, "generator": self.generator}

    def training_step(self, x: Tensor, update: Update) -> None:  # (b, d)
        game = GAMES[self.loss]
        real, made = self.pack(x), self.pack(self.generator(self.generator.stratified(len(x))))
        update("discriminator", self.discriminator_loss(real, made.detach()))
        if self.steps_done % self.critic_steps == 0:
            with torch.no_grad():
                real_score = self.discriminator(real)
            update("generator", game.generator(real_score, self.discriminator(made)).mean())
        self.steps_done += 1

    def discriminator_loss(self, real: Tensor, made: Tensor) -> Tensor:
        """Return what the discriminator descends on packs of real and made points (b / m, m d), penalty included."""
        both = torch.cat([real, made]).requires_grad_()
        score = self.discriminator(both)
        loss = GAMES[self.loss].discriminator(*score.chunk(2)).mean()
        if self.penalty == 0:
            return loss
        if self.loss == "wgan_gp":
            return loss + self.penalty * gradient_penalty(self.discriminator, real, made)
        return loss + self.gamma() * slope_penalty(score, both)

    def gamma(self) -> float:
        """Return γ at this point of the training, on a geometric path from `penalty` to `final_penalty`."""
        begin, end = FALL
        done = min(max((self.progress - begin) / (end - begin), 0.0), 1.0)
        return self.penalty ** (1 - done) * self.final_penalty**done

    def pack(self, x: Tensor) -> Tensor:
        """Return points x (b, d) side by side in packs (b // m, m d); a rest smaller than a pack is left out.

        Raises:
            GenbenchError: there are fewer points than one pack takes.
        """
        if len(x) < self.packing:
            raise GenbenchError(f"packing={self.packing} needs batches of as many points at least, not {len(x)}")
        return x[: len(x) // self.packing * self.packing].reshape(-1, self.packing * x.shape[1])

    def sample(self, n: int) -> Tensor:
        made: Tensor = self.generator(torch.randint(self.components, (n,)))
        return made


@register_model("wgan_gp", family="gan", variant=True, paper="Arjovsky et al. 2017; Gulrajani et al. 2017")
class WGANGP(GAN):
    """Wasserstein GAN with gradient penalty, in its authors' toy setting: normal noise, no sines, five critic steps.

    The critic's slope is drawn towards 1 between real and made points, so that E D(x) − E D(G(z)) approaches W₁.

    Args:
        critic_steps: steps of the critic for one of the generator.
        hidden: width of the hidden layers, of generator and critic alike.
        depth: number of hidden layers.
        latent_dim: dimension of the generator's noise; by default that of the data, but 2 at least.
        penalty: λ, the weight of the gradient penalty.

    Raises:
        ValueError: a number is out of range.
    """

    recipe = Recipe(batch_size=256, lr=1e-3, beta1=0.5, beta2=0.9, clip=0.0, ema=0.99, step_ms=6.0)

    def __init__(
        self,
        critic_steps: int = 5,
        hidden: int = 128,
        depth: int = 3,
        latent_dim: int | None = None,
        penalty: float = 0.1,
    ) -> None:
        super().__init__("wgan_gp", critic_steps, 1, hidden, depth, latent_dim, 1, 0, penalty)
