"""Plugins that raise anything anywhere, or give what no record holds: a row that says where, and the others scored."""

import re
from pathlib import Path

import pytest

import genbench
from genbench.core.errors import GenbenchError
from genbench.core.exception_text import MESSAGE, TRACEBACK
from genbench.runs.plan import make_plan
from genbench.storage.store import Store

PLUGIN = str(Path(__file__).with_name("raising.py"))
QUICK = {"seeds": 1, "budget": "3", "samples": 100, "train": 100, "metrics": "sliced_w2", "progress": False}
RAISED = 40  # the line of the plugin at which most of them raise
NOT_TODAY = r"not today"
KINDS = "its record cannot hold what was given: likelihood: "
EXPECTED = {
    "own_base": ("fit", "Own", "mine"),
    "speechless": ("fit", "Speechless", "its text is unavailable: __str__ raised RuntimeError"),
    "interrupting": ("fit", "KeyboardInterrupt", "KeyboardInterrupt"),
    "generator_exit": ("fit", "GeneratorExit", "odd"),
    "surrogates": ("fit", "ValueError", r"a\\udcffbred"),
    "endless": ("fit", "ValueError", r"x{500} … \(50,000,000 letters\)"),
    "quitting": ("fit", "SystemExit", "sys.exit was called: 0"),
    "no_runtimeerror": ("fit", "RuntimeError", NOT_TODAY),
    "no_valueerror": ("fit", "GenbenchError", f"no_valueerror refuses its parameters: {NOT_TODAY}"),
    "no_systemexit": ("fit", "GenbenchError", f"the constructor of no_systemexit calls sys.exit: {NOT_TODAY}.*"),
    "no_keyboardinterrupt": ("fit", "KeyboardInterrupt", NOT_TODAY),
    "no_own": ("fit", "Own", NOT_TODAY),
    "text_diagnosis": ("log_prob", "ContractError", "text_diagnosis.diagnose, 'a', gave text.*"),
    "sort_of": ("save", "ContractError", f"{KINDS}.*must be one of exact, estimate, bound, none"),
    "no_text": ("score", "ValidationError", f"{KINDS}.* valid string"),
    "listed": ("score", "ValidationError", f"{KINDS}.* valid string"),
    "sparse_buffer": ("save", "ContractError", "the buffer 'odd' is sparse, and no file .*persistent=False"),
    "meta_buffer": ("score", "NotImplementedError", "Cannot copy out of meta tensor; no data!"),
    "quantised_buffer": ("save", "ContractError", "the buffer 'odd' is quantised, .*"),
}
WELL = {"nan_diagnosis", "odd_keys", "infinite_diagnosis", "many_keys", "complex_buffer", "gaussian", "oracle"}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    said = []
    families = "raising,constructors,diagnoses,likelihoods,buffers,gaussian"
    folder = tmp_path_factory.mktemp("raising")
    run = genbench.run(families, "moons", jobs=0, plugins=[PLUGIN], results=folder, name="r", say=said.append, **QUICK)
    return run, said


def test_each_is_a_row_with_its_phase_and_line(done):
    run, said = done
    trials = {trial.model: trial for trial in run.trials}
    assert {name for name, trial in trials.items() if trial.status == "ok"} == WELL
    assert {name for name, trial in trials.items() if trial.status == "crashed"} == EXPECTED.keys()
    for name, (phase, kind, message) in EXPECTED.items():
        error = trials[name].error
        assert (error.phase, error.type) == (phase, kind), name
        assert re.fullmatch(message, error.message), (name, error.message)
        assert re.fullmatch(r"raising\.py:\d+", error.place), name
        (line,) = (line for line in said if line.startswith(f"{name} on moons"))
        assert line.startswith(f"{name} on moons, seed 0: crashed in {phase} at {error.place}: ")
        assert line.isprintable()
        assert len(line) < MESSAGE + 200
    assert trials["own_base"].error.place == f"raising.py:{RAISED}"
    assert trials["gaussian"].metrics["sliced_w2"] > 0
    assert [file.stem for file in Path(run.path / "trials").glob("*.npz") if file.stem.startswith("sparse")] == []


def test_what_is_written_can_be_read_again(done):
    run, _ = done
    store = Store(run.path)
    for trial in run.trials:
        again = store.read(trial.key)
        assert len(again.error.traceback if again.error else "") < 2 * TRACEBACK
    trials = {trial.model: store.read(trial.key) for trial in run.trials}
    assert "letters are left out" in trials["endless"].error.traceback
    assert "raise error()" in trials["endless"].error.traceback
    assert trials["nan_diagnosis"].diagnostics == {"b": 1.0}
    assert trials["odd_keys"].diagnostics == {"(1, 2)": 1.0, "None": 2.0, r"\udcff": 3.0}
    (long,) = trials["many_keys"].diagnostics
    assert long.endswith("… (100,000 letters)")
    assert {row.model for row in run.leaderboard().rows} == EXPECTED.keys() | WELL


def test_a_refused_parameter_stops_the_request(tmp_path):
    """A ValueError of a constructor is an answer to what the user has given."""
    with pytest.raises(GenbenchError, match=r"choosy refuses its parameters: a=-1 is too small"):
        genbench.run("choosy[a=-1]", "moons", jobs=0, plugins=[PLUGIN], results=tmp_path, **QUICK)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("unmade", r"raising\.py:\d+: RuntimeError: no such data; raised while trials were planned"),
        ("unkind", r"raising\.py:\d+: Own: kind; raised while trials were planned"),
    ],
)
def test_a_dataset_that_fails_before_a_run_is_one_line(tmp_path, data, text):
    with pytest.raises(GenbenchError, match=text):
        genbench.run("gaussian", data, jobs=0, plugins=[PLUGIN], results=tmp_path, **QUICK)
    assert list(tmp_path.iterdir()) == []


def test_a_parameter_that_no_file_holds_is_named(tmp_path):
    with pytest.raises(GenbenchError, match="parameters of unwritable or moons cannot be written as JSON"):
        genbench.run("unwritable", "moons", jobs=0, plugins=[PLUGIN], results=tmp_path, **QUICK)


def test_seeds_have_keys_of_their_own():
    trials = make_plan("gaussian", "moons", 3, metrics="sliced_w2").trials
    assert len({trial.key for trial in trials}) == len(trials) == 6


@pytest.mark.slow
def test_the_command_line_scores_the_others_and_says_so(genbench_cli):
    names = ("surrogates", "endless", "interrupting", "no_own", "sort_of", "sparse_buffer")
    done = genbench_cli(
        "run", "--models", ",".join([*names, "gaussian"]), "--data", "moons", "--plugin", PLUGIN, "--seeds", "1",
        "--budget", "3", "--samples", "200", "--train", "300", "--metrics", "sliced_w2", "-q", check=1,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert [line.partition(" on ")[0] for line in done.stderr.splitlines()] == [f"genbench: {name}" for name in names]
    assert "gaussian" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
