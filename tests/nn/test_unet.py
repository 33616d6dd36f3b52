"""The U-Net, and what all networks of a point, a time and a label share."""

import pytest
import torch

import genbench
from genbench.core.errors import GenbenchError
from genbench.core.parameters import defaults
from genbench.nn.backbones import time_network
from genbench.nn.time_embedding import TimeMLP
from genbench.nn.time_network import TimeNetwork, by_parts, drop
from genbench.nn.unet import Attention, UNet


def randomised(network: torch.nn.Module) -> torch.nn.Module:
    """Weights that begin as 0 made random, so that everything depends on everything."""
    torch.manual_seed(0)
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return network


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (1, 64, 64), (1, 12, 20), (1, 7, 7)])
def test_value_has_the_shape_of_the_points_and_begins_as_zero(shape):
    network = time_network(shape, 8, 1)
    x = torch.randn(2, network.shape[0] * network.shape[1] * network.shape[2])
    assert torch.equal(network(x, torch.rand(2, 1)), torch.zeros_like(x))
    assert randomised(network)(x, torch.tensor(0.3)).shape == x.shape


def test_every_pixel_sees_every_pixel():
    network = randomised(UNet((1, 16, 16), 8))
    x = torch.randn(1, 256, requires_grad=True)
    for pixel in (0, 137, 255):
        (slope,) = torch.autograd.grad(network(x, torch.tensor(0.5))[0, pixel], x)
        assert (slope != 0).all()


def test_points_of_a_batch_do_not_see_each_other():
    network = randomised(UNet((3, 8, 8), 8))
    x, t = torch.randn(4, 192), torch.rand(4, 1)
    assert torch.allclose(network(x, t)[2], network(x[2:3], t[2:3])[0], atol=1e-3)


def test_time_and_label_matter():
    network = randomised(time_network((1, 8, 8), 8, 1, classes=3))
    x = torch.randn(2, 64)
    free = network(x, torch.tensor(0.2))
    assert not torch.allclose(free, network(x, torch.tensor(0.8)))
    with network.given(torch.tensor([0, 2])):
        told = network(x, torch.tensor(0.2))
    assert not torch.allclose(free, told)
    assert torch.equal(network(x, torch.tensor(0.2)), free)


def test_attention_is_a_mean_by_softmax():
    """With queries and keys 0 every pixel sees the mean of all values."""
    layer = Attention(8)
    layer.before = torch.nn.Identity()
    torch.nn.init.zeros_(layer.ask.weight)
    layer.ask.weight.data[16:] = torch.eye(8)
    torch.nn.init.zeros_(layer.ask.bias)
    layer.answer.weight.data[:] = torch.eye(8)
    x = torch.randn(2, 8, 3, 5)
    assert torch.allclose(layer(x), x + x.mean(dim=(2, 3), keepdim=True), atol=1e-5)


def test_width_that_the_heads_cannot_share_is_refused():
    with pytest.raises(ValueError, match="multiple of 4"):
        UNet((1, 8, 8), hidden=10)


class Stub(TimeNetwork):
    """v(x, t | y) = y + t, and v(x, t) = 100 for "no label"."""

    def field(self, x, t, labels):
        value = torch.where(labels == self.classes, 100.0, labels.float()) + t.reshape(-1)
        return value.unsqueeze(1).expand_as(x)


@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.5])
def test_guidance_extrapolates_from_no_label_to_the_label(guidance):
    network, labels = Stub(classes=4, width=1), torch.tensor([0, 3, 1])
    for t in (torch.tensor(0.5), torch.tensor([[0.1], [0.2], [0.3]])):
        with network.given(labels, guidance):
            value = network(torch.zeros(3, 2), t)
        expected = 100 + guidance * (labels - 100) + t.reshape(-1)
        assert torch.allclose(value, expected.unsqueeze(1).expand(3, 2), atol=1e-4)
    assert network(torch.zeros(3, 2), torch.tensor(0.0)).eq(100).all()


def test_derivatives_of_a_labelled_mlp_are_those_of_autograd():
    network = time_network((3,), 16, 2, classes=2)
    x, v, t = torch.randn(5, 3), torch.randn(4, 5, 3), torch.rand(5, 1)
    with network.given(torch.tensor([0, 1, 1, 0, 1])):
        value, slope = network.jvp(x, t, v)
        for k in range(4):
            exact = torch.func.jvp(lambda x: network(x, t), (x,), (v[k],))
            assert torch.allclose(exact[0], value, atol=1e-6)
            assert torch.allclose(exact[1], slope[k], atol=1e-5)


def test_a_tenth_of_the_labels_is_dropped():
    torch.manual_seed(0)
    dropped = drop(torch.zeros(20_000, dtype=torch.int64), 7) == 7
    assert dropped.float().mean().item() == pytest.approx(0.1, abs=4 * (0.1 * 0.9 / 20_000) ** 0.5)  # 4 s.e.: 6e-5


def test_pictures_are_followed_in_parts_and_keep_their_labels():
    sizes = []

    def flow(n, labels):
        sizes.append(n)
        return labels.float().unsqueeze(1).expand(n, 4)

    made = by_parts(flow, 600, torch.arange(600), (1, 2, 2))
    assert sizes == [256, 256, 88]
    assert torch.equal(made[:, 0, 0, 0], torch.arange(600.0))
    sizes.clear()
    assert by_parts(flow, 600, torch.arange(600), (4,)).shape == (600, 4)
    assert sizes == [600]
    assert by_parts(flow, 0, None, (1, 2, 2)).shape == (0, 1, 2, 2)


def test_the_backbone_follows_the_shape_or_the_wish():
    assert isinstance(time_network((1, 8, 8), 8, 1), UNet)
    assert isinstance(time_network((5,), 8, 1), TimeMLP)
    flat = time_network((2, 4, 4), 8, 1, backbone="mlp")
    assert isinstance(flat, TimeMLP)
    assert flat(torch.randn(3, 32), torch.rand(3, 1)).shape == (3, 32)
    with pytest.raises(GenbenchError, match=r"backbone=unet is for images, not for shape \(5,\); use mlp"):
        time_network((5,), 8, 1, backbone="unet")


@pytest.mark.parametrize("name", ["cfm", "ot_cfm", "rectified_flow", "ddpm", "edm"])
def test_small_pictures_get_an_mlp_and_larger_ones_a_unet(name):
    card = genbench.load_model(name).card
    assert [defaults(card, ("image", (1, side, side)))["backbone"] for side in (8, 28, 64)] == ["mlp", "unet", "unet"]
    with pytest.raises(GenbenchError, match="backbone=cnn"):
        genbench.load_model(name, backbone="cnn")
