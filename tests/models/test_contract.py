"""What every registered model owes, whatever its family: found in the registry, so that a new one is covered too."""

import numpy as np
import pytest

import genbench
from genbench.errors import GenbenchError
from genbench.registry import REGISTRY, discover

discover()
CARDS = {n: c for n, c in REGISTRY["models"].cards.items() if c.file.parent.name == "models"}
FITTED = sorted(n for n, c in CARDS.items() if c.role != "oracle")
DENSE = [n for n in FITTED if CARDS[n].likelihood != "none"]
TORCH = [n for n in FITTED if hasattr(CARDS[n].factory, "training_loss")]


@pytest.fixture(scope="module")
def moons():
    return genbench.load_dataset("moons")


@pytest.fixture(scope="module")
def trained(moons):
    """Each model after a short training on two moons."""
    x = moons.sample(5000, seed=1)
    cache = {}

    def get(name):
        if name not in cache:
            cache[name] = genbench.load_model(name).fit(x, budget="500")
        return cache[name]

    return get


@pytest.mark.parametrize("name", FITTED)
@pytest.mark.parametrize("d", [1, 2, 16, 64])
def test_shapes_types_and_finiteness(name, d):
    x = np.random.default_rng(0).normal(size=(300, d)) * 3 + 1
    model = genbench.load_model(name).fit(x, budget="5")
    for n in (1, 7):
        samples = model.sample(n)
        assert samples.shape == (n, d)
        assert samples.dtype == np.float64
        assert np.isfinite(samples).all()
        if name in DENSE:
            log_prob = model.log_prob(x[:n])
            assert log_prob.shape == (n,)
            assert log_prob.dtype == np.float64
            assert np.isfinite(log_prob).all()
    assert all(np.isfinite(value) for value in model.diagnose(x[:50]).values())


@pytest.mark.parametrize("name", FITTED)
def test_same_seed_same_bits_and_no_trace_on_the_global_generators(name):
    x = np.random.default_rng(0).normal(size=(400, 2))
    np.random.seed(5)
    expected = np.random.rand()
    np.random.seed(5)
    first = genbench.load_model(name).fit(x, seed=3, budget="20")
    second = genbench.load_model(name).fit(x, seed=3, budget="20")
    np.testing.assert_array_equal(first.sample(50, seed=1), second.sample(50, seed=1))
    assert not np.array_equal(first.sample(50, seed=1), first.sample(50, seed=2))
    if name in DENSE:
        np.testing.assert_array_equal(first.log_prob(x[:20]), second.log_prob(x[:20]))
    assert np.random.rand() == expected


@pytest.mark.parametrize("name", TORCH)
def test_another_seed_trains_another_model(name):
    x = np.random.default_rng(0).normal(size=(400, 2))
    a, b = (genbench.load_model(name).fit(x, seed=seed, budget="20").weights() for seed in (0, 1))
    assert any(not np.array_equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("name", DENSE)
def test_density_integrates_to_one_in_the_datas_own_units(name, trained):
    step = 0.05
    first, second = np.arange(-3, 4, step), np.arange(-2.5, 3, step)
    grid = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1).reshape(-1, 2)
    total = np.exp(trained(name).log_prob(grid)).sum() * step**2
    assert total == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("name", DENSE)
def test_nobody_beats_the_entropy(name, trained, moons):
    x = moons.sample(4000, seed=2)
    excess = moons.log_prob(x) - trained(name).log_prob(x)
    # The excess is an estimate of a KL: below 0 by 4 standard errors once in 30,000 if it were 0.
    assert excess.mean() > -4 * excess.std() / np.sqrt(len(x))


@pytest.mark.parametrize("name", DENSE)
def test_samples_agree_with_the_density(name, trained):
    """The mean of log p over the model's samples is minus the entropy of its density, by quadrature on a grid."""
    model, step = trained(name), 0.05
    first, second = np.arange(-3, 4, step), np.arange(-2.5, 3, step)
    grid = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1).reshape(-1, 2)
    log_p = model.log_prob(grid)
    entropy = -(np.exp(log_p) * log_p).sum() * step**2
    at_samples = model.log_prob(model.sample(4000))
    # 5 standard errors, and 0.02 for the grid; a likelihood that is not of the sampler itself may be off by more.
    slack = 0.02 if CARDS[name].likelihood == "exact" else 0.3
    assert at_samples.mean() == pytest.approx(-entropy, abs=5 * at_samples.std() / np.sqrt(4000) + slack)


@pytest.mark.parametrize("name", FITTED)
def test_nan_is_refused(name):
    x = np.zeros((20, 2))
    x[3, 1] = np.nan
    with pytest.raises(GenbenchError, match="NaN"):
        genbench.load_model(name).fit(x, budget="5")


@pytest.mark.parametrize("name", TORCH)
def test_every_parameter_moves_and_the_loss_uses_the_whole_batch(name):
    import torch

    card = CARDS[name]
    torch.manual_seed(0)
    model = card.factory()
    model.build((2,))
    x = torch.randn(64, 2)
    model.prepare(x)
    model.train()
    x.requires_grad_()
    touched, losses = {}, []

    def update(player, loss):
        parameters = [p for p in model.players()[player].parameters() if p.requires_grad]
        *by_weight, by_point = torch.autograd.grad(loss, [*parameters, x], retain_graph=True, allow_unused=True)
        losses.append(by_point)
        for p, g in zip(parameters, by_weight, strict=True):
            touched[id(p)] = touched.get(id(p), False) or (g is not None and bool(torch.isfinite(g).all()))

    model.progress = 0.5
    model.training_step(x, update)
    names = {id(p): n for n, p in model.named_parameters() if p.requires_grad}
    assert [names[i] for i, used in touched.items() if not used] == []
    by_points = [g for g in losses if g is not None]
    assert by_points, "no loss depends on the data"
    assert any((g.abs().sum(dim=1) > 0).all() for g in by_points), "some points of the batch have no say"


@pytest.mark.parametrize("name", FITTED)
def test_the_card_names_its_source_and_the_docstring_says_what_it_is(name):
    card = CARDS[name]
    assert card.paper or card.role == "control", "a model names its paper"
    assert len(card.summary) > 20
