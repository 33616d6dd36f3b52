"""What the flows of zuko share: how its tutorial trains them, how they sample, their density."""

from typing import Any

from torch import Tensor

from genbench.contracts.constant_rate import ConstantRate
from genbench.contracts.torch_model import TorchModel
from genbench.models.peers.registration import ZUKO

__all__ = ["ZukoFlow"]


class ZukoFlow(TorchModel):
    """A flow of zuko, trained as in its tutorial "Train from data": Adam 1e-3, batches of 64, no schedule.

    A subclass creates `self.flow`, a `zuko.lazy.Flow`, in `build`.
    """

    library = ZUKO
    recipe = ConstantRate(batch_size=64, lr=1e-3)
    flow: Any

    def training_loss(self, x: Tensor) -> Tensor:
        """Return −E log p(x)."""
        return -self.log_prob(x).mean()

    def sample(self, n: int) -> Tensor:
        drawn: Tensor = self.flow().sample((n,))
        return drawn

    def log_prob(self, x: Tensor) -> Tensor:
        log_p: Tensor = self.flow().log_prob(x)
        return log_p
