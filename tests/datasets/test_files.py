import numpy as np
import pandas as pd
import pytest
from PIL import Image

from genbench import load_dataset
from genbench.core.errors import GenbenchError
from genbench.reading.in_hand import hold, read_held


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, (20, 5, 5)).astype(np.uint8)
    for i, image in enumerate(levels):
        folder = tmp_path / "photos" / ("cat" if i < 10 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{i}.png")
    return tmp_path / "photos", levels


def all_points(splits):
    return np.concatenate([splits.train, splits.validation, splits.test])


def rows(x):
    return sorted(map(bytes, np.ascontiguousarray(x)))


def test_a_folder_of_images_is_dequantised_like_the_built_in_ones(photos):
    folder, levels = photos
    dataset = load_dataset(str(folder))
    assert (dataset.shape, dataset.classes, dataset.levels, dataset.kind) == ((1, 5, 5), 2, 256, "image")
    assert dataset.notes == ("20 images of 1×5×5, 256 levels; 2 classes: cat is 0, dog is 1",)
    splits = dataset.splits(0)
    found = all_points(splits)
    assert ((found > 0) & (found < 1)).all()
    assert rows(np.floor(found * 256).astype(np.uint8)[:, 0]) == rows(levels)
    classes = {image.tobytes(): i // 10 for i, image in enumerate(levels)}
    again = np.floor(splits.test * 256).astype(np.uint8)
    assert [classes[image.tobytes()] for image in again] == splits.test_labels.tolist()
    fresh = dataset.redraw(0, 1)
    assert not np.array_equal(fresh, splits.train)
    np.testing.assert_array_equal(np.floor(fresh * 256), np.floor(splits.train * 256))
    plain = all_points(load_dataset(str(folder), dequantise=False).splits(0))
    assert rows(np.rint(plain[:, 0] * 255).astype(np.uint8)) == rows(levels)
    assert set(np.unique(all_points(load_dataset(str(folder), levels=2, dequantise=False).splits(0)))) == {0.0, 1.0}


def test_the_checksum_is_that_of_the_pixels(photos):
    folder, levels = photos
    before = load_dataset(str(folder)).fingerprint()
    Image.fromarray(levels[3]).save(folder / "cat" / "3.png", compress_level=0)
    assert load_dataset(str(folder)).fingerprint() == before
    Image.fromarray(255 - levels[3]).save(folder / "cat" / "3.png")
    assert load_dataset(str(folder)).fingerprint() != before


def test_few_images_are_refused(tmp_path):
    Image.fromarray(np.zeros((3, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(GenbenchError, match="has 1 images, too few to split; give at least 10"):
        load_dataset(str(tmp_path))


def held(data, tmp_path, **how):
    return load_dataset(str(hold(data, "mine", **how).write(tmp_path)))


def test_a_table_in_hand_keeps_every_bit(tmp_path):
    x = np.random.default_rng(0).normal(size=(50, 3)) * [1e-9, 1, 1e12] + [0, 1e6, 0]
    y = np.repeat(["b", "a"], 25)
    dataset = held((pd.DataFrame(x, columns=["p", "q", "r"]), y), tmp_path)
    values, labels = dataset.rows()
    np.testing.assert_array_equal(values, x)
    assert (labels.tolist(), dataset.classes) == ([1] * 25 + [0] * 25, 2)
    assert dataset.notes == ("a table of 50 rows and 3 columns; 2 classes: a is 0, b is 1",)
    assert read_held(dataset.path)["columns"].tolist() == ["p", "q", "r"]


@pytest.mark.parametrize(
    ("images", "levels"),
    [
        (np.arange(200).reshape(50, 2, 2).astype(np.uint8), 256),
        (np.arange(200).reshape(50, 2, 2) % 2 == 1, 2),
        ((np.arange(200).reshape(50, 1, 2, 2) % 17 / 16).astype(np.float32), 17),
        ((np.arange(200).reshape(50, 1, 2, 2) / 255).astype(np.float32), 256),
    ],
)
def test_images_in_hand_have_the_levels_that_they_show(tmp_path, images, levels):
    dataset = held(images, tmp_path)
    assert (dataset.levels, dataset.shape) == (levels, (1, 2, 2))
    whole = images.reshape(50, 2, 2) * (1 if images.dtype.kind in "iub" else levels - 1)
    assert rows(np.floor(all_points(dataset.splits(0)) * levels).astype(np.uint8)[:, 0]) == rows(
        np.rint(whole).astype(np.uint8)
    )


def test_images_of_real_values_are_kept(tmp_path):
    x = np.random.default_rng(0).random((40, 3, 4, 4))
    dataset = held(x, tmp_path)
    assert (dataset.levels, dataset.shape, dataset.redraw(0, 1)) == (None, (3, 4, 4), None)
    assert rows(all_points(dataset.splits(0))) == rows(x)


def test_a_series_in_hand(tmp_path):
    values = np.sin(np.arange(200) / 7) + np.random.default_rng(0).normal(size=200)
    dataset = held(values, tmp_path, series=True)
    assert (dataset.shape, dataset.kind) == ((12,), "series")
    np.testing.assert_array_equal(dataset.series, values)
    dated = held(pd.Series(values, pd.date_range("2020-01-01", periods=200, freq="MS")), tmp_path)
    assert dated.notes == ("a series of 200 values, one a step of 1 month, from 2020-01-01 to 2036-08-01",)
    assert held(values, tmp_path).shape == (1,), "without a word, a column is a table"
    with pytest.raises(GenbenchError, match="do not fit into the held-out fifth of 50; give length=9 or less"):
        held(values[:50], tmp_path, series=True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((5, 2)), "mine has 5 points, too few"),
        (np.zeros((0, 2)), "holds nothing"),
        (np.ones((50, 2)), "column '0' is constant"),
        (np.full((50, 2), np.nan), "50 of 50 rows hold NaN"),
        (np.zeros((50, 8, 8, 3)), r"move the channels first: x.transpose\(0, 3, 1, 2\)"),
        (np.zeros((50, 8, 8, 8)), "images are"),
        (np.arange(200.0).reshape(50, 2, 2), "values from 0 to 199; scale them"),
        (np.arange(200).reshape(50, 2, 2) + 100, "levels from 100 to 299"),
        (np.zeros((50, 2, 2)), "every value of mine is 0.0"),
        ((np.random.rand(50, 2), np.arange(50)), "labels have 50 classes in 50 rows"),
        ((np.random.rand(50, 2), np.zeros(50)), "labels have 1 classes"),
        ((np.random.rand(50, 2), np.arange(40) % 2), r"shape \(40,\), not \(50,\)"),
        ((np.random.rand(50, 2), [0, None] * 25), "25 labels are missing, the first in row 1"),
        ((np.random.rand(50, 2), np.linspace(0, 1, 50)), "is no class; put measurements into a column"),
        ((np.random.rand(50, 2), np.random.rand(50, 2)), "several data sets are a list"),
    ],
)
def test_data_in_hand_that_no_run_can_use_are_refused(data, message):
    with pytest.raises(GenbenchError, match=message) as caught:
        hold(data, "mine")
    assert "\n" not in str(caught.value)


def test_a_damaged_file_says_what_to_do(tmp_path):
    file = hold(np.random.default_rng(0).normal(size=(50, 2)), "mine", False).write(tmp_path)
    assert file == hold(np.random.default_rng(0).normal(size=(50, 2)), "mine").write(tmp_path)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(GenbenchError, match="delete it and run again with the data in hand"):
        load_dataset(str(file))
    hold(np.random.default_rng(0).normal(size=(50, 2)), "mine").write(tmp_path)
    assert load_dataset(str(file)).shape == (2,), "it was written anew"
