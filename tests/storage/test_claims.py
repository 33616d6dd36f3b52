"""Claims: one holder each, taken over when their process is gone or they are touched no more, by the disk's clock."""

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace

import pytest

import genbench.storage.claims as module
from genbench.core.errors import GenbenchError
from genbench.storage.claims import STALE, Claims, Holder, entered
from genbench.storage.records import RunRecord
from genbench.storage.run_record import edited_run
from genbench.storage.store import Store

KEY = "cfm-moons-0-1c2d3e4f5a6b"


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "run")
    store.create()
    return store


def foreign(store, name=KEY, age=0.0, **about):
    """Write the claim of a process on another machine, touched some seconds ago."""
    file = store.trials / f".{name}.claim"
    facts = {"host": "node7", "pid": 12, "token": "t", "machine": "node7 boot pid", "born": "1"} | about
    file.write_text(json.dumps(facts))
    os.utime(file, (time.time() - age,) * 2)
    return file


def test_one_holder_at_a_time(store):
    with entered(store) as mine, entered(store) as theirs:
        assert mine.take(KEY) is True
        assert theirs.take(KEY) is False
        assert theirs.take("other-moons-0-1c2d3e4f5a6b") is True
        assert (theirs.holder(KEY).host, theirs.holder(KEY).pid) == (socket.gethostname(), os.getpid())
        theirs.release(KEY)
        assert mine.holder(KEY), "what another holds is not released"
        mine.release(KEY)
        assert theirs.take(KEY) is True
    assert list(store.trials.iterdir()) == [], "who leaves lets go of everything"


@pytest.mark.parametrize("age", [0.0, STALE - 20])
def test_a_claim_that_is_touched_is_respected_whatever_the_clock_says(store, age, monkeypatch):
    foreign(store, age=age)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    with entered(store) as claims:
        assert claims.take(KEY) is False
        assert str(claims.holder(KEY)) == "node7, pid 12"


def test_a_claim_that_is_touched_no_more_is_taken_over(store):
    with entered(store) as claims:
        foreign(store, age=STALE + 5)
        (store.trials / f".{KEY}.npz.12-ab.tmp").write_text("half")
        assert claims.take(KEY) == Holder("node7", 12, "t", "node7 boot pid", "1")
        assert claims.holder(KEY).pid == os.getpid()
        assert not list(store.trials.glob("*.tmp")), "what it was writing is deleted"


def test_a_process_of_this_machine_that_is_gone_holds_nothing(store):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    end = time.monotonic() + 30
    while module.birth(ended.pid) is not None and time.monotonic() < end:  # it is a zombie then
        time.sleep(0.01)
    with entered(store) as claims:
        gone = replace(claims._me, pid=ended.pid, token="t")
        for about in (gone, replace(claims._me, born="1", token="t")):  # the second had our number before
            (store.trials / f".{KEY}.claim").write_text(json.dumps(about.__dict__))
            assert claims.holder(KEY) is None
            assert isinstance(claims.take(KEY), Holder)
            claims.release(KEY)
    ended.wait()


def test_held_claims_are_touched(store, monkeypatch):
    monkeypatch.setattr(module, "BEAT", 0.01)
    with entered(store) as claims:
        claims.take(KEY)
        file = store.trials / f".{KEY}.claim"
        for old in (file, store.trials / f".{claims._presence}.claim"):
            os.utime(old, (1, 1))
            end = time.monotonic() + 10
            while old.stat().st_mtime < 2 and time.monotonic() < end:
                time.sleep(0.01)
            assert old.stat().st_mtime > time.time() - 60
        taken = foreign(store, age=30)  # by another, since this one stood still
        time.sleep(0.2)  # a touch may have been under way
        os.utime(taken, (time.time() - 30,) * 2)
        before = taken.stat().st_mtime
        time.sleep(0.1)
        claims.release(KEY)
        assert taken.stat().st_mtime == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": "many"}', "[" * 4000, '{"host": 1}' + " " * 5000])
def test_an_odd_claim_is_somebodys_until_it_is_old(store, text):
    with entered(store) as claims:
        file = foreign(store)
        file.write_text(text)
        assert claims.take(KEY) is False
        assert str(claims.holder(KEY)) == "a host that is unknown"
        os.utime(file, (1, 1))
        assert isinstance(claims.take(KEY), Holder)


def test_a_claim_is_not_made_through_a_link(store, tmp_path):
    precious = tmp_path / "precious"
    with entered(store) as claims:
        (store.trials / f".{KEY}.claim").symlink_to(precious)
        assert claims.take(KEY) is False
    assert not precious.exists()


def test_being_alone(store):
    with entered(store, alone=True), pytest.raises(GenbenchError, match=r"run is in use by another genbench \(.*pid"):
        Claims(store).enter()
    with entered(store), pytest.raises(GenbenchError, match="in use"):
        Claims(store, alone=True).enter()
    foreign(store, "driver-t", age=STALE - 20)
    with pytest.raises(GenbenchError, match=r"in use by another genbench \(node7, pid 12\); wait for it"):
        Claims(store, alone=True).enter()
    foreign(store, "driver-t", age=STALE + 5)
    foreign(store, "exclusive", age=STALE + 5)
    with entered(store, alone=True) as claims:
        assert claims.others() == {}
    assert list(store.trials.iterdir()) == []


def test_only_what_nobody_is_writing_is_cleared(store):
    files = {
        "claimed": store.trials / f".{KEY}.npz.12-ab.tmp",
        "left": store.trials / ".gan-moons-0-1c2d3e4f5a6b.npz.12-ab.tmp",
        "table": store.path / ".leaderboard.md.12-ab.tmp",
        "data": store.path / "data" / ".mine.npz.12-ab.tmp",
    }
    (store.path / "data").mkdir()
    for file in files.values():
        file.write_text("")
    claim = foreign(store)
    with entered(store):
        assert {name for name, file in files.items() if file.exists()} == {"claimed", "table", "data"}
    os.utime(claim, (1, 1))
    with entered(store):
        assert {name for name, file in files.items() if file.exists()} == {"data"}
    assert not claim.exists()
    os.utime(files["data"], (1, 1))
    with entered(store):
        assert not files["data"].exists()


def test_no_change_of_the_record_is_lost(store):
    """Four processes add twenty keys each, one by one."""
    store.write_run(RunRecord(name="run"))
    children = []
    for name in "abcd":
        pid = os.fork()
        if pid == 0:
            for i in range(20):
                with edited_run(store, print) as record:
                    record.trials = [*record.trials, f"{name}-{i}"]
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    assert sorted(store.read_run().trials) == sorted(f"{name}-{i}" for name in "abcd" for i in range(20))


def test_a_change_that_fails_is_none(store):
    store.write_run(RunRecord(name="run"))

    def change():
        with edited_run(store, print) as record:
            record.trials = ["x"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change()
    assert store.read_run().trials == []
    with edited_run(store, print):
        pass  # the lock is free again


def test_files_of_others_are_left_alone(store):
    """Ours begin with a dot; whatever else lies in the folder is not ours to delete."""
    others = [store.trials / f"notes{ending}" for ending in (".claim", ".phase", ".tmp")]
    ours = [store.trials / f".notes{ending}" for ending in (".claim", ".phase", ".tmp")]
    for file in [*others, *ours]:
        file.write_text("")
        os.utime(file, (0, 0))
    with entered(store):
        pass
    assert [file.exists() for file in others] == [True] * 3
    assert not any(file.exists() for file in ours)
