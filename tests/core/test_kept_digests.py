"""Digests that are kept are those that would be computed, for one state of the code alone."""

import json

import pytest

from genbench.core import code_fingerprint
from genbench.core.code_fingerprint import Definition, digest_of, forget_digests, installed
from genbench.core.kept_digests import KeptDigests
from genbench.metrics.kl import kl


@pytest.fixture
def code(tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "a.py").write_text("x = 1\n")
    return folder


def kept(tmp_path, code):
    return KeptDigests(tmp_path / "cache" / "digests.json", [code])


def never():
    raise AssertionError("it is kept")


def test_a_digest_is_computed_once_for_one_state_of_the_code(tmp_path, code):
    assert kept(tmp_path, code).get("model", lambda: "abc") == "abc"
    assert kept(tmp_path, code).get("model", never) == "abc"
    assert kept(tmp_path, code).get("other", lambda: "def") == "def"
    assert kept(tmp_path, code).get("model", never) == "abc", "another one does not drive it out"


@pytest.mark.parametrize("change", ["edited", "added", "renamed", "removed"])
def test_any_change_of_the_code_forgets_it(tmp_path, code, change):
    (code / "b.py").write_text("")
    kept(tmp_path, code).get("model", lambda: "abc")
    match change:
        case "edited":
            (code / "a.py").write_text("x = 2\n")
        case "added":
            (code / "deep").mkdir()
            (code / "deep" / "c.py").write_text("")
        case "renamed":
            (code / "b.py").rename(code / "c.py")
        case "removed":
            (code / "b.py").unlink()
    assert kept(tmp_path, code).get("model", lambda: "new") == "new"


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"code": 1, "digests": {"model": "abc"}}'])
def test_a_damaged_file_costs_time_alone(tmp_path, code, content):
    kept(tmp_path, code).get("model", lambda: "abc")
    (tmp_path / "cache" / "digests.json").write_bytes(content)
    assert kept(tmp_path, code).get("model", lambda: "new") == "new"


def test_digests_that_are_no_texts_are_none(tmp_path, code):
    kept(tmp_path, code).get("model", lambda: "abc")
    file = tmp_path / "cache" / "digests.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"digests": {"model": 1}}))
    assert kept(tmp_path, code).get("model", lambda: "new") == "new"


def test_a_folder_that_cannot_be_written_costs_time_alone(tmp_path, code):
    (tmp_path / "cache").write_text("a file")
    assert kept(tmp_path, code).get("model", lambda: "abc") == "abc"


def test_the_digest_of_our_code_is_that_which_is_computed(tmp_path, code, monkeypatch):
    mine = Definition.of(kl)
    expected = installed().digest(installed().reached(mine))
    store = kept(tmp_path, code)
    monkeypatch.setattr(code_fingerprint, "_kept", lambda: store)
    digest_of.cache_clear()
    assert digest_of(mine) == expected
    assert list(json.loads((tmp_path / "cache" / "digests.json").read_text())["digests"]) == [
        "all genbench/metrics/kl.py:kl"
    ]
    digest_of.cache_clear()
    assert digest_of(mine) == expected


def test_the_digest_of_other_code_is_not_kept(tmp_path, code, monkeypatch):
    store = kept(tmp_path, code)
    monkeypatch.setattr(code_fingerprint, "_kept", lambda: store)
    digest_of.cache_clear()
    digest_of(Definition(code / "a.py", "x"))
    assert not (tmp_path / "cache").exists()


@pytest.fixture(autouse=True)
def as_before():
    yield
    digest_of.cache_clear()


def test_they_are_forgotten_with_the_files():
    digest_of(Definition.of(kl))
    forget_digests()
    assert digest_of.cache_info().currsize == 0
