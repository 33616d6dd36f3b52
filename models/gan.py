"""Generative adversarial networks: a generator is trained against a discriminator."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from genbench.contracts.model import register_model
from genbench.contracts.recipe import Preset, Recipe
from genbench.contracts.torch_model import TorchModel, Update
from genbench.core.errors import GenbenchError
from genbench.core.search_ranges import LogRange, Range
from genbench.core.types import Count, Natural, NotNegative
from genbench.nn.discriminator import Discriminator, PictureDiscriminator, gradient_penalty, slope_penalty
from genbench.nn.generator import Generator, PictureGenerator

__all__ = ["GAMES", "GAN", "WGANGP", "Game"]


class Game(NamedTuple):
    """The loss of each network from the scores r = D(x) and f = D(G(z)), for each pair.

    σ(D) is a probability.
    """

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
VALUES = 2**20  # by hand: of images, made at a time in sampling, to spare the memory
FALL = (0.4, 1.0)  # by hand: shares of training between which the weight of R₁ and R₂ falls


@register_model(
    "gan",
    family="gan",
    paper="Goodfellow et al. 2014; Mescheder et al. 2018; Lin et al. 2018; Jolicoeur-Martineau 2019",
    kinds=("points", "table", "image", "series"),
)
class GAN(TorchModel):
    """Generative adversarial network with a choice of losses, and penalties.

    The losses are relativistic, non-saturating, minimax and Wasserstein. With the relativistic loss, the discriminator
    learns to score real points above generated ones, and the generator learns the reverse:

        max_D min_G  E log σ(D(x) − D(G(z)))

    (Jolicoeur-Martineau 2019, eq. 6; Huang et al. 2024, eq. 2). A generator that lacks a mode cannot be optimal for it,
    and with the penalties ½ γ E ‖∇D‖² at real points (R₁) and generated points (R₂), training converges locally. The
    discriminator resolves details of a width of about √γ, so γ falls during training: first the masses become right,
    then the shapes. `gan[loss=minimax,penalty=0]` is the original game (Goodfellow et al. 2014, algorithm 1).

    For images, both networks are convolutional, as in DCGAN (Radford et al. 2016), and images are scaled to [−1, 1].

    Args:
        critic_steps: k, the number of discriminator steps for each generator step, each on a new batch.
        packing: m, the number of points that the discriminator scores together, so that it detects missing variety (Lin
            et al. 2018); images are packed as channels.
        hidden, depth: width and number of the hidden layers of both networks; for images, number of channels at half
            resolution, and of convolutions at each scale.
        latent_dim: dimension of the generator's noise; by default that of the data, but at least 2, and for images at
            most 100.
        components: number of Gaussians in the learned mixture of the generator's noise; 1 is the usual noise.
        frequencies: number of sines and cosines of each coordinate of a point as inputs of the discriminator.
        penalty: γ, the weight of R₁ and R₂ at the start; for "wgan_gp" λ, the constant weight of its own penalty.
        final_penalty: γ at the end.
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
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            {"hidden": 32, "latent_dim": 32, "components": 1, "frequencies": 0, "penalty": 0.02, "final_penalty": 0.01}
            | {"batch_size": 64, "lr": {"discriminator": 6e-3, "generator": 3e-3}, "ema": 0.99, "step_ms": 23.0},
            kinds=("image",),
        ),
        Preset(
            {"depth": 1, "latent_dim": 64, "lr": 1e-3, "beta1": 0.5, "ema": 0.999, "step_ms": 133.0},
            kinds=("image",),
            dims=(256, None),
        ),
        Preset({"step_ms": 275.0}, kinds=("image",), dims=(2048, None)),
        Preset({"hidden": 16, "batch_size": 32, "step_ms": 238.0}, kinds=("image",), dims=(4096, None)),
    )
    reads_levels = True  # images lie in [0, 1], which a tanh can fill

    def __init__(
        self,
        loss: Literal["relativistic", "non_saturating", "minimax", "wgan_gp"] = "relativistic",
        critic_steps: Count = 1,
        packing: Count = 1,
        hidden: Annotated[Count, LogRange(16, 256)] = 64,
        depth: Annotated[Count, Range(1, 4)] = 2,
        latent_dim: Count | None = None,
        components: Count = 1024,
        frequencies: Natural = 7,
        penalty: Annotated[NotNegative, LogRange(0.02, 2)] = 0.2,
        final_penalty: NotNegative = 0.002,
    ) -> None:
        self.loss, self.critic_steps, self.packing = loss, critic_steps, packing
        self.hidden, self.depth, self.latent_dim, self.components = hidden, depth, latent_dim, components
        self.frequencies, self.penalty, self.final_penalty = frequencies, penalty, final_penalty

    def build(self, shape: tuple[int, ...]) -> None:
        sizes = (self.components, self.hidden, self.depth)
        if len(shape) == 3:
            latents = self.latent_dim or min(math.prod(shape), 100)
            pack = (self.packing * shape[0], *shape[1:])
            self.generator: Generator | PictureGenerator = PictureGenerator(shape, self.levels, latents, *sizes)
            self.discriminator: nn.Module = PictureDiscriminator(pack, self.hidden, self.depth)
        else:
            (d,) = shape
            self.generator = Generator(d, self.latent_dim or max(d, 2), *sizes)
            self.discriminator = Discriminator(self.packing * d, self.hidden, self.depth, self.frequencies)
        self.shape, self.steps_done = shape, 0

    def optimizer_groups(self) -> Mapping[str, nn.Module]:
        return {"discriminator": self.discriminator, "generator": self.generator}

    def training_step(self, x: Tensor, update: Update) -> None:  # (b, *shape)
        if x.ndim == 4:
            x = 2 * x - 1
        game = GAMES[self.loss]
        real, made = self.pack(x), self.pack(self.generator(self.generator.stratified(len(x))))
        update("discriminator", self.discriminator_loss(real, made.detach()))
        if self.steps_done % self.critic_steps == 0:
            with torch.no_grad():
                real_score = self.discriminator(real)
            update("generator", game.generator(real_score, self.discriminator(made)).mean())
        self.steps_done += 1

    def discriminator_loss(self, real: Tensor, made: Tensor) -> Tensor:
        """Return the discriminator's loss for packs of real and generated points, with penalty."""
        both = torch.cat([real, made]).requires_grad_()
        score = self.discriminator(both)
        loss = GAMES[self.loss].discriminator(*score.chunk(2)).mean()
        if self.penalty == 0:
            return loss
        if self.loss == "wgan_gp":
            return loss + self.penalty * gradient_penalty(self.discriminator, real, made)
        return loss + self.gamma() * slope_penalty(score, both)

    def gamma(self) -> float:
        """Return the present γ, on a geometric path from `penalty` to `final_penalty`."""
        begin, end = FALL
        done = min(max((self.progress - begin) / (end - begin), 0.0), 1.0)
        return self.penalty ** (1 - done) * self.final_penalty**done

    def pack(self, x: Tensor) -> Tensor:
        """Return points x (b, d) side by side in packs (b // m, m d).

        The last points are left out if they do not fill a pack. Images (b, c, h, w) become packs (b // m, m c, h, w).

        Raises:
            GenbenchError: there are fewer points than in one pack.
        """
        if len(x) < self.packing:
            raise GenbenchError(f"packing={self.packing} needs batches of at least {self.packing} points, not {len(x)}")
        return x[: len(x) // self.packing * self.packing].reshape(-1, self.packing * x.shape[1], *x.shape[2:])

    def sample(self, n: int) -> Tensor:
        return self.from_latent(self.draw_latent(n))

    def draw_latent(self, n: int) -> Tensor:
        """Return n draws of the noise (n, latents)."""
        return self.generator.noise(torch.randint(self.components, (n,)))

    def from_latent(self, z: Tensor) -> Tensor:
        """Return the generator's points (n, *shape) for noise z (n, latents)."""
        if len(self.shape) == 1:
            return self.generator.make(z)
        blocks = z.split(max(1, VALUES // math.prod(self.shape)))
        return torch.cat([(self.generator.make(block) + 1) / 2 for block in blocks])


@register_model(
    "wgan_gp",
    family="gan",
    variant=True,
    paper="Arjovsky et al. 2017; Gulrajani et al. 2017",
    kinds=("points", "table", "image", "series"),
)
class WGANGP(GAN):
    """Wasserstein GAN with gradient penalty, in the toy setting of its authors.

    This setting has normal noise, no sines, and five critic steps. The penalty draws the norm of the critic's gradient
    towards 1 between real and generated points, so that E D(x) − E D(G(z)) approaches W₁. The parameters are those of
    `gan`; `penalty` is λ, the weight of the gradient penalty.
    """

    recipe = Recipe(batch_size=256, lr=1e-3, beta1=0.5, beta2=0.9, clip=0.0, ema=0.99, step_ms=6.0)
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset(
            {"hidden": 32, "depth": 2, "latent_dim": 32, "penalty": 1.0, "batch_size": 64, "lr": 3e-3, "step_ms": 17.0},
            kinds=("image",),
        ),
        Preset(
            {"depth": 1, "latent_dim": 64, "penalty": 10.0, "lr": 1e-3, "step_ms": 88.0},
            kinds=("image",),
            dims=(256, None),
        ),
        Preset({"step_ms": 200.0}, kinds=("image",), dims=(2048, None)),
        Preset({"hidden": 16, "batch_size": 32, "step_ms": 170.0}, kinds=("image",), dims=(4096, None)),
    )

    def __init__(
        self,
        critic_steps: Count = 5,
        hidden: Annotated[Count, LogRange(16, 256)] = 128,
        depth: Annotated[Count, Range(1, 4)] = 3,
        latent_dim: Count | None = None,
        penalty: Annotated[NotNegative, LogRange(0.02, 2)] = 0.1,
    ) -> None:
        super().__init__("wgan_gp", critic_steps, 1, hidden, depth, latent_dim, 1, 0, penalty)
