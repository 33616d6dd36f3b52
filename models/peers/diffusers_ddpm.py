"""Denoising diffusion by the scheduler of diffusers."""

import torch

from genbench.core.types import Count
from genbench.models.peers.registration import DIFFUSERS, register_peer
from genbench.models.peers.tiny_diffusion import TinyDiffusion

__all__ = ["DiffusersDDPM"]


@register_peer("diffusers_ddpm", paper="Ho et al. 2020; von Platen et al. 2022")
class DiffusersDDPM(TinyDiffusion):
    """DDPM of diffusers with its defaults: T = 1000, β from 1e-4 to 0.02.

    Network and training are tiny-diffusion's, but not its T = 50. Estimates of x0 are clipped to the data's range.
    """

    library = DIFFUSERS

    def __init__(self, timesteps: Count = 1000, steps: Count = 100) -> None:
        self.timesteps, self.steps = timesteps, steps

    def build(self, shape: tuple[int, ...]) -> None:
        from diffusers import DDPMScheduler

        super().build(shape)
        self.scheduler = DDPMScheduler(self.timesteps)

    def training_loss(self, x: torch.Tensor) -> torch.Tensor:
        t, noise = torch.randint(self.timesteps, (len(x),)), torch.randn_like(x)
        return (self.network(self.scheduler.add_noise(x, noise, t), t) - noise).square().mean()

    def sample(self, n: int) -> torch.Tensor:
        self.scheduler.register_to_config(clip_sample_range=self.reach.item())
        self.scheduler.set_timesteps(self.steps)
        x = torch.randn(n, self.d)
        for t in self.scheduler.timesteps:
            x = self.scheduler.step(self.network(x, t), t, x).prev_sample
        return x
