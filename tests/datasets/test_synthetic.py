"""What every synthetic dataset promises, checked for all that are registered."""

from functools import cache

import numpy as np
import pytest
from scipy.stats import chi2

from genbench import load_dataset
from genbench.contracts.dataset import Sizes, SyntheticDataset
from genbench.core.errors import GenbenchError
from genbench.core.registry import REGISTRY, discover

discover(groups=("datasets",))
SYNTHETIC = sorted(n for n, card in REGISTRY["datasets"].cards.items() if issubclass(card.factory, SyntheticDataset))
OTHERS = {
    "banana": [{"scale": 1.0, "curvature": -1.0, "width": 0.2}, {"dim": 32}],
    "chain": [{"dim": 2, "shuffle": False}],
    "circles": [{"noise": 0.2, "factor": 0.3}, {"noise": 0.01, "factor": 0.0}],
    "copula": [{"dim": 2, "correlation": -0.5, "dof": 30.0}],
    "correlated_mixture": [{"dim": 2, "components": 3, "rank": 1, "thickness": 0.3}],
    "eight_gaussians": [{"std": 1.0}],
    "funnel": [{"dim": 10}, {"std": 1.0}],
    "gaussian_mixture": [
        {"dim": 2, "components": 5, "separation": 3.0},
        {"dim": 5, "components": 3, "separation": 2.0},
        {"dim": 64, "separation": 4.0},
    ],
    "gmm40": [{"dim": 16}],
    "grid": [{"side": 4, "spacing": 1.0, "std": 0.2}],
    "many_well": [{"dim": 2}],
    "moons": [{"noise": 0.2}, {"noise": 0.01}],
    "pinwheel": [{"arms": 3, "radial": 0.5, "tangential": 0.2, "rate": 0.5}],
    "product": [{"copies": 1}, {"of": "swiss_roll", "copies": 2, "rotate": False}],
    "rare_modes": [{"components": 3, "separation": 2.0}, {"dim": 16, "separation": 2.0}],
    "ring": [{"components": 5, "std": 0.3}],
    "s_curve": [{"noise": 0.5}],
    "stretched_gaussian": [{"long": 1.0, "short": 0.05, "angle": 10.0}],
    "student_t": [{"dof": 5.0, "dim": 2}, {"dim": 1}],
    "swiss_roll": [{"noise": 0.3}],
    "two_spirals": [{"noise": 0.2, "turns": 2.0}],
}
CASES = [(name, params) for name in SYNTHETIC for params in [{}, *OTHERS.get(name, [])]]


def name_of(case):
    name, params = case
    return name + "".join(f"-{key}={value}" for key, value in params.items())


@cache
def dataset_of(name, *params):
    return load_dataset(name, **dict(params))


@pytest.fixture(params=CASES, ids=name_of)
def dataset(request):
    name, params = request.param
    return dataset_of(name, *params.items())


@pytest.fixture
def planar(dataset):
    if dataset.shape != (2,):
        pytest.skip("the grid is for points of the plane")
    return dataset


def axes_of(dataset, n=480):
    """Points of a fine grid along each axis and their weights: a box somewhat wider than 100,000 samples."""
    x = dataset.sample(100_000, seed=7)
    low, high = x.min(axis=0), x.max(axis=0)
    margin = 0.2 * (high - low)
    if dataset.card.name == "checkerboard":  # sharp edges: the cells of the grid end where the squares do
        low, high, margin = np.full(2, -2 / 0.45), np.full(2, 2 / 0.45), np.zeros(2)
    middles = (np.arange(n) + 0.5) / n
    axes = [a - m + (b - a + 2 * m) * middles for a, b, m in zip(low, high, margin, strict=True)]
    weights = [np.full(n, (b - a + 2 * m) / n) for a, b, m in zip(low, high, margin, strict=True)]
    if dataset.card.name == "funnel":  # scales from e⁻⁷ to e⁷: evenly spaced in asinh(x / 10⁻⁴)
        end = np.arcsinh(high[1] * 1e2 / 1e-4)
        s = end * (2 * middles - 1)
        axes[1], weights[1] = 1e-4 * np.sinh(s), 1e-4 * np.cosh(s) * 2 * end / n
    return axes, weights


@cache
def mass_of(name, *params):
    """The axes of the grid, and the probability of each of its cells [n, n]."""
    dataset = dataset_of(name, *params)
    axes, weights = axes_of(dataset)
    x = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    log_p = dataset.log_prob(x)
    mass = np.exp(log_p) * np.multiply.outer(*weights).ravel()
    entropy = -float((mass[mass > 0] * log_p[mass > 0]).sum())
    return axes, mass.reshape(len(axes[0]), -1), entropy


@pytest.fixture
def grid(planar, request):
    name, params = request.node.callspec.params["dataset"]
    return mass_of(name, *params.items())


def test_the_registry_has_them_all():
    asked = {"moons", "circles", "swiss_roll", "two_spirals", "s_curve", "eight_gaussians", "ring", "grid"}
    asked |= {"gaussian_mixture", "checkerboard", "stretched_gaussian", "pinwheel", "banana", "funnel"}
    assert asked <= set(SYNTHETIC)
    assert not REGISTRY["datasets"].failures


def test_density_integrates_to_one(grid):
    assert grid[1].sum() == pytest.approx(1, abs=1e-3)


def test_entropy_is_the_integral_over_the_grid(planar, grid):
    assert planar.entropy == pytest.approx(grid[2], abs=1e-3)


def test_entropy_is_the_mean_of_minus_log_prob(dataset):
    # Five standard errors: a correct dataset fails once in two million draws of the seed.
    # benchmarks/entropies.py takes ten million.
    n = 200_000 if dataset.shape == (2,) else 50_000 if dataset.kind == "points" else 20_000
    nats = -dataset.log_prob(dataset.sample(n, seed=1))
    assert abs(nats.mean() - dataset.entropy) <= 5 * nats.std() / np.sqrt(len(nats)) + 1e-12
    assert np.isfinite(dataset.entropy)
    assert isinstance(dataset.entropy, float)


def chi_square(x, axes, mass, bins=24):
    """Return Pearson's statistic and its degrees of freedom, cells of the grid pooled to bins² and the rare ones to one."""
    n = len(axes[0])
    edges = [(a[n // bins - 1 : -1 : n // bins] + a[n // bins :: n // bins]) / 2 for a in axes]
    index = [np.searchsorted(e, column) for e, column in zip(edges, x.T, strict=True)]
    seen = np.bincount(index[0] * bins + index[1], minlength=bins**2)
    expected = len(x) * mass.reshape(bins, n // bins, bins, n // bins).sum(axis=(1, 3)).ravel()
    common = expected > 25
    seen, expected = np.append(seen[common], seen[~common].sum()), np.append(expected[common], 0)
    expected[-1] = len(x) - expected.sum()
    keep = expected > 5
    return float(((seen - expected)[keep] ** 2 / expected[keep]).sum()), int(keep.sum()) - 1


def test_samples_follow_the_density(planar, grid):
    # Level 1e-5 for each of some 25 cases: a correct set of datasets fails once in 4,000 choices of the seed.
    statistic, freedom = chi_square(planar.sample(100_000, seed=2), *grid[:2])
    assert freedom >= 8
    assert statistic < chi2.isf(1e-5, freedom)


def test_chi_square_notices_a_wrong_sampler():
    axes, mass, _ = mass_of("moons")
    statistic, freedom = chi_square(dataset_of("moons", ("noise", 0.2)).sample(100_000, seed=2), axes, mass)
    assert statistic > 10 * chi2.isf(1e-5, freedom)


def test_reference_follows_the_density_more_evenly_than_chance(planar, grid, request):
    # The statistic of independent draws has mean `freedom`. Stratification spares little of it where the noise is wide.
    drawn = [chi_square(planar.reference(5_000, seed), *grid[:2], bins=12) for seed in range(10)]
    freedom, mean = drawn[0][1], np.mean([statistic for statistic, _ in drawn])
    assert mean < freedom + 4 * np.sqrt(2 * freedom / 10)  # level 3e-5
    _, params = request.node.callspec.params["dataset"]
    if not params:
        assert mean < 0.9 * freedom


def test_reference_is_a_sample_of_the_same_distribution(dataset):
    # Five standard errors of independent draws; stratified ones stray less.
    nats = -dataset.log_prob(dataset.reference(20_000, seed=3))
    assert abs(nats.mean() - dataset.entropy) <= 5 * nats.std() / np.sqrt(len(nats)) + 1e-12


def test_reference_visits_every_part_as_often_as_it_is_likely(dataset):
    if dataset.classes is None:
        pytest.skip("no labels")
    rng, k = np.random.default_rng(0), dataset.classes
    weights = getattr(dataset, "weights", np.full(k, 1 / k))
    groups = getattr(dataset, "group", np.arange(k))
    for n in (100 * k, 100 * k + 1):
        _, labels = dataset.draw((rng.permutation(n) + rng.random(n)) / n, rng)
        away = np.abs(np.bincount(labels, minlength=k) - n * np.bincount(groups, weights))
        exact = n % k == 0 and len(set(weights)) == 1
        assert (away <= (1e-6 if exact else 2 * np.bincount(groups))).all(), (
            "each end of a part may lie within a stratum"
        )


def test_seeds(dataset):
    first, again, other = (dataset.sample(1_000, seed=s) for s in (0, 0, 1))
    assert first.dtype == np.float64
    assert first.shape == (1_000, *dataset.shape)
    np.testing.assert_array_equal(first, again)
    assert not np.isin(first, other).any()
    np.testing.assert_array_equal(dataset.reference(100, 0), dataset.reference(100, 0))
    assert not np.isin(dataset.reference(100, 0), dataset.reference(100, 1)).any()


def test_global_generator_is_left_alone(dataset):
    before = np.random.get_state()
    dataset.log_prob(dataset.sample(100))
    dataset.splits(0, Sizes(10, 10, 10))
    after = np.random.get_state()
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


@pytest.mark.parametrize("name", SYNTHETIC)
def test_splits(name):
    dataset = dataset_of(name)
    splits, others = dataset.splits(0), dataset.splits(1)
    parts = [splits.train, splits.validation, splits.test]
    assert [len(p) for p in parts] == [20_000, 5_000, 10_000]
    rows = np.concatenate([*parts, others.train, others.validation, others.test]).reshape(70_000, -1)
    assert len(np.unique(rows, axis=0)) == 70_000
    assert (splits.train_labels is None) == (dataset.classes is None)
    if dataset.classes is not None:
        assert splits.train_labels.shape == (20_000,)
        assert splits.train_labels.dtype == np.int64
        assert set(splits.test_labels) == set(range(dataset.classes))


def test_log_prob_far_away(dataset):
    directions = np.random.default_rng(0).standard_normal((20, *dataset.shape))
    directions *= np.abs(dataset.sample(1000)).max() / np.linalg.norm(directions.reshape(20, -1), axis=1).min()
    for distance in (1e2, 1e4, 1e6):
        values = dataset.log_prob(distance * directions)
        assert values.dtype == np.float64
        if dataset.card.name in ("checkerboard", "known_digits", "log_normal", "textures"):
            assert (values == -np.inf).all()
        else:
            assert np.isfinite(values).all()
            assert (values < -dataset.entropy - 5).all()


def test_log_prob_does_not_depend_on_company(dataset):
    x = dataset.sample(2_000, seed=5)
    one_by_one = [dataset.log_prob(row[None])[0] for row in x[:20]]
    np.testing.assert_allclose(dataset.log_prob(x)[:20], one_by_one, rtol=1e-10, atol=1e-10)
    assert dataset.log_prob(np.empty((0, *dataset.shape))).shape == (0,)


def test_wrong_shape_is_refused(dataset):
    for wrong in (np.zeros(dataset.shape), np.zeros((3, dataset.shape[0] + 1)), np.zeros((1, 3, *dataset.shape))):
        with pytest.raises(GenbenchError, match="shape"):
            dataset.log_prob(wrong)


def test_modes(dataset):
    if dataset.modes is None:
        pytest.skip("no modes")
    x, labels = dataset.labelled_sample(5_000)
    assert dataset.modes.shape == (dataset.classes, *dataset.shape)
    spread = (x - dataset.modes[labels]).std(axis=0)
    # The standard deviation of 5,000 normal draws strays by 1 %; 6 % is six standard errors.
    np.testing.assert_allclose(spread, dataset.mode_std, rtol=0.06)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("moons", {"noise": 0}),
        ("moons", {"noise": -1}),
        ("moons", {"noise": float("nan")}),
        ("moons", {"noise": float("inf")}),
        ("circles", {"factor": 1.0}),
        ("circles", {"noise": 0.0}),
        ("two_spirals", {"turns": 0}),
        ("eight_gaussians", {"std": 0}),
        ("ring", {"components": 1}),
        ("grid", {"side": 1}),
        ("gaussian_mixture", {"dim": 1}),
        ("gaussian_mixture", {"dim": 257}),
        ("gaussian_mixture", {"separation": 0}),
        ("stretched_gaussian", {"short": -1}),
        ("pinwheel", {"arms": 1}),
        ("pinwheel", {"tangential": 1e-4}),
        ("banana", {"width": 0}),
        ("funnel", {"dim": 257}),
        ("funnel", {"std": 0}),
        ("moons", {"nose": 0.1}),
        ("grid", {"side": 2.5}),
        ("product", {"of": "product"}),
        ("noisy", {"dim": 2}),
        ("many_well", {"dim": 3}),
        ("student_t", {"dof": 0.1}),
        ("scales", {"low": 2e3}),
        ("copula", {"correlation": 1.0}),
        ("correlated_mixture", {"rank": 17}),
        ("textures", {"size": 7}),
    ],
)
def test_bad_parameters(name, params):
    with pytest.raises(GenbenchError, match=next(iter(params))):
        load_dataset(name, **params)
