"""Network evaluations as the engine counts them, on samplers whose number is known."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import genbench
from genbench import Recipe, TorchModel
from genbench.contracts.model import ModelCard
from genbench.estimator.estimator import Estimator
from genbench.estimator.network_calls import NetworkCalls

X = np.random.default_rng(0).normal(size=(60, 2))
STEPS = 20


class Sampler(TorchModel):
    """Its loss is that of a point mass; a subclass says how it samples from the networks that are here."""

    recipe = Recipe(step_ms=1.0)

    def build(self, shape):
        self.net = nn.Sequential(nn.Linear(2, 8), nn.SiLU(), nn.Linear(8, 2))
        self.embed = nn.Linear(1, 2)
        self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(4)])
        self.encoder = nn.Linear(2, 2)
        self.weight = nn.Parameter(torch.eye(2))
        self.seen = []

    def training_loss(self, x):
        return sum((p - 1).square().sum() for p in self.parameters())


class Euler(Sampler):
    def sample(self, n):
        x = torch.randn(n, 2)
        for k in range(STEPS):
            x = x + self.net(x + self.embed(torch.full((1,), k / STEPS))) / STEPS
        return x


class Midpoint(Sampler):
    def sample(self, n):
        x = torch.randn(n, 2)
        for _ in range(STEPS):
            x = x + self.net(x + self.net(x) / (2 * STEPS)) / STEPS
        return x


class Decoder(Sampler):
    def sample(self, n):
        return self.net(torch.randn(n, 2))


class Flow(Sampler):
    """Each layer once, beside a learnt matrix."""

    def sample(self, n):
        x = torch.randn(n, 2) @ self.weight
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x @ self.weight.T


class Itself(Sampler):
    """Calls its own `forward`."""

    def forward(self, x):
        return self.net(x)

    def sample(self, n):
        x = torch.randn(n, 2)
        for _ in range(3):
            x = self(x)
        return x


class InParts(Sampler):
    """Two evaluations a point, five points at a time."""

    def sample(self, n):
        return torch.cat([self.net(self.net(part)) for part in torch.randn(n, 2).split(5)])


class ByMethod(Sampler):
    """A method of a module that calls what is inside it: hooks see the parts."""

    def sample(self, n):
        x = torch.randn(n, 2)
        for _ in range(STEPS):
            x = x + self.net[2](functional.silu(self.net[0](x))) / STEPS
        return x


class WithoutForward(Sampler):
    """The network that counts is a matrix, and only what embeds the time, once, is called as a module."""

    def sample(self, n):
        x = torch.randn(n, 2) + self.embed(torch.zeros(1))
        for _ in range(STEPS):
            x = x + functional.linear(x, self.weight) / STEPS
        return x


class Unseen(Sampler):
    def sample(self, n):
        return torch.randn(n, 2) @ self.weight


class Says(Euler):
    def sample(self, n):
        self.nfe = 7
        return super().sample(n)


def fitted(cls):
    return Estimator(ModelCard(cls.__name__, "tests", cls), {}).fit(X, budget="1")


@pytest.mark.parametrize(
    ("cls", "evaluations"),
    [(Euler, 20), (Midpoint, 40), (Decoder, 1), (Flow, 1), (Itself, 3), (InParts, 2), (ByMethod, 20),
     (WithoutForward, None), (Unseen, None), (Says, 7)],
)  # fmt: skip
def test_evaluations_of_samplers(cls, evaluations):
    model = fitted(cls)
    model.sample(30)
    assert model.nfe == evaluations


def test_counting_changes_no_sample_and_leaves_no_hook():
    one, other = fitted(Euler), fitted(Euler)
    assert one.nfe == 20
    np.testing.assert_array_equal(one.sample(30, seed=3), other.sample(30, seed=3))
    for module in one.model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_a_model_that_is_not_fitted_or_no_torch_model_has_none():
    assert Estimator(ModelCard("euler", "tests", Euler), {}).nfe is None
    genbench.load_dataset("moons")
    assert genbench.load_model("gaussian").fit(X).nfe is None


def test_hooks_are_gone_after_an_exception_inside_a_network():
    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("no")

    net, calls = nn.Sequential(Broken()), NetworkCalls()
    with pytest.raises(ValueError, match="no"), calls.counting(net):
        net(torch.zeros(1))
    assert calls.depth == 0
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


def test_what_is_compiled_in_place_cannot_be_counted():
    model = fitted(Euler)
    model.model.embed._compiled_call_impl = model.model.embed._call_impl  # as torch.nn.Module.compile() does
    assert model.nfe is None
