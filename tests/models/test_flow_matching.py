"""Flow matching against the closed form on Gaussian data, its density against quadrature and its own samples."""

import copy

import numpy as np
import pytest
import torch
from scipy.stats import chi2, norm
from torch.distributions import MultivariateNormal

import genbench
from genbench.contracts.recipe import Budget, Recipe
from genbench.core.errors import GenbenchError
from genbench.models.flow_matching import CFM
from genbench.models.flow_matching_variants import FM, OTCFM, SBCFM, VPCFM
from genbench.models.rectified_flow import RectifiedFlow
from genbench.nn.ode import integrate, likelihood_by_nodes, log_likelihood
from genbench.nn.time_embedding import stratified
from genbench.training.trainer import TrainingOptions, train

MEAN = torch.tensor([0.3, -0.2])
COVARIANCE = torch.tensor([[1.2, 0.7], [0.7, 0.8]])
TRUTH = MultivariateNormal(MEAN, COVARIANCE)


def exact_velocity(x, t):
    """E[x1 − x0 | xt = x] for x0 ~ N(0, I), x1 ~ N(m, C): m + (tC − (1−t)I) ((1−t)²I + t²C)⁻¹ (x − tm)."""
    eye = torch.eye(2)
    marginal = (1 - t) ** 2 * eye + t**2 * COVARIANCE  # Cov xt
    gain = (t * COVARIANCE - (1 - t) * eye) @ torch.linalg.inv(marginal)
    return MEAN + (x - t * MEAN) @ gain.T


def velocity_error(model):
    """E ‖v − v_exact‖² over the paths, as a share of E ‖v_exact‖²."""
    torch.manual_seed(1)
    wrong, scale = 0.0, 0.0
    for t in torch.linspace(0.02, 0.98, 25):
        xt = (1 - t) * torch.randn(1000, 2) + t * TRUTH.sample((1000,))
        v = exact_velocity(xt, t)
        with torch.no_grad():
            wrong += float((model.velocity(xt, t) - v).square().sum())
        scale += float(v.square().sum())
    return wrong / scale


def excess_nll(model):
    torch.manual_seed(2)
    x = TRUTH.sample((4000,))
    with torch.no_grad():
        return float((TRUTH.log_prob(x) - model.log_prob(x)).mean())


def fitted(model, steps=1500):
    torch.manual_seed(0)
    x = TRUTH.sample((20_000,))
    train(model, x.numpy(), TRUTH.sample((2000,)).numpy(), TrainingOptions(Budget(str(steps))), Recipe(lr=4e-3))
    return model


class EvaluatedAtTheNoise(CFM):
    """The bug: the network sees x0 where it should see xt."""

    def training_loss(self, x1):
        x0, t = torch.randn_like(x1), stratified(len(x1))
        return (self.velocity(x0, t) - (x1 - x0)).square().mean()


@pytest.fixture(scope="module")
def gaussian_cfm():
    return fitted(CFM(hidden=64))


def test_velocity_is_the_closed_form_on_gaussian_data(gaussian_cfm):
    assert velocity_error(gaussian_cfm) < 0.01
    assert excess_nll(gaussian_cfm) < 0.02


@pytest.mark.parametrize("path", ["straight", "trigonometric", "variance_preserving"])
def test_a_network_that_predicts_the_data_has_the_same_velocity(path):
    """E[x1 | x_t] = m + αC (α²C + β²I)⁻¹ (x − αm) in place of the network gives the closed form of the velocity."""
    model = CFM(path=path, predict="data")
    model.build((2,))
    way, eye = model.way, torch.eye(2, dtype=torch.float64)
    mean, covariance = MEAN.double(), COVARIANCE.double()
    t = torch.tensor(0.6, dtype=torch.float64)
    alpha, beta, alpha_rate, beta_rate = way.coefficients(t)
    spread = torch.linalg.inv(alpha**2 * covariance + beta**2 * eye)
    model.network.forward = lambda x, clock: mean + (x - alpha * mean) @ (alpha * covariance @ spread).T
    x = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    gain = (alpha * alpha_rate * covariance + beta * beta_rate * eye) @ spread
    torch.testing.assert_close(model.velocity(x, t), alpha_rate * mean + (x - alpha * mean) @ gain.T)


def test_predicting_the_data_learns_the_closed_form_and_its_density():
    model = fitted(CFM(hidden=64, predict="data"))
    assert velocity_error(model) < 0.03
    assert excess_nll(model) < 0.03


def test_slopes_of_a_predicted_end_are_those_of_the_velocity():
    model = CFM(hidden=8, predict="data")
    model.build((2,))
    torch.nn.init.normal_(list(model.network.parameters())[-2])  # it begins as 0
    x, direction, t = torch.randn(5, 2), torch.randn(1, 5, 2), torch.tensor(0.3)
    _, slope = torch.func.jvp(lambda x: model.velocity(x, t), (x,), (direction[0],))
    torch.testing.assert_close(model.velocity_jvp(x, t, direction)[1][0], slope)


def test_times_about_a_mean_are_logit_normal():
    model = CFM(time_mean=-0.8)
    torch.manual_seed(0)
    times = model._clock(2000)
    at = norm.ppf(np.arange(0.5, 2000) / 2000)  # stratified: the empirical quantiles are the exact ones within 1 / 2000
    np.testing.assert_allclose(np.sort(torch.logit(times).ravel())[100:-100], (-0.8 + 1.2 * at)[100:-100], atol=0.02)


def test_a_network_evaluated_at_the_noise_fails_the_closed_form():
    broken = fitted(EvaluatedAtTheNoise(hidden=64), steps=500)
    assert velocity_error(broken) > 0.1
    assert excess_nll(broken) > 0.2


def test_path_energy_of_a_shift():
    """v = (3, 4) everywhere: every path has energy 25, and so has the transport of the noise to its shifted copy."""
    model = CFM()
    model.build((2,))
    model.velocity = lambda x, t: torch.tensor([3.0, 4.0]).expand_as(x)
    torch.manual_seed(0)
    numbers = model.diagnose(torch.randn(1000, 2) + torch.tensor([3.0, 4.0]))
    assert numbers["path_energy"] == pytest.approx(25, rel=1e-5)
    assert numbers["normalised_path_energy"] < 0.05  # W2² between 1000 points of each is off by a few per cent


@pytest.mark.parametrize(("solver", "steps", "nfe"), [("euler", 100, 100), ("midpoint", 20, 40), ("rk4", 10, 40)])
def test_samples_have_the_moments_of_the_data(gaussian_cfm, solver, steps, nfe):
    """Standard errors of the moments are under .01 at n = 20,000; the bounds leave room for the model's error."""
    gaussian_cfm.solver, gaussian_cfm.steps = solver, steps
    torch.manual_seed(4)
    with torch.no_grad():
        x = gaussian_cfm.sample(20_000)
    assert gaussian_cfm.nfe == nfe
    assert (x.mean(0) - MEAN).abs().max() < 0.05
    assert (x.T.cov() - COVARIANCE).abs().max() < 0.08


def test_optimal_transport_lowers_path_energy():
    far = torch.tensor([2.0, 0.0])
    torch.manual_seed(0)
    side = torch.where(torch.rand(20_000, 1) < 0.5, far, -far)
    x = (side + 0.3 * torch.randn(20_000, 2)).numpy()
    energies = []
    for model in (CFM(hidden=64), OTCFM(hidden=64)):
        torch.manual_seed(0)
        train(model, x, x[:2000], TrainingOptions(Budget("500")), Recipe(lr=4e-3))
        with torch.no_grad():
            energies.append(model.diagnose(torch.tensor(x[:1000]))["normalised_path_energy"])
    assert energies[1] < energies[0] / 3


@pytest.fixture(scope="module")
def moons():
    """Two half circles with noise, and a flow trained on them for a short while."""
    rng = np.random.default_rng(0)
    angle, lower = np.pi * rng.random(5000), rng.random(5000) < 0.5
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x = np.where(lower[:, None], [1, 0.5] - x, x) + 0.1 * rng.normal(size=x.shape)
    return genbench.load_model("cfm", hidden=64).fit(x, budget="600")


def test_fixed_steps_of_a_density_are_fine_enough(moons):
    """Against a tight adaptive solve in float64, mean error at most 1e-3 nats."""
    x = torch.tensor(moons.sample(1000), dtype=torch.float32)
    with torch.no_grad():
        fixed, network = moons.model.log_prob(x), copy.deepcopy(moons.model.network).double()
        ends = torch.tensor([1, 0], dtype=torch.float64)
        path = moons.model.way

        def velocity(x, t):
            return network(x, path.clock(t))

        tight = log_likelihood(velocity, x.double(), ends, "dopri5", tolerance=1e-7).log_prob
    assert (fixed - tight).abs().mean() < 1e-3


@pytest.fixture(scope="module")
def grid(moons):
    """Cells of a grid over the plane and the probability of each by the midpoint rule."""
    h = 0.04
    axes = np.arange(-2.5, 3.5, h) + h / 2, np.arange(-2, 2.5, h) + h / 2
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    density = np.exp(moons.log_prob(points.reshape(-1, 2))).reshape(points.shape[:2])
    return axes, density * h**2, h


def test_density_integrates_to_one(grid):
    assert grid[1].sum() == pytest.approx(1, abs=0.01)


def test_own_samples_agree_with_own_density(moons, grid):
    """χ² over cells of 5 × 5 grid points that expect at least 10 of 5000 samples: error rate 1e-3."""
    axes, cells, h = grid
    samples = moons.sample(5000)
    edges = [np.append(axis[::5] - h / 2, axis[-1] + h / 2) for axis in axes]
    observed = np.histogram2d(*samples.T, bins=edges)[0]
    starts = [np.arange(0, len(axis), 5) for axis in axes]
    expected = 5000 * np.add.reduceat(np.add.reduceat(cells, starts[0], axis=0), starts[1], axis=1)
    large = expected >= 10
    seen, due = (np.append(a[large], 5000 - a[large].sum()) for a in (observed, expected))
    assert large.sum() > 50
    assert ((seen - due) ** 2 / due).sum() < chi2.isf(1e-3, df=len(due) - 1)


@pytest.mark.parametrize("name", ["cfm", "ot_cfm"])
def test_same_seed_same_bits(name):
    x = np.random.default_rng(0).normal(size=(1000, 2))
    a, b, other = (genbench.load_model(name, hidden=8).fit(x, budget="200", seed=seed) for seed in (0, 0, 1))
    assert (a.sample(10) == b.sample(10)).all()
    assert (a.log_prob(x[:10]) == b.log_prob(x[:10])).all()
    assert (a.sample(10) != other.sample(10)).any()


@pytest.mark.parametrize("name", ["cfm", "ot_cfm"])
@pytest.mark.parametrize("d", [1, 2, 16, 64])
def test_shapes(name, d):
    x = np.random.default_rng(0).normal(size=(100, d))
    model = genbench.load_model(name, hidden=8, steps=2, density_steps=2).fit(x, budget="3")
    assert model.sample(1).shape == (1, d)
    assert model.log_prob(x[:1]).shape == (1,)
    assert np.isfinite(model.log_prob(x[:7])).all()
    assert model.nfe == 4


def test_log_density_follows_the_units_of_the_data():
    x = np.random.default_rng(0).normal(size=(500, 2)) ** 3
    single, double = (genbench.load_model("cfm", hidden=16).fit(scale * x, budget="50") for scale in (1, 2))
    shift = single.log_prob(x) - double.log_prob(2 * x)
    np.testing.assert_allclose(shift, 2 * np.log(2), atol=1e-3)


def test_random_directions_and_their_standard_error():
    """The spread over 300 repeats is the standard error that one estimate states; to 10 %, 2.5 times the noise of it."""
    torch.manual_seed(0)
    model = CFM(density_steps=3, probes=16, hidden=8)
    model.build((12,))
    x = torch.randn(4, 12)
    with torch.no_grad():
        model.network.net[-1].weight.mul_(20)
        repeats = [model.density(x) for _ in range(300)]
        exact = likelihood_by_nodes(model.velocity, x, 1.0, 0.0, 3, model.way.pace).log_prob
    values, errors = (
        torch.stack(list(v)) for v in zip(*((r.log_prob, r.standard_error) for r in repeats), strict=True)
    )
    assert values.std(0).numpy() == pytest.approx(errors.square().mean(0).sqrt().numpy(), rel=0.1)
    assert ((values.mean(0) - exact).abs() < 4 * values.std(0) / 300**0.5).all()


class ExactGaussian(CFM):
    def velocity(self, x, t):
        return exact_velocity(x, t)


@pytest.mark.parametrize("noise", [0.0, 1.0, 3.0])
def test_the_stochastic_solver_keeps_the_marginals(noise):
    model = ExactGaussian(solver="stochastic_euler", noise=noise, steps=300)
    model.build((2,))
    torch.manual_seed(0)
    x = model.sample(20_000)
    assert model.nfe == 300
    assert (x.mean(0) - MEAN).abs().max() < 0.04  # 4 standard errors of the mean
    assert (x.T.cov() - COVARIANCE).abs().max() < 0.06


@pytest.mark.parametrize("options", [{"source": "moons"}, {"path": "bridge"}, {"coupling": "optimal"}, {"sigma": 0.1}])
def test_the_stochastic_solver_refuses_what_gives_no_score(options):
    with pytest.raises(ValueError, match="stochastic_euler needs the score"):
        CFM(solver="stochastic_euler", **options)


@pytest.mark.slow
def test_a_flow_from_one_dataset_to_another():
    """Moons to eight Gaussians: the density integrates to 1, and samples start at moons."""
    data = genbench.load_dataset("eight_gaussians")
    model = genbench.load_model("ot_cfm", source="moons").fit(data.sample(4000, seed=1), budget="300")
    h = 0.08
    axis = np.arange(-6, 6, h) + h / 2
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    assert np.exp(model.log_prob(grid)).sum() * h**2 == pytest.approx(1, abs=0.02)
    x0 = model.model.start.units.inverse(model.model.start.sample(2000).double().numpy())
    assert genbench.load_dataset("moons").log_prob(x0).mean() == pytest.approx(
        -genbench.load_dataset("moons").entropy, abs=0.1
    )


@pytest.mark.parametrize("source", ["gaussian_mixture[dim=3]", "wine"])
def test_a_source_must_have_a_sampler_and_the_datas_shape(source):
    model = CFM(source=source)
    with pytest.raises(ValueError, match="must be a synthetic dataset of shape"):
        model.build((2,))


def test_schroedinger_bridge_between_gaussians():
    """N(0, I) to N(m, I): at time t the variance is √(4 + σ⁴) t(1 − t) + t² + (1 − t)² (Tong et al. 2024, app. D)."""
    sigma = 1.0
    torch.manual_seed(0)
    x = (torch.randn(20_000, 2) + torch.tensor([2.0, 0.0])).numpy()
    model = SBCFM(sigma=sigma, hidden=64)
    train(model, x, x[:2000], TrainingOptions(Budget("500")), Recipe(lr=4e-3))
    with torch.no_grad():
        half = integrate(model.velocity, torch.randn(20_000, 2), torch.linspace(0, 0.5, 11)).x
    exact = (4 + sigma**4) ** 0.5 / 4 + 0.5
    assert half.var(0).numpy() == pytest.approx([exact, exact], rel=0.06)
    assert half.mean(0).numpy() == pytest.approx([1, 0], abs=0.06)


@pytest.mark.slow
def test_reflow_straightens():
    """One Euler step of a rectified flow is far nearer to its end than one of the flow that it began with."""
    x = genbench.load_dataset("moons").sample(5000, seed=1)
    ends = {}
    for name in ("cfm", "rectified_flow"):
        model = genbench.load_model(name).fit(x, budget="1000").model
        torch.manual_seed(0)
        with torch.no_grad():
            x0 = torch.randn(2000, 2)
            one = integrate(model.velocity, x0, torch.tensor([0.0, 1.0]), "euler").x
            ends[name] = float((one - integrate(model.velocity, x0, model.grid(50)).x).square().mean())
    assert ends["rectified_flow"] < ends["cfm"] / 4


@pytest.mark.slow
def test_reflow_finds_the_noise_of_the_data():
    """The first flow, followed back from Gaussian data, ends in N(0, I): covariances within 0.1, 4 standard errors."""
    model = RectifiedFlow(hidden=64)
    torch.manual_seed(0)
    train(
        model,
        TRUTH.sample((5000,)).numpy(),
        TRUTH.sample((1000,)).numpy(),
        TrainingOptions(Budget("1200")),
        Recipe(lr=4e-3, cycles=2),
    )
    with torch.no_grad():
        steps = model.grid(model.reflow_steps).flip(0)
        x0 = integrate(model.first_velocity, TRUTH.sample((5000,)), steps).x
    assert (x0.T.cov() - torch.eye(2)).abs().max() < 0.1
    assert excess_nll(model) < 0.02


@pytest.mark.parametrize("cls", [CFM, OTCFM, FM, VPCFM, SBCFM])
def test_every_point_of_a_batch_counts(cls):
    model = cls(hidden=8)
    model.build((2,))
    x = torch.randn(50, 2, requires_grad=True)
    model.training_loss(x).backward()
    assert (x.grad.abs().sum(1) > 0).all()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


def test_bad_parameters_are_refused():
    for bad in (
        {"hidden": 0},
        {"steps": 0},
        {"solver": "heun"},
        {"probes": -1},
        {"path": "bent"},
        {"coupling": "random"},
        {"sigma": -1.0},
        {"noise": -1.0},
        {"coupling": "entropic"},
        {"predict": "noise"},
        {"predict": "data", "path": "bridge"},
    ):
        with pytest.raises(GenbenchError, match=f"{next(iter(bad))}="):
            genbench.load_model("cfm", **bad)
    with pytest.raises(ValueError, match="sigma=0.1 has no meaning"):
        VPCFM(sigma=0.1)
    with pytest.raises(GenbenchError, match="ot_batch=0"):
        genbench.load_model("ot_cfm", ot_batch=0)


@pytest.mark.parametrize(("d", "kind"), [(2, "exact"), (10, "exact"), (11, "estimate")])
def test_a_likelihood_by_random_directions_is_called_an_estimate(d, kind):
    x = np.random.default_rng(0).normal(size=(100, d))
    assert genbench.load_model("cfm").fit(x, budget="2").likelihood == kind


def test_the_clock_of_the_diffusion_path_draws_the_noise_levels_of_ddpm():
    """In the plane ln β/α is about N(−1.2, 1.2²), which ddpm draws; by the even clock its deviation is 2.7."""
    model = genbench.load_model("vp_cfm").fit(np.random.default_rng(0).normal(size=(100, 2)), budget="1").model
    alpha, beta, _, _ = model.way.coefficients(model.way.time(model._clock(10_000)))
    level = (beta / alpha).log()
    assert level.mean().item() == pytest.approx(-1.2, abs=0.1)
    assert level.std().item() == pytest.approx(1.2, abs=0.1)
