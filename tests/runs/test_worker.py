"""Worker processes: repeatable, killed at any moment, started from any script, and leaving the caller as it was."""

import multiprocessing.forkserver
import os
import signal
import subprocess
import sys
import time

import pytest

import genbench
from genbench.core.hardware import ONE_THREAD
from trial_records import outcome

QUICK = {"samples": 1000, "metrics": "sliced_w2,kl,nll,w2", "progress": False}


def test_a_torch_model_is_repeatable_in_worker_and_caller(tmp_path, good):
    def run(name, jobs):
        return genbench.run(
            "cfm", "moons", seeds="5,", budget="60", results=tmp_path, name=name, jobs=jobs, say=lambda _: None, **QUICK
        )

    assert outcome(run("a", 2)) == outcome(run("b", 0))


@pytest.mark.parametrize("jobs", [0, 2])
def test_a_trial_has_as_many_threads_as_are_asked_for(tmp_path, jobs):
    plugin = tmp_path / "threaded.py"
    plugin.write_text(
        """
import numpy as np
import torch
from genbench import Model, register_model

@register_model("NAME", family="test", likelihood="none")
class Threaded(Model):
    def fit(self, x):
        self.threads, self.shape = torch.get_num_threads(), x.shape[1:]

    def sample(self, n):
        return np.random.normal(size=(n, *self.shape))

    def diagnose(self, x):
        return {"fitting": self.threads, "diagnosing": torch.get_num_threads()}
""".replace("NAME", f"threaded_{jobs}")
    )
    options = {
        "seeds": "0,",
        "results": tmp_path,
        "plugins": [str(plugin)],
        "jobs": jobs,
        "say": lambda _: None,
        **QUICK,
    }
    for name, threads in (("one", {}), ("three", {"threads": 3})):
        done = genbench.run(f"threaded_{jobs}", "moons", name=name, **threads, **options)
        (trial,) = (trial for trial in done.trials if trial.role == "model")
        expected = threads.get("threads", 1)
        assert trial.diagnostics == {"fitting": expected, "diagnosing": expected}
        assert done.record.environment["threads"] == trial.cost.threads == expected


def test_kill_9_in_the_middle_loses_nothing(tmp_path, good):
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import time\nimport numpy as np\nfrom genbench import Model, register_model\n"
        "@register_model('slow', family='tests')\nclass Slow(Model):\n"
        "    def fit(self, x):\n        time.sleep(1)\n"
        "    def sample(self, n):\n        return np.random.standard_normal((n, 2))\n"
    )
    command = [
        sys.executable, "-m", "genbench", "run", "--models", "slow", "--data", "blob", "--seeds", "3", "--jobs", "1", "--samples", "500",
        "--metrics", "sliced_w2", "--plugin", good, "--plugin", str(slow), "--results", str(tmp_path), "--name", "k", "-q",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    trials = tmp_path / "k" / "trials"
    deadline = time.monotonic() + 120
    while len(list(trials.glob("slow*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(1)  # its worker ends with it
    kept = {f: f.stat().st_mtime_ns for f in trials.glob("*.json")}
    assert 2 <= len(kept) < 6
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{len(kept)} of 6 trials are finished already" in done.stderr
    assert all(f.stat().st_mtime_ns == t for f, t in kept.items())
    assert len(genbench.load_run(tmp_path / "k").trials) == 6


def test_a_script_needs_no_main_guard(tmp_path, good):
    script = tmp_path / "script.py"
    script.write_text(
        "import genbench\nprint('once')\n"
        f"run = genbench.run('standard_normal', 'blob', seeds=2, budget='smoke', jobs=2, plugins=[{good!r}], samples=500, metrics='sliced_w2', results={str(tmp_path)!r})\n"
        "print(len(run.trials))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split("\n")[0] == "once"
    assert done.stdout.count("once") == 1
    assert done.stdout.strip().endswith("4")


def test_a_model_in_the_callers_own_script_runs_in_its_process(tmp_path, good):
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np, genbench\n"
        "@genbench.register_model('own', family='tests')\n"
        "class Own(genbench.Model):\n"
        "    def fit(self, x): pass\n"
        "    def sample(self, n): return np.random.standard_normal((n, 2))\n"
        f"run = genbench.run('own', 'blob', seeds=1, plugins=[{good!r}], samples=500, metrics='sliced_w2', results={str(tmp_path)!r})\n"
        "print([t.status for t in run.trials])\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=120)
    assert "so trials run one by one" in done.stdout
    assert "['ok', 'ok']" in done.stdout


def test_workers_leave_the_callers_process_as_it_is(tmp_path):
    """Its environment, its main module, and the server that its own processes are forked from."""
    theirs = multiprocessing.forkserver._forkserver
    before = dict(os.environ), sys.modules["__main__"], list(theirs._preload_modules), theirs._forkserver_pid
    run = genbench.run("gaussian", "moons", 1, budget="smoke", jobs=1, results=tmp_path, samples=200, progress=False)
    assert [trial.status for trial in run.trials] == ["ok", "ok"]
    assert (dict(os.environ), sys.modules["__main__"], theirs._preload_modules, theirs._forkserver_pid) == before


THREADS = """
import threadpoolctl
from genbench.runs.parallel import perform_each
(found,) = perform_each(threadpoolctl.threadpool_info, [()], 1, "", progress=False)
assert any(library["internal_api"] == "openblas" for library in found)
assert {library["num_threads"] for library in found} == {1}, found
"""


def test_each_library_of_a_worker_has_one_thread():
    """NumPy reads the number when it is imported, whoever does that first; more threads wait beside other workers."""
    environment = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    subprocess.run([sys.executable, "-c", THREADS], env=environment, check=True, timeout=300)
