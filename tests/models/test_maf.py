import numpy as np
import pytest
import torch

import genbench
from genbench.core.errors import GenbenchError
from genbench.models.maf import AutoregressiveLayer


def random_layer(d, seed=0):
    torch.manual_seed(seed)
    layer = AutoregressiveLayer(d, hidden=16, depth=2, clamp=1.0).double()
    for p in layer.parameters():
        torch.nn.init.normal_(p, std=0.6 / p.shape[-1] ** 0.5)
    return layer


def random_flow(d, **params):
    model = genbench.load_model("maf", layers=3, hidden=16, **params).model
    torch.manual_seed(0)
    model.build((d,))
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.6 / p.shape[-1] ** 0.5)
    return model.double()


def points(n, d):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("d", [1, 2, 6])
def test_a_layers_jacobian_is_lower_triangular_with_the_diagonal_it_says(d):
    layer, x = random_layer(d), points(1, d)
    jacobian = torch.autograd.functional.jacobian(lambda x: layer(x)[0][0], x)[:, 0]  # (d, d)
    assert (jacobian.triu(1) == 0).all()
    assert (jacobian.tril() != 0).sum() == d * (d + 1) // 2
    torch.testing.assert_close(layer(x)[1][0], jacobian.diag().log().sum(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("d", [1, 2, 6])
@pytest.mark.parametrize("linear", [True, False])
def test_log_det_is_autograds_and_the_sequential_inverse_undoes_forward(d, linear):
    flow, x = random_flow(d, linear=linear).flow, points(20, d)
    z, log_det = flow(x)
    jacobian = torch.autograd.functional.jacobian(lambda x: flow(x)[0].sum(dim=0), x).transpose(0, 1)  # (n, d, d)
    torch.testing.assert_close(log_det, torch.linalg.slogdet(jacobian).logabsdet, rtol=0, atol=1e-9)
    with torch.no_grad():
        torch.testing.assert_close(flow.inverse(z), x, rtol=0, atol=1e-9)
        for layer in flow.layers:
            y, forward = layer(x)
            back, backward = layer.inverse(y)
            torch.testing.assert_close(back, x, rtol=0, atol=1e-9)
            torch.testing.assert_close(backward, -forward, rtol=0, atol=1e-9)


def test_orders_are_reversed_from_layer_to_layer():
    """Without linear maps the first coordinate is moved alone by the first layer, and reads all others in the second."""
    flow = random_flow(4, linear=False, actnorm=False).flow
    first, reverse, second = list(flow.layers)[:3]
    x = points(1, 4)

    def after(layers):
        def apply(x):
            for layer in layers:
                x, _ = layer(x)
            return x[0]

        return torch.autograd.functional.jacobian(apply, x)[:, 0]

    assert (after([first])[0, 1:] == 0).all()
    assert (after([first, reverse, second])[-1] != 0).all()


def test_samples_have_the_moments_of_the_density():
    """A one-dimensional integral of the density on a grid against 20,000 samples; 5 standard errors, 1 in 10⁶ seeds."""
    rng = np.random.default_rng(0)
    x1 = rng.normal(size=5000)
    model = genbench.load_model("maf", layers=3, hidden=32).fit(
        np.stack([x1, 0.5 * x1**2 + 0.4 * rng.normal(size=5000)], axis=1), budget="200"
    )
    step = 0.05
    axes = np.arange(-8, 8, step) + step / 2, np.arange(-6, 20, step) + step / 2
    cells = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    mass = np.exp(model.log_prob(cells)) * step**2
    assert mass.sum() == pytest.approx(1, abs=0.005)
    samples = model.sample(20_000, seed=1)
    for statistic in (lambda p: p[:, 0], lambda p: p[:, 1], lambda p: p[:, 0] * p[:, 1], lambda p: np.tanh(p[:, 1])):
        drawn, exact = statistic(samples), (mass * statistic(cells)).sum() / mass.sum()
        assert abs(drawn.mean() - exact) < 5 * drawn.std() / len(drawn) ** 0.5


def test_excess_nll_on_a_correlated_gaussian():
    rng = np.random.default_rng(0)
    root = np.linalg.cholesky(np.array([[1.0, 0.8, 0.2], [0.8, 2.0, -0.5], [0.2, -0.5, 0.5]]))
    noise = rng.normal(size=(5000, 3))
    model = genbench.load_model("maf", layers=2, hidden=32).fit(rng.normal(size=(20_000, 3)) @ root.T, budget="400")
    truth = -0.5 * (noise**2).sum(axis=1) - np.log(np.diag(root)).sum() - 1.5 * np.log(2 * np.pi)
    assert (truth - model.log_prob(noise @ root.T)).mean() < 0.02


@pytest.mark.parametrize("d", [1, 16, 64])
def test_any_dimension_and_a_batch_of_one(d):
    x = np.random.default_rng(0).normal(size=(40, d))
    model = genbench.load_model("maf", batch_size=1, layers=3).fit(x, budget="3")
    assert model.sample(1).shape == (1, d)
    assert np.isfinite(model.log_prob(100 * x)).all()


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"layers": 0}, "layers must be at least 1"),
        ({"hidden": 0}, "hidden must be at least 1"),
        ({"depth": 0}, "depth must be at least 1"),
        ({"clamp": 0.0}, "clamp must be positive"),
    ],
)
def test_values_out_of_range_are_refused(params, reason):
    with pytest.raises(GenbenchError, match=reason):
        genbench.load_model("maf", **params)
