"""Denoising diffusion by the scheduler of diffusers."""

import torch
from torch import Tensor

from genbench.contracts.constant_rate import ConstantRate
from genbench.contracts.torch_model import TorchModel
from genbench.core.types import Count
from genbench.models.peers.registration import DIFFUSERS, register_peer
from genbench.models.peers.tiny_diffusion import NoisePredictor

__all__ = ["DiffusersDDPM"]


@register_peer("diffusers_ddpm", paper="Ho et al. 2020; von Platen et al. 2022")
class DiffusersDDPM(TorchModel):
    """DDPMScheduler of diffusers, its defaults: T = 1000, β from 1e-4 to 0.02; network of tiny-diffusion.

    Trained as tiny-diffusion is: AdamW 1e-3, decay 0.01, batch 32, gradients clipped to 1. Its T = 50 is not taken:
    sampling then starts from more noise than training has seen. The data are standardised, and samples not clipped.

    Args:
        timesteps: T.
        steps: of sampling, evenly spaced; T of them are 10 times slower and no better in the plane.
    """

    library = DIFFUSERS
    recipe = ConstantRate(batch_size=32, lr=1e-3, weight_decay=0.01, clip=1.0)

    def __init__(self, timesteps: Count = 1000, steps: Count = 100) -> None:
        self.timesteps, self.steps = timesteps, steps

    def build(self, shape: tuple[int, ...]) -> None:
        from diffusers import DDPMScheduler

        self.network, self.d = NoisePredictor(shape[0]), shape[0]
        self.scheduler = DDPMScheduler(self.timesteps, clip_sample=False)

    def training_loss(self, x: Tensor) -> Tensor:
        t, noise = torch.randint(self.timesteps, (len(x),)), torch.randn_like(x)
        return (self.network(self.scheduler.add_noise(x, noise, t), t) - noise).square().mean()

    def sample(self, n: int) -> Tensor:
        self.scheduler.set_timesteps(self.steps)
        x = torch.randn(n, self.d)
        for t in self.scheduler.timesteps:
            x = self.scheduler.step(self.network(x, t.expand(n)), t, x).prev_sample
        return x
