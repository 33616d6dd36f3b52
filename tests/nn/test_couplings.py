import pytest
import torch
from scipy.stats import norm

from genbench.nn.couplings import Additive, Affine, Composite, Coupling, RationalQuadratic, coupling_flow
from genbench.nn.likelihoods import log_normal
from genbench.nn.mixing import MIXINGS, ActNorm, LinearMap, Scaling

TRANSFORMS = [
    Additive(),
    Affine(clamp=2.0),
    RationalQuadratic(bins=6, bound=2.0),
    Composite(Affine(clamp=2.0), RationalQuadratic(bins=6, bound=2.0)),
]
LAYERS = {"actnorm": ActNorm, "scaling": Scaling, **MIXINGS}


def randomise(module, seed=0):
    """Take a module far from the identity in float64, but not so far that its inverse magnifies rounding beyond 1e-8."""
    torch.manual_seed(seed)
    module = module.double()
    for p in module.parameters():
        torch.nn.init.normal_(p, std=0.6 / p.shape[-1] ** 0.5)
    return module


def random_flow(d, transform, couplings=4, **params):
    torch.manual_seed(0)
    return randomise(coupling_flow(d, couplings, transform, hidden=16, depth=2, **params))


def log_prob(flow, x):
    z, log_det = flow(x)
    return log_normal(z) + log_det


def points(n, d):
    """Points on both sides of the spline's bound, and one exactly on it."""
    x = 2 * torch.randn(n, d, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x[0] = 2.0
    x[1] = -2.0
    return x


def assert_log_det_is_autograds(layer, x):
    """Hold the log-determinants of both directions against slogdet of autograd's Jacobian."""
    y, log_det = layer(x)
    jacobian = torch.autograd.functional.jacobian(lambda x: layer(x)[0].sum(dim=0), x).transpose(0, 1)  # (n, d, d)
    torch.testing.assert_close(log_det, torch.linalg.slogdet(jacobian).logabsdet, rtol=0, atol=1e-9)
    back = layer.inverse(y)
    if isinstance(back, tuple):
        torch.testing.assert_close(back[1], -log_det, rtol=0, atol=1e-8)
        back = back[0]
    torch.testing.assert_close(back, x, rtol=0, atol=1e-8)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("mixing", MIXINGS)
def test_log_det_and_inverse_of_a_flow(transform, d, mixing):
    flow, x = random_flow(d, transform, mixing=mixing, actnorm=True), points(20, d)
    assert_log_det_is_autograds(flow, x)
    for layer in flow.layers:
        assert_log_det_is_autograds(layer, x)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("d", [1, 4])
def test_log_det_and_inverse_of_a_layer(name, d):
    assert_log_det_is_autograds(randomise(LAYERS[name](d)), points(20, d))


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_new_flow_only_permutes(transform, d):
    x = points(50, d).float()
    z, log_det = coupling_flow(d, 4, transform, hidden=8, depth=1)(x)
    torch.testing.assert_close(z.sort(dim=1).values, x.sort(dim=1).values, rtol=0, atol=1e-5)
    torch.testing.assert_close(log_det, torch.zeros(50), rtol=0, atol=1e-5)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("flip", [False, True])
def test_a_coupling_reads_one_part_and_transforms_the_other(transform, flip):
    coupling = randomise(Coupling(5, flip, transform, hidden=16, depth=2))
    x = 0.5 * torch.randn(5, dtype=torch.float64)
    depends = torch.autograd.functional.jacobian(lambda x: coupling(x[None])[0][0], x) != 0
    read = torch.tensor([flip] * 2 + [not flip] * 3).logical_not()
    assert torch.equal(depends, torch.eye(5, dtype=torch.bool) | (~read[:, None] & read[None, :]))


def test_actnorm_starts_with_mean_zero_and_deviation_one():
    x = torch.tensor([3.0, 0.1, 1.0]) * torch.randn(1000, 3) + torch.tensor([5.0, -2.0, 0.0])
    flow = coupling_flow(3, 4, Affine(), hidden=8, depth=1, mixing="rotation", actnorm=True)
    flow.prepare(x)
    for layer in flow.layers:
        x, _ = layer(x)
        if isinstance(layer, ActNorm):
            torch.testing.assert_close(x.mean(dim=0), torch.zeros(3), rtol=0, atol=1e-5)
            torch.testing.assert_close(x.std(dim=0, correction=0), torch.ones(3), rtol=0, atol=1e-5)


def test_actnorm_leaves_the_scale_of_a_constant_coordinate():
    layer = ActNorm(1)
    layer.initialise(torch.full((10, 1), 7.0))
    y, log_det = layer(torch.full((10, 1), 7.0))
    torch.testing.assert_close(y, torch.zeros(10, 1))
    torch.testing.assert_close(log_det, torch.zeros(10))


def test_additive_couplings_keep_volume_but_for_their_scaling():
    flow, x = random_flow(4, Additive(), mixing="permutation"), points(20, 4)
    scaling = flow.layers[-1]
    assert isinstance(scaling, Scaling)
    _, log_det = flow(x)
    torch.testing.assert_close(log_det, scaling.log_scale.sum().expand(20), rtol=0, atol=0)
    assert log_det[0] != 0
    scaling.log_scale.data.zero_()
    assert_log_det_is_autograds(flow, x)
    assert (flow(x)[1] == 0).all()


def test_a_rotation_is_orthogonal():
    matrix = randomise(MIXINGS["rotation"](6))(torch.eye(6, dtype=torch.float64))[0]
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(6, dtype=torch.float64), rtol=0, atol=1e-12)


def test_a_linear_map_is_a_matrix_with_the_determinant_it_says():
    layer = randomise(LinearMap(4))
    matrix = layer(torch.eye(4, dtype=torch.float64))[0].T
    x = torch.randn(10, 4, dtype=torch.float64)
    y, log_det = layer(x)
    torch.testing.assert_close(y, x @ matrix.T, rtol=0, atol=1e-12)
    torch.testing.assert_close(log_det, torch.linalg.slogdet(matrix).logabsdet.expand(10), rtol=0, atol=1e-12)
    assert (matrix != 0).all()


def test_affine_scales_stay_within_their_clamp():
    _, log_slope = Affine(clamp=1.5).forward(torch.ones(3), torch.tensor([[1e6, -1e6, 0.1], [0.0, 0.0, 0.0]]))
    torch.testing.assert_close(log_slope, torch.tensor([1.5, -1.5, 0.1]), rtol=0, atol=1e-3)


def test_density_of_an_affine_flow_in_one_dimension_is_the_gaussian_it_must_be():
    flow = random_flow(1, Affine(), couplings=3)
    shift, image_of_one = flow(torch.tensor([[0.0], [1.0]], dtype=torch.float64))[0].squeeze(1).tolist()
    scale = image_of_one - shift
    x = points(30, 1)
    expected = norm.logpdf(x.squeeze(1).numpy(), loc=-shift / scale, scale=1 / scale)
    torch.testing.assert_close(log_prob(flow, x).detach(), torch.from_numpy(expected), rtol=0, atol=1e-10)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_every_parameter_has_a_say(transform):
    flow = random_flow(3, transform, actnorm=True)
    log_prob(flow, points(100, 3)).mean().backward()
    assert all((p.grad != 0).any() for p in flow.parameters())
