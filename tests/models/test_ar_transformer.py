"""The transformer over coordinates: what it adds to `ar`, whose tests cover order, residual and mixtures."""

import numpy as np
import pytest
import torch

import genbench
from genbench.core.errors import GenbenchError
from genbench.models.ar_transformer import ARTransformer


def bent(n, seed=0):
    """A curved cloud: x1 normal, x2 normal around x1²/2."""
    rng = np.random.default_rng(seed)
    x1 = rng.normal(size=n)
    return np.stack([x1, 0.5 * x1**2 + 0.4 * rng.normal(size=n)], axis=1)


@torch.no_grad()
def built(d, **params):
    """A model that was prepared for correlated points (500, d), its network moved away from its start, and the points."""
    torch.manual_seed(0)
    model = ARTransformer(**{"components": 3, "width": 16} | params)
    model.build((d,))
    x = torch.randn(500, d) @ torch.randn(d, d) + 3
    model.prepare(x)
    for parameter in model.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    return model, x


@pytest.fixture(scope="module")
def trained():
    return genbench.load_model("ar_transformer", width=32).fit(bent(5000), budget="300")


@pytest.mark.parametrize("order", [None, "reversed", [2, 0, 1]])
def test_a_factor_depends_on_its_coordinate_and_those_before_it_in_the_order(order):
    model, _ = built(3, order=order)
    model.double()
    position = model.conditionals.order_index.argsort()  # of each coordinate
    x = torch.randn(3, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda x: model.conditionals.log_conditionals(x[None])[0], x)
    assert torch.equal(jacobian != 0, position <= torch.arange(3).unsqueeze(1))


@torch.no_grad()
def test_the_loss_is_that_of_the_conditionals_met_in_cached_sampling():
    """Row after row with the cache, at given points: the product of the factors is the density."""
    model, x = built(5)
    model.double()
    part = model.conditionals
    r, state, total = part.whiten(x.double()), part.network.start(len(x)), 0
    for i in range(5):
        total = total + part.mixture(part.network.step(state, r[:, :i], i), part.log_widest[i]).log_prob(r[:, i])
    torch.testing.assert_close(model.log_prob(x.double()), total - part.root.diagonal().log().sum())


def test_density_integrates_to_one_and_samples_agree_with_it(trained):
    step = 0.05
    first, second = np.arange(-9, 9, step), np.arange(-7, 20, step)
    cells = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1).reshape(-1, 2)
    log_p = trained.log_prob(cells)
    assert np.exp(log_p).sum() * step**2 == pytest.approx(1, abs=0.01)
    entropy = -(np.exp(log_p) * log_p).sum() * step**2
    at_samples = trained.log_prob(trained.sample(20_000))
    assert abs(at_samples.mean() + entropy) < 4 * at_samples.std() / np.sqrt(20_000) + 0.005  # error rate 6e-5


def test_learns_what_a_gaussian_cannot(trained):
    x = bent(5000, seed=1)
    truth = -0.5 * x[:, 0] ** 2 - 0.5 * ((x[:, 1] - 0.5 * x[:, 0] ** 2) / 0.4) ** 2 - np.log(2 * np.pi * 0.4)
    assert (truth - trained.log_prob(x)).mean() < 0.1


def test_untrained_it_is_the_gaussian_of_the_training_points():
    model, gaussian = (genbench.load_model(name).fit(bent(3000), budget="1") for name in ("ar_transformer", "gaussian"))
    x = gaussian.sample(5000)
    assert abs((gaussian.log_prob(x) - model.log_prob(x)).mean()) < 0.01


@pytest.mark.parametrize("d", [1, 2, 16, 64])
def test_any_dimension(d):
    x = np.random.default_rng(0).normal(size=(40, d))
    model = genbench.load_model("ar_transformer", width=16).fit(x, budget="2")
    assert model.sample(7).shape == (7, d)
    assert np.isfinite(model.log_prob(100 * x)).all()


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"components": 0}, "components must be at least 1"),
        ({"width": 0}, "width must be at least 1"),
        ({"depth": 0}, "depth must be at least 1"),
        ({"heads": 0}, "heads must be at least 1"),
        ({"width": 30, "heads": 4}, "width=30 must be a multiple of heads=4"),
        ({"order": "sideways"}, "order=sideways must be none, reversed, random"),
    ],
)
def test_what_is_out_of_range_is_refused(params, reason):
    with pytest.raises(GenbenchError, match=reason):
        genbench.load_model("ar_transformer", **params)
