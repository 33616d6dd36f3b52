"""The common part of torchcfm's models: network, training and sampler of its tutorial.

The tutorial is about the plane.
"""

import torch
from torch import Tensor

from genbench.contracts.constant_rate import ConstantRate
from genbench.contracts.torch_model import TorchModel
from genbench.core.types import NotNegative
from genbench.models.peers.registration import TORCHCFM

__all__ = ["TorchcfmFlow"]


class TorchcfmFlow(TorchModel):
    """A flow of torchcfm.

    `matcher` of a subclass is the name of its class in `torchcfm.conditional_flow_matching`.
    """

    library, recipe, matcher = TORCHCFM, ConstantRate(batch_size=256, lr=1e-3), ""

    def __init__(self, sigma: NotNegative = 0.1) -> None:
        self.sigma = sigma

    def build(self, shape: tuple[int, ...]) -> None:
        from torchcfm import conditional_flow_matching
        from torchcfm.models.models import MLP

        self.network, self.d = MLP(dim=shape[0], w=64, time_varying=True), shape[0]
        self.matching = getattr(conditional_flow_matching, self.matcher)(sigma=self.sigma)

    def velocity(self, t: Tensor, x: Tensor) -> Tensor:  # (), (b, d) -> (b, d)
        return self.network(torch.cat([x, t.expand(len(x))[:, None]], dim=1))

    def training_loss(self, x: Tensor) -> Tensor:
        t, xt, ut = self.matching.sample_location_and_conditional_flow(torch.randn_like(x), x)
        return (self.velocity(t, xt) - ut).square().mean()

    def sample(self, n: int) -> Tensor:
        from torchdiffeq import odeint

        rules = {"method": "dopri5", "atol": 1e-4, "rtol": 1e-4, "options": {"dtype": torch.float32}}
        return odeint(self.velocity, torch.randn(n, self.d), torch.tensor([0.0, 1.0]), **rules)[-1]
