import math

import numpy as np
import pytest
import torch

import genbench
from genbench.contracts.recipe import Budget, Recipe
from genbench.core.errors import GenbenchError
from genbench.models.gan import GAMES, GAN, WGANGP
from genbench.nn.discriminator import Discriminator, gradient_penalty, slope_penalty
from genbench.nn.generator import Generator
from genbench.training.trainer import TrainingOptions, train

R, F = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 3.0])  # scores of two real and two made points


class Linear(torch.nn.Module):
    """D(x) = ⟨w, x⟩, whose slope is w everywhere."""

    def __init__(self, *w):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor(w))

    def forward(self, x):
        return x @ self.w


def sigma(x):
    return 1 / (1 + np.exp(-x.numpy().astype(float)))


def built(**parameters):
    torch.manual_seed(0)
    model = GAN(**parameters)
    model.build((2,))
    return model


def losses(model, x):
    seen = {}
    model.training_step(x, lambda player, loss: seen.setdefault(player, loss.item()))
    return seen


@pytest.mark.parametrize(
    ("name", "discriminator", "generator"),
    [
        ("relativistic", -np.log(sigma(R - F)), -np.log(sigma(F - R))),
        ("non_saturating", -np.log(sigma(R)) - np.log(1 - sigma(F)), -np.log(sigma(F))),
        ("minimax", -np.log(sigma(R)) - np.log(1 - sigma(F)), np.log(1 - sigma(F))),
        ("wgan_gp", (F - R).numpy(), -F.numpy()),
    ],
)
def test_the_games_are_those_of_their_papers(name, discriminator, generator):
    np.testing.assert_allclose(GAMES[name].discriminator(R, F).numpy(), discriminator, rtol=1e-5)
    np.testing.assert_allclose(GAMES[name].generator(R, F).numpy(), generator, rtol=1e-5)


@pytest.mark.parametrize("name", GAMES)
def test_a_step_gives_each_player_its_loss(name):
    """A discriminator that is linear, and a generator that makes one point: both losses in closed form."""
    model = built(loss=name, penalty=0.0)
    model.discriminator = Linear(3.0, 4.0)
    model.generator.forward = lambda component: torch.tensor([[0.1, 0.2]]).repeat(len(component), 1)  # D = 1.1
    r, f = torch.tensor(-0.5), torch.tensor(1.1)
    expected = {
        "discriminator": GAMES[name].discriminator(r, f).item(),
        "generator": GAMES[name].generator(r, f).item(),
    }
    assert losses(model, torch.tensor([[0.5, -0.5]]).repeat(8, 1)) == pytest.approx(expected, rel=1e-5)


def test_slope_penalty_is_half_the_mean_square_at_real_and_at_made_points():
    real, made = torch.randn(100, 2), 3 * torch.randn(100, 2)
    both = torch.cat([real, made]).requires_grad_()
    score = 1.5 * both.square().sum(dim=1)  # ∇D = 3x
    expected = 0.5 * 9 * (real.square().sum(dim=1).mean() + made.square().sum(dim=1).mean())
    torch.testing.assert_close(slope_penalty(score, both).detach(), expected)


def test_gradient_penalty_of_a_linear_critic_is_the_formula_and_its_gradient_too():
    critic = Linear(3.0, 4.0)
    penalty = gradient_penalty(critic, torch.randn(10, 2), torch.randn(10, 2))
    assert penalty.item() == pytest.approx((5 - 1) ** 2)
    penalty.backward()  # ∇(‖w‖ − 1)² = 2 (‖w‖ − 1) w / ‖w‖
    torch.testing.assert_close(critic.w.grad, 2 * 4 * torch.tensor([3.0, 4.0]) / 5)


def test_gradient_penalty_is_taken_between_pairs_of_points():
    seen = []

    def critic(x):
        seen.append(x.detach())
        return x.sum(dim=1)

    torch.manual_seed(0)
    gradient_penalty(critic, torch.tensor([[0.0, 0.0]]).repeat(1000, 1), torch.tensor([[1.0, 2.0]]).repeat(1000, 1))
    torch.testing.assert_close(seen[0][:, 1], 2 * seen[0][:, 0])
    # uniform on [0, 1]: the mean of 1000 is off by more than 4.5 standard errors once in 100,000
    assert seen[0][:, 0].mean().item() == pytest.approx(0.5, abs=4.5 / math.sqrt(12 * 1000))
    assert 0 <= seen[0].min() < 0.05


@pytest.mark.parametrize(
    ("name", "weight", "expected"),
    [("relativistic", 0.3, 0.3 * 25), ("non_saturating", 0.3, 0.3 * 25), ("wgan_gp", 0.3, 0.3 * 16)],
)
def test_the_penalty_is_added_with_its_weight(name, weight, expected):
    """γ/2 (R₁ + R₂) = γ ‖w‖², and λ (‖w‖ − 1)², for D(x) = ⟨w, x⟩ with ‖w‖ = 5."""
    x, made = torch.randn(16, 2), torch.randn(16, 2)
    penalised, free = built(loss=name, penalty=weight), built(loss=name, penalty=0.0)
    penalised.discriminator = free.discriminator = Linear(3.0, 4.0)
    penalised.progress = 0.0
    difference = penalised.discriminator_loss(x, made) - free.discriminator_loss(x, made)
    assert difference.item() == pytest.approx(expected, rel=1e-4)


def test_the_weight_of_the_slope_falls_geometrically():
    model = GAN(penalty=0.2, final_penalty=0.002)
    gammas = []
    for model.progress in (0.0, 0.4, 0.7, 0.85, 1.0):
        gammas.append(model.gamma())
    assert gammas == pytest.approx([0.2, 0.2, 0.02, 0.02 * 10**-0.5, 0.002])


def test_the_discriminator_sees_sines_and_cosines_at_doubling_frequencies():
    discriminator = Discriminator(1, 8, 1, 3)
    seen = []
    discriminator.net = torch.nn.Module()
    discriminator.net.forward = lambda h: seen.append(h) or h[:, :1]
    discriminator(torch.tensor([[0.5]]))
    expected = [0.5, *np.sin([0.5, 1, 2]), *np.cos([0.5, 1, 2])]
    np.testing.assert_allclose(seen[0][0].numpy(), expected, rtol=1e-6)


def test_penalties_reach_the_parameters_of_the_discriminator():
    torch.manual_seed(0)
    discriminator = Discriminator(2, 8, 2, 3)
    x = torch.randn(10, 2, requires_grad=True)
    for penalty in (slope_penalty(discriminator(x), x), gradient_penalty(discriminator, torch.randn(10, 2), x)):
        (gradient,) = torch.autograd.grad(penalty, discriminator.net[0].weight)
        assert gradient.abs().sum() > 0


def test_packs_hold_neighbouring_points_side_by_side():
    model = built(packing=3)
    x = torch.arange(16.0).reshape(8, 2)
    torch.testing.assert_close(model.pack(x), torch.arange(12.0).reshape(2, 6))  # two points are left over
    assert model.discriminator.net[0].in_features == 3 * 2 * (1 + 2 * model.frequencies)
    assert losses(model, torch.randn(12, 2)).keys() == {"discriminator", "generator"}
    with pytest.raises(GenbenchError, match="packing=3 needs batches"):
        model.pack(x[:2])


def test_the_generator_plays_once_in_k_steps_of_the_discriminator():
    model, played = built(critic_steps=3), []
    for _ in range(9):
        model.training_step(torch.randn(32, 2), lambda player, loss: played.append(player))
    assert "".join(player[0] for player in played) == "dgdd" * 3


def test_each_step_moves_its_own_player_only():
    model, gradients = built(), {}

    def update(player, loss):
        for name, module in model.optimizer_groups().items():
            grads = torch.autograd.grad(loss, list(module.parameters()), retain_graph=True, allow_unused=True)
            gradients[player, name] = any(g is not None and bool(g.abs().sum() > 0) for g in grads)

    model.training_step(torch.randn(64, 2), update)
    assert gradients["discriminator", "discriminator"]
    assert not gradients["discriminator", "generator"], "made points are constants to the discriminator"
    assert gradients["generator", "generator"]


@pytest.mark.parametrize(("d", "latents"), [(2, 2), (3, 2), (2, 5)])
def test_noise_is_the_mixture_that_the_generator_has_learnt(d, latents):
    """Without its network a generator makes its noise: component k is N(μₖ, σₖ²), cut or padded to d coordinates."""
    torch.manual_seed(0)
    generator = Generator(d, latents, components=2, hidden=4, depth=1)
    generator.net = torch.nn.Module()
    generator.net.forward = lambda z: torch.zeros(len(z), d)
    with torch.no_grad():
        generator.mean[1], generator.log_scale[1] = 5.0, math.log(0.1)
        made = generator(torch.ones(10_000, dtype=torch.long))
    shared = min(d, latents)
    # 4.5 standard errors of the mean and of the deviation: exceeded once in 10,000 by one of up to 4 numbers
    torch.testing.assert_close(made[:, :shared].mean(dim=0), torch.full((shared,), 5.0), atol=0.0045, rtol=0)
    torch.testing.assert_close(made[:, :shared].std(dim=0), torch.full((shared,), 0.1), atol=0.0032, rtol=0)
    assert (made[:, shared:] == 0).all()


def test_one_component_is_the_usual_noise_and_many_are_drawn_evenly():
    one = Generator(2, 2, components=1, hidden=4, depth=1)
    assert one.mean.abs().sum() == one.log_scale.abs().sum() == 0
    torch.manual_seed(0)
    counts = torch.bincount(Generator(2, 2, components=7, hidden=4, depth=1).stratified(24))
    assert sorted(counts.tolist()) == [3, 3, 3, 3, 4, 4, 4]


def test_wgan_gp_has_the_setting_of_its_paper():
    model = WGANGP()
    assert (model.loss, model.critic_steps, model.components, model.frequencies) == ("wgan_gp", 5, 1, 0)


def test_history_holds_both_players():
    torch.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(500, 2))
    rows = train(GAN(critic_steps=2), x, x[:50], TrainingOptions(Budget("10")), Recipe(batch_size=64)).rows
    assert all(math.isfinite(row["discriminator"]) for row in rows)
    assert [row["step"] for row in rows if "generator" in row] == [1, 3, 5, 7, 9]
    assert not any("validation" in row for row in rows), "a game has no validation loss"


@pytest.mark.parametrize("name", ["gan", "wgan_gp"])
def test_both_moons_are_kept(name):
    moons = genbench.load_dataset("moons")
    x = genbench.load_model(name).fit(moons.sample(10_000, seed=3), budget="600").sample(5000)
    upper = np.abs(np.hypot(x[:, 0], x[:, 1]) - 1) + 9.0 * (x[:, 1] < -0.2)
    lower = np.abs(np.hypot(x[:, 0] - 1, x[:, 1] - 0.5) - 1) + 9.0 * (x[:, 1] > 0.7)
    assert 0.35 < (upper < lower).mean() < 0.65
    most = {"gan": 0.1, "wgan_gp": 0.3}[name]
    assert np.median(np.minimum(upper, lower)) < most, "and samples lie on them: the truth's median distance is 0.034"


@pytest.mark.parametrize(
    "parameters",
    [
        {"loss": "hinge"},
        {"critic_steps": 0},
        {"packing": 0},
        {"hidden": 0},
        {"latent_dim": 0},
        {"components": 0},
        {"penalty": -1.0},
        {"final_penalty": -1.0},
        {"frequencies": -1},
    ],
)
def test_parameters_out_of_range_are_refused(parameters):
    with pytest.raises(GenbenchError, match="must"):
        genbench.load_model("gan", **parameters)
