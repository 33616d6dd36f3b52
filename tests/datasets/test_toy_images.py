import numpy as np
import pytest

from genbench import load_dataset
from genbench.contracts.dataset import Sizes
from genbench.core.errors import GenbenchError
from genbench.datasets.toy_images import SHAPES, _pictures


def centres(size):
    return (np.arange(size) + 0.5) / size * 2 - 1


def test_one_point_is_a_gaussian_where_it_lies():
    x, y, size = 0.3, -0.5, 32
    picture = _pictures(np.array([[[x, y]]]), size)[0]
    c = centres(size)
    g = np.exp(-0.5 * ((c[None] - x) ** 2 + (c[::-1, None] - y) ** 2) / 0.05**2)  # row 0 is the top
    np.testing.assert_allclose(picture, g / g.max(), atol=1e-5)


def test_points_add_up():
    points = np.random.default_rng(0).uniform(-0.8, 0.8, (3, 7, 2))
    c = centres(16)
    for picture, cloud in zip(_pictures(points, 16), points, strict=True):
        g = sum(np.exp(-0.5 * ((c[None] - x) ** 2 + (c[::-1, None] - y) ** 2) / 0.0625**2) for x, y in cloud)
        np.testing.assert_allclose(picture, g / g.max(), atol=1e-5)


@pytest.mark.parametrize("shape", ["all", *SHAPES])
def test_range_shape_and_labels(shape):
    dataset = load_dataset("toy_images", shape=shape, size=24)
    x, labels = dataset.labelled_sample(300, seed=3)
    assert (dataset.kind, dataset.shape, x.shape, x.dtype) == ("image", (1, 24, 24), (300, 1, 24, 24), np.float64)
    assert x.min() >= 0
    np.testing.assert_array_equal(x.max(axis=(1, 2, 3)), 1)
    if shape == "all":
        assert dataset.classes == 4
        counts = np.bincount(labels, minlength=4)
        assert abs(counts - 75).max() < 45  # six standard deviations of a binomial(300, 1/4)
    else:
        assert (dataset.classes, labels) == (None, None)


def test_seeds_repeat_and_splits_are_apart():
    dataset = load_dataset("toy_images", size=16)
    few = Sizes(train=50, validation=40, test=60)
    splits, again, other = dataset.splits(0, few), dataset.splits(0, few), dataset.splits(1, few)
    assert [len(x) for x in (splits.train, splits.validation, splits.test)] == [50, 40, 60]
    assert [len(y) for y in (splits.train_labels, splits.validation_labels, splits.test_labels)] == [50, 40, 60]
    np.testing.assert_array_equal(splits.train, again.train)
    np.testing.assert_array_equal(dataset.reference(20, 0), dataset.reference(20, 0))
    every = np.concatenate(
        [splits.train, splits.validation, splits.test, other.train, dataset.reference(20, 0), dataset.sample(20, 0)]
    )
    assert len(np.unique(every.reshape(len(every), -1), axis=0)) == len(every)


def test_usual_sizes_are_small():
    splits = load_dataset("toy_images", shape="moons", size=8).splits(0)
    assert [len(x) for x in (splits.train, splits.validation, splits.test)] == [5_000, 1_000, 1_000]
    assert splits.train_labels is None


def test_shapes_are_told_apart_whatever_their_angle():
    """A classifier of what turning and shifting leave alone gets nearly all; guessing would get a quarter."""
    from sklearn.linear_model import LogisticRegression

    x, y = load_dataset("toy_images", size=32).labelled_sample(1_000, seed=0)
    spectrum = np.abs(np.fft.rfft2(x[:, 0]))
    rings = np.rint(np.hypot(np.fft.fftfreq(32)[:, None], np.fft.rfftfreq(32)) * 32).astype(int)
    radial = np.stack([spectrum[:, rings == r].mean(axis=1) for r in range(16)], axis=1)
    spread = np.stack([spectrum[:, rings == r].std(axis=1) for r in range(1, 16)], axis=1)
    features = np.log(np.concatenate([radial, spread], axis=1))
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    model = LogisticRegression(max_iter=500).fit(features[:700], y[:700])
    assert model.score(features[700:], y[700:]) > 0.95


def test_angles_and_shifts_are_uniform():
    """Of a long Gaussian the main axis tells the angle, the centre of mass tells the shift."""
    from scipy.stats import kstest

    x = load_dataset("toy_images", shape="stretched_gaussian", size=32).sample(600, seed=1)[:, 0]
    c = centres(32)
    mass = x.sum(axis=(1, 2))
    mx, my = (x @ c).sum(axis=1) / mass, (x.transpose(0, 2, 1) @ c[::-1]).sum(axis=1) / mass
    xx, yy = (x @ c**2).sum(axis=1) / mass - mx**2, (x.transpose(0, 2, 1) @ c[::-1] ** 2).sum(axis=1) / mass - my**2
    xy = np.einsum("nij,i,j->n", x, c[::-1], c) / mass - mx * my
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    assert kstest(angle, "uniform", args=(-np.pi / 2, np.pi)).pvalue > 1e-5  # level 1e-5
    assert abs(mx.mean()) < 0.02  # eight standard errors
    assert 0.05 < mx.std() < 0.075  # 0.058 of U(−0.1, 0.1), and a little of the mean of 400 points


@pytest.mark.parametrize(
    ("params", "message"),
    [({"size": 4}, "size=4"), ({"size": 1000}, "size=1000"), ({"shape": "star"}, "star")],
)
def test_parameters_out_of_range(params, message):
    with pytest.raises(GenbenchError, match=message):
        load_dataset("toy_images", **params)


def test_negative_number():
    with pytest.raises(GenbenchError, match="cannot draw -1"):
        load_dataset("toy_images").sample(-1)
