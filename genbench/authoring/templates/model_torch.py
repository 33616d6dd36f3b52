"""my_model: flow matching (Lipman et al. 2023) as a start. Replace what is not yours.

Run it:  genbench run --models my_model,cfm --data moons --plugin my_model.py
Test it: python -m pytest test_my_model.py
"""

from typing import Annotated

import torch
from torch import Tensor

from genbench import LogRange, Recipe, TorchModel, register_model


@register_model("my_model", family="my models", paper="Lipman et al. 2023")
class MyModel(TorchModel):
    """A network learns the velocity of straight paths from noise to data."""

    recipe = Recipe(lr=3e-3)  # the engine trains: batches, schedule, weight average, budget, checkpoints

    # genbench tune searches hidden in this range, and the recipe's lr
    def __init__(self, hidden: Annotated[int, LogRange(32, 256)] = 64, steps: int = 20) -> None:
        self.hidden, self.steps = hidden, steps  # parameters, stored as given: my_model[hidden=128]

    def build(self, shape: tuple[int, ...]) -> None:
        d, h = shape[0], self.hidden
        layers = [torch.nn.Linear(d + 1, h), torch.nn.SiLU(), torch.nn.Linear(h, h), torch.nn.SiLU()]
        self.d, self.velocity = d, torch.nn.Sequential(*layers, torch.nn.Linear(h, d))

    def training_loss(self, x: Tensor) -> Tensor:  # x: a batch [b, d], of mean 0 and standard deviation 1
        noise, t = torch.randn_like(x), torch.rand(len(x), 1)
        between = (1 - t) * noise + t * x  # the path at time t
        return (self.velocity(torch.cat([between, t], 1)) - (x - noise)).square().mean()

    def sample(self, n: int) -> Tensor:
        x = torch.randn(n, self.d)
        for t in torch.arange(self.steps) / self.steps:  # Euler's method, from noise to data
            x = x + self.velocity(torch.cat([x, t.expand(n, 1)], 1)) / self.steps
        return x

    # A method log_prob(x) -> [n], in nats, and likelihood="exact" ("estimate", "bound") above add KL and NLL.
