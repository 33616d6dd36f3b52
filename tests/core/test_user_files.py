"""Which files of a user some code reads."""

import json
import os
import sqlite3
from pathlib import Path

import numpy as np

from genbench.core.user_files import content_digest, is_of_user, opened_files


def test_files_that_are_read_are_known_and_those_that_are_written_are_not(tmp_path):
    def old(name, text="1"):
        file = tmp_path / name
        file.write_text(text)
        os.utime(file)
        return file

    text, table, bytes_, made, out = (old(name) for name in ("a.txt", "b.npy", "c.bin", "d.txt", "e.txt"))
    np.save(table, np.arange(3))
    sqlite3.connect(tmp_path / "f.db").close()
    with opened_files() as opened:
        text.read_text()
        np.load(table)
        os.close(os.open(bytes_, os.O_RDONLY))
        sqlite3.connect(tmp_path / "f.db").close()
        made.write_text("2")
        made.read_text()
        out.rename(tmp_path / "g.txt")
        (tmp_path / "g.txt").read_text()
        Path("/etc/hostname").exists()
        Path(np.__file__).read_text()
        Path(json.__file__).read_text()
        Path(__file__).read_text()
    text.with_name("later.txt").write_text("")
    read = opened.read()
    assert {Path(name).name for name in read} >= {"a.txt", "b.npy", "c.bin", "f.db"}
    assert not {Path(name).name for name in read} & {"d.txt", "g.txt", "later.txt", "__init__.py", Path(__file__).name}
    assert read[str(text)] == content_digest(text)
    assert not opened.read(beside=[tmp_path])


def test_a_digest_follows_the_content(tmp_path):
    file = tmp_path / "x.txt"
    file.write_text("1")
    first = content_digest(file)
    file.write_text("22")
    second = content_digest(file)
    file.write_text("1")
    assert first != second
    assert content_digest(file) == first
    assert content_digest(tmp_path / "none") == ""


def test_whose_a_file_is():
    assert is_of_user(Path("/home/me/project/table.csv"))
    assert not is_of_user(Path(np.__file__))
    assert not is_of_user(Path(json.__file__))
    assert not is_of_user(Path("/home/me/project/.venv/lib/python3.11/site-packages/x.py"))
    import genbench
    from genbench.models import gmm

    assert not is_of_user(Path(genbench.__file__))
    assert not is_of_user(Path(gmm.__file__))
