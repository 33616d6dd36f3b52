"""A worse version of a network, from whose errors samples are led away: autoguidance (Karras et al. 2024)."""

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
    """What a network was when a share of its training was over: the moving average of its weights, still from then on.

    Where two versions of a network disagree, the worse of them mostly errs more, in the same direction: their
    difference points away from what both get wrong (Karras et al. 2024, §4). The network is given untrained; it is left
    behind after a share `until` of training, in (0, 1).
    """

    network: Any  # of the class of the network that it follows

    def __init__(self, network: nn.Module, until: float) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.until, self.count = until, 0

    def follow(self, weights: list[Tensor], progress: float) -> None:
        """Move towards the network's weights, those of a step of its training, until it is left behind."""
        if 0 <= progress < self.until:
            self.count += 1
            move(list(self.network.parameters()), weights, DECAY, self.count)


def check_guidance(conditional: bool, guidance: float, guide: float, autoguidance: float) -> None:
    """Raise ValueError if a weight of samples lacks what it needs."""
    if guidance != 1 and not conditional:
        raise ValueError(
            f"guidance={guidance} leads samples towards a label, so it needs a conditional model; add conditional=true"
        )
    if autoguidance != 1 and not guide:
        raise ValueError(
            f"autoguidance={autoguidance} needs an earlier version of the network; add guide=0.1, or use autoguidance=1"
        )
