"""A class-conditional torch model whose samples are known, and one of two optimizer groups, for tests of training and sampling."""

import torch

from genbench import Recipe, TorchModel, register_model


@register_model("class_means", family="tests", kinds=("points", "image"), variant=True)
class ClassMeans(TorchModel):
    """The mean of each class, plus `shift`, in `width` copies of which the first counts."""

    recipe = Recipe(lr=0.05, step_ms=0.5)
    conditional = True

    def __init__(self, shift: float = 0.0, width: int = 1, steps: int = 1):
        self.shift, self.width, self.steps = shift, width, steps

    def build(self, shape):
        self.mean = torch.nn.Parameter(torch.zeros(self.width, self.classes, *shape))

    def training_loss(self, x, labels):
        return (x - self.mean[0, labels]).square().mean() + self.mean[1:].sum() * 0

    def sample(self, n, labels):
        self.nfe = self.steps
        return self.mean[0, labels] + self.shift


@register_model("duel", family="tests", kinds=("points", "image"), variant=True)
class Duel(TorchModel):
    """Two optimizer groups, noise in their losses, and a count of steps in a plain attribute on which the second one depends."""

    recipe = Recipe(lr=0.01, step_ms=0.5, batch_size=64)

    def build(self, shape):
        self.a, self.b = torch.nn.Parameter(torch.zeros(shape)), torch.nn.Parameter(torch.ones(shape))
        self.one, self.two = torch.nn.ParameterList([self.a]), torch.nn.ParameterList([self.b])
        self.count = 0

    def optimizer_groups(self):
        return {"one": self.one, "two": self.two}

    def training_step(self, x, update):
        update("one", (x + torch.randn_like(x) - self.a).square().mean())
        if self.count % 3 == 0:
            update("two", (self.a - self.b + torch.randn_like(self.b)).square().mean())
        self.count += 1

    def sample(self, n):
        return self.b + self.a * torch.randn(n, *self.b.shape)
