"""Convolutional networks: their shapes at all sizes of pictures, and the weights they begin with."""

import math

import pytest
import torch
from torch import nn

from genbench.nn.convolutional import ConvolutionalDecoder, convolutional_encoder, dcgan_init, group_norm, scales

SIZES = [(8, 8), (28, 28), (32, 32), (64, 64), (2, 2), (7, 5), (16, 24)]


@pytest.mark.parametrize(
    ("side", "widths", "smallest"),
    [(8, (16,), 4), (28, (16, 32), 7), (32, (16, 32, 64), 4), (64, (16, 32, 64, 128), 4), (7, (16,), 7)],
)
def test_sides_are_halved_while_even_and_above_four(side, widths, smallest):
    found = scales((1, side, side), 16)
    assert (found.widths, found.height, found.width) == (widths, smallest, smallest)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("depth", [1, 2])
def test_pictures_become_vectors_and_vectors_pictures(size, channels, depth):
    torch.manual_seed(0)
    shape = (channels, *size)
    encoder, decoder = convolutional_encoder(shape, 4, depth, 5), ConvolutionalDecoder(5, 4, depth, shape)
    vectors = encoder(torch.randn(6, *shape))
    assert vectors.shape == (6, 5)
    assert decoder(vectors).shape == (6, *shape)
    assert decoder(torch.randn(2, 3, 5)).shape == (2, 3, *shape)


@pytest.mark.parametrize("norm", [None, group_norm])
def test_leading_axes_do_not_mix(norm):
    torch.manual_seed(0)
    decoder = ConvolutionalDecoder(5, 8, 2, (1, 8, 8), **({"norm": norm} if norm else {}))
    z = torch.randn(2, 3, 5)
    torch.testing.assert_close(decoder(z)[1, 2], decoder(z[1, 2]), atol=1e-6, rtol=1e-4)


def test_every_output_sees_the_whole_latent_and_every_pixel_is_seen():
    torch.manual_seed(0)
    encoder, decoder = convolutional_encoder((1, 28, 28), 4, 1, 3), ConvolutionalDecoder(3, 4, 1, (1, 28, 28))
    z, x = torch.randn(1, 3, requires_grad=True), torch.randn(1, 1, 28, 28, requires_grad=True)
    for pixel in (decoder(z)[0, 0, 0, 0], decoder(z)[0, 0, 27, 27]):
        (gradient,) = torch.autograd.grad(pixel, z, retain_graph=True)
        assert (gradient != 0).all()
    (gradient,) = torch.autograd.grad(encoder(x).sum(), x)
    assert (gradient != 0).all()


def test_with_one_convolution_a_scale_it_is_the_network_of_dcgan():
    decoder = ConvolutionalDecoder(100, 128, 1, (3, 64, 64), nn.ReLU, group_norm)
    ups = [layer for layer in decoder if isinstance(layer, nn.ConvTranspose2d)]
    assert [(up.in_channels, up.out_channels) for up in ups] == [(1024, 512), (512, 256), (256, 128), (128, 3)]
    assert decoder[0].out_features == 1024 * 4 * 4


def test_weights_begin_as_those_of_dcgan():
    torch.manual_seed(0)
    network = ConvolutionalDecoder(100, 32, 2, (1, 32, 32), nn.ReLU, group_norm).apply(dcgan_init)
    weights = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    assert len(weights) == 1 + 3 * 2
    for layer in weights:
        n = layer.weight.numel()
        assert layer.weight.mean().item() == pytest.approx(0, abs=4.5 * 0.02 / math.sqrt(n))
        assert layer.weight.std().item() == pytest.approx(0.02, rel=4.5 / math.sqrt(2 * n))
        assert (layer.bias == 0).all()


def test_group_norm_is_of_each_picture_by_itself():
    x = 5 + 3 * torch.randn(4, 12, 6, 6)
    groups = group_norm(12)(x).reshape(4, 4, -1)  # as many groups as 12 and 8 have in common
    torch.testing.assert_close(groups.mean(dim=2), torch.zeros(4, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(groups.var(dim=2, correction=0), torch.ones(4, 4), atol=1e-3, rtol=0)
