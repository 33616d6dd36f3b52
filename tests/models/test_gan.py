import numpy as np
import pytest
import torch

import genbench
from genbench.errors import GenbenchError
from genbench.models.gan import GAN, Discriminator


def test_slope_is_the_closed_form_of_a_quadratic_score():
    discriminator = Discriminator(2, 8, 1, 0)
    discriminator.score = torch.nn.Module()
    discriminator.score.forward = lambda x: 1.5 * x.square().sum(dim=1, keepdim=True)  # ∇D = 3x
    x = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    expected = 0.5 * 9 * x.square().sum(dim=1).mean()
    torch.testing.assert_close(discriminator.slope(x), expected)


def test_slope_reaches_the_parameters_of_the_discriminator():
    torch.manual_seed(0)
    discriminator = Discriminator(2, 8, 2, 3)
    discriminator.slope(torch.randn(10, 2)).backward()
    assert discriminator.score[0].weight.grad.abs().sum() > 0


def test_the_discriminator_sees_sines_and_cosines_at_doubling_frequencies():
    discriminator = Discriminator(1, 8, 1, 3)
    seen = []
    discriminator.score = torch.nn.Module()
    discriminator.score.forward = lambda h: seen.append(h) or h[:, :1]
    discriminator(torch.tensor([[0.5]]))
    expected = [0.5, *np.sin([0.5, 1, 2]), *np.cos([0.5, 1, 2])]
    np.testing.assert_allclose(seen[0][0].numpy(), expected, rtol=1e-6)


def test_each_step_moves_its_own_player_only():
    torch.manual_seed(0)
    model = GAN()
    model.build((2,))
    gradients = {}

    def update(player, loss):
        for name, module in model.players().items():
            grads = torch.autograd.grad(loss, list(module.parameters()), retain_graph=True, allow_unused=True)
            gradients[player, name] = any(g is not None and bool(g.abs().sum() > 0) for g in grads)

    model.training_step(torch.randn(64, 2), update)
    assert gradients["discriminator", "discriminator"]
    assert not gradients["discriminator", "generator"], "made points are constants to the discriminator"
    assert gradients["generator", "generator"]


def test_losses_are_those_of_the_relativistic_game():
    """At equal scores both losses are log 2; the discriminator's falls and the generator's rises as it wins."""
    model = GAN(penalty=0.0)
    model.build((2,))
    losses = {}
    model.discriminator = Shift(0.0)
    model.training_step(torch.zeros(8, 2), lambda player, loss: losses.update({player: loss.item()}))
    assert losses == pytest.approx({"discriminator": np.log(2), "generator": np.log(2)})
    model.discriminator = Shift(5.0)
    model.training_step(torch.zeros(8, 2), lambda player, loss: losses.update({player: loss.item()}))
    assert losses == pytest.approx({"discriminator": np.log1p(np.exp(-5)), "generator": np.log1p(np.exp(5))})


class Shift(torch.nn.Module):
    """Scores the point 0 by `gap`, and all else by 0."""

    def __init__(self, gap):
        super().__init__()
        self.gap = gap

    def forward(self, x):
        return self.gap * (x == 0).all(dim=1).float() + 0 * x.sum(dim=1)


def test_both_moons_are_kept():
    moons = genbench.load_dataset("moons")
    model = genbench.load_model("gan").fit(moons.sample(10_000, seed=3), budget="600")
    x = model.sample(5000)
    upper = np.abs(np.hypot(x[:, 0], x[:, 1]) - 1) + 9.0 * (x[:, 1] < -0.2)
    lower = np.abs(np.hypot(x[:, 0] - 1, x[:, 1] - 0.5) - 1) + 9.0 * (x[:, 1] > 0.7)
    assert 0.35 < (upper < lower).mean() < 0.65
    assert np.median(np.minimum(upper, lower)) < 0.1, "and samples lie on them: the truth's median distance is 0.034"
    last = model.history.rows[-1]
    assert {"discriminator", "generator"} <= last.keys()
    assert "validation" not in last, "a game has no validation loss"


@pytest.mark.parametrize("parameters", [{"hidden": 0}, {"latent_dim": 0}, {"penalty": -1.0}, {"frequencies": -1}])
def test_parameters_out_of_range_are_refused(parameters):
    with pytest.raises(GenbenchError, match="must"):
        genbench.load_model("gan", **parameters)
