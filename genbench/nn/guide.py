"""A worse version of a network, from whose errors samples are led away: autoguidance.

See Karras et al. (2024).
"""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, nn

from genbench.contracts.recipe import Preset
from genbench.training.ema import move

__all__ = ["GUIDED", "Guide", "check_guidance"]

# Preset, measured by hand on digits (classifier FID); on 64×64 images the same weight leaves fewer recognised.
GUIDED = (Preset({"guide": 0.1, "autoguidance": 2.0}, kinds=("image",), dims=(1, 1024)),)
DECAY = 0.999  # of the moving average of the weights: a recipe's default


class Guide(nn.Module):
    """The network at an earlier time of its training, as an average of its weights.

    The average does not change after that time. Where two versions of a network differ, the worse one mostly has a
    larger error in the same direction, so that their difference points away from the error of both (Karras et al. 2024,
    §4). The guide starts with the untrained network, and stops to follow it after a share `until` of training, in (0,
    1).
    """

    network: Any  # of the class of the network that it follows

    def __init__(self, network: nn.Module, until: float) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.until, self.count = until, 0

    def follow(self, weights: list[Tensor], progress: float) -> None:
        """Move towards the network's weights at a step of its training.

        After the share `until`, nothing changes.
        """
        if 0 <= progress < self.until:
            self.count += 1
            move(list(self.network.parameters()), weights, DECAY, self.count)


def check_guidance(conditional: bool, guidance: float, guide: float, autoguidance: float) -> None:
    """Check that a weight of samples has what it needs; a ValueError is raised if not."""
    if guidance != 1 and not conditional:
        raise ValueError(
            f"guidance={guidance} leads samples towards a label, so it needs a conditional model; add conditional=true"
        )
    if autoguidance != 1 and not guide:
        raise ValueError(
            f"autoguidance={autoguidance} needs an earlier version of the network; add guide=0.1, or use autoguidance=1"
        )
