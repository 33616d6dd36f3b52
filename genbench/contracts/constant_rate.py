"""A recipe with a constant learning rate, as in the plain loops of tutorials."""

from __future__ import annotations

from dataclasses import dataclass

from genbench.contracts.recipe import Recipe
from genbench.core.types import Count, NotNegative, ShareBelowOne

__all__ = ["ConstantRate"]


@dataclass(frozen=True)
class ConstantRate(Recipe):
    """A recipe of Adam with one constant learning rate.

    It has no warm-up, no clipping and no moving average unless they are asked for.

    >>> ConstantRate(lr=1e-3).rate("loss", 0.0), ConstantRate(lr=1e-3).rate("loss", 0.99)
    (0.001, 0.001)
    """

    warmup: ShareBelowOne = 0.0
    clip: NotNegative = 0.0
    ema: ShareBelowOne = 0.0
    cycles: Count = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cycles != 1:
            raise ValueError(
                f"cycles={self.cycles} needs a learning rate that falls, and this one is constant; use cycles=1"
            )

    def rate(self, player: str, done: float) -> float:
        """Return the learning rate of an optimizer group when a share `done` of training is over."""
        peak = self.lr if isinstance(self.lr, int | float) else self.lr[player]
        return peak * max(done, 1e-3) / self.warmup if done < self.warmup else peak
