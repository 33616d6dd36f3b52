"""Ctrl-C, signals, kills and changed folders: what is finished is kept, one line says so, and nothing is left over."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import gone

import genbench
from genbench.core.process_tree import LINUX, offspring
from genbench.storage.store import Store

PLUGIN = str(Path(__file__).with_name("stopping.py"))
QUICK = {"budget": "3", "samples": 100, "train": 100, "metrics": "sliced_w2", "progress": False, "plugins": [PLUGIN]}


def run(folder, models, said, **more):
    return genbench.run(models, "moons", jobs=0, results=folder, name="r", say=said.append, **QUICK | more)


def test_ctrl_c_once_finishes_what_runs(tmp_path):
    said = []
    with pytest.raises(KeyboardInterrupt, match=r"^2 of 6 trials are finished and kept; the same command resumes$"):
        run(tmp_path, "pressing,unpressed", said, seeds=2)
    assert [key.partition("-")[0] for key in Store(tmp_path / "r").finished()] == ["oracle", "pressing"]


def test_ctrl_c_while_a_trial_runs_lets_it_end_and_twice_stops_it(tmp_path):
    said = []
    with pytest.raises(KeyboardInterrupt, match=r"^2 of 3 trials"):
        run(tmp_path, "pressing,unpressed", said, seeds=1)
    assert [line for line in said if "Ctrl-C" in line] == [
        "Ctrl-C: finishing the 1 trial that runs, 1 of 3 are finished and kept; press Ctrl-C again to stop now"
    ]
    assert {key.partition("-")[0] for key in Store(tmp_path / "r").finished()} == {"oracle", "pressing"}
    with pytest.raises(KeyboardInterrupt, match=r"^1 of 3 trials"):
        run(tmp_path, "pressing_twice,unpressed", said, seeds=1)
    done = run(tmp_path, "pressing,unpressed", said, seeds=1)
    assert [trial.status for trial in done.trials] == ["ok"] * 3
    assert any("2 of 3 trials are finished already" in line for line in said)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_plugin_that_changes_the_folder_moves_no_file(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("ELSEWHERE", str(tmp_path / "elsewhere"))
    done = run("results", "moving", [], seeds=1, checkpoint_every=1e-9)
    assert [trial.status for trial in done.trials] == ["ok", "ok"]
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert len(list((tmp_path / "here" / "results" / "r" / "trials").glob("*.json"))) == 2


def test_what_a_kill_has_left_is_cleared(tmp_path):
    trials = tmp_path / "r" / "trials"
    trials.mkdir(parents=True)
    left = [trials / ".x-moons-0-123.phase", trials / ".x.json.77.tmp", trials.parent / ".run.json.77.tmp"]
    for file in left:
        file.write_text("")
    run(tmp_path, "unpressed", [], seeds=1)
    assert [file for file in left if file.exists()] == []
    assert list(trials.glob(".*")) == []


def command(folder, models, *more):
    return [
        sys.executable, "-m", "genbench", "run", "--models", models, "--data", "moons", "--plugin", PLUGIN, "--budget",
        "3", "--samples", "100", "--train", "100", "--metrics", "sliced_w2", "--results", str(folder), "--name", "r",
        "-q", *more,
    ]  # fmt: skip


def until(true, seconds=120):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    assert true()


@pytest.mark.slow
@pytest.mark.skipif(not LINUX, reason="the kernel's help is Linux's")
@pytest.mark.parametrize(
    ("signals", "code", "finished"),
    [(["SIGINT"], 130, 2), (["SIGINT", "SIGINT"], 130, 1), (["SIGTERM"], 143, 1), (["SIGHUP"], 129, 1)],
    ids=["once", "twice", "TERM", "HUP"],
)
def test_a_signal_is_answered_with_one_line_and_leaves_nothing(tmp_path, signals, code, finished):
    begun = tmp_path / "begun"
    environment = os.environ | {"BEGUN": str(begun), "CHILD": str(tmp_path / "child")}
    driver = subprocess.Popen(
        command(tmp_path, "waiting,unpressed", "--jobs", "1", "--seeds", "1"),
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    until(begun.exists)
    pids = offspring(driver.pid)
    for name in signals:
        driver.send_signal(getattr(signal, name))
        time.sleep(0.5)
    out, err = driver.communicate(timeout=60)
    assert driver.returncode == code, err
    assert out == ""
    lines = err.splitlines()
    assert lines[-1] == f"genbench: stopped: {finished} of 3 trials are finished and kept; the same command resumes"
    assert len(lines) == 1 + signals.count("SIGINT") - (len(signals) > 1), lines
    assert [pid for pid in pids if not gone(pid)] == []
    assert gone(int((tmp_path / "child").read_text()))
    assert len(Store(tmp_path / "r").finished()) == finished
    assert list((tmp_path / "r" / "trials").glob(".*")) == []


@pytest.mark.slow
def test_workers_tell_how_a_trial_ended(tmp_path):
    """Exit codes, signals, hanging, memory, and a fork that outlives its trial; what is printed is in the log."""
    said = []
    done = genbench.run(
        "dying", "moons", jobs=2, results=tmp_path, name="r", say=said.append, timeout=5, seeds=1, **QUICK
    )
    found = {trial.model: (trial.status, trial.error and str(trial.error)) for trial in done.trials}
    expected = {
        "exits": ("crashed", r"in fit: the process ended without a result, with exit code 0: by os._exit\(0\).*"),
        "faults": ("crashed", r"in fit at stopping.py:\d+: the process died of SIGSEGV"),
        "aborts": ("crashed", r"in sample at stopping.py:\d+: the process died of SIGABRT"),
        "kills_itself": ("crashed", r"in fit: killed twice, from outside or by itself \(SIGKILL\), and not for want.*"),
        "hangs_in_c": ("timeout", r"in fit at stopping.py:\d+: stopped after 5 s; raise --timeout.*"),
        "eats": ("out_of_memory", r"in fit at stopping.py:\d+: .*"),
        "leaves_threads": ("ok", None),
        "prints": ("ok", None),
        "oracle": ("ok", None),
    }
    assert found.keys() == expected.keys()
    for name, (status, text) in expected.items():
        assert found[name][0] == status, (name, found[name])
        assert (found[name][1] is None) if text is None else re.fullmatch(text, found[name][1]), found[name]
    (log,) = (done.path / "logs").glob("prints*.log")
    assert log.read_text() == "[31mfrom Python\nfrom C\n"
    assert [line for line in said if not line.isprintable()] == []
    again = genbench.run(
        "dying", "moons", jobs=1, results=tmp_path, name="r", say=said.append, timeout=5, seeds=1, **QUICK
    )
    assert "8 of 9 trials are finished already" in " ".join(said), "the killed one is tried again"
    assert [trial.status for trial in again.trials] == [trial.status for trial in done.trials]
