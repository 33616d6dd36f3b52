import gzip
import hashlib
import io
import os
import shutil
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from genbench import load_dataset
from genbench.core import downloads
from genbench.core.errors import GenbenchError
from genbench.datasets.images import CIFAR10, MNIST, FashionMNIST, grey

TRAIN, TEST = 200, 40


def test_grey_levels():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    np.testing.assert_allclose(grey(levels, 256, None).ravel(), np.arange(256) / 255)
    x = grey(levels, 256, np.random.default_rng(0))
    np.testing.assert_array_equal(np.floor(256 * x), levels)
    assert x.min() >= 0
    assert x.max() < 1


def test_dequantisation_is_uniform():
    from scipy.stats import kstest

    levels = np.tile(np.arange(17, dtype=np.uint8), 1000)
    noise = 17 * grey(levels, 17, np.random.default_rng(0)) - levels
    assert kstest(noise, "uniform").pvalue > 1e-5  # level 1e-5


def test_digits():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    dataset = load_dataset("digits", dequantise=False)
    splits = dataset.splits(0)
    assert (dataset.kind, dataset.shape, dataset.classes) == ("image", (1, 8, 8), 10)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [1079, 359, 359]
    ours = np.concatenate([splits.train, splits.validation, splits.test])
    labels = np.concatenate([splits.train_labels, splits.validation_labels, splits.test_labels])
    where = {row.astype(int).tobytes(): label for row, label in zip(x, y, strict=True)}
    assert [where[np.rint(16 * row).astype(int).tobytes()] for row in ours] == labels.tolist()
    noisy, _ = load_dataset("digits").load(np.random.default_rng(0))
    np.testing.assert_array_equal(np.floor(17 * noisy).reshape(-1, 64), x)


def test_levels_outlive_float32():
    """The lowest and the highest noise of a level: in float32, too, the whole part of count · x is the level."""

    class Extreme:
        def __init__(self, value):
            self.value = value

        def random(self, shape, dtype):
            return np.full(shape, self.value, dtype)

    for count in (2, 17, 256):
        levels = np.arange(count)
        for noise in (0.0, 1 - 2.0**-24):
            for single in (False, True):
                x = grey(levels, count, Extreme(noise), single).astype(np.float32)
                np.testing.assert_array_equal(np.floor(np.float32(count) * x), levels)


def test_each_epoch_has_the_same_levels_and_fresh_noise():
    digits = load_dataset("digits")
    first = digits.splits(3).train
    second, third = digits.redraw(3, 1), digits.redraw(3, 2)
    for again in (second, third):
        assert (again.dtype, again.shape) == (np.float32, first.shape)
        np.testing.assert_array_equal(np.floor(17 * again), np.floor(17 * first))
        assert not np.isclose(again, first).mean() > 0.01
    assert not np.isclose(second, third).mean() > 0.01
    np.testing.assert_array_equal(second, digits.redraw(3, 1))
    assert load_dataset("digits", dequantise=False).redraw(3, 1) is None


def test_black_and_white_digits():
    """A pixel is white with its grey as probability, drawn anew for each epoch; validation and test stay."""
    greys = np.floor(17 * load_dataset("digits").splits(3).train) / 16
    dataset = load_dataset("digits", levels=2)
    splits = dataset.splits(3)
    assert dataset.traits == {"kind": "image", "levels": 2, "classes": 10}
    bits = np.floor(2 * splits.train)
    assert set(np.unique(bits)) == {0, 1}
    assert (bits[greys == 0] == 0).all()
    assert (bits[greys == 1] == 1).all()
    drawn = np.stack([np.floor(2 * dataset.redraw(3, epoch)) for epoch in range(1, 41)])
    assert (drawn.mean(axis=0) - greys)[(greys > 0) & (greys < 1)].mean() == pytest.approx(0, abs=5e-3)
    spread = ((drawn.mean(axis=0) - greys) ** 2).mean() / (greys * (1 - greys) / 40).mean()
    assert spread == pytest.approx(1, abs=0.05), "variance p (1 − p) / 40 of the mean of 40 independent draws"
    np.testing.assert_array_equal(splits.test, dataset.splits(3).test)
    hard = load_dataset("digits", levels=2, dequantise=False).splits(3)
    assert set(np.unique(hard.train)) == {0, 1}
    with pytest.raises(GenbenchError, match="levels=5 must be 2 for black and white, or 17"):
        load_dataset("digits", levels=5)


def pictures(n, shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(256, size=(n, *shape), dtype=np.uint8), rng.integers(10, size=n, dtype=np.uint8)


def idx(array):
    """Write an array of bytes as the format's description says."""
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_DATA", str(tmp_path))
    monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path


@pytest.fixture(params=[MNIST, FashionMNIST])
def small(request, folder, monkeypatch):
    """MNIST and Fashion-MNIST with 200 and 40 pictures in the folder."""
    cls = request.param
    (images, labels), (test_images, test_labels) = pictures(TRAIN, (28, 28)), pictures(TEST, (28, 28), 1)
    contents = [idx(array) for array in (images, labels, test_images, test_labels)]
    known = tuple(
        replace(file, sha256=hashlib.sha256(content).hexdigest())
        for file, content in zip(cls.files.files, contents, strict=True)
    )
    monkeypatch.setattr(cls, "files", replace(cls.files, files=known, mirrors=()))
    monkeypatch.setattr(cls, "official", (TRAIN, TEST))
    place = folder / cls.card.name
    place.mkdir()
    for file, content in zip(known, contents, strict=True):
        (place / file.name).write_bytes(gzip.compress(content))
    return cls, place, (images[:, None], labels), (test_images[:, None], test_labels)


def test_official_test_set_and_a_seeded_partition_of_the_rest(small):
    cls, _, (images, labels), (test_images, test_labels) = small
    dataset = load_dataset(cls.card.name, dequantise=False)
    first, other = dataset.splits(0), dataset.splits(1)
    official = sorted(zip(map(bytes, test_images), test_labels, strict=True))
    for splits in (first, other):
        levels = np.rint(255 * splits.test).astype(np.uint8)
        assert sorted(zip(map(bytes, levels), splits.test_labels, strict=True)) == official
        assert not np.array_equal(levels, test_images)  # parts of a sorted test set would not be like the whole
    assert (len(first.train), len(first.validation)) == (TRAIN - TEST, TEST)
    assert not np.array_equal(first.train, other.train)
    np.testing.assert_array_equal(first.train, dataset.splits(0).train)
    ours = np.rint(255 * np.concatenate([first.train, first.validation])).astype(np.uint8)
    where = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    found = [where.pop(image.tobytes()) for image in ours]
    assert found == [*first.train_labels, *first.validation_labels]
    assert where == {}
    assert (first.train.dtype, first.train_labels.dtype) == (np.float64, np.int64)


def test_dequantised_pictures_keep_their_levels(small):
    cls, _, _, (test_images, _) = small
    dataset = load_dataset(cls.card.name)
    splits = dataset.splits(0)
    levels = np.floor(256 * splits.test).astype(np.uint8)
    assert sorted(map(bytes, levels)) == sorted(map(bytes, test_images))
    noise = [(256 * x) % 1 for x in (splits.train[0], splits.validation[0], splits.test[0])]
    assert len(np.unique(np.concatenate(noise))) == 3 * 784  # no split has the noise of another
    np.testing.assert_array_equal(dataset.reference(10, 0), splits.test[:10])


def test_fewer_training_pictures_leave_the_others_alone(small):
    cls, *_ = small
    whole, few = (
        load_dataset(cls.card.name, dequantise=False),
        load_dataset(cls.card.name, dequantise=False, max_train=30),
    )
    np.testing.assert_array_equal(few.splits(0).train, whole.splits(0).train[:30])
    np.testing.assert_array_equal(few.splits(0).validation, whole.splits(0).validation)
    assert few.split_sizes.train == 30
    with pytest.raises(GenbenchError, match="max_train=-1"):
        load_dataset(cls.card.name, max_train=-1)


def test_the_fingerprint_is_that_of_the_content(small, monkeypatch):
    cls, place, *_ = small
    dataset = load_dataset(cls.card.name)
    before = dataset.fingerprint()
    for file in cls.files.files:
        content = gzip.decompress((place / file.name).read_bytes())
        (place / file.name).unlink()
        (place / file.parts[0]).write_bytes(content)
    assert dataset.fingerprint() == before
    file, path = cls.files.files[3], place / cls.files.files[3].parts[0]
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([(content[-1] + 1) % 10]))
    with pytest.raises(GenbenchError, match="wrong checksum"):
        dataset.fingerprint()
    unknown = tuple(replace(f, sha256="") for f in cls.files.files)
    monkeypatch.setattr(cls, "files", replace(cls.files, files=unknown))
    assert dataset.fingerprint() != before


@pytest.mark.parametrize(
    "break_it",
    [
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[:9],
        lambda data: b"",
        lambda data: b"\0\0\x0d" + data[3:],  # floats
        lambda data: data[:4] + (TRAIN - 1).to_bytes(4, "big") + data[8:],
        lambda data: data[:4] + (TRAIN - 1).to_bytes(4, "big") + data[8:-784],  # fewer than the official number
        lambda data: data[:8] + (14).to_bytes(4, "big") + (56).to_bytes(4, "big") + data[16:],
    ],
)
def test_a_malformed_idx_file_is_refused(small, monkeypatch, break_it):
    cls, place, *_ = small
    file = replace(cls.files.files[0], sha256="")  # so that the header must tell
    monkeypatch.setattr(cls, "files", replace(cls.files, files=(file, *cls.files.files[1:])))
    assert load_dataset(cls.card.name).splits(0)
    content = gzip.decompress((place / file.name).read_bytes())
    (place / file.name).write_bytes(gzip.compress(break_it(content)))
    with pytest.raises(GenbenchError, match=f"{cls.card.name}: .*(cut short|official).*data info") as e:
        load_dataset(cls.card.name).splits(0)
    assert "\n" not in str(e.value)


def test_missing_files_are_known_before_a_run(folder, monkeypatch):
    from genbench.core.registry import discover
    from genbench.runs.plan import make_plan

    discover()
    monkeypatch.setattr(MNIST, "files", replace(MNIST.files, mirrors=()))
    with pytest.raises(GenbenchError, match=f"mnist: cannot fetch train-images.*put it into {folder}/mnist"):
        make_plan("memoriser", "mnist")


@pytest.fixture
def cifar(folder, monkeypatch):
    """CIFAR-10 with 10 pictures a batch; returns its archive, the batches and the pictures."""
    monkeypatch.setattr(CIFAR10, "official", (50, 10))
    images, labels = pictures(60, (3, 32, 32))
    records = np.concatenate([labels[:, None], images.reshape(60, -1)], axis=1)
    batches = {name: records[10 * i : 10 * i + 10].tobytes() for i, name in enumerate(CIFAR10.files.files[0].parts)}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in {"readme.html": b"", **dict(reversed(batches.items()))}.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    digest = hashlib.sha256(packed.getvalue()).hexdigest()
    file = replace(CIFAR10.files.files[0], packed_sha256=digest)
    monkeypatch.setattr(CIFAR10, "files", replace(CIFAR10.files, files=(file,), mirrors=()))
    return packed.getvalue(), batches, images, labels


def test_cifar10_packed_and_unpacked(folder, cifar):
    packed, batches, images, labels = cifar
    (folder / "cifar-10-batches-bin").mkdir()
    for name, content in batches.items():
        (folder / "cifar-10-batches-bin" / name).write_bytes(content)
    dataset = load_dataset("cifar10", dequantise=False)
    unpacked = dataset.fingerprint()
    (folder / "cifar10").mkdir()
    (folder / "cifar10" / "cifar-10-binary.tar.gz").write_bytes(packed)
    assert CIFAR10.files.find(CIFAR10.files.files[0])[0].name == "cifar-10-binary.tar.gz"
    assert dataset.fingerprint() == unpacked
    (train, train_labels), (test, test_labels) = dataset.pixels()
    np.testing.assert_array_equal(np.concatenate([train, test]), images)
    np.testing.assert_array_equal(np.concatenate([train_labels, test_labels]), labels)
    splits = dataset.splits(0)
    assert sorted(map(bytes, np.rint(255 * splits.test).astype(np.uint8))) == sorted(map(bytes, images[50:]))
    assert splits.train.shape == (40, 3, 32, 32)


def test_cifar10_refuses_damage(folder, cifar):
    packed, batches, *_ = cifar
    dataset = load_dataset("cifar10")
    for name, content in batches.items():
        (folder / name).write_bytes(content)
    (folder / "data_batch_3.bin").write_bytes(batches["data_batch_3.bin"][:-1])
    with pytest.raises(GenbenchError, match="cifar10: .*bytes in place of"):
        dataset.splits(0)
    (folder / "data_batch_3.bin").write_bytes(bytes([10]) + batches["data_batch_3.bin"][1:])
    with pytest.raises(GenbenchError, match="label 10"):
        dataset.splits(0)
    (folder / "cifar-10-binary.tar.gz").write_bytes(packed[:-20])
    with pytest.raises(GenbenchError, match="wrong checksum"):
        dataset.splits(0)


def test_official_pictures_are_redrawn_in_the_order_of_their_training_split(small):
    cls = small[0]
    for params, count in (({}, 256), ({"levels": 2}, 2)):
        dataset = load_dataset(cls.card.name, **params, max_train=30)
        plain = load_dataset(cls.card.name, dequantise=False, max_train=30).splits(1).train
        again = dataset.redraw(1, 4)
        assert (again.dtype, again.shape, dataset.levels) == (np.float32, plain.shape, count)
        if count == 256:
            np.testing.assert_array_equal(np.floor(256 * again), np.rint(255 * plain))
        else:
            white = np.floor(2 * again)
            assert np.corrcoef(white.ravel(), plain.ravel())[0, 1] > 0.4
        assert dataset.splits(1).train.shape == again.shape


def test_a_data_folder_comes_before_those_of_the_environment(small, tmp_path, monkeypatch):
    from genbench.core.downloads import use_data_dir

    cls, place, *_ = small
    other = tmp_path / "other"
    shutil.copytree(place, other / place.name)
    monkeypatch.setenv("GENBENCH_DATA", str(place.parent))
    file = cls.files.files[0]
    assert cls.files.find(file) == [place / file.name]
    for _ in range(2):
        with use_data_dir(other):
            assert cls.files.find(file) == [other / place.name / file.name]
        assert cls.files.find(file) == [place / file.name]
        assert os.environ["GENBENCH_DATA"] == str(place.parent), "the caller's environment is left alone"
    shutil.rmtree(other)
    with pytest.raises(GenbenchError, match="no data folder"), use_data_dir(other):
        pass
