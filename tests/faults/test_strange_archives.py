"""Archives that a stranger made: unpacked is what belongs to a run, in its own folder, and nothing large."""

import io
import tarfile
import tracemalloc

import pytest

from genbench.core.errors import GenbenchError
from genbench.runs.unbundle import unpack

KEY = "a-d-0-0123456789ab"


def archive(file, *members, mode="w:gz", form=tarfile.PAX_FORMAT):
    """Write an archive of (name, content), or of members as they are."""
    with tarfile.open(file, mode, format=form) as out:
        for one in members:
            if isinstance(one, tarfile.TarInfo):
                out.addfile(one)
                continue
            member = tarfile.TarInfo(one[0])
            member.size = len(one[1])
            out.addfile(member, io.BytesIO(one[1]))
    return file


RUN = [("r/run.json", b"{}"), ("r/bundle.json", b"{}"), (f"r/trials/{KEY}.json", b"{}")]


def of_type(kind, name, target=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


STRANGE = {
    "a path that leads out": [*RUN, ("r/../../x", b"x")],
    "an absolute path": [*RUN, ("/tmp/x/run.json", b"x")],
    "another folder": [*RUN, ("other/run.json", b"{}")],
    "a link": [*RUN, of_type(tarfile.SYMTYPE, "r/data/x", "/etc/hostname")],
    "a hard link": [*RUN, of_type(tarfile.LNKTYPE, "r/data/x", "r/run.json")],
    "a device": [*RUN, of_type(tarfile.CHRTYPE, "r/data/x")],
    "a pipe": [*RUN, of_type(tarfile.FIFOTYPE, "r/data/x")],
    "a key that is none": [*RUN, ("r/trials/..json.json", b"{}")],
    "a record that is too large": [*RUN, (f"r/trials/b{KEY}.json", bytes(2**23 + 1))],
    "compiled code": [*RUN, ("r/plugins/0/x.pyc", b"x")],
    "a folder of something": [*RUN, ("r/.git/hooks", b"x")],
    "zeros": [*RUN, ("r/data/x.npz", bytes(2**26 + 1))],
    "no run.json": [("r/bundle.json", b"{}")],
    "a file beside the folder": [("run.json", b"{}")],
    "a long name": [*RUN, ("r/data/" + "x" * 100_000, b"x")],
    "control signs": [*RUN, ("r/data/\x1b[31m", b"x")],
    "nothing": [],
}


@pytest.mark.parametrize("kind", STRANGE)
def test_what_does_not_belong_is_refused_and_nothing_stays(tmp_path, kind):
    file = archive(tmp_path / "x.tar.gz", *STRANGE[kind])
    with pytest.raises(GenbenchError, match=r"x\.tar\.gz") as error:
        unpack(file, tmp_path / "results")
    assert str(error.value).isprintable()
    assert list((tmp_path / "results").rglob("*")) == []
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "content", [b"", b"x" * 1000, b"\x1f\x8b" + bytes(100), b"PK\3\4"], ids=["empty", "text", "cut gzip", "zip"]
)
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "x.tar.gz").write_bytes(content)
    with pytest.raises(GenbenchError, match=r"x\.tar\.gz"):
        unpack(tmp_path / "x.tar.gz", tmp_path / "results")


def test_a_long_header_is_not_read(tmp_path):
    """What stands before a member with a long name is read at once by tarfile."""
    import gzip

    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 2**26
    with gzip.open(tmp_path / "x.tar.gz", "wb", compresslevel=1) as out:
        out.write(header.tobuf(tarfile.USTAR_FORMAT))
        out.write(bytes(2**26))
    tracemalloc.start()
    with pytest.raises(GenbenchError, match="header is too long"):
        unpack(tmp_path / "x.tar.gz", tmp_path / "results")
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_a_run_that_is_there_is_kept_and_another_one_refused(tmp_path):
    file = archive(tmp_path / "x.tar.gz", *RUN)
    folder = unpack(file, tmp_path / "results")
    assert folder == tmp_path / "results" / "r-recorded"
    assert (folder / "trials" / f"{KEY}.json").read_text() == "{}"
    assert unpack(file, tmp_path / "results") == folder
    (folder / "run.json").write_text("[]")
    with pytest.raises(GenbenchError, match="is another run"):
        unpack(file, tmp_path / "results")
