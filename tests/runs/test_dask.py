"""Trials on a Dask cluster: the same files as from worker processes, whatever is lost on the way."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

import genbench
from genbench.core.errors import GenbenchError
from genbench.core.process_tree import offspring
from genbench.runs.executors import luggage as luggage_module
from genbench.runs.executors.dask_cluster import DaskRequest
from genbench.runs.executors.luggage import Luggage
from genbench.runs.executors.versions import CODE, differences, facts
from genbench.runs.launch import RunOptions
from genbench.storage.received import write_received
from genbench.storage.store import CorruptFile, Store
from trial_records import outcome, record, spec

FAULTS = Path(__file__).parents[1] / "faults"
COUNTING, STOPPING = str(FAULTS / "counting.py"), str(FAULTS / "stopping.py")
QUICK = {"budget": "3", "samples": 100, "train": 100, "metrics": "sliced_w2", "progress": False}


SENT = """
from pathlib import Path
import numpy as np
from genbench import Model, register_model
from .beside import WIDTH
SHIFT = float((Path(__file__).parent / "width.txt").read_text())
@register_model("scaled", family="sent")
class Scaled(Model):
    'A normal distribution.'
    def fit(self, x):
        self.d = x.shape[1]
    def sample(self, n):
        return SHIFT + WIDTH * np.random.standard_normal((n, self.d))
@register_model("failing", family="sent")
class Failing(Scaled):
    'Names its file.'
    def fit(self, x):
        raise ValueError(__file__)
"""


@pytest.fixture(scope="module")
def address():
    """A scheduler and a worker in this process."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, silence_logs=logging.CRITICAL,
        resources={"SEAT": 2}, protocol="tcp",
    ) as cluster:  # fmt: skip
        yield cluster.scheduler_address


@pytest.fixture(autouse=True)
def count(tmp_path, monkeypatch):
    monkeypatch.setenv("COUNT", str(tmp_path / "count"))
    return tmp_path / "count"


def run(folder, models, data="moons", said=None, plugins=(COUNTING,), **more):
    options = {"results": folder, "name": "r", "plugins": plugins, "seeds": 1} | QUICK | more
    return genbench.run(models, data, say=(said if said is not None else []).append, **options)


def trials_in(run):
    return sorted(file.name for file in run.store.trials.iterdir())


def test_files_are_those_of_a_local_run_wherever_the_users_files_lie(address, tmp_path, monkeypatch):
    """Of a worker that sees no disk of ours, every path in the record is the driver's."""
    (tmp_path / "mine").mkdir()
    plugin = tmp_path / "mine" / "plugin.py"
    (tmp_path / "mine" / "beside.py").write_text("WIDTH = 2.0\n")
    (tmp_path / "mine" / "width.txt").write_text("3")
    plugin.write_text(SENT)
    x = np.random.default_rng(0).standard_normal((300, 2))
    arguments = {"models": "scaled,failing", "data": {"mine": x}, "plugins": [str(plugin)]}
    local = run(tmp_path, name="local", jobs=1, **arguments)
    monkeypatch.setattr(luggage_module, "_holds", lambda file, content: False)
    remote = run(tmp_path, name="remote", dask=address, resources="SEAT=1", **arguments)
    for each in (local, remote):
        assert {t.model: t.status for t in each.trials} == {"oracle": "ok", "scaled": "ok", "failing": "crashed"}
    assert trials_in(remote) == trials_in(local)
    (failed,) = (t for t in remote.trials if t.model == "failing")
    assert str(failed.error) == f"in fit at plugin.py:18: {plugin}"
    assert f'"{plugin}", line' in failed.error.traceback
    for trial in (*local.trials, *remote.trials):
        trial.spec.dataset_params["path"] = "data"
    found = {
        each.name: {
            t.model: (t.metrics, t.spec, t.provenance.files, t.provenance.versions, t.flags) for t in each.trials
        }
        for each in (local, remote)
    }
    assert found["local"] == found["remote"]
    for key in remote.record.trials:
        assert local.store.arrays(key).keys() == remote.store.arrays(key).keys()
        for name, array in remote.store.arrays(key).items():
            np.testing.assert_array_equal(array, local.store.arrays(key)[name])


def test_requests_are_checked():
    for address in ("", "host", "host:8786", "tcp://", "local ", "tcp://a b"):
        with pytest.raises(GenbenchError, match="is no address; write tcp://host:8786, or local"):
            RunOptions(dask=address)
    for resources in ("GPU", "GPU=x", "=1", "GPU=0", "GPU=-1", "GPU=nan", "GPU=inf", ",", {"GPU": 0}):
        with pytest.raises(GenbenchError, match="^resource '.*' cannot be read; write what a trial takes: GPU=1$"):
            RunOptions(dask="local", resources=resources)
    with pytest.raises(GenbenchError, match="retries=3 is for a Dask cluster; add --dask"):
        RunOptions(retries=3)
    with pytest.raises(GenbenchError, match="leave one out"):
        RunOptions(dask="local", jobs=0)
    assert DaskRequest.of("tcp://h:1", 3, "GPU=1, MEM=2e9", 0).resources == {"GPU": 1.0, "MEM": 2e9}


def test_versions_that_matter_are_refused_and_others_are_said():
    mine = facts()
    assert differences(mine, mine) == ([], [])
    assert mine.keys() >= {"python", "genbench", "torch", "numpy", CODE}
    for name, text in {"genbench": "9.9", "torch": "9.9.9", "python": "3.99.1", CODE: "beef"}.items():
        assert differences(mine, mine | {name: text}) == ([f"{name} {text} instead of {mine[name]}"], [])
    patch = mine["python"] + "1"
    build = mine["torch"].partition("+")[0] + "+other"
    for name, text in {"numpy": "9.9", "python": patch, "torch": build, "POT": "0"}.items():
        assert differences(mine, mine | {name: text}) == ([], [f"{name} {text} instead of {mine[name]}"])


def test_files_too_large_to_be_sent_are_named(tmp_path, monkeypatch):
    file = tmp_path / "big.csv"
    file.write_text("x" * 1000)
    monkeypatch.setattr(luggage_module, "MOST", 999)
    with pytest.raises(GenbenchError, match="big.csv: with the other files of its trials"):
        Luggage.of(spec(dataset_params={"path": str(file)}, data_fingerprint="1"))
    assert Luggage.of(spec(dataset_params={"path": str(file)})).files == {}, "its place is part of what the trial is"


def test_only_a_trials_own_files_are_written(tmp_path):
    store, s = Store(tmp_path / "run"), spec()
    store.create()
    (tmp_path / "other").mkdir()
    other = Store(tmp_path / "other")
    other.create()
    other.write(record(s.model_copy(update={"plugins": ("/there.py",)})))
    content = (other.trials / f"{s.key}.json").read_bytes()
    files = {f"trials/{s.key}.json": content, f"trials/{s.key}.npz": b"n", f"logs/{s.key}.log": b"l"}
    odd = {"run.json": b"", "../escaped": b"", "logs/../../escaped": b"", "trials/x.json": b"", "/tmp/escaped": b""}
    found = write_received(store, s, files | odd)
    assert found.spec.plugins == ()
    written = sorted(str(file.relative_to(tmp_path)) for file in (tmp_path / "run").rglob("*") if file.is_file())
    assert written == [f"run/logs/{s.key}.log", f"run/trials/{s.key}.json", f"run/trials/{s.key}.npz"]
    assert write_received(store, spec(seed=1), {"logs/a.log": b"printed", "trials/m-d-1.npz": b""}) is None
    with pytest.raises(CorruptFile, match="is of another trial"):
        write_received(store, spec(seed=1), {f"trials/{spec(seed=1).key}.json": content})
    with pytest.raises(CorruptFile, match="not whole JSON"):
        write_received(store, s, {f"trials/{s.key}.json": content[:-9]})


@pytest.mark.slow
def test_a_cluster_that_cannot_do_it_is_refused_in_a_line(address, tmp_path, monkeypatch):
    with pytest.raises(GenbenchError, match=r"^no Dask scheduler answers at tcp://127.0.0.1:9 "):
        run(tmp_path, "counted", dask="tcp://127.0.0.1:9")
    with pytest.raises(GenbenchError, match="offers GPU=1; start workers with `dask worker --resources GPU=1`"):
        run(tmp_path, "counted", dask=address, resources="GPU=1")
    mine, theirs = facts(), facts() | {"torch": "0.1"}
    of_worker = lambda: mine if threading.current_thread() is threading.main_thread() else theirs  # noqa: E731
    monkeypatch.setattr("genbench.runs.executors.versions._facts", of_worker)
    with pytest.raises(GenbenchError, match=r"the Dask worker tcp.* has torch 0.1 instead of"):
        run(tmp_path, "counted", dask=address)
    assert not list((tmp_path / "r" / "trials").iterdir())


@pytest.mark.slow
def test_how_trials_end_is_told_as_of_worker_processes(address, tmp_path):
    """A timeout or a crash ends the trial and not the worker."""
    models = "exits,faults,hangs_in_c,leaves_threads,prints"
    done = run(tmp_path, models, plugins=[STOPPING], dask=address, timeout=4)
    assert {t.model: t.status for t in done.trials} == {
        "oracle": "ok", "exits": "crashed", "faults": "crashed", "hangs_in_c": "timeout", "leaves_threads": "ok",
        "prints": "ok",
    }  # fmt: skip
    (log,) = (done.path / "logs").glob("prints*.log")
    assert log.read_text() == "[31mfrom Python\nfrom C\n"
    assert list(done.store.trials.glob(".*")) == []


@contextmanager
def cluster(workers, folder):
    """A scheduler and workers, as separate processes that nobody has configured."""
    pytest.importorskip("distributed")
    file = folder / "scheduler.json"
    python = [sys.executable, "-m"]
    start = {"stderr": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "start_new_session": True}
    more = ["--scheduler-file", str(file), "--no-dashboard"]
    scheduler = subprocess.Popen([*python, "distributed.cli.dask_scheduler", "--port", "0", *more], **start)
    more += ["--nthreads", "1", "--local-directory", str(folder / "dask")]
    found = [subprocess.Popen([*python, "distributed.cli.dask_worker", *more], **start) for _ in range(workers)]
    try:
        until(file.exists, 120)
        import json

        yield json.loads(file.read_text())["address"], scheduler, found
    finally:
        for each in (scheduler, *found):
            with suppress(OSError):
                os.killpg(each.pid, signal.SIGKILL)
            each.wait()


def until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    assert true()


def command(folder, *more, plugin=COUNTING, models="counted[pause=0.5],counted[width=2,pause=0.5]"):
    return [
        sys.executable, "-m", "genbench", "run", "--models", models, "--data", "moons,ring", "--plugin", plugin,
        "--budget", "3", "--samples", "100", "--train", "100", "--metrics", "sliced_w2", "--results", str(folder),
        "--seeds", "3", "-q", *more,
    ]  # fmt: skip


@pytest.mark.slow
def test_a_lost_worker_and_a_lost_driver_change_nothing(tmp_path, count):
    subprocess.run(command(tmp_path, "--name", "local", "--jobs", "2"), stdout=subprocess.DEVNULL, check=True)
    local = genbench.load_run(tmp_path / "local", plugins=[COUNTING])
    count.unlink()
    trials = tmp_path / "d" / "trials"

    def finished():
        return len(list(trials.glob("*.json")))

    with cluster(2, tmp_path) as (address, _, workers):
        argv = command(tmp_path, "--name", "d", "--dask", address)
        driver = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until(lambda: finished() >= 4, 180)
        os.killpg(workers[0].pid, signal.SIGKILL)
        until(lambda: finished() >= 8)
        driver.kill()
        driver.communicate()
        busy = offspring(workers[1].pid)
        again = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        assert again.returncode == 0, again.stderr
        assert "trials are finished already" in again.stderr
        assert busy, "the worker that is left had something to do"
    remote = genbench.load_run(tmp_path / "d")
    assert len(remote.trials) == 18
    for each in (local, remote):
        assert list(each.store.trials.glob(".*")) == []
    assert trials_in(local) == trials_in(remote)
    assert outcome(local) == outcome(remote)
    times = Counter(count.read_text().splitlines())
    assert len(times) == 12
    assert sum(times.values()) <= 12 + 1 + 3, "those that ran on what was killed, once more"


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["scheduler", "driver"])
def test_nothing_goes_on_without_the_scheduler_or_the_driver(tmp_path, count, lost):
    with cluster(1, tmp_path) as (address, scheduler, workers):
        argv = command(tmp_path, "--name", "d", "--dask", address, models="counted[pause=600]")
        driver = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until(count.exists, 180)
        (pid,) = (pid for pid in offspring(workers[0].pid) if b"forkserver" in _called(pid) and not offspring(pid))
        if lost == "driver":
            driver.kill()
            driver.communicate()
        else:
            os.killpg(scheduler.pid, signal.SIGKILL)
            _, err = driver.communicate(timeout=120)
            assert driver.returncode == 2
            assert "finished trials are kept, run the command again" in err.splitlines()[-1]
            assert "Traceback" not in err
        until(lambda: not Path(f"/proc/{pid}").exists(), 60)


def _called(pid):
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@pytest.mark.slow
def test_a_cluster_of_its_own_needs_no_guard_and_leaves_nothing(tmp_path, count):
    pytest.importorskip("distributed")
    script = tmp_path / "script.py"
    script.write_text(
        "import genbench\n"
        f"run = genbench.run('counted', 'moons', seeds=2, plugins=[{COUNTING!r}], dask='local', jobs=2, "
        f"results={str(tmp_path)!r}, name='r', say=print, **{QUICK!r})\n"
        "assert [t.status for t in run.trials] == ['ok'] * 4, run.trials\n"
    )
    driver = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE, text=True)
    known = set()
    while driver.poll() is None:
        known |= offspring(driver.pid)
        time.sleep(0.1)
    assert driver.returncode == 0, driver.stderr.read()
    assert known
    until(lambda: not [pid for pid in known if Path(f"/proc/{pid}").exists()], 10)


@pytest.mark.slow
def test_ctrl_c_finishes_what_is_with_the_cluster(tmp_path, count):
    with cluster(1, tmp_path) as (address, _, _):
        argv = command(tmp_path, "--name", "d", "--dask", address)
        driver = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until(count.exists, 180)
        driver.send_signal(signal.SIGINT)
        _, err = driver.communicate(timeout=120)
        assert driver.returncode == 130
        lines = err.splitlines()
        assert "Ctrl-C: finishing the" in lines[-2]
        assert lines[-1].endswith("trials are finished and kept; the same command resumes")
        assert len(list((tmp_path / "d" / "trials").glob("*.json"))) >= 2
        assert list((tmp_path / "d" / "trials").glob(".*")) == []
