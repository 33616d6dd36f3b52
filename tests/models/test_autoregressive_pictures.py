"""`ar` and `ar_transformer` on pictures: exact masses of grey levels, their density, and samples of both."""

import math
from itertools import product

import numpy as np
import pytest
import torch

import genbench
from genbench.core.errors import GenbenchError
from genbench.models.ar_transformer import ARTransformer
from genbench.models.autoregressive import Autoregressive

MODELS = {
    "ar": lambda: Autoregressive(components=2, hidden=6, depth=2, dropout=0.2),
    "ar_transformer": lambda: ARTransformer(components=2, width=8, depth=1, heads=2),
}
KINDS = sorted(MODELS)


@torch.no_grad()
def built(kind, shape, levels):
    """A model moved away from its start."""
    torch.manual_seed(0)
    model = MODELS[kind]()
    model.levels = levels
    model.build(shape)
    model.prepare(torch.rand(50, *shape))
    for parameter in model.parameters():
        parameter.add_(0.3 * torch.randn_like(parameter))
    return model.double().eval()


def pictures(k, levels, u=0.5):
    """Pictures whose levels are k, at a place u in each cell."""
    return (torch.as_tensor(k).double() + u) / levels


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("shape", "levels"), [((1, 3, 4), 5), ((3, 2, 2), 4), ((3, 2, 2), 40)])
def test_a_factor_depends_on_its_coordinate_and_those_before_it(kind, shape, levels):
    """Pixel by pixel, in each channel by channel, for every coordinate; the place within a level has no say."""
    model, d = built(kind, shape, levels), math.prod(shape)
    x = torch.rand(20, *shape).double()  # at a single point, rectified units may hide a coordinate
    position = torch.arange(d).view(*shape[1:], shape[0]).permute(2, 0, 1)  # of each coordinate in the order
    with torch.no_grad():
        before = model.conditionals.log_conditionals(x)
        for where in product(*map(range, shape)):
            moved = x.clone()
            moved[:, *where] = (moved[:, *where] + 0.5) % 1
            changed = (model.conditionals.log_conditionals(moved) - before).abs().amax(dim=0) > 1e-12
            assert torch.equal(changed, torch.arange(d) >= position[where])


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("shape", "levels"), [((1, 2, 2), 3), ((3, 1, 2), 3), ((1, 1, 2), 40), ((2, 1, 1), 40)])
def test_the_masses_of_all_pictures_sum_to_one(kind, shape, levels):
    model, d = built(kind, shape, levels), math.prod(shape)
    k = torch.tensor(list(product(range(levels), repeat=d))).view(-1, *shape)
    log_mass = model.log_prob(pictures(k, levels)) - d * math.log(levels)
    assert log_mass.exp().sum().item() == pytest.approx(1, abs=1e-10)
    assert log_mass.std() > 0.3  # and they are not all the same


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_the_density_is_constant_in_the_cell_of_a_level_and_zero_outside(kind):
    model, k = built(kind, (1, 3, 3), 5), torch.randint(5, (20, 1, 3, 3))
    expected = model.log_prob(pictures(k, 5))
    for _ in range(3):
        inside = torch.rand(k.shape).double()
        torch.testing.assert_close(model.log_prob(pictures(k, 5, inside)), expected)
    at_one = torch.ones(1, 1, 3, 3).double()
    torch.testing.assert_close(model.log_prob(at_one), model.log_prob(pictures(4 * at_one, 5)))
    assert torch.isneginf(model.log_prob(at_one + 0.01)).all()
    assert torch.isneginf(model.log_prob(-0.01 * at_one)).all()


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("shape", "levels"), [((1, 4, 5), 6), ((3, 3, 2), 40)])
def test_sequential_sampling_draws_what_full_evaluation_would(kind, shape, levels):
    part, d = built(kind, shape, levels).conditionals, math.prod(shape)
    torch.manual_seed(1)
    drawn = part.sample_levels(30)
    torch.manual_seed(1)
    k = torch.zeros(30, d, dtype=torch.int64)
    for i in range(d):
        k[:, i] = part.distribution.sample(part.network(part.scale(k))[:, i])
    assert torch.equal(drawn, k)
    assert len(drawn.unique(dim=0)) == 30


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_samples_have_the_masses_that_the_density_gives(kind):
    model = built(kind, (1, 1, 2), 3)
    k = torch.tensor(list(product(range(3), repeat=2))).view(-1, 1, 1, 2)
    mass = (model.log_prob(pictures(k, 3)) - 2 * math.log(3)).exp().numpy()
    samples = model.sample(40_000)
    cells = (3 * samples).long().flatten(1) @ torch.tensor([3, 1])
    share = cells.bincount(minlength=9).numpy() / 40_000
    np.testing.assert_allclose(share, mass, atol=4 * np.sqrt(mass.max() / 40_000))
    noise = (3 * samples) % 1
    assert noise.mean().item() == pytest.approx(0.5, abs=0.01)
    assert noise.var().item() == pytest.approx(1 / 12, abs=0.002)


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_sampling_in_parts_gives_as_many_pictures(kind):
    model = built(kind, (1, 3, 3), 4)
    model.conditionals.part = 4
    samples = model.sample(10)
    assert samples.shape == (10, 1, 3, 3)
    assert ((samples >= 0) & (samples <= 1)).all()
    assert model.log_prob(samples.double()).shape == (10,)


def test_untrained_it_is_the_distribution_of_each_pixel_by_itself():
    """Log-frequencies, a picture more spread over the levels: computed here by counting."""
    rng = np.random.default_rng(0)
    k = rng.binomial(4, 0.2 + 0.6 * np.arange(12).reshape(1, 3, 4) / 11, size=(500, 1, 3, 4))
    model = Autoregressive(hidden=4, depth=1)
    model.levels = 5
    model.build((1, 3, 4))
    model.prepare(pictures(k, 5).float())
    counts = (k[..., None] == np.arange(5)).sum(axis=0) + 0.2
    log_share = np.log(counts / 501)
    expected = np.take_along_axis(log_share[None], k[..., None], axis=-1).sum(axis=(1, 2, 3, 4)) + 12 * np.log(5)
    with torch.no_grad():
        np.testing.assert_allclose(model.log_prob(pictures(k, 5).float()), expected, rtol=1e-4)


def stripes(n, levels, seed=0):
    """Pictures 1×4×4 of columns of one level each, a fifth of the pixels drawn anew, and their exact log-masses."""
    rng = np.random.default_rng(seed)
    column = rng.integers(levels, size=(n, 1, 1, 4))
    k = np.where(rng.random((n, 1, 4, 4)) < 0.2, rng.integers(levels, size=(n, 1, 4, 4)), column)
    same = (k[..., None] == np.arange(levels)).sum(axis=2)  # (n, 1, 4, levels): pixels of a column at each level
    seen = same * np.log(0.8 + 0.2 / levels) + (4 - same) * np.log(0.2 / levels)
    return (k + rng.random(k.shape)) / levels, np.log(np.exp(seen).mean(axis=-1)).sum(axis=(1, 2))


@pytest.mark.parametrize(("name", "steps", "most"), [("ar", "250", 1.0), ("ar_transformer", "400", 1.5)])
def test_learns_what_pixels_have_to_do_with_each_other(name, steps, most):
    """Within a nat or so of the truth, where pixels by themselves are four away: each level is as frequent."""
    x, _ = stripes(5000, 3)
    held_out, log_mass = stripes(2000, 3, seed=1)
    small = {"hidden": 16, "depth": 2} if name == "ar" else {"width": 32, "depth": 2}
    small |= {"batch_size": 64, "lr": 5e-3}
    model = genbench.load_model(name, **small).fit(x, kind="image", levels=3, budget=steps)
    truth = log_mass + 16 * np.log(3)
    assert truth.mean() > 4  # the density of independent pixels is 1
    assert (truth - model.log_prob(held_out)).mean() < most
    assert model.sample(5).shape == (5, 1, 4, 4)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(("shape", "levels"), [((1, 8, 8), 2), ((3, 4, 4), 256), ((1, 5, 9), 17)])
def test_any_shape_and_number_of_levels(name, shape, levels):
    x = np.random.default_rng(0).random((20, *shape))
    small = {"hidden": 4, "depth": 1} if name == "ar" else {"width": 8, "depth": 1}
    model = genbench.load_model(name, **small).fit(x, kind="image", levels=levels, budget="2")
    assert model.sample(3).shape == (3, *shape)
    assert np.isfinite(model.log_prob(x)).all()


@pytest.mark.parametrize("name", KINDS)
def test_an_order_is_for_points(name):
    with pytest.raises(GenbenchError, match="order=reversed is for points; images are read pixel by pixel"):
        genbench.load_model(name, order="reversed").fit(np.random.rand(20, 1, 4, 4), kind="image", budget="1")


@pytest.mark.parametrize(("dropout", "reason"), [(-0.1, "not be negative"), (1.0, "be below 1")])
def test_a_dropout_out_of_range_is_refused(dropout, reason):
    with pytest.raises(GenbenchError, match=f"dropout must {reason}"):
        genbench.load_model("ar", dropout=dropout)
