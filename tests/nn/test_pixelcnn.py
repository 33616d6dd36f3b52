"""The PixelCNN: what depends on what, and one pixel at a time."""

import pytest
import torch

from genbench.nn.pixelcnn import PixelCNN

SIZE = 3
SHAPES = [(1, 1, 1), (1, 2, 2), (1, 6, 7), (3, 4, 5), (2, 1, 6), (1, 6, 1)]


@torch.no_grad()
def network(shape, depth=4):
    """A network moved away from its start, so that nothing is zero by design."""
    torch.manual_seed(0)
    net = PixelCNN(shape, channels=5, depth=depth, size=SIZE, dropout=0.3).double().eval()
    for parameter in net.parameters():
        parameter.add_(0.3 * torch.randn_like(parameter))
    return net


def points(n, shape):
    return torch.randn(n, torch.Size(shape).numel(), dtype=torch.float64)


@pytest.mark.parametrize("shape", SHAPES)
def test_row_i_depends_on_all_coordinates_before_i_and_no_other(shape):
    """No blind spot: with receptive fields larger than the picture, every earlier pixel and channel has a say."""
    net, x = network(shape), points(20, shape)  # at a single point, rectified units may hide a coordinate
    jacobian = torch.autograd.functional.jacobian(lambda x: net(x).sum(dim=0), x)  # (d, size, 20, d)
    depends = (jacobian != 0).any(dim=2).any(dim=1)
    assert torch.equal(depends, torch.ones_like(depends).tril(-1))


@torch.no_grad()
@pytest.mark.parametrize("shape", [(1, 3, 4), (3, 2, 2)])
def test_moving_a_coordinate_by_far_leaves_the_rows_up_to_it(shape):
    net, x = network(shape), points(3, shape)
    rows = net(x)
    for j in range(x.shape[1]):
        moved = x.clone()
        moved[:, j] += 100
        torch.testing.assert_close(net(moved)[:, : j + 1], rows[:, : j + 1], rtol=0, atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("depth", [1, 3, 5])
@pytest.mark.parametrize("shape", [*SHAPES, (1, 11, 12)])
def test_the_sequential_pass_gives_the_rows_of_the_parallel_one(shape, depth):
    net, x = network(shape, depth), points(6, shape)
    rows, state = net(x), net.start(6)
    for i in range(x.shape[1]):
        torch.testing.assert_close(net.step(state, x[:, :i], i), rows[:, i], rtol=0, atol=1e-11)


@torch.no_grad()
def test_the_sequential_pass_reads_nothing_that_is_not_known_yet():
    """Also when it is handed the whole point, filled with what is to be replaced."""
    net, x = network((2, 3, 3)), points(2, (2, 3, 3))
    rows, state, known = net(x), net.start(2), torch.full_like(x, torch.nan)
    for i in range(x.shape[1]):
        torch.testing.assert_close(net.step(state, known, i), rows[:, i], rtol=0, atol=1e-11)
        known[:, i] = x[:, i]


@torch.no_grad()
def test_a_network_set_constant_has_the_rows_it_was_given():
    net, x = network((1, 3, 3)), points(4, (1, 3, 3))
    net.set_constant(row := torch.randn(SIZE).double())
    assert torch.equal(net(x), row.expand(4, 9, SIZE))
    net.set_constant(rows := torch.randn(9, SIZE).double())
    assert torch.equal(net(x), rows.expand(4, 9, SIZE))


def test_dropout_is_for_training_alone():
    net, x = network((1, 4, 4)), points(3, (1, 4, 4))
    assert torch.equal(net(x), net(x))
    net.train()
    assert not torch.equal(net(x), net(x))
