"""The common part of flow models: densities, samples and codes by a change of variables."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from genbench.contracts.torch_model import TorchModel
from genbench.nn.couplings import Flow
from genbench.nn.prior import MixturePrior, StandardNormal, prior_of
from genbench.nn.score import gradient

__all__ = ["FlowModel", "base_of"]


def base_of(components: int, d: int, spread: float) -> StandardNormal | MixturePrior:
    """Return N(0, I), or a learned mixture of `components` Gaussians.

    The mixture is learned with the flow (Izmailov et al. 2020). A smooth map of one Gaussian leaves filaments between
    the modes of the data. The Gaussians of the mixture start with means of standard deviation `spread`, which is below
    1, and so narrow that the mixture is nearly N(0, I).
    """
    return prior_of(components, d, spread, math.sqrt(1 - spread**2))


class FlowModel(TorchModel):
    """A model with a `flow` from the data to its base, trained by maximum likelihood.

    `build` sets the flow. By the change of variables (Dinh et al. 2017, eq. 3), log p(x) = log p(z(x)) + log |det
    dz/dx|.

    Attributes:
        flow: the flow of points (b, d).
        prior: the base p(z), unless a subclass has its own draws and density.
        at_once: largest number of points that are mapped together outside training, as memory is limited.
    """

    flow: Flow
    prior: StandardNormal | MixturePrior
    nfe = 1  # each unit of each layer is computed once for a sample
    at_once: ClassVar[int] = 10_000

    def draw_base(self, n: int) -> Tensor:
        """Return n points of the base (n, d)."""
        return self.prior.sample(n)

    def base_log_prob(self, z: Tensor) -> Tensor:
        """Return log p(z) in nats (b,) of base points z (b, d)."""
        return self.prior.log_prob(z)

    def log_density(self, x: Tensor) -> Tensor:
        """Return log p(x) in nats (b,) of points x (b, d), computed at once."""
        z, log_det = self.flow(x)
        return self.base_log_prob(z) + log_det

    def prepare(self, x: Tensor) -> None:
        self.flow.prepare(x)

    def training_loss(self, x: Tensor) -> Tensor:
        return -self.log_density(x).mean()

    def sample(self, n: int) -> Tensor:
        return self.from_latent(self.draw_base(n))

    def trajectory(self, n: int) -> tuple[Tensor, Tensor]:
        """Return the shares of the layers as times, and the points (layers + 1, n, d) of samples."""
        passages = [self.flow.passage(z) for z in self.draw_base(n).split(self.at_once)]
        return passages[0][0], torch.cat([states for _, states in passages], dim=1)

    def to_latent(self, x: Tensor) -> Tensor:
        """Return the base points (b, d) to which the flow maps points (b, d)."""
        return torch.cat([self.flow(part)[0] for part in x.split(self.at_once)])

    def from_latent(self, z: Tensor) -> Tensor:
        """Return the points (b, d) to which the inverse flow maps base points (b, d)."""
        return torch.cat([self.flow.inverse(part) for part in z.split(self.at_once)])

    def log_prob(self, x: Tensor) -> Tensor:
        return torch.cat([self.log_density(part) for part in x.split(self.at_once)])

    def score_at(self, x: Tensor) -> Tensor:
        """Return ∇ log p(x) (b, d) at points (b, d)."""
        return torch.cat([gradient(self.log_density, part) for part in x.split(self.at_once)])
