"""A run is packed, and repeats from its archive."""

import gzip
import json
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import genbench
from genbench.cli.main import app
from genbench.core.errors import GenbenchError
from genbench.runs.bundle import pack
from genbench.storage.digests import seal_of


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of one model on data in hand."""
    x = np.random.default_rng(0).normal(size=(300, 2))
    return genbench.run(
        "gaussian", {"mine": x}, 1, budget="3", samples=100, metrics="sliced_w2",
        jobs=0, progress=False, name="r", results=tmp_path_factory.mktemp("bundle"), say=lambda _: None,
    )  # fmt: skip


def members(file):
    with tarfile.open(file) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive.getmembers()}


def call(*arguments, code=0):
    done = CliRunner().invoke(app, ["bundle", *map(str, arguments)])
    assert done.exit_code == code, done.output + str(done.exception)
    return done.output


def test_it_holds_records_data_versions_and_what_was_asked(run, tmp_path):
    packed = pack(run, tmp_path / "a.tar.gz")
    found = members(packed.path)
    key = run.trials[0].key
    assert found[f"r/trials/{key}.json"] == (run.store.trials / f"{key}.json").read_bytes()
    assert seal_of(found[f"r/trials/{key}.json"], json.loads(found[f"r/trials/{key}.json"]))
    assert not [name for name in found if name.endswith(f"{key}.npz")]
    (data,) = [name for name in found if name.startswith("r/data/")]
    assert found[data] == next((run.path / "data").iterdir()).read_bytes()
    assert re.search(rb"(?m)^numpy==", found["r/requirements.txt"])
    assert run.record.commands[0].encode() in found["r/README.md"]
    assert packed.sizes["samples, left out"] == sum(file.stat().st_size for file in run.store.trials.glob("*.npz"))
    assert f"r/trials/{key}.npz" in members(pack(run, tmp_path / "b.tar.gz", samples=True).path)


def test_the_same_run_gives_the_same_bytes_without_times_and_owners(run, tmp_path):
    one, two = pack(run, tmp_path / "1.tar.gz").path, pack(run, tmp_path / "2.tar.gz").path
    assert one.read_bytes() == two.read_bytes()
    with tarfile.open(one) as archive:
        facts = {(member.mtime, member.uid, member.uname, member.mode) for member in archive.getmembers()}
        names = archive.getnames()
    assert facts == {(0, 0, "", 0o644)}
    assert names == sorted(names)
    assert gzip.GzipFile(one).peek(1)
    with pytest.raises(GenbenchError, match="exists already and is not overwritten"):
        pack(run, one)


def test_it_repeats_with_one_command_and_the_data_of_the_archive(run, tmp_path):
    file = pack(run, tmp_path / "r.tar.gz").path
    hidden = run.path.rename(run.path.with_name("away"))
    try:
        out = call("--repeat", file, "--results", tmp_path, "--jobs", 0, "-q")
    finally:
        hidden.rename(run.path)
    assert "2 trials: 2 equal to the bit, 0 to rounding, 0 different" in out
    again = genbench.load_run(tmp_path / "r-repeated")
    assert {t.key: t.metrics for t in again.trials} == {t.key: t.metrics for t in run.trials}
    assert str(tmp_path / "r-recorded") in again.trials[0].spec.dataset_params["path"]
    assert again.trials[0].dataset == "mine"


def test_wrong_requests_are_refused(run, tmp_path):
    for words, text in (
        ((), "needs the folder of a run"),
        ((run.path, "--repeat", "x"), "give one"),
        (("--repeat", tmp_path / "x"), "x"),
    ):
        with pytest.raises(GenbenchError, match=text):
            CliRunner().invoke(app, ["bundle", *map(str, words)], catch_exceptions=False)


@pytest.mark.slow  # three processes
def test_code_goes_along_where_it_is_named_and_runs_only_where_it_is_trusted(genbench_cli, good, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    plugin = tmp_path / "mine.py"
    plugin.write_text(Path(good).read_text())
    tiny = ["--budget", "3", "--samples", "100", "--metrics", "sliced_w2", "--seeds", "1", "--jobs", "0", "-q"]
    genbench_cli("run", "--models", "standard_normal", "--data", "blob", "--plugin", str(plugin), "--name", "r", *tiny)
    bare = genbench_cli("bundle", "results/r", "-o", "bare.tar.gz", check=1)
    (line,) = bare.stderr.splitlines()
    assert line.startswith("genbench: bare.tar.gz is incomplete: code is not in it: ")
    assert line.endswith(". Delete it, add what is missing, and pack the run again")
    assert "genbench trust" in bare.stderr
    assert not [name for name in members(tmp_path / "bare.tar.gz") if "plugins" in name]
    genbench_cli("bundle", "results/r", "--plugin", str(plugin), "-o", "r.tar.gz")
    assert members(tmp_path / "r.tar.gz")["r/plugins/0/mine.py"] == plugin.read_bytes()
    plugin.unlink()
    refused = genbench_cli("bundle", "--repeat", "r.tar.gz", "--results", "there", "--jobs", "0", "-q", check=2)
    assert "--trust-code" in refused.stderr
    assert "r-recorded/plugins/0/mine.py" in refused.stderr
    done = genbench_cli("bundle", "--repeat", "r.tar.gz", "--results", "there", "--jobs", "0", "-q", "--trust-code")
    assert "2 trials: 2 equal to the bit" in done.stdout


@pytest.mark.slow  # as above
def test_code_that_changed_since_is_not_packed(genbench_cli, good, tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(Path(good).read_text())
    tiny = ["--budget", "3", "--samples", "100", "--metrics", "sliced_w2", "--seeds", "1", "--jobs", "0", "-q"]
    genbench_cli("run", "--models", "standard_normal", "--data", "moons", "--plugin", str(plugin), "--name", "r", *tiny)
    plugin.write_text(plugin.read_text().replace("self.offset + self.width", "self.offset + 1.01 * self.width"))
    done = genbench_cli("bundle", "results/r", "--plugin", str(plugin), check=1)
    assert "code of model standard_normal is not in it: it changed since" in done.stderr
    assert not [name for name in members(tmp_path / "r.tar.gz") if "plugins" in name]
