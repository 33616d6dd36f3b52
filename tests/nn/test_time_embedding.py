"""The Fourier embedding, the time-conditioned MLP, stratified times."""

import math

import pytest
import torch

from genbench.nn.time_embedding import FourierEmbedding, TimeMLP, stratified


def test_embedding_is_sines_and_cosines_of_a_geometric_progression():
    embed = FourierEmbedding(3, slowest=1.0, fastest=16.0)
    expected = [f(w * 0.3) for f in (math.sin, math.cos) for w in (1, 4, 16)]
    torch.testing.assert_close(embed(torch.tensor([[0.3]])), torch.tensor([expected]))


def test_embedding_has_nothing_to_train_or_to_save():
    embed = FourierEmbedding(3, 1.0, 16.0)
    assert not list(embed.parameters())
    assert not embed.state_dict()


@pytest.mark.parametrize("args", [(1, 1.0, 2.0), (4, 0.0, 2.0), (4, 2.0, 1.0)])
def test_bad_frequencies_are_refused(args):
    with pytest.raises(ValueError, match="must"):
        FourierEmbedding(*args)


@pytest.mark.parametrize("d", [1, 2, 16, 64])
def test_one_time_for_all_is_the_same_time_for_each(d):
    torch.manual_seed(0)
    net, x = TimeMLP(d, hidden=8, depth=2), torch.randn(5, d)
    together = net(x, torch.tensor(0.4))
    assert together.shape == (5, d)
    torch.testing.assert_close(together, net(x, torch.full((5, 1), 0.4)))


def test_the_value_depends_on_point_and_time_row_by_row():
    torch.manual_seed(0)
    net, x, t = TimeMLP(2, hidden=8, depth=2), torch.randn(4, 2), torch.rand(4, 1)
    x.requires_grad_()
    t.requires_grad_()
    grads = torch.autograd.grad(net(x, t)[1].sum(), [x, t])
    for grad in grads:
        assert (grad[1] != 0).all()
        assert (grad[[0, 2, 3]] == 0).all()


def test_stratified_times_fill_every_stratum_once():
    torch.manual_seed(0)
    t = stratified(100)
    assert t.shape == (100, 1)
    assert ((t * 100).floor().squeeze(1) == torch.arange(100)).all()


def test_stratified_times_average_with_less_noise():
    """Var of the mean of t is 1/(12 n³) instead of 1/(12 n); the bound is 10 standard deviations, far below the usual one."""
    torch.manual_seed(0)
    assert abs(stratified(256).mean() - 0.5) < 10 / math.sqrt(12 * 256**3)


@pytest.mark.parametrize("time_features", [0, 8])
def test_derivatives_in_forward_mode(time_features):
    """Against torch.func.jvp, values, derivatives and the gradient of a loss that holds both; float64."""
    torch.manual_seed(0)
    net = TimeMLP(3, 16, 3, time_features).double()
    x, t, v = torch.randn(5, 3).double(), torch.rand(5, 1).double(), torch.randn(2, 5, 3).double()
    value, slope = net.jvp(x, t, v)
    reference = [torch.func.jvp(lambda z: net(z, t), (x,), (one,)) for one in v]
    torch.testing.assert_close(value, net(x, t))
    torch.testing.assert_close(slope, torch.stack([r[1] for r in reference]))
    losses = [
        (a.square().sum() + (s * v).sum().square())
        for a, s in ((value, slope), (reference[0][0], torch.stack([r[1] for r in reference])))
    ]
    for mine, theirs in zip(*(torch.autograd.grad(loss, list(net.parameters())) for loss in losses), strict=True):
        torch.testing.assert_close(mine, theirs)
