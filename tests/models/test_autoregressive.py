import math

import numpy as np
import pytest
import torch
from scipy.stats import kstest

import genbench
from genbench.core.errors import GenbenchError
from genbench.models.autoregressive import Autoregressive

COVARIANCE = np.array([[1.0, 0.8, 0.2], [0.8, 2.0, -0.5], [0.2, -0.5, 0.5]])


def bent(n, seed=0):
    """A curved cloud: x1 normal, x2 normal around x1²/2."""
    rng = np.random.default_rng(seed)
    x1 = rng.normal(size=n)
    return np.stack([x1, 0.5 * x1**2 + 0.4 * rng.normal(size=n)], axis=1)


def built(d, seed=0, **params):
    torch.manual_seed(seed)
    model = Autoregressive(**params)
    model.build((d,))
    return model


@torch.no_grad()
def shaken(model):
    """Correlated points (500, d), after the model was prepared for them and its network moved away from its start."""
    d = model.conditionals.d
    x = torch.randn(500, d) @ torch.randn(d, d) + 3
    model.prepare(x)
    for parameter in model.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    return x


@pytest.fixture(scope="module")
def trained():
    return genbench.load_model("ar").fit(bent(5000), budget="300")


ORDERS = [None, "reversed", "random", [1, 0, 2]]


@torch.no_grad()
@pytest.mark.parametrize("order", ORDERS)
def test_log_prob_is_the_mixture_of_the_whitened_residual(order):
    model = built(3, components=4, hidden=8, order=order)
    x = shaken(model)
    part = model.conditionals
    residual = (x[:, part.order_index] - part.mean) @ torch.linalg.inv(part.root).T
    logits, mean, log_scale = part.mixture(part.network(residual), part.log_widest)
    mixtures = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=logits), torch.distributions.Normal(mean, log_scale.exp())
    )
    expected = mixtures.log_prob(residual).sum(dim=1) - torch.linalg.slogdet(part.root)[1]
    torch.testing.assert_close(model.log_prob(x), expected, rtol=1e-5, atol=1e-4)


@torch.no_grad()
def test_the_residual_is_white_in_any_order():
    for order in ORDERS:
        model = built(3, order=order)
        r = model.conditionals.whiten(shaken(model)).double()
        torch.testing.assert_close(r.mean(dim=0), torch.zeros(3).double(), rtol=0, atol=1e-4)
        torch.testing.assert_close(r.T.cov(correction=0), torch.eye(3).double(), rtol=0, atol=1e-2)


@pytest.mark.parametrize("order", ORDERS)
def test_a_factor_depends_on_its_coordinate_and_those_before_it_in_the_order(order):
    model = built(3, components=2, hidden=16, order=order)
    shaken(model)
    model.double()
    position = model.conditionals.order_index.argsort()  # of each coordinate
    x = torch.randn(3, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda x: model.conditionals.log_conditionals(x[None])[0], x)
    depends = jacobian != 0  # (factor, coordinate)
    assert torch.equal(depends, position <= torch.arange(3).unsqueeze(1))


def test_orders_are_what_they_say():
    assert built(4).conditionals.order_index.tolist() == [0, 1, 2, 3]
    assert built(4, order="reversed").conditionals.order_index.tolist() == [3, 2, 1, 0]
    assert built(4, order=[2, 0, 3, 1]).conditionals.order_index.tolist() == [2, 0, 3, 1]
    drawn = {tuple(built(4, seed=seed, order="random").conditionals.order_index.tolist()) for seed in range(20)}
    assert len(drawn) > 5  # of 24; fewer than once in 1e9
    assert all(sorted(order) == [0, 1, 2, 3] for order in drawn)


@pytest.mark.parametrize("order", ["reversed", [1, 0]])
def test_density_integrates_to_one_in_each_order(order):
    model = genbench.load_model("ar", order=order).fit(bent(5000), budget="100")
    step = 0.05
    first, second = np.arange(-9, 9, step), np.arange(-7, 20, step)
    cells = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1).reshape(-1, 2)
    assert np.exp(model.log_prob(cells)).sum() * step**2 == pytest.approx(1, abs=0.01)


def test_samples_come_back_in_the_order_of_the_data():
    """Columns with means and scales of their own keep them, whatever order they are drawn in."""
    rng = np.random.default_rng(0)
    x = np.stack([rng.normal(size=3000), rng.exponential(size=3000), rng.uniform(size=3000)], axis=1)
    for order in ORDERS:
        samples = genbench.load_model("ar", order=order).fit(x, budget="200").sample(5000)
        skew = ((samples - samples.mean(axis=0)) ** 3).mean(axis=0) / samples.std(axis=0) ** 3
        assert skew == pytest.approx([0, 2, 0], abs=0.6)


def test_untrained_it_is_the_gaussian_of_the_training_points():
    model, gaussian = (genbench.load_model(name).fit(bent(3000), budget="1") for name in ("ar", "gaussian"))
    x = gaussian.sample(5000)
    assert abs((gaussian.log_prob(x) - model.log_prob(x)).mean()) < 0.01


def test_one_gaussian_a_conditional_learns_the_exact_conditionals_of_a_gaussian():
    rng = np.random.default_rng(0)
    root = np.linalg.cholesky(COVARIANCE)
    noise = rng.normal(size=(5000, 3))
    model = genbench.load_model("ar", components=1).fit(rng.normal(size=(20_000, 3)) @ root.T, budget="400")
    x = noise @ root.T
    truth = -0.5 * (noise**2).sum(axis=1) - np.log(np.diag(root)).sum() - 1.5 * np.log(2 * np.pi)
    assert (truth - model.log_prob(x)).mean() < 0.02
    units, part = model.standardiser, model.model.conditionals
    with torch.no_grad():
        r = part.whiten(torch.tensor(units.forward(x), dtype=torch.float32))
        _, mean, log_scale = (a.squeeze(-1).double() for a in part.mixture(part.network(r), part.log_widest))
        # x_i − E[x_i | x_<i] = L_ii (r_i − μ_i), L the Cholesky factor of the standardised covariance
        own = part.root.diagonal().double().numpy() * units.scale
    mean, scale = x - own * (r - mean).numpy(), own * log_scale.exp().numpy()
    # x_i | x_<i has the standard deviation L_ii, and its mean is x_i − L_ii·noise_i.
    np.testing.assert_allclose(np.abs(mean - (x - np.diag(root) * noise)).mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(scale.mean(axis=0), np.diag(root), rtol=0.05)


def test_excess_nll_on_a_correlated_gaussian_with_all_components():
    rng = np.random.default_rng(0)
    root = np.linalg.cholesky(COVARIANCE)
    noise = rng.normal(size=(5000, 3))
    model = genbench.load_model("ar").fit(rng.normal(size=(20_000, 3)) @ root.T, budget="400")
    truth = -0.5 * (noise**2).sum(axis=1) - np.log(np.diag(root)).sum() - 1.5 * np.log(2 * np.pi)
    assert (truth - model.log_prob(noise @ root.T)).mean() < 0.02


@pytest.mark.parametrize("budget", ["1", "300"])
def test_density_integrates_to_one(budget):
    model = genbench.load_model("ar").fit(bent(5000), budget=budget)
    step = 0.05
    first, second = np.arange(-9, 9, step), np.arange(-7, 20, step)
    cells = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1).reshape(-1, 2)
    assert np.exp(model.log_prob(cells)).sum() * step**2 == pytest.approx(1, abs=0.01)


def test_samples_agree_with_density_by_the_probability_integral_transform(trained):
    """F_i(x_i | x_<i) of the model's own samples is uniform, and independent across coordinates."""
    z = torch.tensor(trained.standardiser.forward(trained.sample(10_000, seed=1)), dtype=torch.float32)
    part = trained.model.conditionals
    with torch.no_grad():
        r = part.whiten(z)
        logits, mean, log_scale = part.mixture(part.network(r), part.log_widest)
        below = torch.special.ndtr((r.unsqueeze(-1) - mean) / log_scale.exp())
        u = (logits.softmax(dim=-1) * below).sum(dim=-1).numpy()
    # Each test raises a false alarm once in 10,000 seeds.
    for i in range(2):
        assert kstest(u[:, i], "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(u.T)[0, 1]) < 3.9 / math.sqrt(len(u))


def test_learns_what_a_gaussian_cannot(trained):
    x = bent(5000, seed=1)
    truth = -0.5 * x[:, 0] ** 2 - 0.5 * ((x[:, 1] - 0.5 * x[:, 0] ** 2) / 0.4) ** 2 - np.log(2 * np.pi * 0.4)
    assert (truth - trained.log_prob(x)).mean() < 0.05


def test_a_column_of_repeated_values_has_a_bounded_density():
    rng = np.random.default_rng(0)
    x = np.stack([rng.integers(2, size=2000).astype(float), rng.normal(size=2000)], axis=1)
    model = genbench.load_model("ar").fit(x, budget="300")
    z = torch.tensor(model.standardiser.forward(x), dtype=torch.float32)
    part = model.model.conditionals
    with torch.no_grad():
        _, _, log_scale = part.mixture(part.network(part.whiten(z)), part.log_widest)
    assert log_scale.min() >= math.log(1e-3)
    assert np.isfinite(model.log_prob(x)).all()
    assert np.isfinite(model.log_prob(x + 0.5)).all()


@pytest.mark.parametrize("d", [1, 2, 16, 64])
def test_any_dimension_and_a_batch_of_one(d):
    x = np.random.default_rng(0).normal(size=(40, d))
    model = genbench.load_model("ar", batch_size=1).fit(x, budget="3")
    assert model.sample(1).shape == (1, d)
    assert model.log_prob(x[:1]).shape == (1,)
    assert np.isfinite(model.log_prob(100 * x)).all()


def test_same_seed_same_bits():
    first, second = (genbench.load_model("ar").fit(bent(1000), seed=3, budget="200") for _ in range(2))
    np.testing.assert_array_equal(first.sample(50, seed=1), second.sample(50, seed=1))
    np.testing.assert_array_equal(first.log_prob(bent(50)), second.log_prob(bent(50)))


def test_nll_shifts_by_log_two_a_dimension_when_data_are_doubled():
    x, held_out = bent(1000), bent(500, seed=1)
    once = genbench.load_model("ar").fit(x, budget="50").log_prob(held_out)
    twice = genbench.load_model("ar").fit(2 * x, budget="50").log_prob(2 * held_out)
    np.testing.assert_allclose(once - twice, 2 * np.log(2), atol=1e-4)


def test_every_parameter_has_a_say():
    model = built(3)
    shaken(model)
    model.training_loss(torch.randn(100, 3)).backward()
    assert all((p.grad != 0).any() for p in model.parameters())


@pytest.mark.parametrize("name", ["components", "hidden", "depth"])
def test_values_out_of_range_are_refused(name):
    with pytest.raises(GenbenchError, match=f"{name} must be at least 1"):
        genbench.load_model("ar", **{name: 0})


@pytest.mark.parametrize("order", ["backwards", [0, 2], [0, 0, 1], [-1, 0]])
def test_what_is_no_order_is_refused(order):
    with pytest.raises(GenbenchError, match=r"must be none, reversed, random, or a list of the indices 0 to d − 1"):
        genbench.load_model("ar", order=order)


def test_an_order_for_another_dimension_is_refused():
    with pytest.raises(GenbenchError, match=r"order=\[1, 0, 2\] must name each of the 2 coordinates once"):
        genbench.load_model("ar", order=[1, 0, 2]).fit(bent(100), budget="1")


def test_no_gaussian_is_wider_than_the_data_reach():
    """A free component where data are rare once put one sample of 50,000 at 30 standard deviations."""
    x = np.random.default_rng(0).uniform(-1, 1, size=(2000, 2))
    part = genbench.load_model("ar", components=4, hidden=16).fit(x, budget="20").model.conditionals
    with torch.no_grad():
        part.network.set_constant(torch.full((12,), 50.0))  # every log-scale asks for e⁵⁰
        mixture = part.mixture(part.network(torch.randn(50, 2)), part.log_widest)
    assert mixture.log_scale.exp().max() <= 1  # uniform points end at 1.7 standard deviations: 1.7 / 2.5 < 1
