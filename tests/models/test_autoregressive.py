import math

import numpy as np
import pytest
import torch
from scipy.stats import kstest

import genbench
from genbench.errors import GenbenchError
from genbench.models.autoregressive import Autoregressive, _log_sum_exp, _mixtures

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


@pytest.fixture(scope="module")
def trained():
    return genbench.load_model("ar").fit(bent(5000), budget="300")


@pytest.mark.parametrize("d", [1, 2, 5])
def test_conditional_i_depends_on_all_coordinates_before_i_and_no_other(d):
    network = built(d, components=2, hidden=16).network.double()
    x = torch.randn(d, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda x: network(x[None])[0], x)  # (d, size, d)
    depends = (jacobian != 0).any(dim=1)
    assert torch.equal(depends, torch.ones(d, d, dtype=torch.bool).tril(-1))


@pytest.mark.parametrize(("d", "hidden", "depth"), [(1, 8, 2), (2, 16, 3), (7, 16, 2), (20, 8, 1)])
def test_the_sequential_pass_gives_the_rows_of_the_parallel_one(d, hidden, depth):
    network = built(d, components=2, hidden=hidden, depth=depth).network.double()
    x = torch.randn(30, d, dtype=torch.float64)
    with torch.no_grad():
        rows, state = network(x), network.start(30)
        for i in range(d):
            torch.testing.assert_close(network.step(state, x[:, :i], i), rows[:, i], rtol=0, atol=1e-12)


def test_log_prob_is_the_mixture_of_torch_distributions():
    model = built(2, components=4, hidden=8)
    x = 3 * torch.randn(50, 2)
    with torch.no_grad():
        logits, mean, log_scale = _mixtures(model.network(x))
        mixtures = torch.distributions.MixtureSameFamily(
            torch.distributions.Categorical(logits=logits), torch.distributions.Normal(mean, log_scale.exp())
        )
        torch.testing.assert_close(model.log_prob(x), mixtures.log_prob(x).sum(dim=1), rtol=1e-5, atol=1e-4)


def test_log_sum_exp_agrees_with_torch_also_far_out():
    a = torch.tensor([[0.0, 1.0, -2.0], [-1e4, -1e4, -2e4], [500.0, 0.0, -500.0]], dtype=torch.float64)
    torch.testing.assert_close(_log_sum_exp(a), a.logsumexp(dim=1), rtol=0, atol=1e-12)


def test_one_gaussian_a_conditional_learns_the_exact_conditionals_of_a_gaussian():
    rng = np.random.default_rng(0)
    root = np.linalg.cholesky(COVARIANCE)
    noise = rng.normal(size=(5000, 3))
    model = genbench.load_model("ar", components=1).fit(rng.normal(size=(20_000, 3)) @ root.T, budget="400")
    x = noise @ root.T
    truth = -0.5 * (noise**2).sum(axis=1) - np.log(np.diag(root)).sum() - 1.5 * np.log(2 * np.pi)
    assert (truth - model.log_prob(x)).mean() < 0.02
    units = model.standardiser
    with torch.no_grad():
        z = torch.tensor(units.forward(x), dtype=torch.float32)
        _, mean, log_scale = (part.squeeze(-1).double().numpy() for part in _mixtures(model.model.network(z)))
    mean, scale = mean * units.scale + units.mean, np.exp(log_scale) * units.scale
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
    with torch.no_grad():
        logits, mean, log_scale = _mixtures(trained.model.network(z))
        below = torch.special.ndtr((z.unsqueeze(-1) - mean) / log_scale.exp())
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
    with torch.no_grad():
        _, _, log_scale = _mixtures(model.model.network(z))
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
    model.training_loss(torch.randn(100, 3)).backward()
    assert all((p.grad != 0).any() for p in model.parameters())


@pytest.mark.parametrize("name", ["components", "hidden", "depth"])
def test_values_out_of_range_are_refused(name):
    with pytest.raises(GenbenchError, match=f"{name}=0 must be at least 1"):
        genbench.load_model("ar", **{name: 0})
