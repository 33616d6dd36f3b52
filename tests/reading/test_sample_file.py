"""Files of samples: which array is meant, and what is not read."""

import zipfile

import numpy as np
import pytest

from genbench.core.errors import GenbenchError
from genbench.reading.sample_file import array_named, read_arrays

X = np.arange(12.0).reshape(6, 2)


def chosen(arrays):
    return array_named(arrays, ("samples", "x"), ("test_log_prob",), "f.npz")


def test_samples_are_read_from_each_kind_of_file(tmp_path):
    np.save(tmp_path / "a.npy", X)
    np.savez(tmp_path / "b.npz", whatever=X, test_log_prob=np.zeros(3))
    np.savez_compressed(tmp_path / "c.npz", samples=X, other=np.zeros(3))
    np.savetxt(tmp_path / "d.csv", X, delimiter=",")
    for name in ("a.npy", "b.npz", "c.npz", "d.csv"):
        np.testing.assert_array_equal(chosen(read_arrays(tmp_path / name)), X)


def test_of_several_arrays_one_must_be_named(tmp_path):
    np.savez(tmp_path / "a.npz", a=X, b=X)
    with pytest.raises(GenbenchError, match=r"several arrays \(a \[6, 2\], b \[6, 2\]\); call the one .* 'samples'"):
        chosen(read_arrays(tmp_path / "a.npz"))
    np.savez(tmp_path / "b.npz", test_log_prob=np.zeros(3))
    assert chosen(read_arrays(tmp_path / "b.npz")) is None


def test_what_is_larger_than_any_samples_is_not_unpacked(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "bomb.npz", samples=np.zeros((1_000, 1_000)))
    assert (tmp_path / "bomb.npz").stat().st_size < 100_000
    monkeypatch.setattr("genbench.reading.sample_file.LARGEST", 1_000_000)
    with pytest.raises(GenbenchError, match="its arrays have 8,000,128 bytes, more than 1,000,000"):
        read_arrays(tmp_path / "bomb.npz")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.npz", b"PK\3\4 no archive", "not a numeric .npz file"),
        ("a.npy", b"", "not a numeric .npy file"),
        ("a.pt", b"", "may run code when they are read"),
        ("a.pkl", b"", "may run code when they are read"),
        ("a.xyz", b"", "samples are read from .npz, .npy"),
    ],
)
def test_what_is_no_file_of_numbers_is_told(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GenbenchError, match=words):
        read_arrays(tmp_path / name)


def test_a_zip_of_something_else_is_none(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.txt", "hello")
    with pytest.raises(GenbenchError, match="is a zip file or a workbook"):
        read_arrays(tmp_path / "a.npz")
