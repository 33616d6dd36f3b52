import hashlib

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from genbench import load_dataset
from genbench.core.errors import GenbenchError
from genbench.numerics.grid import dequantise

TABLES = {"wine": (load_wine, {}, 3), "breast_cancer": (load_breast_cancer, {}, 2)}
TABLES |= {"diabetes": (load_diabetes, {"scaled": False}, None)}


@pytest.fixture(params=TABLES)
def table(request):
    loader, options, classes = TABLES[request.param]
    x, y = loader(return_X_y=True, **options)
    return request.param, x, y, classes


def rows(splits):
    return np.concatenate([splits.train, splits.validation, splits.test])


def test_splits_are_a_partition(table):
    name, x, y, classes = table
    dataset = load_dataset(name, dequantise=False)
    splits = dataset.splits(0)
    n = len(x)
    assert [len(splits.test), len(splits.validation), len(splits.train)] == [n // 5, n // 5, n - 2 * (n // 5)]
    ours = rows(splits)
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], x[np.lexsort(x.T)])
    assert dataset.shape == x.shape[1:]
    assert (dataset.kind, dataset.classes) == ("table", classes)
    if classes is None:
        assert splits.train_labels is None
    else:
        labels = np.concatenate([splits.train_labels, splits.validation_labels, splits.test_labels])
        np.testing.assert_array_equal(np.bincount(labels), np.bincount(y))
        assert labels.dtype == np.int64
        where = {row.tobytes(): label for row, label in zip(x, y, strict=True)}
        assert [where[row.tobytes()] for row in ours] == labels.tolist()


def test_seeds_shuffle_anew_and_repeat(table):
    dataset = load_dataset(table[0])
    first, again, other = dataset.splits(0), dataset.splits(0), dataset.splits(1)
    np.testing.assert_array_equal(first.train, again.train)
    assert not np.array_equal(first.train, other.train)
    np.testing.assert_array_equal(dataset.reference(20, 3), dataset.splits(3).test[:20])


def test_dequantised_values_round_back(table):
    name, x, _, _ = table
    noisy, _ = load_dataset(name).load(np.random.default_rng(0))
    assert (noisy != x).mean() > 0.999
    for column, original in zip(noisy.T, x.T, strict=True):
        recorded = np.unique(original)
        k = np.searchsorted((recorded[1:] + recorded[:-1]) / 2, column)
        np.testing.assert_array_equal(recorded[k], original)


def test_dequantised_columns_have_no_ties(table):
    noisy, _ = load_dataset(table[0]).load(np.random.default_rng(0))
    assert all(len(np.unique(column)) == len(noisy) for column in noisy.T)


def test_dequantisation_is_uniform():
    from scipy.stats import kstest

    x = np.tile(np.arange(4.0) * 2, 5_000)[:, None]
    noise = dequantise(x, np.random.default_rng(0)) - x
    assert kstest(noise[:, 0], "uniform", args=(-1, 2)).pvalue > 1e-5  # level 1e-5


@pytest.fixture
def numbers():
    return np.random.default_rng(0).normal(size=(50, 3)).round(3)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", [True, False])
def test_csv_with_and_without_names(tmp_path, numbers, separator, header):
    file = tmp_path / "table.csv"
    names = separator.join(["a", '"b b"', "c"]) if header else ""
    np.savetxt(file, numbers, delimiter=separator, header=names, comments="")
    if not header:
        file.write_text(file.read_text().lstrip("\n"))
    dataset = load_dataset("csv", path=str(file), dequantise=False)
    x, labels = dataset.load(np.random.default_rng(0))
    np.testing.assert_array_equal(x, numbers)
    assert (dataset.shape, labels, x.dtype) == ((3,), None, np.float64)
    assert len(dataset.splits(0).train) == 30


def test_npy_and_fingerprint(tmp_path, numbers):
    file = tmp_path / "table.npy"
    np.save(file, numbers.astype(np.float32))
    dataset = load_dataset("csv", path=str(file), dequantise=False)
    np.testing.assert_array_equal(dataset.load(np.random.default_rng(0))[0], numbers.astype(np.float32))
    before = dataset.fingerprint()
    assert before == hashlib.sha256(file.read_bytes()).hexdigest()
    np.save(file, numbers + 1)
    assert dataset.fingerprint() != before


def test_counts_are_dequantised(tmp_path):
    file = tmp_path / "counts.csv"
    file.write_text("n\n" + "\n".join(str(i % 4) for i in range(40)))
    x, _ = load_dataset("csv", path=str(file)).load(np.random.default_rng(0))
    np.testing.assert_array_equal(np.round(x[:, 0]), np.arange(40) % 4)
    assert len(np.unique(x)) == 40


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3,red\n", "column 'b' is not numeric .*'red'"),
        ("1,2\n3,red\n", "column '2' is not numeric .*'red'"),
        ("a,b\n1,2\n3,\nnan,4\n5,6\n", "2 of 4 rows"),
        ("a,b\n1,2\n1,3\n", "column 'a' is constant"),
        ("a,b\n", "no rows"),
        ("", "is empty"),
        ("1,2\n3,4,5\n", "line 2: 3 cells, where line 1 has 2"),
        ("a,b\n1,2\n3,inf\n5,6\n7,8\n9,1\n1,2\n3,3\n5,6\n7,8\n9,1\n", "1 of 10 rows"),
        ("a,b\n1,2\n3,4\n5,6\n", "3 rows are too few"),
    ],
)
def test_csv_says_in_one_line_what_is_wrong(tmp_path, text, message):
    file = tmp_path / "table.csv"
    file.write_text(text)
    with pytest.raises(GenbenchError, match=message) as raised:
        load_dataset("csv", path=str(file)).splits(0)
    assert "\n" not in str(raised.value)


def test_missing_file_and_missing_path(tmp_path):
    with pytest.raises(GenbenchError, match=r"no file .*nowhere\.csv"):
        load_dataset("csv", path=str(tmp_path / "nowhere.csv"))
    with pytest.raises(GenbenchError, match="path"):
        load_dataset("csv")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.arange(5.0), "shape"),
        (np.array([["a", "b"]]), "type"),
        (np.array([[1.0, np.nan], [2.0, 3.0]]), "1 of 2 rows"),
    ],
)
def test_npy_says_what_is_wrong(tmp_path, array, message):
    file = tmp_path / "table.npy"
    np.save(file, array)
    with pytest.raises(GenbenchError, match=message):
        load_dataset("csv", path=str(file))


def test_a_pickle_is_not_opened(tmp_path):
    file = tmp_path / "table.npy"
    np.save(file, np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(GenbenchError, match=r"not a numeric \.npy file"):
        load_dataset("csv", path=str(file))


def test_classes_of_a_file(tmp_path, numbers):
    file = tmp_path / "table.csv"
    file.write_text("a,b,c,kind\n" + "\n".join(f"{a},{b},{c},{'zyx'[i % 3]}" for i, (a, b, c) in enumerate(numbers)))
    dataset = load_dataset("csv", path=str(file), label="kind", columns=["b", "a"], dequantise=False)
    assert (dataset.shape, dataset.classes, dataset.traits["classes"]) == ((2,), 3, 3)
    x, labels = dataset.load(np.random.default_rng(0))
    np.testing.assert_array_equal(x, numbers[:, [1, 0]])
    np.testing.assert_array_equal(labels, 2 - np.arange(50) % 3)
    splits = dataset.splits(0)
    where = {row.tobytes(): label for row, label in zip(x, labels, strict=True)}
    assert [where[row.tobytes()] for row in splits.test] == splits.test_labels.tolist()


def test_time_stamps_are_kept_exactly(tmp_path):
    file = tmp_path / "table.csv"
    days = 2460311 + np.random.default_rng(0).permutation(300)[:50] / 1e5
    file.write_text("jd,ms\n" + "\n".join(f"{day:.5f},{1764422400000 + i}" for i, day in enumerate(days)))
    x, _ = load_dataset("csv", path=str(file), dequantise=False, columns=["jd", "ms"]).rows()
    np.testing.assert_array_equal(x[:, 0], [float(f"{day:.5f}") for day in days])
    np.testing.assert_array_equal(x[:, 1], 1764422400000 + np.arange(50))
    noisy, _ = load_dataset("csv", path=str(file)).load(np.random.default_rng(0))
    assert np.abs(noisy[:, 0] - x[:, 0]).max() < 1e-5
    np.testing.assert_array_equal(np.round(noisy[:, 1]), x[:, 1])
