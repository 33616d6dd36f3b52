"""Autoguidance: the guide that stays behind, and where samples are led."""

import math

import numpy as np
import pytest
import torch

import genbench
from genbench.contracts.recipe import Budget, Recipe
from genbench.core.errors import GenbenchError
from genbench.core.seeding import isolated
from genbench.nn.backbones import time_network
from genbench.nn.guide import DECAY
from genbench.nn.ode import integrate
from genbench.nn.time_network import TimeNetwork
from genbench.training.ema import move
from genbench.training.trainer import TrainingOptions, train


class Linear(TimeNetwork):
    """v(x, t) = a x, or (a + y) x with labels."""

    def __init__(self, a: float) -> None:
        super().__init__(classes=3, width=1)
        self.a = torch.nn.Parameter(torch.tensor(a))
        self.keep_guide(0.5)

    def field(self, x, t, labels):
        return (self.a + (labels % 3).unsqueeze(1)) * x  # 0 where there is none, the label 3


def guided(a: float, b: float) -> Linear:
    """Return a network a x whose guide is b x."""
    network = Linear(a)
    network.guide.network.a.data.fill_(b)
    return network


@pytest.mark.parametrize("weight", [0.5, 1.0, 2.0, 3.0])
def test_samples_follow_the_flow_led_away_from_the_guide(weight):
    """The flow of dx/dt = c x carries x to e^c x, here with c = b + w (a − b)."""
    network, x = guided(0.3, 0.8), torch.randn(5, 2)
    with network.given(None, autoguidance=weight):
        end = integrate(network, x, torch.linspace(0, 1, 21), "rk4").x
    assert torch.allclose(end, x * math.exp(0.8 + weight * (0.3 - 0.8)), atol=1e-5)
    assert torch.equal(network(x, torch.tensor(0.0)), 0.3 * x)


def test_a_guide_is_given_the_same_labels_and_guidance():
    network, x, labels = guided(0.5, 1.0), torch.randn(3, 2), torch.tensor([0, 1, 2])
    with network.given(labels, 3.0, 2.0):
        value, passes = network(x, torch.tensor(0.0)), network.passes
    a, b = (rate + 3.0 * labels.unsqueeze(1) for rate in (0.5, 1.0))  # each guided by its labels
    assert torch.allclose(value, (b + 2 * (a - b)) * x)
    assert passes == 4
    assert network.passes == 1


def test_a_guide_is_the_average_of_the_weights_up_to_its_time():
    network = time_network((2,), 8, 1, guide=0.25)
    expected = [p.detach().clone() for p in network.parameters() if p.requires_grad]
    for step in range(10):
        weights = [p for p in network.parameters() if p.requires_grad]
        for p in weights:
            p.data += 1
        if step < 3:  # 0, 0.1, 0.2
            move(expected, [p.detach() for p in weights], DECAY, step + 1)
        network.follow(step / 10)
    assert all(map(torch.equal, network.guide.network.parameters(), expected))
    assert not any(p.requires_grad for p in network.guide.network.parameters())


@pytest.mark.parametrize("name", ["cfm", "ot_cfm", "ddpm"])
def test_a_trained_guide_is_worse_and_leads_samples_alone(name):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(2000, 2)) * 0.2 + 2.0 * rng.integers(-1, 2, size=(2000, 1))).astype(np.float32)
    model = genbench.load_model(name, guide=0.1, autoguidance=2.0, hidden=32, density_steps=8)
    model.fit(x, budget="600")
    network, points = model.model.network, torch.as_tensor((x - x.mean(0)) / x.std(0))
    with isolated(1):
        mine = model.model.training_loss(points).item()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    log_p = model.log_prob(x[:50])
    led = model.sample(100, seed=3)
    nfe = model.nfe
    model.model.autoguidance = 1.0
    assert np.array_equal(model.log_prob(x[:50]), log_p)
    assert not np.allclose(model.sample(100, seed=3), led)
    assert nfe == 2 * model.nfe
    for p, old in zip(network.parameters(), network.guide.network.parameters(), strict=False):
        p.data.copy_(old)
    with isolated(1):
        assert model.model.training_loss(points).item() > 1.02 * mine
    network.load_state_dict(before)


def test_a_training_does_not_hang_on_its_guide():
    x = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    weights = []
    for guide in (0.0, 0.3):
        with isolated(0):
            model = genbench.load_model("cfm", guide=guide, hidden=16).model
            train(model, x, x[:50], TrainingOptions(Budget("60")), Recipe(batch_size=32))
        weights.append([p for p in model.network.parameters() if p.requires_grad])
    assert all(map(torch.equal, *weights))


@pytest.mark.parametrize("name", ["cfm", "ddpm"])
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"autoguidance": 2.0}, "autoguidance=2.0 needs an earlier version of the network"),
        ({"guide": 1.0}, "guide must be below 1"),
        ({"guide": 0.1, "autoguidance": -1.0}, "autoguidance must not be negative"),
    ],
)
def test_a_guide_that_cannot_be_is_refused(name, given, words):
    with pytest.raises(GenbenchError, match=words):
        genbench.load_model(name, **given)


def test_the_guide_of_a_rectified_flow_is_of_the_second_flow():
    x = torch.randn(300, 2)
    with isolated(0):
        model = genbench.load_model("rectified_flow", guide=0.5, hidden=16).model
        train(model, x.numpy(), x[:50].numpy(), TrainingOptions(Budget("80")), Recipe(batch_size=32))
    assert model.network.guide.count == 20  # from a half to three quarters of the training
    assert model.first.guide.count == 0
