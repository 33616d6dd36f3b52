import math

import pytest
import torch
from torch.nn import functional

from genbench.core.errors import GenbenchError
from genbench.nn.couplings import Additive, Affine, RationalQuadratic
from genbench.nn.image_flow import ImageCoupling, ImageFlow, Mixing, PatchNetwork, Scale

TRANSFORMS = [Additive(), Affine(clamp=2.0), RationalQuadratic(bins=4, bound=2.0)]
SHAPES = [((1, 4, 4), 1), ((1, 4, 4), 2), ((3, 4, 4), 1), ((3, 4, 4), 2), ((1, 8, 4), 2)]


def randomise(module, size=0.6):
    """Take a module far from the identity, in float64."""
    torch.manual_seed(0)
    module = module.double()
    for p in module.parameters():
        torch.nn.init.normal_(p, std=size / max(p[0].numel(), 4) ** 0.5)
    return module


def new_flow(shape, scales, steps=2, transform=Affine(2.0)):
    torch.manual_seed(0)
    return ImageFlow(shape, scales, steps, transform, hidden=8, patch=3)


def pictures(n, *shape):
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def assert_log_det_is_autograds(layer, x):
    """Hold the log-determinant against slogdet of autograd's Jacobian, and the inverse against the point itself."""
    y, log_det = layer(x)
    d = x[0].numel()
    jacobian = torch.autograd.functional.jacobian(lambda x: layer(x)[0].flatten(1).sum(dim=0), x)  # (d, n, *shape)
    jacobian = jacobian.movedim(1, 0).reshape(len(x), d, d)
    torch.testing.assert_close(log_det, torch.linalg.slogdet(jacobian).logabsdet, rtol=0, atol=1e-9)
    back = layer.inverse(y)
    if isinstance(back, tuple):
        torch.testing.assert_close(back[1], -log_det, rtol=0, atol=1e-8)
        back = back[0]
    torch.testing.assert_close(back, x, rtol=0, atol=1e-8)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize(("shape", "scales"), SHAPES)
def test_log_det_and_inverse_of_a_flow(transform, shape, scales):
    flow = randomise(new_flow(shape, scales, transform=transform))
    assert_log_det_is_autograds(flow, pictures(3, *shape))


@pytest.mark.parametrize("channels", [2, 3, 12])
def test_log_det_and_inverse_of_a_layer(channels):
    x = pictures(3, channels, 2, 3)
    assert_log_det_is_autograds(randomise(Mixing(channels)), x)
    assert_log_det_is_autograds(randomise(ImageCoupling(channels, Affine(2.0), hidden=8, patch=3)), x)
    assert_log_det_is_autograds(
        randomise(Scale(channels, 1, Affine(2.0), hidden=8, patch=3)), pictures(2, channels, 4, 2)
    )


@pytest.mark.parametrize(("shape", "scales"), [*SHAPES, ((3, 32, 32), 3), ((1, 28, 28), 2)])
def test_a_new_flow_only_reorders_the_pixels(shape, scales):
    x = pictures(5, *shape).float()
    flow = new_flow(shape, scales)
    z, log_det = flow(x)
    assert (log_det == 0).all()
    torch.testing.assert_close(z.sort(dim=1).values, x.flatten(1).sort(dim=1).values, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("shape", "scales"), [((1, 28, 28), 2), ((3, 32, 32), 3)])
def test_the_inverse_in_float32(shape, scales):
    flow = randomise(new_flow(shape, scales, steps=4), size=0.3).float()
    x = pictures(4, *shape).float()
    with torch.no_grad():
        torch.testing.assert_close(flow.inverse(flow(x)[0]), x, rtol=0, atol=1e-4)


def test_mixing_is_actnorm_and_then_one_matrix_at_every_pixel():
    mixing, x = randomise(Mixing(3)), pictures(2, 3, 4, 5)
    points = x.movedim(1, -1).reshape(-1, 3)
    expected = mixing.linear(mixing.norm(points)[0])[0].view(2, 4, 5, 3).movedim(-1, 1)
    torch.testing.assert_close(mixing(x)[0], expected)


def test_prepared_channels_have_mean_0_and_deviation_1_after_every_mixing():
    """A new 1×1 convolution only permutes, so that what leaves a mixing is what leaves its actnorm."""
    flow, x = new_flow((3, 8, 8), 2, steps=3), 5 * pictures(50, 3, 8, 8).float() + torch.arange(3).view(3, 1, 1)
    for parameter in flow.parameters():
        if parameter.dim() > 1 and parameter.shape[0] != parameter.shape[1]:
            torch.nn.init.normal_(parameter, std=0.2)  # couplings that do something
    for prior in flow.priors:
        torch.nn.init.zeros_(prior.network.rest[-1].weight)
    seen = []
    mixings = [layer for layer in flow.modules() if isinstance(layer, Mixing)]
    for mixing in mixings:
        mixing.register_forward_hook(lambda _, __, output: seen.append(output[0]))
    flow.prepare(x)
    seen.clear()
    flow(x)
    assert len(seen) == len(mixings) == 6
    for y in seen:
        torch.testing.assert_close(y.mean(dim=(0, 2, 3)), torch.zeros(y.shape[1]), rtol=0, atol=1e-4)
        torch.testing.assert_close(y.std(dim=(0, 2, 3), correction=0), torch.ones(y.shape[1]), rtol=0, atol=1e-4)


def test_a_patch_network_is_three_convolutions():
    network, x = randomise(PatchNetwork(2, 5, hidden=7, patch=3)), pictures(3, 2, 4, 6)
    second, last = network.rest[1], network.rest[3]
    y = functional.silu(functional.conv2d(x, network.first.weight, network.first.bias, padding=1))
    y = functional.silu(functional.conv2d(y, second.weight[:, :, None, None], second.bias))
    torch.testing.assert_close(network(x), functional.conv2d(y, last.weight[:, :, None, None], last.bias))


def test_a_coupling_changes_the_second_half_alone_by_what_it_sees_in_the_first():
    coupling, x = randomise(ImageCoupling(4, Affine(2.0), hidden=8, patch=3)), pictures(1, 4, 6, 6)
    y, _ = coupling(x)
    assert torch.equal(y[:, :2], x[:, :2])
    moved = x.clone()
    moved[0, 0, 2, 2] += 1
    change = (coupling(moved)[0] - y)[0, 2:].abs().sum(dim=0) > 0
    near = torch.zeros(6, 6, dtype=torch.bool)
    near[1:4, 1:4] = True
    assert torch.equal(change, near)


def test_half_of_the_values_leave_after_each_scale_given_those_that_stay():
    """With a prior of scale e^s and mean t everywhere, the values that leave early have that density."""
    flow, x = new_flow((1, 4, 4), 2), pictures(6, 1, 4, 4).float()
    with torch.no_grad():
        flow.priors[0].network.rest[-1].bias.copy_(torch.tensor([0.3, 0.3, 0.5, 0.5]))
    scale = 2 * math.tanh(0.3 / 2)
    z = flow(x)[0]
    leaving = (z[:, :8] - 0.5) / math.exp(scale)  # of which half stand still in a new flow
    values = torch.cat([leaving, z[:, 8:]], dim=1).sort(dim=1).values
    torch.testing.assert_close(values, x.flatten(1).sort(dim=1).values, rtol=0, atol=1e-5)
    torch.testing.assert_close(flow(x)[1], torch.full((6,), 8 * scale), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("shape", "scales"), [((1, 7, 7), 1), ((1, 28, 28), 3), ((3, 32, 30), 2)])
def test_pictures_that_cannot_be_halved_are_refused(shape, scales):
    with pytest.raises(GenbenchError, match=f"cannot be halved {scales} times; .* multiples of {2**scales}"):
        new_flow(shape, scales)
