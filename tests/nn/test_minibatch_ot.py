"""The pairing against brute force and against POT's network simplex."""

import itertools

import pytest
import torch

from genbench.nn.minibatch_ot import optimal_pairing


def batches(n, d, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator), torch.randn(n, d, generator=generator) * 2 + 1


def cost(x0, x1):
    return float((x0.double() - x1.double()).square().sum())


def test_equals_the_best_of_all_permutations():
    x0, x1 = batches(6, 2)
    best = min(cost(x0[list(order)], x1) for order in itertools.permutations(range(6)))
    assert cost(x0[optimal_pairing(x0, x1, 6)], x1) == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize(("n", "d"), [(64, 1), (64, 2), (100, 16)])
def test_equals_the_network_simplex(n, d):
    import ot

    x0, x1 = batches(n, d)
    pairing = optimal_pairing(x0, x1, n)
    assert sorted(pairing.tolist()) == list(range(n))
    squared = torch.cdist(x0.double(), x1.double()).square().numpy()
    assert cost(x0[pairing], x1) / n == pytest.approx(ot.emd2([], [], squared), rel=1e-9)


@pytest.mark.parametrize("block", [1, 7, 32, 100])
def test_blocks_are_optimal_and_dealt_along_a_direction(block):
    """In one dimension the direction has no say but its sign: block k holds every parts-th point of both batches."""
    x0, x1 = batches(50, 1)
    pairing = optimal_pairing(x0, x1, block)
    assert sorted(pairing.tolist()) == list(range(50))
    parts = -(-50 // block)
    rank0, rank1 = (x.squeeze(1).argsort().argsort() for x in (x0, x1))
    same_block = (rank0[pairing] - rank1) % parts == 0
    assert same_block.all()
    assert (rank0[pairing] == rank1).all(), "within a block sorting is optimal, and blocks are dealt in order"


def test_one_dimension_is_sorting():
    x0, x1 = batches(40, 1)
    pairing = optimal_pairing(x0, x1, 40)
    assert (x0[pairing][x1.squeeze(1).argsort()].diff(dim=0) >= 0).all()


def test_larger_blocks_give_shorter_paths():
    torch.manual_seed(0)
    x0, x1 = batches(256, 2)
    costs = [cost(x0[optimal_pairing(x0, x1, block)], x1) for block in (1, 16, 64, 256)]
    assert costs == sorted(costs, reverse=True)


def test_blocks_of_neighbours_dealt_out_are_nearly_as_good_as_the_whole():
    """1.34 to 1.36 times the least cost in blocks of 16, on three seeds; undealt, the same blocks have 2.3 to 2.5."""
    import genbench

    torch.manual_seed(0)
    x = torch.from_numpy(genbench.load_dataset("moons").sample(2560, seed=0))
    data = ((x - x.mean(0)) / x.std(0)).split(256)
    noise = [torch.randn(256, 2) for _ in data]
    whole, blocks, plain = (
        sum(cost(z[pairing(z, y)], y) for z, y in zip(noise, data, strict=True))
        for pairing in (
            lambda z, y: optimal_pairing(z, y, 256),
            lambda z, y: optimal_pairing(z, y, 16),
            lambda z, y: torch.cat([16 * k + optimal_pairing(*both, 16) for k, both in enumerate(sixteens(z, y))]),
        )
    )
    assert 1 < blocks / whole < 1.45
    assert plain / whole > 2


def sixteens(z, y):
    return zip(z.split(16), y.split(16), strict=True)


def test_bad_input_is_refused():
    x0, x1 = batches(4, 2)
    with pytest.raises(ValueError, match="same shape"):
        optimal_pairing(x0, x1[:3], 4)
    with pytest.raises(ValueError, match="block=0"):
        optimal_pairing(x0, x1, 0)
    with pytest.raises(ValueError, match="invalid numeric entries"):
        optimal_pairing(x0 * float("nan"), x1, 4)
