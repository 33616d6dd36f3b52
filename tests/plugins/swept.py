"""A torch model that takes `steps`, and a metric of samples: for tests of what a stored run can tell."""

import warnings

import torch

from genbench import Recipe, TorchModel, register_metric, register_model
from genbench.core.errors import GenbenchWarning


@register_model("affine", family="tests", likelihood="exact")
class Affine(TorchModel):
    """A Gaussian with trained mean and scales, and a random buffer that moves its samples."""

    recipe = Recipe(lr=0.05)

    def __init__(self, steps: int = 4):
        if steps == 3:
            raise ValueError("steps=3 is refused")
        self.steps = steps
        warnings.warn("affine is trained for tests only", GenbenchWarning, stacklevel=2)

    def build(self, shape):
        self.mean, self.log_scale = torch.nn.Parameter(torch.ones(shape)), torch.nn.Parameter(torch.zeros(shape))
        self.register_buffer("shift", 0.01 * torch.randn(shape))

    def training_loss(self, x):
        return -self.log_prob(x).mean()

    def sample(self, n):
        self.nfe = self.steps
        return self.mean + self.shift + self.log_scale.exp() * torch.randn(n, len(self.mean)) * (1 + 1 / self.steps)

    def log_prob(self, x):
        z = (x - self.mean) / self.log_scale.exp()
        return -0.5 * z.square().sum(1) - self.log_scale.sum() - len(self.mean) * 0.9189385


@register_metric("spread", family="tests", order=200, variant=True)  # else it would be in every other test's "all"
def spread(evidence):
    return float(evidence.samples.std())
