"""Plugins that break the contract in every way that a user's plugin can."""

import os
import signal
import time

import numpy as np
import torch

from genbench import Model, RecordedDataset, TorchModel, register_dataset, register_model


class _Normal(Model):
    def fit(self, x):
        self.d = x.shape[1]

    def sample(self, n):
        return np.random.standard_normal((n, self.d))


@register_model("raises", family="misbehaving")
class Raises(_Normal):
    def fit(self, x):
        raise RuntimeError("the plugin's own words")


@register_model("wrong_shape", family="misbehaving")
class WrongShape(_Normal):
    def sample(self, n):
        return np.zeros((n, self.d + 1))


@register_model("nan_samples", family="misbehaving")
class NanSamples(_Normal):
    def sample(self, n):
        return np.full((n, self.d), np.nan)


@register_model("nan_density", family="misbehaving", likelihood="exact")
class NanDensity(_Normal):
    def log_prob(self, x):
        return np.full(len(x), np.nan)


@register_model("hangs", family="misbehaving")
class Hangs(_Normal):
    def sample(self, n):
        time.sleep(600)


@register_model("dies", family="misbehaving")
class Dies(_Normal):
    def fit(self, x):
        os._exit(3)


@register_model("killed", family="misbehaving")
class Killed(_Normal):
    def fit(self, x):
        os.kill(os.getpid(), signal.SIGKILL)


@register_model("hog", family="misbehaving")
class Hog(_Normal):
    def fit(self, x):
        np.ones(2**45)


@register_model("explodes", family="misbehaving")
class Explodes(TorchModel):
    def build(self, shape):
        self.weight = torch.nn.Parameter(torch.ones(shape))

    def training_loss(self, x):
        return (self.weight * 1e30).square().sum()


@register_dataset("holes", family="misbehaving", kind="table")
class Holes(RecordedDataset):
    shape = (2,)

    def load(self, rng):
        x = rng.normal(size=(100, 2))
        x[3, 1] = np.nan
        return x, None
