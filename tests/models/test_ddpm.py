"""Diffusion: conversions, velocity, density and samplers with an exact denoiser of Gaussian data, then a trained one."""

import math
import warnings

import numpy as np
import pytest
import torch
from exact_diffusion import COVARIANCE, MEAN, TRUTH, Exact, untrained
from torch.distributions import MultivariateNormal

import genbench
from genbench.contracts.recipe import Budget, Recipe
from genbench.core.errors import GenbenchError
from genbench.models.ddpm import DDPM
from genbench.training.trainer import TrainingOptions, train

PREDICTIONS = ("epsilon", "x0", "v")


@pytest.mark.parametrize(("name", "timesteps"), [("cosine", 1000), ("cosine", 50), ("sigmoid", 50), ("linear", 1000)])
def test_a_schedule_that_ends_in_noise_does_not_warn(name, timesteps):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DDPM(schedule=name, timesteps=timesteps)


def test_a_schedule_that_keeps_the_data_warns():
    """ᾱ_T = 0.364, so −½ log(1 − ᾱ_T) = 0.226."""
    with pytest.warns(UserWarning, match=r"ᾱ_T = 0.36: .* 0.23 nats per dimension"):
        DDPM(schedule="linear", timesteps=100)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_each_prediction_gives_the_data_the_noise_and_the_velocity(prediction):
    torch.manual_seed(0)
    x0, noise, angle = torch.randn(500, 2), torch.randn(500, 2), torch.linspace(0.06, math.pi / 2 - 0.06, 500)[:, None]
    c, s = angle.cos(), angle.sin()
    v = c * noise - s * x0
    told = {"epsilon": noise, "x0": x0, "v": v}[prediction]
    model = untrained(lambda x, t: told, prediction=prediction)
    x = c * x0 + s * noise
    torch.testing.assert_close(model.velocity(x, angle), v, atol=1e-4, rtol=0)
    torch.testing.assert_close(model.ends(x, angle), (x0, noise), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("prediction", "singular"), [("epsilon", math.pi / 2), ("x0", 0.0)])
def test_an_error_at_the_singular_end_stays_bounded(prediction, singular):
    x, angle = torch.randn(20, 2), torch.tensor(singular)
    exact = Exact(prediction)
    right, wrong = (untrained(lambda x, t, e=e: exact(x, t) + e, prediction=prediction) for e in (0.0, 1e-2))
    assert (wrong.velocity(x, angle) - right.velocity(x, angle)).abs().max() < 1.01


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("schedule", ["linear", "cosine", "sigmoid"])
def test_loss_of_the_exact_network_is_the_conditional_variance(prediction, schedule):
    """For N(0, I) data: Var(ε | x) = cos² φ, Var(x_0 | x) = sin² φ, Var(v | x) = 1, averaged over t = 1 … T.

    The mean of 200,000 squares, each of mean at most 1 and variance at most 2, is within 4.5 · 0.0032 of that: 1e-5.
    """
    torch.manual_seed(0)
    exact = Exact(prediction, torch.zeros(2), torch.eye(2))
    model = untrained(exact, prediction=prediction, schedule=schedule, emphasis="uniform")
    left = float(model.noising.alpha_bar[1:].mean())
    expected = {"epsilon": left, "x0": 1 - left, "v": 1.0}[prediction]
    assert float(model.training_loss(torch.randn(100_000, 2))) == pytest.approx(expected, abs=0.015)


@pytest.mark.parametrize("schedule", ["cosine", "sigmoid"])
def test_emphasis_puts_the_noise_levels_where_it_says(schedule):
    """ln tan φ_t ~ N(−1.2, 1.2²), stratified, up to the width of a step; uniform t has one in each stratum."""
    torch.manual_seed(0)
    model = DDPM(schedule=schedule, timesteps=4000)
    log_ratio = model.noising.angle[model.draw_steps(10_000)].tan().log()
    assert float(log_ratio.quantile(0.5)) == pytest.approx(-1.2, abs=0.02)
    assert float(log_ratio.quantile(0.8413)) == pytest.approx(0.0, abs=0.02)
    assert float(log_ratio.quantile(0.1587)) == pytest.approx(-2.4, abs=0.02)
    t = DDPM(timesteps=4000, emphasis="uniform").draw_steps(4000)
    assert (t.squeeze(1) - torch.arange(1, 4001)).abs().max() <= 1


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_score_is_the_closed_form(prediction):
    """∇ log p(x) = −E[ε | x] / sin φ, and p at the angle φ is N(cos φ m, cos² φ C + sin² φ I)."""
    torch.manual_seed(0)
    model = untrained(Exact(prediction), prediction=prediction)
    for angle in torch.tensor([0.05, 0.7, 1.5]):
        x = torch.randn(50, 2, requires_grad=True)
        spread = angle.cos() ** 2 * COVARIANCE + angle.sin() ** 2 * torch.eye(2)
        (score,) = torch.autograd.grad(MultivariateNormal(angle.cos() * MEAN, spread).log_prob(x).sum(), x)
        torch.testing.assert_close(-model.ends(x, angle)[1] / angle.sin(), score, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("prediction", "within"), [("epsilon", 0.05), ("x0", 0.01), ("v", 1e-3)])
def test_density_of_the_exact_network_is_the_gaussians(prediction, within):
    """At each point; the least divisors cost ε and x_0 a little."""
    torch.manual_seed(0)
    model = untrained(Exact(prediction), prediction=prediction, density_steps=50)
    x = TRUTH.sample((200,))
    torch.testing.assert_close(model.log_prob(x), TRUTH.log_prob(x), atol=within, rtol=0)


def test_ddim_of_all_steps_is_the_probability_flow():
    """A first-order method: twice the steps, half the error."""
    errors = []
    for timesteps in (250, 500):
        model = untrained(Exact("v"), timesteps=timesteps, sampler="ddim", steps=timesteps)
        torch.manual_seed(0)
        x = model.sample(500)
        model.sampler, model.steps = "ode", 400
        torch.manual_seed(0)
        errors.append(float((x - model.sample(500)).abs().mean()))
    assert errors[1] < 5e-3
    assert 1.8 < errors[0] / errors[1] < 2.2


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_ancestral_sampling_keeps_the_moments_of_a_gaussian(prediction):
    """n = 20,000: the standard error of a variance of 1.2 is 0.012, of a mean 0.008; five moments within 4.5: 3e-5."""
    torch.manual_seed(0)
    model = untrained(Exact(prediction), prediction=prediction, sampler="ancestral", steps=1000, variance="posterior")
    x = model.sample(20_000)
    assert (x.mean(0) - MEAN).abs().max() < 0.036
    assert (x.T.cov() - COVARIANCE).abs().max() < 0.054


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_the_optimal_variance_is_exact_for_a_round_gaussian_in_few_steps(scale):
    """Of data from N(0, λ I), Var[v | x] = λ / (λ cos² φ + sin² φ). Variances' standard errors are 0.5 %; 4.5 of them.

    Twenty steps with the posterior's variance lose 7 % and more. The last step, to the mean, loses what is known.
    """
    variance = scale**2
    network = Exact("v", torch.zeros(2), variance * torch.eye(2))
    found = {}
    for kind in ("posterior", "optimal"):
        torch.manual_seed(0)
        model = untrained(network, sampler="ancestral", steps=20, variance=kind)
        middles = (torch.arange(len(model.error.mean)) + 0.5) / len(model.error.mean) * model.last_angle
        model.error.mean.copy_(variance / (variance * middles.cos().square() + middles.sin().square()))
        found[kind] = float(model.sample(40_000).var()) / variance
    left = 1 - 1 / (1 + variance / math.tan(model.noising.angle[50]) ** 2)
    assert found["optimal"] == pytest.approx(left, abs=0.023)
    assert found["posterior"] < 0.93


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_training_measures_what_is_left_open(prediction):
    """E Var[v | x] of the exact network; a bin's running mean of squares of 500 points has an error of 6 %."""
    torch.manual_seed(0)
    model = untrained(Exact(prediction), prediction=prediction).train()
    for _ in range(200):
        model.regression(TRUTH.sample((1000,)))
    angle = (torch.arange(64) + 0.5) / 64 * model.last_angle
    eigenvalues = torch.linalg.eigvalsh(COVARIANCE)
    c2, s2 = angle.cos().square()[:, None], angle.sin().square()[:, None]
    expected = (eigenvalues / (c2 * eigenvalues + s2)).mean(1)
    often = slice(1, 40)
    torch.testing.assert_close(model.error.mean[often], expected[often], rtol=0.3, atol=0)
    assert (model.error.mean[often] / expected[often]).mean() == pytest.approx(1, abs=0.06)


def test_multistep_without_noise_is_the_probability_flow_to_second_order():
    """From the same noise to the same points as by 400 midpoint steps; twice the steps, a quarter of the error."""
    noise, errors = torch.randn(500, 2, generator=torch.Generator().manual_seed(0)), []
    for steps in (100, 200):
        model = untrained(Exact("v"), sampler="multistep", steps=steps, tau=0.0)
        points = model.undo(noise)
        assert model.nfe == steps
        model.sampler, model.steps = "ode", 400
        errors.append(float((points - model.undo(noise)).square().mean().sqrt()))
    assert errors[1] < errors[0] / 3 < 0.01


def test_multistep_adds_noise_above_a_level_only():
    def draws(**options):
        torch.manual_seed(0)
        return untrained(Exact("v"), steps=20, **options).sample(100)

    quiet = draws(tau=0.0)
    assert torch.equal(draws(tau=0.7, quiet_below=1e9), quiet), "the last angle is below π/2, so σ is below 1e9"
    noisy, always = draws(tau=0.7), draws(tau=0.7, quiet_below=0.0)
    assert not torch.equal(noisy, quiet)
    assert not torch.equal(noisy, always)


@pytest.mark.parametrize("tau", [0.0, 0.7, 1.0])
def test_multistep_keeps_the_moments_of_a_gaussian(tau):
    """Standard errors are at most 0.01 at n = 40,000; the rest is the error of 80 steps."""
    torch.manual_seed(0)
    x = untrained(Exact("v"), steps=80, tau=tau).sample(40_000)
    assert (x.mean(0) - MEAN).abs().max() < 0.04
    assert (x.T.cov() - COVARIANCE).abs().max() < 0.06


def test_ddim_with_all_its_noise_is_the_ancestral_sampler():
    """And so is Ho et al.'s form of it, x_s = a x̂_0 + b x_t + σ z."""
    draws = []
    for params in ({"sampler": "ancestral", "variance": "posterior"}, {"sampler": "ddim", "eta": 1.0}):
        torch.manual_seed(0)
        draws.append(untrained(Exact("v"), steps=20, **params).sample(100))
    torch.testing.assert_close(*draws, atol=0, rtol=0)
    model, x, s, t = (
        untrained(Exact("v"), variance="posterior"),
        torch.randn(100, 2),
        torch.tensor(300),
        torch.tensor(400),
    )
    a, b, variance = (c.float() for c in model.noising.posterior(s, t))
    torch.manual_seed(1)
    got = model.step(x, t, s, eta=1.0)
    torch.manual_seed(1)
    expected = a * model.ends(x, model.noising.angle[t].float())[0] + b * x + variance.sqrt() * torch.randn(100, 2)
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("sampler", ["ancestral", "ddim"])
@pytest.mark.parametrize(("steps", "nfe"), [(1, 1), (7, 7), (30, 30), (200, 30)])
def test_any_number_of_steps(sampler, steps, nfe):
    """Of 30; 7 does not divide it."""
    model = untrained(Exact("v"), timesteps=30, sampler=sampler, steps=steps, eta=0.5)
    assert model.sample(3).isfinite().all()
    assert model.nfe == nfe


@pytest.fixture(scope="module")
def gaussian_ddpm():
    torch.manual_seed(0)
    x = TRUTH.sample((20_000,))
    model = DDPM(hidden=64)
    train(model, x.numpy(), TRUTH.sample((2000,)).numpy(), TrainingOptions(Budget("1500")), Recipe(lr=4e-3))
    return model


def test_velocity_is_the_closed_form_on_gaussian_data(gaussian_ddpm):
    """At even angles; few of the training's are beyond 1.4, where most of the error is."""
    torch.manual_seed(1)
    exact, wrong, scale = Exact("v"), 0.0, 0.0
    for angle in torch.linspace(0.05, 1.55, 25):
        x = angle.cos() * TRUTH.sample((1000,)) + angle.sin() * torch.randn(1000, 2)
        with torch.no_grad():
            v = exact(x, (angle.tan().log() / 4 + 1.2) / 2)
            wrong += float((gaussian_ddpm.velocity(x, angle) - v).square().sum())
        scale += float(v.square().sum())
    assert wrong / scale < 0.06


def test_density_and_bound_on_gaussian_data(gaussian_ddpm):
    torch.manual_seed(2)
    x = TRUTH.sample((10_000,))
    with torch.no_grad():
        log_prob, elbo = gaussian_ddpm.log_prob(x), gaussian_ddpm.elbo(x)
        assert gaussian_ddpm.diagnose(x).keys() == {"elbo"}
    assert 0 < (TRUTH.log_prob(x) - log_prob).mean() + 0.01 < 0.03
    gap = log_prob - elbo
    assert gap.mean() > -4 * gap.std() / 100  # a lower bound, within 4 standard errors: error rate 3e-5
    assert gap.mean() < 0.1


@pytest.mark.parametrize(
    ("sampler", "steps", "nfe"), [("ode", 20, 40), ("ddim", 50, 50), ("ancestral", 200, 200), ("multistep", 80, 80)]
)
def test_samples_have_the_moments_of_the_data(gaussian_ddpm, sampler, steps, nfe):
    """Standard errors of the moments are under .014 at n = 10,000; the bounds leave room for the model's error."""
    gaussian_ddpm.sampler, gaussian_ddpm.steps = sampler, steps
    torch.manual_seed(3)
    with torch.no_grad():
        x = gaussian_ddpm.sample(10_000)
    assert gaussian_ddpm.nfe == nfe
    assert (x.mean(0) - MEAN).abs().max() < 0.06
    assert (x.T.cov() - COVARIANCE).abs().max() < 0.1


def test_same_seed_same_bits():
    x = np.random.default_rng(0).normal(size=(1000, 2))
    a, b = (genbench.load_model("ddpm", hidden=8, sampler="ancestral").fit(x, budget="200") for _ in range(2))
    assert (a.sample(10) == b.sample(10)).all()
    assert (a.log_prob(x[:10]) == b.log_prob(x[:10])).all()
    assert a.diagnose(x[:10]) == b.diagnose(x[:10])


@pytest.mark.parametrize("d", [1, 2, 16, 64])
@pytest.mark.parametrize("sampler", ["multistep", "ode", "ddim", "ancestral"])
def test_shapes(d, sampler):
    x = np.random.default_rng(0).normal(size=(100, d))
    model = genbench.load_model("ddpm", hidden=8, steps=2, density_steps=2, sampler=sampler).fit(x, budget="3")
    assert model.sample(1).shape == (1, d)
    assert model.log_prob(x[:1]).shape == (1,)
    assert math.isfinite(model.diagnose(x[:1])["elbo"])


def test_log_density_follows_the_units_of_the_data():
    x = np.random.default_rng(0).normal(size=(500, 2)) ** 3
    single, double = (genbench.load_model("ddpm", hidden=16).fit(scale * x, budget="50") for scale in (1, 2))
    shift = single.log_prob(x) - double.log_prob(2 * x)
    np.testing.assert_allclose(shift, 2 * np.log(2), atol=1e-3)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("time_embedding", ["sinusoidal", "simple"])
def test_every_point_and_every_parameter_counts(prediction, time_embedding):
    torch.manual_seed(0)
    model = DDPM(hidden=8, prediction=prediction, time_embedding=time_embedding)
    model.build((2,))
    x = torch.randn(50, 2, requires_grad=True)
    model.training_loss(x).backward()
    assert (x.grad.abs().sum(1) > 0).all()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


def test_simple_time_is_one_number_beside_the_point():
    """Sinusoidal time is 16 numbers, so the first layer has 15 columns more."""
    widths = []
    for kind in ("simple", "sinusoidal"):
        model = DDPM(hidden=8, time_embedding=kind)
        model.build((2,))
        widths.append(next(model.parameters()).shape[1])
    assert widths[1] - widths[0] == 15


@pytest.mark.slow
@pytest.mark.parametrize("prediction", ["epsilon", "x0"])
def test_the_other_predictions_train_too(prediction):
    """KL of the trained density on Gaussian data; untrained it is above 1."""
    torch.manual_seed(0)
    model = DDPM(hidden=64, prediction=prediction, emphasis="uniform")
    train(
        model,
        TRUTH.sample((10_000,)).numpy(),
        TRUTH.sample((1000,)).numpy(),
        TrainingOptions(Budget("2500")),
        Recipe(lr=4e-3),
    )
    x = TRUTH.sample((4000,))
    with torch.no_grad():
        assert -0.01 < (TRUTH.log_prob(x) - model.log_prob(x)).mean() < 0.2


@pytest.mark.parametrize(
    "bad",
    [
        {"hidden": 0},
        {"timesteps": 1},
        {"steps": 0},
        {"eta": 1.5},
        {"schedule": "square"},
        {"prediction": "score"},
        {"emphasis": "early"},
        {"time_embedding": "none"},
        {"sampler": "heun"},
    ],
)
def test_bad_parameters_are_refused(bad):
    with pytest.raises(GenbenchError, match=f"{next(iter(bad))}=.* must be"):
        genbench.load_model("ddpm", **bad)
