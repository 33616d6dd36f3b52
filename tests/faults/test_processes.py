"""Pieces of work whose processes are killed, leave, hang or print: each is told apart, and nothing is left of them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
from processes import command, gone

from genbench.core.errors import GenbenchError
from genbench.core.process_tree import LINUX, offspring
from genbench.runs import fork_server, worker_process
from genbench.runs.output_log import HEAD, TAIL, OutputLog
from genbench.runs.parallel import each_in_a_process, perform_each
from genbench.runs.worker_process import Ended, Work, WorkerProcess

pytestmark = pytest.mark.skipif(not LINUX, reason="the kernel's help is Linux's")


def double(x):
    return 2 * x


def leave(code):
    os._exit(code)


def send_itself(number):
    os.kill(os.getpid(), number)


def fault():
    import ctypes

    ctypes.string_at(0)


def once(file):
    """Kill the process that comes first, and not the second."""
    if not os.path.exists(file):
        open(file, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return "second"


def hang():
    time.sleep(600)


def spawn(file, daemon, then):
    """Start a process that outlives this one, and end in some way."""
    child = subprocess.Popen(["sleep", "600"], start_new_session=daemon)
    with open(file, "w") as out:
        out.write(str(child.pid))
    return then()


def close_everything():
    os.closerange(3, 100)


def print_much():
    print("\x1b[31mred\x1b[0m\rbegin")
    os.write(2, b"x" * 3 * HEAD)
    print("the end")


def refuse():
    raise OSError(28, "No space left on device")


def strange():
    raise type("Own", (BaseException,), {})("a\udcffb")


def ended(function, *arguments, **more) -> Ended:
    with closing(each_in_a_process([Work(function, arguments, **more)], 1)) as each:
        ((_, found),) = each
    return found


def test_what_is_returned_and_raised_comes_back():
    assert ended(double, 21).value == 42
    assert (ended(refuse).error.errno, str(ended(strange).error)) == (28, r"Own: a\udcffb")
    assert perform_each(double, [(1,), (2,), (3,)], 2, "doubling", progress=False) == [2, 4, 6]
    with pytest.raises(GenbenchError, match="died with exit code 7"):
        perform_each(leave, [(7,)], 1, "leaving", progress=False)


def test_how_a_process_ended_is_told_apart():
    left = [ended(leave, code) for code in (0, 3, 255)]
    assert [(each.exitcode, each.died, each.blameless, each.lost) for each in left] == [
        (0, True, False, False),
        (3, True, False, False),
        (255, True, False, False),
    ]
    killed = ended(send_itself, signal.SIGKILL)
    assert (killed.exitcode, killed.blameless, killed.began) == (-signal.SIGKILL, True, True)
    crashed = ended(fault, own=(__file__, os.__file__))
    assert (crashed.exitcode, crashed.blameless) == (-signal.SIGSEGV, False)
    assert crashed.place == f"test_processes.py:{fault.__code__.co_firstlineno + 3}"


def make_lock():
    multiprocessing.RLock()
    return multiprocessing.get_start_method()


def test_a_lock_that_it_makes_is_given_back():
    """Named semaphores would be listed at the end of the run, by a warning."""
    mine = {name for name in os.listdir("/dev/shm") if name.startswith("sem.mp")}
    assert ended(make_lock).value == multiprocessing.get_start_method()
    assert {name for name in os.listdir("/dev/shm") if name.startswith("sem.mp")} <= mine


def test_one_that_is_killed_is_done_once_more(tmp_path):
    assert ended(once, str(tmp_path / "was here")).value == "second"


def test_one_that_is_killed_before_it_begins_is_done_again(monkeypatch):
    """As by the OOM killer, in the moment between its start and its first message."""
    killed = []
    look = WorkerProcess.look

    def kill_first(self):
        if not killed:
            killed.append(self._process.pid)
            os.kill(self._process.pid, signal.SIGKILL)
            self._messages.close()  # it may have said that it began
        return look(self)

    monkeypatch.setattr(WorkerProcess, "look", kill_first)
    assert ended(double, 4).value == 8
    assert killed


@pytest.mark.slow
def test_a_killed_server_is_started_again_and_its_work_is_done_again(tmp_path):
    file, servers = tmp_path / "naps", []

    def kill():
        while not file.exists():
            time.sleep(0.05)
        servers.append(fork_server._server._forkserver_pid)
        os.kill(servers[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    assert ended(nap, str(file)).value == "rested"
    killer.join()
    assert file.read_text() == "zz", "begun twice, ended once"
    assert fork_server._server._forkserver_pid != servers[0]


def nap(file):
    with open(file, "a") as out:
        out.write("z")
    time.sleep(2)
    return "rested"


def test_one_that_hangs_is_stopped_and_its_line_is_known(monkeypatch):
    """Whatever the clock on the wall does meanwhile."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 7200)
    begin = time.monotonic()
    found = ended(hang, timeout=0.3, own=(__file__,))
    assert (found.timed_out, found.began, found.died, found.blameless) == (True, True, False, False)
    assert found.place == f"test_processes.py:{hang.__code__.co_firstlineno + 1}"
    assert 0.3 < time.monotonic() - begin < 20


@pytest.mark.parametrize("daemon", [False, True], ids=["child", "daemon"])
@pytest.mark.parametrize("then", [int, hang, os.abort], ids=["returns", "hangs", "crashes"])
def test_nothing_is_left_of_what_it_started(tmp_path, daemon, then):
    file = tmp_path / "child"
    ended(spawn, str(file), daemon, then, timeout=0.3 if then is hang else None)
    assert gone(int(file.read_text()))


def test_one_that_closes_its_pipes_is_told_to_have_left_without_a_result():
    found = ended(close_everything)
    assert found.died
    assert not found.blameless


def test_what_is_printed_goes_to_a_file_and_never_to_the_terminal(tmp_path, capfd):
    file = tmp_path / "logs" / "work.log"
    ended(print_much, log=file)
    printed = file.read_bytes()
    assert printed.startswith(b"[31mred[0m\nbegin\nxxx")
    assert printed.endswith(b"xthe end\n")
    assert b"bytes are left out" in printed
    assert HEAD + TAIL < len(printed) < HEAD + TAIL + 100
    assert "".join(capfd.readouterr()) == ""


def test_a_log_without_output_is_no_file(tmp_path):
    log = OutputLog(tmp_path / "empty.log")
    log.close()
    assert not (tmp_path / "empty.log").exists()
    log = OutputLog(tmp_path / "full.log")
    log.add(b"a\r\nb")
    log.close()
    assert (tmp_path / "full.log").read_bytes() == b"a\nb"


def test_no_more_begins_when_that_is_asked_for():
    began = []
    each = each_in_a_process([Work(double, (n,)) for n in range(3)], 1, lambda running: len(began) < 1)
    for number, _ in each:
        began.append(number)
    assert began == [0]


def test_the_killer_of_an_operating_system_that_is_short_of_memory_is_known(tmp_path, monkeypatch):
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("nr_free_pages 1\noom_kill 3\n")
    monkeypatch.setattr(worker_process, "VMSTAT", vmstat)
    assert ended(send_itself, signal.SIGKILL).short_of_memory is False
    assert ended(count_and_die, str(vmstat)).short_of_memory is True
    monkeypatch.setattr(worker_process, "VMSTAT", tmp_path / "no such file")
    assert ended(send_itself, signal.SIGKILL).short_of_memory is None


def count_and_die(vmstat):
    with open(vmstat) as file:
        count = int(file.read().split()[-1])
    with open(vmstat, "w") as file:
        file.write(f"oom_kill {count + 1}\n")
    os.kill(os.getpid(), signal.SIGKILL)


FOLDER = os.path.dirname(__file__)
DRIVER = """
import sys
sys.path[:0] = {folders!r}
from test_processes import *
ended(spawn, {file!r}, {daemon}, hold_the_lock)
"""


def hold_the_lock():
    """Sleep in C with Python's lock held, so that no thread of this process can act."""
    import ctypes

    ctypes.PyDLL(None).sleep(600)


@pytest.mark.slow
@pytest.mark.parametrize("daemon", [False, True], ids=["child", "daemon"])
def test_nothing_is_left_of_a_killed_driver(tmp_path, daemon):
    file, processes = tmp_path / "child", os.path.dirname(command.__code__.co_filename)
    script = tmp_path / "driver.py"
    script.write_text(DRIVER.format(folders=[FOLDER, processes], file=str(file), daemon=daemon))
    driver = subprocess.Popen([sys.executable, str(script)])
    end = time.monotonic() + 120
    while not (file.exists() and file.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.3)  # until it sleeps
    pids = offspring(driver.pid)
    assert int(file.read_text()) in pids
    assert len(pids) >= 3, "server, worker, child"
    names = {pid: command(pid) for pid in pids}
    driver.kill()
    driver.wait()
    assert {pid: name for pid, name in names.items() if not gone(pid)} == {}


@pytest.mark.slow
def test_a_server_that_is_killed_while_a_process_starts_is_started_again(monkeypatch):
    """The connection is refused, or the answer is cut off."""
    assert ended(double, 1).value == 2
    connect, killed = fork_server._connected, []

    def kill_first(fds):
        found = connect(fds)
        if len(killed) < 2:
            killed.append(fork_server._server._forkserver_pid)
            os.kill(killed[-1], signal.SIGKILL)
        return found

    monkeypatch.setattr(fork_server, "_connected", kill_first)
    assert ended(double, 2).value == 4
    assert len(set(killed)) == 2
