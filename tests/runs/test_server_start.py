"""The server of workers starts before trials are planned, where there is surely something to do."""

import pytest

import genbench
from genbench.runs import launch
from genbench.runs.session import Workers
from genbench.storage.store import Store
from genbench.tasks.execution import ExecutionOptions
from trial_records import record, spec


class Planned(Exception):
    """Raised in the place of a plan."""


@pytest.fixture
def early(tmp_path, monkeypatch):
    """Ask for a run with some number of jobs, and return whether the server was started before the plan."""

    def plan(*_):
        raise Planned

    starts = []
    monkeypatch.setattr(launch, "start_server", lambda: starts.append(1))
    monkeypatch.setattr(launch, "make_plan", plan)
    monkeypatch.setattr(Workers, "are_processes", property(lambda self: self.jobs != 0))

    def ask(jobs):
        starts.clear()
        with pytest.raises(Planned):
            genbench.run("gaussian", "moons", jobs=jobs, results=tmp_path, name="run")
        return bool(starts)

    return ask


def test_a_new_run_starts_it_for_worker_processes(early):
    assert early(jobs=2)
    assert early(jobs=None)
    assert not early(jobs=0)


def test_a_run_that_may_be_finished_does_not(early, tmp_path):
    store = Store(tmp_path / "run")
    store.create()
    assert early(jobs=2)
    store.write(record(spec()))
    assert not early(jobs=2)


def test_trials_in_this_process_or_on_a_cluster_need_no_server():
    facts = (9.0, False, False, ExecutionOptions())
    assert not Workers(0, *facts).are_processes
    assert not Workers(2, *facts, dask="tcp://host:8786").are_processes
