import pytest
import torch

from genbench.nn.splines import MIN_BIN, MIN_SLOPE, Knots, knots, spline, spline_inverse

BOUND = 3.0


def random_knots(n: int, bins: int = 8, scale: float = 2.0, seed: int = 0) -> Knots:
    generator = torch.Generator().manual_seed(seed)
    return knots(scale * torch.randn(3 * bins - 1, n, generator=generator, dtype=torch.float64), BOUND)


def points(n: int) -> torch.Tensor:
    """Points inside, far outside and exactly on the bounds."""
    x = torch.linspace(-1.5 * BOUND, 1.5 * BOUND, n - 2, dtype=torch.float64)
    return torch.cat([x, torch.tensor([-BOUND, BOUND], dtype=torch.float64)])


@pytest.mark.parametrize("direction", [spline, spline_inverse])
def test_log_slope_is_the_log_of_autograd_slope(direction):
    x = points(400).requires_grad_()
    y, log_slope = direction(x, random_knots(400), BOUND)
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(log_slope, slope.log(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_inverse_undoes_forward(scale):
    x, k = points(2000), random_knots(2000, scale=scale)
    y, forward = spline(x, k, BOUND)
    back, backward = spline_inverse(y, k, BOUND)
    torch.testing.assert_close(back, x, rtol=0, atol=1e-9)
    torch.testing.assert_close(backward, -forward, rtol=0, atol=1e-6)


def test_inverse_is_accurate_to_rounding_where_the_spline_is_nearly_flat():
    # Slopes go down to 1e-6, where dx/dy magnifies rounding in y; a bin's s / slope of 1e3 magnifies it once more.
    x, k = points(2000), random_knots(2000, scale=8.0)
    y, log_slope = spline(x, k, BOUND)
    assert log_slope.min() < -9
    back, _ = spline_inverse(y, k, BOUND)
    torch.testing.assert_close((back - x) * log_slope.exp().clamp(max=1), torch.zeros_like(x), rtol=0, atol=1e-12)


def test_inverse_is_finite_in_float32_for_extreme_parameters():
    generator = torch.Generator().manual_seed(0)
    k = knots(40 * torch.randn(47, 5000, generator=generator), BOUND)
    y = (2 * BOUND * torch.rand(5000, generator=generator) - BOUND).requires_grad_()
    x, log_slope = spline_inverse(y, k, BOUND)
    assert torch.isfinite(x).all()
    assert torch.isfinite(log_slope).all()
    assert x.abs().max() <= BOUND + 1e-5


def test_gradients_are_those_of_finite_differences():
    """By every parameter and by x, of the value and of the log-slope; points lie away from the bins' edges."""
    parameters = 0.5 * torch.randn(11, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = torch.tensor([-3.7, -2.1, -0.4, 0.9, 2.6, 4.2], dtype=torch.float64)

    def both(x, parameters):
        return spline(x, knots(parameters, BOUND), BOUND)

    assert torch.autograd.gradcheck(both, (x.requires_grad_(), parameters.requires_grad_()))


def test_zero_parameters_are_the_identity():
    x = points(100)
    y, log_slope = spline(x, knots(torch.zeros(23, 100, dtype=torch.float64), BOUND), BOUND)
    torch.testing.assert_close(y, x, rtol=0, atol=1e-12)
    torch.testing.assert_close(log_slope, torch.zeros_like(x), rtol=0, atol=1e-12)


def test_tails_are_the_identity_and_joined_smoothly():
    k = random_knots(4)
    outside = torch.tensor([-1e6, -BOUND - 1e-9, BOUND + 1e-9, 1e6], dtype=torch.float64)
    y, log_slope = spline(outside, k, BOUND)
    torch.testing.assert_close(y, outside, rtol=1e-14, atol=0)
    torch.testing.assert_close(log_slope, torch.zeros_like(y), rtol=0, atol=1e-14)
    edge = torch.tensor([-BOUND, -BOUND, BOUND, BOUND], dtype=torch.float64)
    y, log_slope = spline(edge, k, BOUND)
    torch.testing.assert_close(y, edge, rtol=0, atol=1e-12)
    torch.testing.assert_close(log_slope, torch.zeros_like(edge), rtol=0, atol=1e-14)


def test_passes_through_its_knots_with_their_slopes():
    k = random_knots(1, bins=8)
    every = Knots(k.grid.expand(-1, -1, 9), k.slope.expand(-1, 9))
    y, log_slope = spline(k.grid[0, :, 0], every, BOUND)
    torch.testing.assert_close(y, k.grid[1, :, 0], rtol=0, atol=1e-10)
    torch.testing.assert_close(log_slope.exp(), k.slope[:, 0], rtol=1e-9, atol=1e-9)


def test_bins_and_slopes_have_their_minimum():
    k = random_knots(500, bins=16, scale=50.0)
    assert k.grid.diff(dim=1).min() >= 2 * BOUND * MIN_BIN * (1 - 1e-9)
    assert k.slope.min() >= MIN_SLOPE
    torch.testing.assert_close(k.grid[:, 0], torch.full((2, 500), -BOUND, dtype=torch.float64))
    torch.testing.assert_close(k.grid[:, -1], torch.full((2, 500), BOUND, dtype=torch.float64))


def test_tails_are_exact_in_float32_too():
    k = knots(20 * torch.randn(47, 500, generator=torch.Generator().manual_seed(0)), BOUND)
    x = torch.full((500,), 2 * BOUND)
    for end in (-x, x):
        y, log_slope = spline(end, k, BOUND)
        torch.testing.assert_close(y, end, rtol=1e-6, atol=0)
        torch.testing.assert_close(log_slope, torch.zeros(500), rtol=0, atol=1e-6)


def test_agrees_with_zuko():
    transforms = pytest.importorskip("zuko").transforms
    x, k = points(1000), random_knots(1000)
    any_widths, any_slopes = torch.zeros(1000, 8), torch.zeros(1000, 7)
    peer = transforms.MonotonicRQSTransform(any_widths, any_widths, any_slopes, bound=BOUND)
    peer.horizontal, peer.vertical, peer.derivatives = k.grid[0].T, k.grid[1].T, k.slope.T
    y, log_slope = spline(x, k, BOUND)
    y_peer, log_peer = peer.call_and_ladj(x)
    torch.testing.assert_close(y, y_peer, rtol=0, atol=1e-10)
    torch.testing.assert_close(log_slope, log_peer, rtol=0, atol=1e-10)
    torch.testing.assert_close(spline_inverse(y, k, BOUND)[0], peer.inv(y), rtol=0, atol=1e-9)
