import pytest
import torch
from scipy.stats import norm

from genbench.nn.couplings import Affine, Composite, Coupling, LinearMap, RationalQuadratic, coupling_flow

TRANSFORMS = [
    Affine(clamp=2.0),
    RationalQuadratic(bins=6, bound=2.0),
    Composite(Affine(clamp=2.0), RationalQuadratic(bins=6, bound=2.0)),
]


def random_flow(d, transform, couplings=4, seed=0):
    """A flow far from the identity in float64, but not so far that its inverse magnifies rounding beyond 1e-9."""
    torch.manual_seed(seed)
    flow = coupling_flow(d, couplings, transform, hidden=16, depth=2).double()
    for p in flow.parameters():
        torch.nn.init.normal_(p, std=0.6 / p.shape[-1] ** 0.5)
    return flow


def points(n, d):
    """Points on both sides of the spline's bound, and one exactly on it."""
    x = 2 * torch.randn(n, d, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x[0] = 2.0
    x[1] = -2.0
    return x


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("d", [1, 2, 5])
def test_log_det_is_autograds(transform, d):
    flow, x = random_flow(d, transform), points(20, d)
    _, log_det = flow(x)
    jacobian = torch.autograd.functional.jacobian(lambda x: flow(x)[0].sum(dim=0), x).transpose(0, 1)  # (n, d, d)
    sign, expected = torch.linalg.slogdet(jacobian)
    assert (sign > 0).all()
    torch.testing.assert_close(log_det, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("d", [1, 2, 5, 16])
def test_inverse_undoes_forward(transform, d):
    flow, x = random_flow(d, transform), points(200, d)
    torch.testing.assert_close(flow.inverse(flow(x)[0]), x, rtol=0, atol=1e-9)
    for layer in flow.layers:
        y, forward = layer(x)
        _, backward = layer.inverse(y)
        torch.testing.assert_close(backward, -forward, rtol=0, atol=1e-9)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("d", [1, 3])
def test_a_new_flow_is_the_identity(transform, d):
    x = points(50, d).float()
    z, log_det = coupling_flow(d, 4, transform, hidden=8, depth=1)(x)
    torch.testing.assert_close(z, x, rtol=0, atol=1e-5)
    torch.testing.assert_close(log_det, torch.zeros(50), rtol=0, atol=1e-5)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_coupling_reads_only_what_lies_inside_its_mask(transform):
    inside = torch.tensor([True, False, True, False])
    coupling = Coupling(inside, transform, hidden=16, depth=2).double()
    for p in coupling.parameters():
        torch.nn.init.normal_(p, std=0.5)
    x = 0.5 * torch.randn(4, dtype=torch.float64)
    depends = torch.autograd.functional.jacobian(lambda x: coupling(x[None])[0][0], x) != 0
    expected = torch.eye(4, dtype=torch.bool) | (~inside[:, None] & inside[None, :])
    assert torch.equal(depends, expected)


@pytest.mark.parametrize("d", [2, 3, 16])
def test_each_pair_of_couplings_conditions_every_coordinate_once(d):
    torch.manual_seed(0)
    flow = coupling_flow(d, 6, Affine(), hidden=4, depth=1)
    read = [layer.inside for layer in flow.layers if isinstance(layer, Coupling)]
    for first, second in zip(read[::2], read[1::2], strict=True):
        assert torch.equal(second, ~first)
        assert first.sum() == (d + 1) // 2
    if d == 16:
        assert not torch.equal(read[0], read[2])


def test_a_linear_map_is_a_matrix_with_the_determinant_it_says():
    torch.manual_seed(0)
    layer = LinearMap(4).double()
    for p in layer.parameters():
        torch.nn.init.normal_(p)
    matrix = layer(torch.eye(4, dtype=torch.float64))[0].T
    x = torch.randn(10, 4, dtype=torch.float64)
    y, log_det = layer(x)
    torch.testing.assert_close(y, x @ matrix.T, rtol=0, atol=1e-12)
    torch.testing.assert_close(log_det, torch.linalg.slogdet(matrix).logabsdet.expand(10), rtol=0, atol=1e-12)


def test_affine_scales_stay_within_their_clamp():
    _, log_slope = Affine(clamp=1.5).forward(torch.ones(3), torch.tensor([[1e6, 0.0], [-1e6, 0.0], [0.1, 0.0]]))
    torch.testing.assert_close(log_slope, torch.tensor([1.5, -1.5, 0.1]), rtol=0, atol=1e-3)


def test_density_of_an_affine_flow_in_one_dimension_is_the_gaussian_it_must_be():
    flow = random_flow(1, Affine(), couplings=3)
    shift, image_of_one = flow(torch.tensor([[0.0], [1.0]], dtype=torch.float64))[0].squeeze(1).tolist()
    scale = image_of_one - shift
    x = points(30, 1)
    expected = norm.logpdf(x.squeeze(1).numpy(), loc=-shift / scale, scale=1 / scale)
    torch.testing.assert_close(flow.log_prob(x).detach(), torch.from_numpy(expected), rtol=0, atol=1e-10)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_every_parameter_has_a_say(transform):
    flow = random_flow(3, transform)
    flow.log_prob(points(100, 3)).mean().backward()
    assert all((p.grad != 0).any() for p in flow.parameters())
