"""The common part of zuko's flows: training of its tutorial, sampling, density."""

from typing import Any

import torch
from torch import Tensor

from genbench.contracts.constant_rate import ConstantRate
from genbench.contracts.torch_model import TorchModel
from genbench.models.peers.registration import ZUKO

__all__ = ["ZukoFlow"]


class ZukoFlow(TorchModel):
    """A flow of zuko, trained as in its tutorial "Train from data".

    It uses Adam 1e-3, batches of 64 and no schedule. A subclass defines which flow of `zuko.flows` it is.
    """

    library = ZUKO
    recipe = ConstantRate(batch_size=64, lr=1e-3)

    def flow_of(self, d: int) -> Any:
        raise NotImplementedError

    def build(self, shape: tuple[int, ...]) -> None:
        with torch.device("cpu"):  # zuko makes its masks by way of float64, which Apple's GPUs lack
            flow = self.flow_of(shape[0])
        self.flow = flow.to(torch.get_default_device())

    def training_loss(self, x: Tensor) -> Tensor:
        return -self.log_prob(x).mean()

    def sample(self, n: int) -> Tensor:
        return self.flow().sample((n,))

    def log_prob(self, x: Tensor) -> Tensor:
        return self.flow().log_prob(x)
