"""The autoregressive networks, masked and transformer: what depends on what, and one row at a time."""

import pytest
import torch

from genbench.nn.causal_transformer import CausalTransformer
from genbench.nn.masked import MaskedLinear, MaskedNetwork

SIZE = 4


def network(kind, d):
    torch.manual_seed(0)
    if kind == "transformer":
        return CausalTransformer(d, width=16, depth=2, heads=4, size=SIZE).double()
    if kind == "masked":
        return MaskedNetwork(d, hidden=24, depth=2, size=SIZE).double()
    return MaskedNetwork(d, hidden=24, depth=3, size=SIZE, frequencies=2).double()


KINDS = ["masked", "masked with frequencies", "transformer"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", [1, 2, 5])
def test_row_i_depends_on_all_coordinates_before_i_and_no_other(kind, d):
    net = network(kind, d)
    x = torch.randn(d, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda x: net(x[None])[0], x)  # (d, size, d)
    depends = (jacobian != 0).any(dim=1)
    assert torch.equal(depends, torch.ones(d, d, dtype=torch.bool).tril(-1))


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_moving_a_coordinate_by_far_leaves_the_rows_up_to_it_bit_by_bit(kind):
    net, x = network(kind, 6), torch.randn(3, 6, dtype=torch.float64)
    for j in range(6):
        moved = x.clone()
        moved[:, j] += 100
        before, after = net(x), net(moved)
        assert torch.equal(before[:, : j + 1], after[:, : j + 1])
        assert j == 5 or not torch.equal(before[:, j + 1 :], after[:, j + 1 :])


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", [1, 2, 7, 20])
def test_the_sequential_pass_gives_the_rows_of_the_parallel_one(kind, d):
    net, x = network(kind, d), torch.randn(30, d, dtype=torch.float64)
    rows, state = net(x), net.start(30)
    for i in range(d):
        torch.testing.assert_close(net.step(state, x[:, :i], i), rows[:, i], rtol=0, atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_a_network_set_constant_has_the_same_row_everywhere(kind):
    net, row = network(kind, 3), torch.randn(SIZE, dtype=torch.float64)
    net.set_constant(row)
    assert torch.equal(net(torch.randn(5, 3, dtype=torch.float64)), row.expand(5, 3, SIZE))


def test_a_masked_layer_is_a_linear_layer_without_the_forbidden_connections():
    torch.manual_seed(0)
    before, after = torch.tensor([1, 2, 3]), torch.tensor([1, 1, 2, 3])
    x = torch.randn(5, 3)
    loose = [[1, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]
    tight = [[0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 1, 0]]
    for strict, allowed in ((False, loose), (True, tight)):
        layer = MaskedLinear(before, after, strict)
        expected = x @ (layer.weight * torch.tensor(allowed)).T + layer.bias
        torch.testing.assert_close(layer(x), expected)
        torch.testing.assert_close(layer.part(x, slice(1, 3)), expected[:, 1:3])


def test_the_first_layer_reads_each_coordinate_with_its_sines_and_cosines():
    net = network("masked with frequencies", 2)
    x = torch.tensor([[0.3, -2.0]], dtype=torch.float64)
    each = [torch.stack([a, a.sin(), (2 * a).sin(), a.cos(), (2 * a).cos()]) for a in x[0]]
    torch.testing.assert_close(net.features(x), torch.cat(each)[None])
