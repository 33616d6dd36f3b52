"""The common part of normflows' flows: training loop of its examples, sampling, density."""

from typing import Any

import torch
from torch import Tensor

from genbench.contracts.torch_model import TorchModel, Update
from genbench.models.peers.registration import NORMFLOWS

__all__ = ["NormflowsFlow"]

DECAY = 1e-5  # of weights in all its examples: Adam's own, which adds DECAY · w to the gradient


class NormflowsFlow(TorchModel):
    """A flow of normflows.

    A subclass creates `self.flow`, a `normflows.NormalizingFlow`, in `build`.
    """

    library = NORMFLOWS
    flow: Any

    def training_loss(self, x: Tensor) -> Tensor:
        return self.flow.forward_kld(x)

    def training_step(self, x: Tensor, update: Update) -> None:
        """Do one training step. As in the examples, a step with a non-finite loss is skipped."""
        loss = self.training_loss(x)
        if loss.isfinite():
            update("loss", loss + DECAY / 2 * torch.cat([p.flatten() for p in self.parameters()]).square().sum())

    def sample(self, n: int) -> Tensor:
        return self.flow.sample(n)[0]

    def log_prob(self, x: Tensor) -> Tensor:
        return self.flow.log_prob(x)
