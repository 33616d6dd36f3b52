"""Torch models that say nothing, or something wrong, of how long a step takes."""

import torch

from genbench import Recipe, TorchModel, register_model


@register_model("unstated", family="tests")
class Unstated(TorchModel):
    """Shifts normal noise by what it has learnt; nobody has said how long a step takes."""

    recipe = Recipe(lr=0.01)

    def build(self, shape):
        self.d = shape[0]
        self.shift = torch.nn.Linear(1, self.d, bias=False)

    def training_loss(self, x):
        return (self.shift(torch.ones(len(x), 1)) + 0.1 * torch.randn_like(x) - x).square().mean()

    def sample(self, n):
        return torch.randn(n, self.d) + self.shift(torch.ones(n, 1))


@register_model("hasty", family="tests")
class Hasty(Unstated):
    """Says that a step takes a hundred times what it does."""

    recipe = Recipe(lr=0.01, step_ms=100.0)


@register_model("breaking", family="tests")
class Breaking(Unstated):
    """Raises in its first step."""

    def training_loss(self, x):
        raise RuntimeError("no licence found")


@register_model("dying", family="tests")
class Dying(Unstated):
    """Takes its process with it."""

    def training_loss(self, x):
        import os

        os._exit(3)
