"""Broken models must fail the checks that good ones pass: each breaks in one way, without an error message of its own.

The four at the end stand in published tutorials, put here into our own models.
"""

import sys

import numpy as np
import pytest
import torch
from torch import nn

import genbench
from genbench.contracts.model import Model, ModelCard
from genbench.contracts.torch_model import TorchModel
from genbench.core.registry import REGISTRY, discover
from genbench.estimator.estimator import Estimator
from genbench.nn import ode
from genbench.nn.time_embedding import stratified
from genbench.testing import model_contract, trained_model

discover()


def card(cls, likelihood="none", **facts):
    """A card of a class that is registered nowhere."""
    return ModelCard(cls.__name__, "broken", cls, likelihood=likelihood, **facts)


def examined(model, data="stretched_gaussian", budget="700"):
    """A model, or one of a card, after training on a distribution in the plane."""
    truth = genbench.load_dataset(data)
    train = truth.sample(5000, seed=1)
    model = model if isinstance(model, Estimator) else Estimator(model)
    return trained_model.TrainedModel(model.fit(train, budget=budget), truth, train)


class Honest(Model):
    """A Gaussian, by maximum likelihood; those below differ from it in one thing."""

    def fit(self, x):
        self.mean, self.cholesky = x.mean(axis=0), np.linalg.cholesky(np.cov(x.T).reshape(x.shape[1], -1))

    def sample(self, n):
        return self.mean + np.random.standard_normal((n, len(self.mean))) @ self.cholesky.T

    def log_prob(self, x):
        return self.log_base(x) - np.log(np.diag(self.cholesky)).sum()

    def log_base(self, x):
        z = np.linalg.solve(self.cholesky, (x - self.mean).T)
        return -0.5 * (z**2).sum(axis=0) - 0.5 * len(self.mean) * np.log(2 * np.pi)


class LogDetFlipped(Honest):
    def log_prob(self, x):
        return self.log_base(x) + np.log(np.diag(self.cholesky)).sum()


class HalfSampled(Honest):
    """Its density is right; its samples leave one side out."""

    def sample(self, n):
        x = super().sample(n) - self.mean
        return self.mean + x * np.where(x[:, :1] < 0, -1, 1)


class OverDispersed(Honest):
    def sample(self, n):
        return 1.3 * super().sample(n)


class UnseededSampler(Honest):
    def sample(self, n):
        return self.mean + np.random.default_rng().standard_normal((n, len(self.mean))) @ self.cholesky.T


class ReseedingSampler(Honest):
    def sample(self, n):
        np.random.seed(0)
        return super().sample(n)


class UnitsForgotten(Honest):
    """Takes the data as they are, standardises them itself, and forgets the log-determinant of that."""

    def fit(self, x):
        self.centre, self.scale = x.mean(axis=0), x.std(axis=0)
        super().fit((x - self.centre) / self.scale)

    def sample(self, n):
        return self.centre + self.scale * super().sample(n)

    def log_prob(self, x):
        return super().log_prob((x - self.centre) / self.scale)


class ModeDropper(Model):
    """A kernel around the points of the upper moon only."""

    def fit(self, x):
        self.points = x[x[:, 1] > 0.2 - 0.5 * x[:, 0]]

    def sample(self, n):
        kept = self.points[np.random.randint(len(self.points), size=n)]
        return kept + 0.1 * np.random.standard_normal(kept.shape)


class ShyMemoriser(Model):
    """Training points that are moved a little, so that none is a copy."""

    def fit(self, x):
        self.points = x

    def sample(self, n):
        kept = self.points[np.random.randint(len(self.points), size=n)]
        return kept + 1e-3 * np.random.standard_normal(kept.shape)


class HonestTorch(TorchModel):
    """A diagonal Gaussian by gradient descent."""

    def build(self, shape):
        self.mean, self.log_std = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.zeros(shape))

    def training_loss(self, x):
        return -self.log_prob(x).mean()

    def sample(self, n):
        return self.mean + self.log_std.exp() * torch.randn(n, *self.mean.shape)

    def log_prob(self, x):
        return torch.distributions.Normal(self.mean, self.log_std.exp()).log_prob(x).sum(dim=1)


class OnePointPerBatch(HonestTorch):
    def training_loss(self, x):
        return -self.log_prob(x[:1]).mean()


class HalfForgotten(HonestTorch):
    """Part of what it samples with is not among its weights."""

    def build(self, shape):
        super().build(shape)
        self.offset = torch.randn(shape)

    def sample(self, n):
        return super().sample(n) + self.offset


class IdleParameter(HonestTorch):
    def build(self, shape):
        super().build(shape)
        self.gate = nn.Parameter(torch.ones(shape))


@pytest.mark.parametrize("contract", model_contract.CONTRACT, ids=lambda c: c.__name__)
@pytest.mark.parametrize("cls", [Honest, HonestTorch])
def test_the_honest_pass_the_contract(cls, contract):
    contract(card(cls, "exact"), {})


@pytest.mark.parametrize("question", [*trained_model.CHECKS, trained_model.learns_a_gaussian], ids=lambda q: q.__name__)
def test_the_honest_pass_the_exam(question):
    question(examined(card(Honest, "exact")))


@pytest.mark.parametrize(
    ("cls", "contract", "words"),
    [
        (UnseededSampler, model_contract.repeats, "same seed, other samples"),
        (ReseedingSampler, model_contract.repeats, "other seed, same samples"),
        (HalfForgotten, model_contract.keeps_its_weights, "loaded weights"),
        (OnePointPerBatch, model_contract.learns_from_all, "only 2% of a batch"),
        (IdleParameter, model_contract.learns_from_all, "without a gradient: gate"),
    ],
)
def test_the_contract_catches(cls, contract, words):
    with pytest.raises(AssertionError, match=words):
        contract(card(cls, "exact"), {})


def test_the_contract_catches_forgotten_units():
    with pytest.raises(AssertionError, match=r"off by 0\.69 nats"):  # log 8 + log ¼
        model_contract.follows_units(card(UnitsForgotten, "exact", standardise=False), {})


@pytest.mark.parametrize(
    ("cls", "question", "words"),
    [
        (LogDetFlipped, trained_model.integrates_to_one, "integrates to 0"),
        (HalfSampled, trained_model.agrees_with_itself, "do not follow the density"),
        (HalfSampled, trained_model.covers, "away from the truth"),
        (OverDispersed, trained_model.agrees_with_itself, "do not follow the density"),
        (OverDispersed, trained_model.learns_a_gaussian, "covariance"),
    ],
)
def test_the_exam_catches(cls, question, words):
    with pytest.raises(AssertionError, match=words):
        question(examined(card(cls, "exact")))


def test_the_exam_catches_a_dropped_mode():
    with pytest.raises(AssertionError, match="away from the truth"):
        trained_model.covers(examined(card(ModeDropper), "moons"))


@pytest.mark.parametrize("of", [lambda: REGISTRY["models"].cards["memoriser"], lambda: card(ShyMemoriser)])
def test_the_exam_catches_a_memoriser(of):
    remembered = examined(of(), "moons")
    trained_model.covers(remembered)
    with pytest.raises(AssertionError, match="nearer to the training points"):
        trained_model.is_no_memory(remembered)


def replace_everywhere(monkeypatch, name, bug):
    """Put a bug in place of a function of genbench.nn.ode, in the modules that imported it by name too."""
    original = getattr(ode, name)
    for module in [m for n, m in sys.modules.items() if n.startswith("genbench.") and m is not None]:
        if getattr(module, name, None) is original:
            monkeypatch.setattr(module, name, bug)


def fails(sitting, *questions):
    """Each of the questions must catch it."""
    for question in questions:
        with pytest.raises(AssertionError):
            question(sitting)


def test_a_network_evaluated_at_the_noise_is_caught():
    cfm = REGISTRY["models"].cards["cfm"]

    class EvaluatedAtTheNoise(cfm.factory):
        def training_loss(self, x1):
            x0, t = torch.randn_like(x1), stratified(len(x1))
            return (self.velocity(x0, t) - (x1 - x0)).square().mean()  # xt = (1 − t) x0 + t x1 is what it should see

    fails(examined(card(EvaluatedAtTheNoise, "exact")), trained_model.learns_a_gaussian)


def careless_density(faults):
    """A log-density along the flow by Heun's rule, from one probe a coordinate, with the faults asked for."""

    def likelihood_by_nodes(field, x, data, noise, nodes, grade, *_, **__):
        def speed(x, t):
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                v = field(x, torch.zeros_like(t) if "time forgotten" in faults else t)
                pulled = [(e, torch.autograd.grad(v, x, e.expand_as(x), retain_graph=True)[0]) for e in ode.basis(x)]
            once = "probe used once" in faults
            return v.detach(), sum((g if once else g * e).sum(1) for e, g in pulled)

        times, gain = data + (noise - data) * torch.linspace(0, 1, 2 * nodes + 1) ** grade, torch.zeros(len(x))
        for t, h in zip(times[:-1], times.diff(), strict=True):
            v, trace = speed(x, t)
            w, later = speed(x + h * v, t + h)
            x, step = x + h * (v + w) / 2, h * (trace + later) / 2
            gain = step if "overwritten" in faults else gain + step
        log_base = torch.distributions.Normal(0, 1).log_prob(x).sum(1)
        return ode.Density(log_base + gain, x, 2 * (len(times) - 1))

    return likelihood_by_nodes


@pytest.fixture(scope="module")
def cfm():
    return examined(genbench.load_model("cfm"))


def examined_again(trained):
    """The same model without what was looked at before."""
    return trained_model.TrainedModel(trained.model, trained.truth, trained.train)


def test_the_density_of_the_next_test_is_right_without_its_faults(cfm, monkeypatch):
    replace_everywhere(monkeypatch, "likelihood_by_nodes", careless_density(()))
    sound = examined_again(cfm)
    for question in (*trained_model.CHECKS, trained_model.learns_a_gaussian):
        question(sound)


@pytest.mark.parametrize(
    "faults",
    [
        ("overwritten",),
        ("time forgotten",),
        ("probe used once",),
        ("overwritten", "time forgotten", "probe used once"),
    ],
    ids="+".join,
)
def test_a_divergence_that_is_not_what_it_should_be_is_caught(cfm, monkeypatch, faults):
    replace_everywhere(monkeypatch, "likelihood_by_nodes", careless_density(faults))
    fails(examined_again(cfm), trained_model.learns_a_gaussian)


def test_a_schedule_that_leaves_data_in_the_noise_is_caught():
    """ᾱ_T is 0.36 at T = 100, and x_T still correlated, but sampling starts from N(0, I)."""
    with pytest.warns(UserWarning, match="ᾱ_T = 0.36"):
        model = examined(genbench.load_model("ddpm", schedule="linear", timesteps=100))
    fails(model, trained_model.learns_a_gaussian)


def test_an_integrator_that_never_feeds_its_steps_back_is_caught(cfm, monkeypatch):
    def forgetful(field, x, times, *_, **__):
        for t, h in zip(times[:-1], times.diff(), strict=True):
            moved = x + h * field(x, t)  # and x stays what it was
        return ode.Solution(moved, len(times) - 1)

    replace_everywhere(monkeypatch, "integrate", forgetful)
    fails(examined_again(cfm), trained_model.covers, trained_model.learns_a_gaussian)
