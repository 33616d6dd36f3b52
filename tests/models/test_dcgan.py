"""The generative adversarial network of pictures: DCGAN's pair, penalties and packs of pictures."""

import math

import numpy as np
import pytest
import torch

import genbench
from genbench.models.gan import GAMES, GAN
from genbench.nn.discriminator import PictureDiscriminator, gradient_penalty, slope_penalty
from genbench.nn.generator import PictureGenerator

SHAPE = (2, 4, 4)


class Linear(torch.nn.Module):
    """D(x) = ⟨w, x⟩ over all values of a picture, with ‖w‖ = 5."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(SHAPE))
        with torch.no_grad():
            self.w[0, 1, 2], self.w[1, 3, 0] = 3.0, 4.0

    def forward(self, x):
        return (x * self.w).sum(dim=(1, 2, 3))


def built(shape=(1, 8, 8), levels=17, **parameters):
    torch.manual_seed(0)
    model = GAN(hidden=4, depth=1, components=1, latent_dim=6, **parameters)
    model.levels = levels
    model.build(shape)
    return model


@pytest.mark.parametrize("size", [8, 28, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["gan", "wgan_gp"])
def test_shapes(name, size, channels):
    x = np.random.default_rng(0).random((24, channels, size, size))
    model = genbench.load_model(name, hidden=4, depth=1, latent_dim=6, batch_size=8).fit(x, kind="image", budget="2")
    for n in (1, 5):
        assert model.sample(n).shape == (n, channels, size, size)
    made = model.sample(20)
    assert 0 <= made.min() < made.max() <= 1


def test_both_players_begin_with_the_weights_of_dcgan():
    torch.manual_seed(0)
    model = GAN(hidden=32, depth=1, components=1)
    model.build((1, 32, 32))
    for player in (model.generator.net, model.discriminator):
        weights = [layer.weight for layer in player.modules() if getattr(layer, "weight", None) is not None]
        drawn = torch.cat([weight.flatten() for weight in weights if weight.ndim > 1])
        assert drawn.std().item() == pytest.approx(0.02, rel=0.01)
        assert drawn.mean().item() == pytest.approx(0, abs=2e-4)
    assert model.generator.latents == 100, "as in the paper"


def test_slope_penalty_is_half_the_mean_square_at_real_and_at_made_pictures():
    torch.manual_seed(0)
    real, made = torch.randn(100, *SHAPE), 3 * torch.randn(100, *SHAPE)
    both = torch.cat([real, made]).requires_grad_()
    score = 1.5 * both.square().sum(dim=(1, 2, 3))  # ∇D = 3x
    expected = 0.5 * 9 * (real.square().sum(dim=(1, 2, 3)).mean() + made.square().sum(dim=(1, 2, 3)).mean())
    torch.testing.assert_close(slope_penalty(score, both).detach(), expected)


def test_gradient_penalty_of_a_linear_critic_is_that_of_whole_pictures():
    critic = Linear()
    penalty = gradient_penalty(critic, torch.randn(10, *SHAPE), torch.randn(10, *SHAPE))
    assert penalty.item() == pytest.approx((5 - 1) ** 2)
    penalty.backward()  # ∇(‖w‖ − 1)² = 2 (‖w‖ − 1) w / ‖w‖
    torch.testing.assert_close(critic.w.grad, 2 * 4 * critic.w.detach() / 5)


def test_gradient_penalty_mixes_a_pair_of_pictures_with_one_share():
    seen = []

    def critic(x):
        seen.append(x.detach())
        return x.sum(dim=(1, 2, 3))

    gradient_penalty(critic, torch.zeros(50, *SHAPE), torch.ones(50, *SHAPE))
    share = seen[0].flatten(1)
    torch.testing.assert_close(share, share[:, :1].expand_as(share))
    assert share[:, 0].std() > 0.1


@pytest.mark.parametrize(
    ("loss", "expected"), [("relativistic", 0.3 * 25), ("non_saturating", 0.3 * 25), ("wgan_gp", 0.3 * 16)]
)
def test_the_penalty_is_added_with_its_weight(loss, expected):
    x, made = torch.randn(16, *SHAPE), torch.randn(16, *SHAPE)
    penalised, free = built(SHAPE, loss=loss, penalty=0.3), built(SHAPE, loss=loss, penalty=0.0)
    penalised.discriminator = free.discriminator = Linear()
    penalised.progress = 0.0
    difference = penalised.discriminator_loss(x, made) - free.discriminator_loss(x, made)
    assert difference.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("loss", GAMES)
def test_a_step_shows_the_players_pictures_from_minus_one_to_one(loss):
    """A linear discriminator and a generator that makes one grey: both losses in closed form."""
    model = built(SHAPE, loss=loss, penalty=0.0)
    model.discriminator = Linear()
    model.generator.forward = lambda component: torch.full((len(component), *SHAPE), 0.5)
    r, f = torch.tensor(7 * 0.8), torch.tensor(7 * 0.5)  # ⟨w, 1⟩ = 7, and 0.9 is shown as 0.8
    seen = {}
    model.training_step(torch.full((8, *SHAPE), 0.9), lambda player, value: seen.setdefault(player, value.item()))
    game = GAMES[loss]
    assert seen == pytest.approx(
        {"discriminator": game.discriminator(r, f).item(), "generator": game.generator(r, f).item()}, rel=1e-4
    )


def test_packs_hold_neighbouring_pictures_as_channels():
    model = built((3, 8, 8), packing=2)
    x = torch.randn(5, 3, 8, 8)
    packs = model.pack(x)
    assert packs.shape == (2, 6, 8, 8)  # one picture is left over
    torch.testing.assert_close(packs[1], torch.cat([x[2], x[3]]))
    played = []
    model.training_step(x.sigmoid(), lambda player, loss: played.append(player))
    assert played == ["discriminator", "generator"]


@torch.no_grad()
def test_a_generated_picture_is_a_grey_level_with_the_noise_of_one():
    generator = PictureGenerator((1, 8, 8), 17, latents=5, components=1, hidden=4, depth=1)
    generator.net = torch.nn.Module()
    for grey in (0.0, 0.25, 1.0):
        logit = math.inf if grey == 1 else -math.inf if grey == 0 else math.atanh(2 * grey - 1)
        generator.net.forward = lambda z, value=logit: torch.full((len(z), 1, 8, 8), value)
        x = 17 * (generator(torch.zeros(500, dtype=torch.long)) + 1) / 2
        assert x.min().item() == pytest.approx(16 * grey, abs=0.01)
        assert x.max().item() == pytest.approx(16 * grey + 1, abs=0.01)


@torch.no_grad()
def test_neither_player_looks_at_the_other_pictures_of_a_batch():
    torch.manual_seed(0)
    discriminator = PictureDiscriminator((1, 8, 8), 8, 2)
    x = torch.randn(6, 1, 8, 8)
    torch.testing.assert_close(discriminator(x)[2:3], discriminator(x[2:3]))
    generator = PictureGenerator((1, 8, 8), 17, latents=5, components=1, hidden=8, depth=2)
    z = torch.randn(6, 5)
    torch.testing.assert_close(generator.net(z)[2:3], generator.net(z[2:3]))


def test_samples_are_made_in_blocks(monkeypatch):
    model = built()
    monkeypatch.setattr("genbench.models.gan.VALUES", 64 * 3)
    sizes = []
    model.generator.net.register_forward_hook(lambda module, inputs, output: sizes.append(len(output)))
    with torch.no_grad():
        assert model.sample(8).shape == (8, 1, 8, 8)
    assert sizes == [3, 3, 2]


def test_every_parameter_gets_a_gradient():
    model, used = built(), {}

    def update(player, loss):
        parameters = dict(model.optimizer_groups()[player].named_parameters())
        gradients = torch.autograd.grad(loss, list(parameters.values()), retain_graph=True, allow_unused=True)
        for name, gradient in zip(parameters, gradients, strict=True):
            used[player, name] = gradient is not None and bool(gradient.abs().sum() > 0)

    model.training_step(torch.rand(16, 1, 8, 8), update)
    assert all(used.values()), used
