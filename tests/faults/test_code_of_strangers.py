"""No command executes a file because a run's records name it, and each says what to type where it needs one."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from genbench.contracts.dataset import DATASETS
from genbench.contracts.model import MODELS
from genbench.core.errors import GenbenchError
from genbench.core.recorded_plugins import NeedsPlugin, require
from genbench.storage.records import RunRecord
from genbench.storage.store import Store
from trial_records import record, spec

COMMANDS = {  # the exit code of each, and whether it needs the code
    ("leaderboard", "{run}"): (0, False),
    ("leaderboard", "{run}", "--format", "tidy"): (0, False),
    ("compare", "{run}", "{run}"): (0, False),
    ("plot", "{run}", "samples", "-q"): (0, False),
    ("plot", "{run}", "densities", "-q"): (1, True),
    ("report", "{run}", "--jobs", "0"): (0, False),
    ("sample", "{run}", "--model", "stranger", "--npz", "out.npz"): (2, True),
    ("rescore", "{run}", "--jobs", "0", "-q"): (0, True),
    ("verify", "{run}", "--jobs", "0"): (0, False),
    ("bundle", "{run}", "-o", "out.tar.gz"): (1, True),
    ("merge", "{run}", "{run}", "-o", "out"): (2, False),
    ("sweep", "{run}", "--jobs", "0", "-q"): (2, False),
    ("run", "--models", "stranger", "--data", "strange", "--name", "run", "--results", "{results}", "-q"): (2, True),
}
LEFT = "import pathlib; pathlib.Path(__file__).with_suffix('.executed').touch()\n"


@pytest.fixture
def run(tmp_path):
    """A run whose records name a file that leaves a mark where it is executed, for a model and for data of its own."""
    code = tmp_path / "it's; touch pasted #.py"
    code.write_text(LEFT + Path(__file__).parents[1].joinpath("plugins/well_behaved.py").read_text())
    store, keys = Store(tmp_path / "results" / "run"), []
    store.create()
    for name, role in (("oracle", "oracle"), ("stranger", "model")):
        one = spec(
            model=name, model_name=name, dataset="strange", dataset_name="strange", plugins=(str(code), "os", "antigravity"),
            protocol={"samples": 60},
        )  # fmt: skip
        samples = np.random.default_rng(0).normal(size=(60, 2))
        store.write(record(one, role=role, metrics={"w2": 0.1}), {"samples": samples})
        keys.append(one.key)
    store.write_run(RunRecord(name="run", trials=keys))
    return store.path, code


@pytest.mark.slow  # a process for each command: a minute
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_executes_it(run, command, genbench_cli, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    path, code = run
    exit_code, needs = COMMANDS[command]
    done = genbench_cli(*(part.format(run=path, results=path.parent) for part in command), check=exit_code)
    assert not code.with_suffix(".executed").exists()
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if "genbench trust" in line]
    assert bool(lines) == needs, done.stderr
    for line in lines:
        typed = line.partition("genbench trust ")[2]
        assert typed.startswith("'") and "'\"'\"'" in typed, "what is pasted into a shell is quoted"  # noqa: PT018


def wanted(path):
    trial = json.loads(next((path / "trials").glob("stranger-*.json")).read_text())["spec"]
    return trial["plugins"][:1]


def test_what_is_named_is_imported_and_what_is_not_says_what_to_type(run, good, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    path, code = run
    with pytest.raises(
        NeedsPlugin, match=r"model stranger is code that the run only names; .*--plugin .* genbench trust"
    ):
        require(wanted(path), (MODELS, "stranger"))
    code.unlink()
    with pytest.raises(NeedsPlugin, match="is not here: add --plugin"):
        require(wanted(path), (MODELS, "stranger"))
    with pytest.raises(GenbenchError, match="no dataset 'mons'; did you mean moons"):
        require([], (DATASETS, "mons"))


def test_a_recorded_file_is_imported_once_it_is_trusted_and_not_when_it_has_changed(tmp_path, monkeypatch, capsys):
    from genbench.core import recorded_plugins
    from genbench.core.trust import trust

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("sys.pycache_prefix", None)
    file = tmp_path / "theirs.py"
    model = "from genbench import Model, register_model\n\n\n@register_model('theirs', family='x', likelihood='none')\nclass Theirs(Model):\n    'A.'\n"
    file.write_text(LEFT + model)
    mark = file.with_suffix(".executed")
    with pytest.raises(NeedsPlugin):
        require([str(file)], (MODELS, "theirs"))
    trust(file)
    other = tmp_path / "changed"
    other.mkdir()
    shutil.copy(file, other)
    (other / "theirs.py").write_text(file.read_text() + "#")
    recorded_plugins._trusted.cache_clear()
    with pytest.raises(NeedsPlugin):
        require([str(other / "theirs.py")], (MODELS, "theirs"))
    assert not mark.exists()
    assert not (other / mark.name).exists()
    require([str(file)], (MODELS, "theirs"))
    assert mark.exists()
    assert "theirs.py is imported: trusted since" in capsys.readouterr().err
    MODELS.forget(str(file))


@pytest.mark.slow  # two processes that import torch
def test_a_compiled_file_beside_trusted_code_is_not_executed(tmp_path, genbench_cli, monkeypatch):
    """A stranger's archive may hold __pycache__ with other code under the source's time and size."""
    import subprocess
    import sys

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "plugin" / "theirs.py"
    file.parent.mkdir()
    file.write_text(LEFT)
    poison = (
        "import os, py_compile, sys; f = sys.argv[1]; py_compile.compile(f); s = os.stat(f)\n"
        "open(f, 'w').write('x = 1'.ljust(s.st_size)); os.utime(f, ns=(s.st_atime_ns, s.st_mtime_ns))"
    )
    subprocess.run([sys.executable, "-c", poison, str(file)], check=True)
    assert list(file.parent.glob("__pycache__/*.pyc"))
    use = (
        "import sys; from pathlib import Path\n"
        "from genbench.core.trust import trust; from genbench.core.recorded_plugins import discover_recorded\n"
        "trust(Path(sys.argv[1])); discover_recorded([sys.argv[1]], groups=('metrics',))\n"
        "from genbench.core.plugin_loading import LOADED; assert sys.argv[1] in LOADED"
    )
    subprocess.run([sys.executable, "-c", use, str(file)], check=True)
    assert not file.with_suffix(".executed").exists()
