"""Folders that a stranger made: each fault is named in a line, the rest of the run is shown, and nothing is written out."""

import json
import os
import resource
import struct
import time
import zipfile

import numpy as np
import pytest

import genbench
from genbench.core.errors import GenbenchError
from genbench.display.export import FORMATS, render
from genbench.runs.reload import find
from genbench.storage.records import RunRecord
from genbench.storage.store import CorruptFile, Store
from trial_records import record, rewritten, spec

SECONDS, MEGABYTES = 10, 500  # what opening a run may take
MODELS = ("oracle", "strange", "honest")


@pytest.fixture
def run(tmp_path):
    """A run of three models with samples; the tests break what is stored of the model `strange`."""
    store, keys = Store(tmp_path / "run"), []
    store.create()
    for place, model in enumerate(MODELS):
        one = spec(
            model=model, model_name="gaussian", dataset="moons", dataset_name="moons", dataset_params={"noise": 0.1},
            protocol={"samples": 50},
        )  # fmt: skip
        role = "oracle" if model == "oracle" else "model"
        points = np.random.default_rng(place).normal(size=(50, 2)).astype(np.float32)
        store.write(record(one, role=role, metrics={"w2": 0.1 + place}), {"samples": points})
        keys.append(one.key)
    store.write_run(RunRecord(name="run", trials=keys))
    return store


def key(store):
    return next(name for name in store.finished() if name.startswith("strange"))


def rewrite(file, **changes):
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def in_spec(file, **changes):
    rewrite(file, spec=json.loads(file.read_text())["spec"] | changes)


def replace(file, make):
    file.unlink()
    make(file)


def raw(file, what, by):
    text = file.read_text()
    assert what in text
    file.write_text(text.replace(what, by, 1))


def sparse(file):
    with file.open("wb") as out:
        out.truncate(5 * 10**9)


BROKEN_RECORDS = {
    "a link to /dev/zero": lambda file: replace(file, lambda f: f.symlink_to("/dev/zero")),
    "a link to a file outside": lambda file: replace(file, lambda f: f.symlink_to("/etc/hostname")),
    "a link in a circle": lambda file: replace(file, lambda f: f.symlink_to(f)),
    "a pipe": lambda file: replace(file, os.mkfifo),
    "a folder": lambda file: replace(file, lambda f: f.mkdir()),
    "5 GB": sparse,
    "a million brackets": lambda file: file.write_text("[" * 10**6),
    "brackets in a field": lambda file: raw(file, '"params": {', '"params": {"a": ' + "[" * 10**5),
    "a million lists": lambda file: file.write_text('{"params": {"a": [' + "[]," * 1_000_000 + "[]]}}"),
    "an infinite schema": lambda file: raw(file, '"schema": 2', '"schema": Infinity'),
    "a schema of 1e999": lambda file: raw(file, '"schema": 2', '"schema": 1e999'),
    "a schema of 4,000 digits": lambda file: raw(file, '"schema": 2', '"schema": ' + "9" * 4_000),
    "a schema that is text": lambda file: raw(file, '"schema": 2', '"schema": {}'),
    "a NaN": lambda file: rewrite(file, metrics={"w2": float("nan")}),
    "a NaN in words": lambda file: rewrite(file, metrics={"w2": "NaN"}),
    "a NaN in a curve": lambda file: rewrite(file, curve=[{"step": 1, "w2": "nan"}]),
    "seconds without end": lambda file: rewrite(file, cost={"train_seconds": "Infinity"}),
    "a number of 300 digits": lambda file: rewrite(file, cost={"parameters": 10**300}),
    "a negative seed": lambda file: rewrite(file, seed=-1),
    "a key that leads out": lambda file: rewrite(file, key="../../secret"),
    "another key": lambda file: rewrite(file, key="other-moons-0-123456789abc"),
    "100,000 metrics": lambda file: rewrite(file, metrics={f"m{i}": 1.0 for i in range(100_000)}),
    "a name of a million letters": lambda file: rewrite(file, model="x" * 10**6),
    "10^30 samples": lambda file: in_spec(file, protocol={"samples": 10**30}),
    "NUL": lambda file: file.write_bytes(b"\0" * 1000),
    "no UTF-8": lambda file: file.write_bytes(b'{"key": "\xff\xfe"}'),
}  # fmt: skip


def bomb(file):
    """An archive of 5 GB by its header, and of 100 MB when it is unpacked, in 100 KB."""
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out,
        out.open("samples.npy", "w", force_zip64=True) as to,
    ):
        np.lib.format.write_array_header_1_0(to, {"descr": "<f4", "fortran_order": False, "shape": (50, 2_500_000)})
        to.write(bytes(10**8))


def member(file, shape, content=b"", name="samples.npy", header=np.lib.format.write_array_header_1_0):
    with zipfile.ZipFile(file, "w") as out, out.open(name, "w") as to:
        header(to, {"descr": "<f4", "fortran_order": False, "shape": shape})
        to.write(content)


def nested_header(file):
    text = ("[" * 9_000).encode()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("samples.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text)


BROKEN_ARRAYS = {
    "a bomb": bomb,
    "a shape of 4 PB": lambda file: member(file, (10**9, 10**6), bytes(100)),
    "more than the protocol": lambda file: np.savez(file, samples=np.zeros((51, 2), np.float32)),
    "fewer bytes than the shape": lambda file: member(file, (50, 2), bytes(100)),
    "a negative shape": lambda file: member(file, (-50, -2), bytes(400)),
    "brackets in the header": nested_header,
    "a header of version 2": lambda file: member(file, (50, 2), bytes(400), header=np.lib.format.write_array_header_2_0),
    "another shape than the data": lambda file: np.savez(file, samples=np.zeros((50, 7), np.float32)),
    "pickles": lambda file: np.savez(file, samples=np.array([{}], dtype=object)),
    "texts": lambda file: np.savez(file, samples=np.array(["a"])),
    "no samples": lambda file: np.savez(file, samples=np.float32(1)),
    "a thousand arrays": lambda file: np.savez(file, **{f"a{i}": np.zeros(1) for i in range(1_000)}),
    "no archive": lambda file: file.write_bytes(b"PK\3\4" + b"x" * 1_000),
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:-30]),
    "a changed byte": lambda file: file.write_bytes(file.read_bytes().replace(file.read_bytes()[200:208], b"\1" * 8, 1)),
    "5 GB of nothing": sparse,
    "nothing": lambda file: file.write_bytes(b""),
    "a pipe": lambda file: replace(file, os.mkfifo),
    "a link to /dev/zero": lambda file: replace(file, lambda f: f.symlink_to("/dev/zero")),
}  # fmt: skip


@pytest.fixture
def bounded():
    """Fail where the test takes longer, or more memory, than opening a run may."""
    begin, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert time.process_time() - begin < SECONDS  # others may be computing; a test that waits has no end
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEGABYTES * 1024


@pytest.mark.parametrize("fault", BROKEN_RECORDS)
def test_a_broken_record_is_named_and_the_others_are_shown(run, bounded, fault):
    file = run.trials / f"{key(run)}.json"
    BROKEN_RECORDS[fault](file)
    opened = genbench.load_run(run.path)
    assert {row.model for row in opened.leaderboard().rows} == {"oracle", "honest"}
    assert len(opened.problems) == 1
    assert str(file) in opened.problems[0]
    assert "\n" not in opened.problems[0]
    for form in FORMATS:
        render(opened.leaderboard(), form)


@pytest.mark.parametrize("fault", BROKEN_ARRAYS)
def test_broken_samples_are_named_and_those_of_the_others_are_drawn(run, bounded, fault):
    file = run.trials / f"{key(run)}.npz"
    BROKEN_ARRAYS[fault](file)
    opened = genbench.load_run(run.path)
    shape = None if "another shape" in fault else ()
    if shape is not None:
        with pytest.raises(CorruptFile, match=file.name):
            run.arrays(key(run))
    assert opened.samples(opened.record.trials[2]).shape == (50, 2)
    if fault in ("a bomb", "another shape than the data"):  # a figure takes half a second
        figure = opened.plot("samples")
        titles = [axes.get_title().partition("\n")[0] for axes in figure.axes]
        assert titles[1:] == ["oracle", "strange", "honest"]
        assert "samples not kept" in {text.get_text() for axes in figure.axes for text in axes.texts}
    else:
        assert opened.samples(key(run)) is None
    assert len(opened.problems) == 1
    assert key(run) in opened.problems[0]


@pytest.mark.parametrize(
    "name", ["../../secret", "/etc/hostname", "k" * 5_000, "", ".", "a/b", "a\0b", "a\nb", "\ud800"], ids=ascii
)
def test_names_that_no_trial_has_are_left_out(run, bounded, name):
    (run.path.parent / "secret.json").write_text((run.trials / f"{key(run)}.json").read_text())
    rewrite(run.path / "run.json", trials=[*run.read_run().trials, name])
    if name == "\ud800":  # no JSON: the table is made of the trials
        (problem,) = genbench.load_run(run.path).problems
        assert "not whole JSON; its table is rebuilt from 3 trials" in problem
        return
    opened = genbench.load_run(run.path)
    assert len(opened.trials) == 3
    assert len(opened.problems) == 1
    assert "no name of a trial" in opened.problems[0]
    assert "\n" not in opened.problems[0]
    assert len(opened.problems[0]) < 300 + len(str(run.path))
    for call in (run.arrays, run.weights):
        assert call(name) == {}


def test_a_name_that_stands_a_hundred_times_is_read_once(run):
    rewrite(run.path / "run.json", trials=run.read_run().trials * 100)
    assert len(genbench.load_run(run.path).trials) == 3


@pytest.mark.parametrize(
    "broken",
    [
        {"environment": {"libraries": [1], "commit": {"a": []}, "command": 5}}, {"requests": [{"command": 5}, {"command": [[1], None]}, {}]},
        {"requests": [{"command": {"a": 1}}], "data": {"moons": ["x" * 1_000]}}, {"environment": {"libraries": {"genbench": [1]}}},
    ],
)  # fmt: skip
def test_a_run_record_with_odd_contents_is_shown(run, broken):
    from genbench.report import write_report

    rewrite(run.path / "run.json", **broken)
    opened = genbench.load_run(run.path)
    write_report(opened, run.path / "report.html", figures=None)
    assert "honest" in opened._repr_html_()


@pytest.mark.parametrize(
    "make", [os.mkfifo, sparse, lambda file: file.symlink_to("/dev/zero")], ids=["pipe", "5 GB", "link"]
)
def test_a_run_record_that_is_none_is_named_and_the_trials_are_shown(run, bounded, make):
    replace(run.path / "run.json", make)
    opened = genbench.load_run(run.path)
    assert {row.model for row in opened.leaderboard().rows} == set(MODELS)
    (problem,) = opened.problems
    assert "run.json" in problem
    assert "rebuilt from 3 trials" in problem


def test_weights_of_5_gb_are_refused_before_they_are_read(run, bounded):
    """A file with holes: of the right form, and not of the model's shapes."""
    file, n = run.trials / f"{key(run)}.safetensors", 5 * 10**9 // 4
    header = json.dumps({"x": {"dtype": "F32", "shape": [n], "data_offsets": [0, 4 * n]}}).encode()
    with file.open("wb") as out:
        out.write(struct.pack("<Q", len(header)) + header)
        out.truncate(8 + len(header) + 4 * n)
    with pytest.raises(CorruptFile, match="wrote no such file"):
        run.weights(key(run))
    rewritten(run.trials / f"{key(run)}.json")
    assert run.weights(key(run))["x"].shape == (n,)
    file.write_bytes(struct.pack("<Q", 2**40) + header)
    with pytest.raises(CorruptFile, match="list of tensors"):
        run.weights(key(run))


def test_checkpoints_that_are_none_hide_no_model(run, bounded):
    os.mkfifo(run.trials / "a-moons-0-1.checkpoint.safetensors")
    (run.trials / "b-moons-0-1.checkpoint.safetensors").write_bytes(b"\xff" * 100)
    (run.trials / "c-moons-0-1.checkpoint.safetensors").symlink_to("/dev/zero")
    assert find(genbench.load_run(run.path), "honest").spec.model == "honest"


@pytest.mark.parametrize("folder", ["trials", "figures", "sweeps", "data"])
def test_nothing_is_written_through_a_link(run, tmp_path, folder):
    outside = tmp_path / "outside"
    outside.mkdir()
    if folder == "trials":
        for file in list(run.trials.iterdir()):
            file.rename(outside / file.name)
        run.trials.rmdir()
    (run.path / folder).symlink_to(outside)
    before = sorted(outside.iterdir())
    with pytest.raises(GenbenchError, match="link to a place outside"), run.lock():
        pass
    if folder == "figures":
        from genbench.figures import save

        with pytest.raises(GenbenchError, match="link to a place outside"):
            save(genbench.load_run(run.path), ["samples"])
    assert sorted(outside.iterdir()) == before


@pytest.mark.parametrize("name", [".lock", "leaderboard.md", "report.html"])
def test_a_link_in_the_place_of_a_file_is_not_followed(run, tmp_path, name):
    from genbench.report import write_report

    precious = tmp_path / "precious"
    precious.write_text("precious")
    (run.path / name).symlink_to(precious)
    opened = genbench.load_run(run.path)
    for act in (run.create, lambda: run.lock().__enter__(), lambda: run.write_text("leaderboard.md", "x"),
                lambda: write_report(opened, run.path / "report.html", figures=None)):  # fmt: skip
        try:
            act()
        except GenbenchError as error:
            assert "\n" not in str(error)  # noqa: PT017
    assert precious.read_text() == "precious"


def test_no_name_reaches_a_terminal_as_an_escape_code(run, capsys):
    from genbench.cli.options import say
    from genbench.display.terminal import show

    rewrite(
        run.trials / f"{key(run)}.json",
        model="\x1b[31mred\x1b]0;title\x07",
        family="\x9b2J",
        flags=[{"text": "\x1b[2Jgone"}],
    )
    show(genbench.load_run(run.path).leaderboard())
    say("two\nlines\x1b[2J")
    written = "".join(capsys.readouterr())
    assert "red" in written
    assert "two lines" in written
    assert not set(written) & set("\x1b\x07\x9b")
