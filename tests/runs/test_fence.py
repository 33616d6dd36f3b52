"""Trials of plugins that change the process, leave it, or depend on files: no other trial is moved, none is stale."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

import genbench
from genbench.contracts.model import MODELS
from genbench.core import registry
from genbench.core.errors import GenbenchError
from genbench.core.plugin_loading import LOADED
from genbench.core.user_files import content_digest
from genbench.runs.launch import RunOptions, explain
from genbench.storage.store import Store
from trial_records import outcome

QUICK = {
    "seeds": 1, "budget": "3", "samples": 200, "train": 300, "metrics": "sliced_w2", "progress": False,
    "say": lambda _: None,
}  # fmt: skip
UPSET = """
import decimal, locale, os, random, signal, sys, warnings
import numpy as np
import torch
from genbench import Model, SyntheticDataset, register_dataset, register_metric, register_model

STANDARD_NORMAL, RELU, ADAM = np.random.standard_normal, torch.nn.functional.relu, torch.optim.Adam

def upset():
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    torch.set_float32_matmul_precision("medium")
    torch.set_flush_denormal(True)
    torch.set_num_threads(2)
    torch.set_default_device("meta")
    torch.nn.functional.silu = RELU
    torch.optim.Adam = torch.optim.AdamW = torch.optim.SGD
    torch.manual_seed = lambda seed: None
    np.random.normal = lambda *args, size=None, **more: np.zeros(size)
    np.linalg.norm = lambda *args, **more: 0.0
    random.seed(0)
    np.seterr(all="raise")
    np.set_printoptions(precision=1)
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    os.chdir("/")
    os.environ["OMP_NUM_THREADS"] = "2"
    os.environ["XDG_CACHE_HOME"] = "/nowhere"
    warnings.simplefilter("error")
    sys.setrecursionlimit(4000)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    decimal.getcontext().prec = 3
    sys.path.insert(0, "/nowhere")

upset()

@register_model("upsetting", family="tests", likelihood="exact")
class Upsetting(Model):
    def __init__(self):
        upset()

    def fit(self, x):
        upset()
        self.d = x.shape[1]

    def sample(self, n):
        upset()
        return STANDARD_NORMAL((n, self.d))

    def log_prob(self, x):
        upset()
        return np.zeros(len(x))
"""


def write(folder, name, text):
    file = folder / f"{name}.py"
    file.write_text(text)
    return str(file)


def run(folder, models, data="moons", plugins=(), name="r", jobs=0, **more):
    return genbench.run(models, data, results=folder, name=name, plugins=plugins, jobs=jobs, **QUICK | more)


LEAVING = """
import sys
from genbench import Model, register_model

class Odd(BaseException):
    pass

@register_model("leaving_{kind}", family="tests")
class Leaving(Model):
    def fit(self, x):
        {how}
"""
WAYS = {
    "exit": ("sys.exit('no licence found')", "SystemExit", "sys.exit was called: no licence found"),
    "interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt", "KeyboardInterrupt"),
    "generator": ("raise GeneratorExit('odd')", "GeneratorExit", "odd"),
    "own": ("raise Odd('mine')", "Odd", "mine"),
}
BUILT_IN = "coupling_flow,kde"


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Built-in models without any plugin."""
    return run(tmp_path_factory.mktemp("alone"), BUILT_IN)


@pytest.fixture(scope="module", params=[0, 1], ids=["this process", "a worker"])
def beside(tmp_path_factory, request):
    """The same beside one that changes the process and those that leave it."""
    folder = tmp_path_factory.mktemp("beside")
    plugins = [write(folder, "upsetting", UPSET)]
    plugins += [write(folder, f"leaving_{k}", LEAVING.format(kind=k, how=how)) for k, (how, _, _) in WAYS.items()]
    process = [dict(os.environ), Path.cwd(), np.geterr(), signal.getsignal(signal.SIGTERM)]
    done = run(
        folder,
        f"upsetting,{','.join(Path(p).stem for p in plugins[1:])},{BUILT_IN}",
        plugins=plugins,
        jobs=request.param,
    )
    assert [dict(os.environ), Path.cwd(), np.geterr(), signal.getsignal(signal.SIGTERM)] == process
    yield done
    for plugin in plugins:  # for those of the next folder, which have the same names
        MODELS.forget(plugin)
        LOADED.pop(plugin)
        registry._named.pop(plugin, None)


def test_a_plugin_that_changes_the_process_moves_no_other_model(alone, beside):
    """Scores and samples are the same bits as without it."""
    found, expected = outcome(beside), outcome(alone)
    assert len(expected) == 3
    for file, record in expected.items():
        assert found[file] == record
        np.testing.assert_array_equal(beside.samples(file[:-5]), alone.samples(file[:-5]))
    (own,) = (trial for trial in beside.trials if trial.model == "upsetting")
    assert own.status == "ok"
    flags = " ".join(str(flag) for flag in own.flags)
    assert "upsetting.py replaces numpy.linalg.norm, numpy.random.normal, torch" in flags
    assert "torch's default dtype from torch.float32 to torch.float64" in flags
    assert "changed in fit; it was put back" in flags
    assert not any(trial.flags for trial in beside.trials if trial is not own)


def test_a_model_that_leaves_is_a_crashed_row_and_all_others_are_scored(beside):
    trials = {trial.model: trial for trial in beside.trials}
    for way, (_, kind, message) in WAYS.items():
        trial = trials[f"leaving_{way}"]
        assert trial.status == "crashed"
        assert (trial.error.phase, trial.error.type, trial.error.message) == ("fit", kind, message)
        assert [Path(name).name for name in trial.spec.plugins] == [f"leaving_{way}.py"], "it needs no other file"
    assert trials["kde"].status == trials["oracle"].status == "ok"
    assert trials["kde"].spec.plugins == ()


def test_the_callers_own_settings_move_no_trial(tmp_path):
    """As a notebook that sets torch's dtype for a model of its own."""
    import torch

    alone = run(tmp_path, "coupling_flow", name="alone")
    torch.set_default_dtype(torch.float64)
    try:
        beside = run(tmp_path, "coupling_flow", name="beside")
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert [t.metrics for t in alone.trials] == [t.metrics for t in beside.trials]
    assert "this process had changed torch's default dtype" in str(beside.trials[0].flags)


def test_ctrl_c_stops_a_run_in_this_process(tmp_path):
    text = LEAVING.format(kind="pressed", how="import os, signal; os.kill(os.getpid(), signal.SIGINT)")
    plugin = write(tmp_path, "leaving_pressed", text)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "leaving_pressed", plugins=[plugin])


READING = """
from pathlib import Path
import numpy as np
from genbench import RecordedDataset, register_dataset

@register_dataset("reading_{when}", family="tests", kind="table")
class Reading(RecordedDataset):
    shape = (2,)

    def __init__(self):
        if "{when}" == "constructor":
            self.x = self.read()

    def read(self):
        return np.loadtxt(Path(__file__).with_name("table.txt"))

    def load(self, rng):
        return (self.x if "{when}" == "constructor" else self.read()), None
"""


@pytest.mark.parametrize("when", ["constructor", "load"])
def test_a_trial_runs_again_when_a_file_that_its_dataset_reads_has_changed(tmp_path, when):
    table, points = tmp_path / "table.txt", np.random.default_rng(0).normal(size=(50, 2))
    np.savetxt(table, points)
    os.utime(table)
    plugin = write(tmp_path, f"reading_{when}", READING.format(when=when))
    options = {"models": "kde", "datasets": f"reading_{when}", "plugins": [plugin], "results": tmp_path, "name": "r"}
    options |= {name: value for name, value in QUICK.items() if name != "say"}

    def why():
        return explain(RunOptions(**options), lambda _: None)

    run(tmp_path, "kde", f"reading_{when}", plugins=[plugin])
    assert why() == ["0 of 2 trials would run"]
    np.savetxt(table, points + 100)
    lines = why()
    assert lines[-1] == "2 of 2 trials would run"
    assert "file " in lines[0]
    assert "table.txt changed" in lines[0]
    again = run(tmp_path, "kde", f"reading_{when}", plugins=[plugin])
    assert {len(again.trials), len(again.record.trials)} == {2}
    assert again.samples(again.trials[-1].key).mean() > 90, "the new file's points"
    assert why() == ["0 of 2 trials would run"]
    said = []
    if when == "load":
        table.unlink()
        run(tmp_path, "kde", f"reading_{when}", plugins=[plugin], say=said.append)
        assert [line for line in said if f"caution: {table} is gone" in line]


def test_a_trial_runs_again_when_a_file_beside_its_plugin_has_changed(tmp_path):
    helper = tmp_path / "helper_of_run.py"
    helper.write_text("SCALE = 1.0\n")
    text = """
import os, sys
sys.path.insert(0, os.path.dirname(__file__))
import helper_of_run
import numpy as np
from genbench import Model, register_model

@register_model("helped_of_run", family="tests")
class Helped(Model):
    def fit(self, x): self.d = x.shape[1]
    def sample(self, n): return helper_of_run.SCALE * np.random.normal(size=(n, self.d))
"""
    plugin = write(tmp_path, "helped_of_run", text)
    first = run(tmp_path, "helped_of_run", plugins=[plugin])
    helper.write_text("SCALE = 5.0\n")
    said = []
    second = run(tmp_path, "helped_of_run", plugins=[plugin], say=said.append)
    assert any("1 of 2 trials are finished already" in line for line in said)
    a, b = ({t.model: t.metrics["sliced_w2"] for t in each.trials}["helped_of_run"] for each in (first, second))
    assert b > 2 * a


def test_code_that_changes_while_a_run_is_on_is_not_taken_for_what_was_planned(tmp_path):
    """The file is looked at before each trial, as the workers of a long run do that import it."""
    text = (
        UPSET.partition("upset()\n\n@")[0].partition("STANDARD")[0]
        + """
from pathlib import Path

@register_model("edited_on_the_way", family="tests")
class Edited(Model):
    def fit(self, x):
        self.d = x.shape[1]
        Path(__file__).write_text(Path(__file__).read_text().replace("return 1 *", "return 2 *"))
    def sample(self, n):
        return 1 * np.random.normal(size=(n, self.d))
"""
    )
    plugin = write(tmp_path, "edited_on_the_way", text)
    done = run(tmp_path, "edited_on_the_way", plugins=[plugin], seeds=2)
    first, second = (trial for trial in done.trials if trial.role == "model")
    assert first.status == "ok"
    assert second.status == "crashed"
    assert second.error.message == "code of model edited_on_the_way changed since the run began; run again"


def test_a_name_that_is_taken_stops_a_run_before_it_begins(tmp_path, genbench_cli):
    text = (
        "from genbench import Model, register_model\n@register_model('gmm', family='mine')\nclass Mine(Model): pass\n"
    )
    plugin = write(tmp_path, "shadow_of_run", text)
    done = genbench_cli("run", "--models", "gmm", "--data", "moons", "--plugin", plugin, "-q", check=2)
    assert f"'gmm' of {plugin}, line 2, is taken by " in done.stderr
    assert not (tmp_path / "results").exists()
    with pytest.raises(GenbenchError, match="is taken by"):
        run(tmp_path, "gmm", plugins=[plugin])


def test_a_record_says_which_versions_it_was_made_with(tmp_path):
    done = run(tmp_path, "kde")
    versions = Store(done.path).read(done.trials[0].key).provenance.versions
    import torch

    assert {"python", "numpy", "torch", "scipy", "scikit-learn", "POT"} <= versions.keys()
    assert (versions["numpy"], versions["torch"]) == (np.__version__, torch.__version__)


def test_a_metric_that_changes_the_process_moves_no_other_metric(tmp_path):
    text = """
import numpy as np
from genbench import register_metric

@register_metric("tests_upsetting", family="tests", order=0)
def upsetting(evidence):
    np.seterr(all="raise")
    return 1.0

@register_metric("tests_strict", family="tests", order=1)
def strict(evidence):
    return float(np.geterr()["over"] == "raise")
"""
    plugin = write(tmp_path, "metrics_of_run", text)
    done = run(tmp_path, "kde", plugins=[plugin], metrics="tests_upsetting,tests_strict")
    assert {(t.metrics["tests_upsetting"], t.metrics["tests_strict"]) for t in done.trials} == {(1.0, 0.0)}
    assert done.trials[0].spec.plugins == (plugin,)


def test_a_checkpoint_of_other_data_files_is_not_resumed(tmp_path):
    from genbench.runs.plan import make_plan
    from genbench.runs.runner import tidy
    from genbench.storage.claims import entered
    from genbench.training.checkpoint import Saved, write_checkpoint

    table, store = tmp_path / "table.txt", Store(tmp_path / "r")
    store.create()
    table.write_text("1 2")
    (trial, _) = make_plan("kde", "moons", 1, metrics="sliced_w2").trials
    about = {"spec": trial.model_dump(mode="json"), "files": {str(table): content_digest(table)}}
    file = store.trials / f"{trial.key}.checkpoint.safetensors"
    write_checkpoint(file, Saved(trial.key, about, {}))
    with entered(store) as claims:
        tidy([trial], store, claims)
        assert file.exists()
        table.write_text("1 2 3")
        tidy([trial], store, claims)
        assert not file.exists()
