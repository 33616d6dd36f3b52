"""Controls that the engine trains: a correct Gaussian, and variants with one fault each.

They are trained by gradient descent.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genbench.contracts.recipe import Recipe
from genbench.contracts.torch_model import TorchModel
from genbench.testing.controls.arrays import LOG_2PI, dense
from genbench.testing.controls.catalogue import control, twin


@twin(dense)
class GradientGaussian(TorchModel):
    """A Gaussian with independent coordinates: correct in all that is checked."""

    recipe = Recipe(lr=1e-2, step_ms=1.0)

    def build(self, shape: tuple[int, ...]) -> None:
        self.mean, self.log_std = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.zeros(shape))

    def training_loss(self, x: Tensor) -> Tensor:
        return -self.log_prob(x).mean()

    def sample(self, n: int) -> Tensor:
        return self.mean + self.log_std.exp() * torch.randn(n, *self.mean.shape)

    def log_prob(self, x: Tensor) -> Tensor:
        z = (x - self.mean) * (-self.log_std).exp()
        return (-0.5 * z.square() - self.log_std - 0.5 * LOG_2PI).sum(dim=1)


@control(dense, "learns_from_all", "of a batch have a say")
class OnePointOfEachBatch(GradientGaussian):
    """Its loss uses only the first point of a batch."""

    def training_loss(self, x: Tensor) -> Tensor:
        return -self.log_prob(x[:1]).mean()


@control(dense, "learns_from_all", "without a gradient: gate")
class IdleParameter(GradientGaussian):
    """Has a parameter on which no loss depends."""

    def build(self, shape: tuple[int, ...]) -> None:
        super().build(shape)
        self.gate = nn.Parameter(torch.ones(shape))


@control(dense, "trains", "is nan at step")
class NanAfterHundredSteps(GradientGaussian):
    """Its loss is NaN from step 101 on."""

    steps_done = 0

    def training_loss(self, x: Tensor) -> Tensor:
        self.steps_done += 1
        room = torch.tensor(100.5 - self.steps_done)
        return super().training_loss(x) + 0 * room.sqrt()


@control(dense, "types", "int")
class WholeNumbers(GradientGaussian):
    """Its samples are rounded to whole numbers."""

    def sample(self, n: int) -> Tensor:
        return super().sample(n).int()


@control(dense, "runs_on_any_device", "mixed devices")
class WrongDevice(GradientGaussian):
    """Creates a tensor on the CPU in its loss."""

    def training_loss(self, x: Tensor) -> Tensor:
        half = torch.full(x.shape[1:], 0.5, device="cpu")
        return super().training_loss(x) + 0 * (x * half).sum()


@control(dense, "keeps_its_weights", "give other samples")
class ForgottenBuffer(GradientGaussian):
    """A tensor that it needs for sampling is a plain attribute, which is not stored."""

    def build(self, shape: tuple[int, ...]) -> None:
        super().build(shape)
        self.offset = torch.zeros(shape)

    def prepare(self, x: Tensor) -> None:
        self.offset = x[:10].mean(dim=0)

    def sample(self, n: int) -> Tensor:
        return super().sample(n) + self.offset


@control(dense, "repeats", "same seed, other samples")
class UnseededTorch(GradientGaussian):
    """Draws from a torch generator that it seeds from the system clock."""

    def sample(self, n: int) -> Tensor:
        source = torch.Generator(device=self.mean.device)
        source.seed()
        noise = torch.randn(n, *self.mean.shape, generator=source)
        return self.mean + self.log_std.exp() * noise
