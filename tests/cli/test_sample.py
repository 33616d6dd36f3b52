"""Drawing from trained models again: out of a run, of weights alone, of a checkpoint; as pictures and as arrays."""

import json
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import genbench
from genbench.cli.main import app
from genbench.core.errors import GenbenchError
from genbench.plotting.image_grid import seen
from genbench.runs.reload import find, read, reload
from genbench.training.checkpoint import Saved, read_checkpoint, write_checkpoint
from trial_records import rewritten

PLUGINS = [
    str(Path(__file__).parents[1] / "plugins" / name) for name in ("well_behaved.py", "swept.py", "conditional.py")
]
OPTIONS = {
    "jobs": 0, "samples": 200, "metrics": "sliced_w2", "progress": False, "plugins": PLUGINS, "say": lambda _: None,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs of points, with two models and two seeds, and of pictures."""
    folder = tmp_path_factory.mktemp("runs")
    genbench.run(
        "affine,affine[steps=2],gaussian", "blob", seeds=2, budget="60", results=folder, name="points", **OPTIONS
    )
    genbench.run("class_means", "digits", seeds=1, budget="300", results=folder, name="pictures", **OPTIONS)
    return folder


def call(*arguments, code=0):
    """Run `genbench sample` in this process."""
    done = CliRunner().invoke(app, ["sample", *map(str, arguments)])
    if code == 0:
        assert done.exit_code == 0, (done.output, done.exception)
    else:
        assert isinstance(done.exception, GenbenchError)
        assert "\n" not in str(done.exception)
    return done


def drawn(file):
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def test_the_arrays_are_what_the_model_of_the_run_draws(folder, tmp_path):
    done = call(folder / "points", "--model", "affine", "-n", 50, "--seed", 7, "--npz", tmp_path / "s.npz")
    assert str(tmp_path / "s.npz") in done.stdout
    assert "affine on blob, seed 0 (trained): 50 samples" in done.stderr
    arrays = drawn(tmp_path / "s.npz")
    assert arrays.keys() == {"samples"}
    assert arrays["samples"].dtype == np.float64
    expected = reload(find(genbench.load_run(folder / "points"), "affine")).sample(50, seed=7)
    np.testing.assert_array_equal(arrays["samples"], expected)


def test_samples_are_those_of_the_trial(folder):
    """With the trial's own number and seed, they are what it stored."""
    run = genbench.load_run(folder / "points")
    trial = next(t for t in run.trials if t.model == "affine" and t.seed == 1)
    again = reload(find(run, "affine", "blob", 1)).sample(200, seed=1)
    np.testing.assert_allclose(again, run.samples(trial.key), atol=1e-6)


def test_settings_of_the_sampler(folder, tmp_path):
    """`affine` widens its samples by 1 + 1/steps: one step against many is a factor of 2 over about 1."""
    for steps in (1, 1000):
        call(folder / "points", "--model", "affine", "--steps", steps, "-n", 5000, "--npz", tmp_path / f"{steps}.npz")
    call(folder / "points", "--model", "affine", "--set", "steps=1", "-n", 5000, "--npz", tmp_path / "set.npz")
    one, many = (drawn(tmp_path / f"{name}.npz")["samples"] for name in (1, 1000))
    np.testing.assert_allclose(one.std(axis=0) / many.std(axis=0), 2 / 1.001, rtol=0.05)
    np.testing.assert_array_equal(one, drawn(tmp_path / "set.npz")["samples"])


def test_labels(folder, tmp_path):
    """`class_means` draws the mean digit of a class; one of `shift` more is a parameter of its sampler."""
    digits = genbench.load_dataset("digits")
    splits = digits.splits(genbench.core.seeding.stream(0, "data"))
    means = np.stack([splits.train[splits.train_labels == k].mean(axis=0) for k in range(10)])
    call(folder / "pictures", "--label", 3, "-n", 4, "--npz", tmp_path / "a.npz")
    arrays = drawn(tmp_path / "a.npz")
    assert arrays["labels"].tolist() == [3, 3, 3, 3]
    assert np.abs(arrays["samples"] - means[3]).max() < 0.1
    call(folder / "pictures", "--label", "0,1,2", "-n", 5, "--npz", tmp_path / "b.npz")
    assert drawn(tmp_path / "b.npz")["labels"].tolist() == [0, 1, 2, 0, 1]
    call(folder / "pictures", "-n", 3000, "--npz", tmp_path / "c.npz")
    labels = drawn(tmp_path / "c.npz")["labels"]
    assert np.abs(np.bincount(labels) / 3000 - np.bincount(splits.train_labels) / len(splits.train)).max() < 0.03
    call(folder / "pictures", "--label", 3, "--set", "shift=1.0", "-n", 2, "--npz", tmp_path / "d.npz")
    shifted = drawn(tmp_path / "d.npz")["samples"][0] - arrays["samples"][0]
    assert shifted.std() < 1e-6
    assert shifted.mean() == pytest.approx(splits.train.std(), rel=1e-5)


def test_pictures_pixel_by_pixel(folder, tmp_path):
    from matplotlib.image import imread

    call(
        folder / "pictures", "--label", "1,2", "-n", 3, "--individual", tmp_path / "all", "--npz", tmp_path / "s.npz"
    )  # fmt: skip
    names = [file.name for file in sorted((tmp_path / "all").iterdir())]
    assert names == ["00000-label1.png", "00001-label2.png", "00002-label1.png"]
    first = imread(tmp_path / "all" / names[0])
    level = np.clip(np.floor(17 * drawn(tmp_path / "s.npz")["samples"][0, 0]), 0, 16)
    np.testing.assert_allclose(first[:, :, 0], level / 16, atol=1 / 255)


def test_the_grid_holds_all_pictures(folder, tmp_path):
    from matplotlib.image import imread

    call(
        folder / "pictures", "--label", "0,1,2,3,4", "-n", 5, "--grid", tmp_path / "g.png", "--npz", tmp_path / "s.npz"
    )
    grid = imread(tmp_path / "g.png")[:, :, 0]
    scale = round(600 / 26)
    assert grid.shape == (17 * scale, 26 * scale), "three columns, two rows, lines of one pixel between them"
    shown = seen(drawn(tmp_path / "s.npz")["samples"], 17)
    np.testing.assert_allclose(grid[::scale, ::scale][9:17, :8], shown[3, 0], atol=1 / 255)
    assert (grid[:, 8 * scale : 9 * scale] == 1).all()
    assert (grid[9 * scale :, 18 * scale :] == 1).all(), "there is no sixth"


def test_pictures_are_seen_in_their_levels():
    x = np.array([-0.1, 0.0, 0.49, 0.51, 0.999, 1.2])
    np.testing.assert_array_equal(seen(x, 2), [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(seen(x, None), [0, 0, 0.49, 0.51, 0.999, 1])


def test_points_are_a_scatter_plot(folder, tmp_path):
    call(folder / "points", "--model", "gaussian", "-n", 300, "--grid", tmp_path / "p.jpg")
    assert (tmp_path / "p.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_models_without_weights_and_the_oracle_draw_too(folder, tmp_path):
    run = genbench.load_run(folder / "points")
    for model in ("gaussian", "oracle"):
        trial = next(t for t in run.trials if t.model == model and t.seed == 0)
        again = reload(find(run, model, seed=0)).sample(200, seed=0)
        np.testing.assert_allclose(again, run.samples(trial.key), atol=1e-6)


def test_a_trials_files_alone(folder, tmp_path):
    trials = folder / "points" / "trials"
    (weights,) = (file for file in trials.glob("affine-*.safetensors") if "-0-" in file.name)
    for suffix in (".safetensors", ".json"):
        shutil.copy(weights.with_suffix(suffix), tmp_path)
    call("--checkpoint", tmp_path / weights.name, "-n", 20, "--npz", tmp_path / "a.npz")
    call(folder / "points", "--model", "affine", "--trial-seed", 0, "-n", 20, "--npz", tmp_path / "b.npz")
    np.testing.assert_array_equal(*(drawn(tmp_path / f"{name}.npz")["samples"] for name in "ab"))


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """A run whose training was stopped at step 30 of 60, and its checkpoint."""
    check = genbench.training.optimizer_groups._Guard.check

    def stop(self, player, loss, step):
        if step == 30:
            signal.raise_signal(signal.SIGINT)  # once, and the trial is finished
            signal.raise_signal(signal.SIGINT)
        check(self, player, loss, step)

    monkeypatch.setattr("genbench.training.optimizer_groups._Guard.check", stop)
    with pytest.raises(KeyboardInterrupt):
        genbench.run(
            "affine", "blob", seeds="0,", budget="60", results=tmp_path, name="r", checkpoint_every=1e-9, **OPTIONS
        )
    (file,) = (tmp_path / "r" / "trials").glob("*.checkpoint.safetensors")
    return tmp_path / "r", file


def test_a_checkpoint_draws_with_its_averaged_weights(stopped, tmp_path):
    folder, file = stopped
    done = call("--checkpoint", file, "-n", 20, "--npz", tmp_path / "a.npz")
    assert "affine on blob, seed 0 (in training, step 29): 20 samples" in done.stderr
    call(folder, "-n", 20, "--npz", tmp_path / "b.npz")
    np.testing.assert_array_equal(*(drawn(tmp_path / f"{name}.npz")["samples"] for name in "ab"))
    average = read_checkpoint(file).state["average"]["weights"]
    assert read(file).weights.keys() == {"mean", "log_scale", "shift"}
    assert all((read(file).weights[name] == average[name]).all() for name in average)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "needs the folder of a run or --checkpoint FILE; give one of them"),
        (("points",), "there is nothing to write; add --grid"),
        (("points", "--npz", "x.npz", "--model", "afine"), "no model 'afine' in this run; did you mean affine"),
        (("points", "--npz", "x.npz"), r"which model\? there are affine, affine\[steps=2\]; name one with --model"),
        (("points", "--npz", "x.npz", "--data", "mons"), "no data 'mons' in this run"),
        (("points", "--npz", "x.npz", "--trial-seed", 9, "--model", "affine"), "no trial with seed 9"),
        (("points", "--npz", "x.npz", "--model", "affine", "--steps", 3), "steps=3 is refused"),
        (("points", "--npz", "x.npz", "--model", "affine", "--solver", "rk4"), "affine has no parameter 'solver'"),
        (
            ("points", "--npz", "x.npz", "--model", "affine", "--set", "lr=0.1"),
            "lr is a setting of the training of affine, which is over",
        ),
        (("points", "--npz", "x.npz", "--model", "affine", "--set", "lr"), "write --set name=value"),
        (("points", "--npz", "x.npz", "--model", "affine", "--steps", 2, "--set", "steps=5"), "do not agree"),
        (("points", "--npz", "x.npz", "--model", "affine", "--label", 1), "not conditional and draws without labels"),
        (("points", "--npz", "x.npz", "--model", "gaussian", "--steps", 5), "gaussian keeps no weights"),
        (("points", "--grid", "x.gif", "--model", "affine"), "must end in .png or .jpg"),
        (("points", "--individual", "x", "--model", "affine"), "--individual is for images, and blob has points"),
        (("points", "--npz", "/proc/nowhere/x.npz", "--model", "affine"), "cannot write /proc/nowhere/x.npz"),
        (("points", "--npz", "x.npz", "--model", "affine", "--device", "gpu"), "device 'gpu' is unknown"),
        (("points", "--npz", "x.npz", "--model", "affine", "--data-dir", "nowhere"), "no data folder"),
        (("pictures", "--npz", "x.npz", "--label", 10), "was not trained with label 10; use 0 to 9"),
        (("pictures", "--npz", "x.npz", "--label", "three"), "label 'three' is neither a class"),
        (("pictures", "--npz", "x.npz", "--set", "width=2"), "width would change the weights of class_means"),
        (("nothing", "--npz", "x.npz"), "is not a run"),
    ],
)
def test_wrong_requests_are_one_line(arguments, words, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = [folder / arguments[0], *arguments[1:]] if arguments else []
    done = call(*places, code=2)

    assert re.search(words, str(done.exception)), done.exception
    assert not list(tmp_path.iterdir())


def test_files_that_are_no_checkpoints_are_named(folder, stopped, tmp_path):
    _, file = stopped
    saved = read_checkpoint(file)
    cases = {"there is no file": tmp_path / "nowhere.safetensors"}
    plain = tmp_path / "plain.safetensors"
    shutil.copy(file, plain)
    cases["is no checkpoint, and no plain.json beside it"] = plain
    cut = tmp_path / "cut.checkpoint.safetensors"
    cut.write_bytes(file.read_bytes()[:-9])
    cases["damaged or cut short"] = cut
    nameless = tmp_path / "nameless.checkpoint.safetensors"
    write_checkpoint(nameless, Saved("me", {}, saved.state))
    cases["does not say which trial it is of"] = nameless
    for words, place in cases.items():
        done = call("--checkpoint", place, "--npz", tmp_path / "x.npz", code=2)
        assert words in str(done.exception)
    done = call("--checkpoint", file, "--model", "gan", "--npz", tmp_path / "x.npz", code=2)
    assert "the checkpoint is of model affine, not gan" in str(done.exception)


def test_code_that_has_changed_since_is_named(folder, tmp_path):
    (record,) = (file for file in (folder / "points" / "trials").glob("affine-*.json") if "-0-" in file.name)
    for file in (record, record.with_suffix(".safetensors")):
        shutil.copy(file, tmp_path / file.name)
    spec = json.loads(record.read_text())["spec"]
    spec["sources"]["model"] = "0" * 12
    key = rewritten(tmp_path / record.name, spec=spec)
    done = call("--checkpoint", tmp_path / f"{key}.safetensors", "--npz", tmp_path / "x.npz", code=2)
    assert "code of model affine changed since it was trained; train it again" in str(done.exception)


def test_the_command_line_ends_with_2_and_teaches(genbench_cli, folder):
    done = genbench_cli("sample", str(folder / "points"), check=2)
    assert done.stderr.startswith("genbench: error: there is nothing to write")
    text = " ".join(genbench_cli("sample", "--help").stdout.split())
    assert "genbench sample results/mnist-quick --model cfm --steps 100 --solver midpoint --grid grid.png" in text
