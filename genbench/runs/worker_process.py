"""A piece of work in a separate process, as seen by its parent: messages, limits, end."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import Any

from genbench.core.errors import GenbenchError
from genbench.core.exception_text import place_in
from genbench.core.process_tree import kill_offspring
from genbench.runs.output_log import OutputLog
from genbench.runs.worker import WHERE, context, serve

__all__ = ["UNLIMITED_MB", "Ended", "Work", "WorkerProcess"]

UNLIMITED_MB = 2**30
# Seconds, chosen by hand. A worker begins within one on an idle machine; the first waits for the libraries.
START = 300.0
ATTEMPTS = 5  # to start a process
BETWEEN = 0.1  # the first two of them, until the system knows that a server was killed; later ones are further apart
ANSWER = 0.5  # in which a worker that is asked says where it is: a handful of lines
READS = 64  # of 64 kB at once: one that prints without end must not keep its parent from the others
GONE = 5.0  # in which the system ends a process that was killed
VMSTAT = Path("/proc/vmstat")  # counts the processes that Linux has killed for want of memory
# Signals that a program brings upon itself; any other comes from outside, or from a plugin that sends it.
OWN_FAULT = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGSYS", "SIGPIPE", "SIGXCPU", "SIGXFSZ")
OWN_FAULTS = {-int(getattr(signal, name)) for name in OWN_FAULT if hasattr(signal, name)}


@dataclass(frozen=True)
class Work:
    """A piece of work for a separate process.

    Attributes:
        function, arguments: the function and its arguments. Both and the result must be picklable, and the result
            small.
        timeout: seconds from its begin; None for no limit.
        memory_mb: limit of memory; an allocation beyond it is an error.
        log: file for its output; None for no file.
        own: the user's files, whose lines are named if it fails.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    timeout: float | None = None
    memory_mb: int = UNLIMITED_MB
    log: Path | None = None
    own: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ended:
    """The end of a piece of work.

    Attributes:
        value, error: its result, or its exception.
        exitcode: exit code of a process that ended without either, from `multiprocessing`; otherwise None.
        timed_out: whether it was stopped because it took too long.
        began: whether it had begun.
        phase: its last phase.
        place: its last file and line of the user's code, if known.
        seconds: seconds since its begin, or since its start if it had not begun.
        lost: whether the server from which workers are forked was gone.
        short_of_memory: whether the system killed a process meanwhile because memory was short; None if unknown.
    """

    value: Any = None
    error: BaseException | None = None
    exitcode: int | None = None
    timed_out: bool = False
    began: bool = True
    phase: str = "load"
    place: str = ""
    seconds: float = 0.0
    lost: bool = False
    short_of_memory: bool | None = None

    @property
    def died(self) -> bool:
        """Whether the process ended without an answer, and was not stopped because of a timeout."""
        return self.exitcode is not None

    @property
    def blameless(self) -> bool:
        """Whether a bad end may not be the fault of the work.

        It never began, or was killed.
        """
        if not self.died:
            return self.timed_out and not self.began
        killed = self.exitcode is not None and self.exitcode < 0 and self.exitcode not in OWN_FAULTS
        return self.lost or not self.began or killed


class WorkerProcess:
    """A process that does one piece of work.

    Raises:
        GenbenchError: no process can be started.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.ended: Ended | None = None
        self._began = False
        self._phase = "load"
        self._log = OutputLog(work.log)
        self._kills = _kills()
        self._start = time.monotonic()
        self._messages, to_parent = connection.Pipe(duplex=False)
        self._output: Any = None  # on Windows, output stays where it is
        output = None
        if os.name == "posix":
            self._output, output = connection.Pipe(duplex=False)
        arguments = (work.function, work.arguments, work.memory_mb, to_parent, output)
        self._process: Any = context().Process(target=serve, args=arguments, name="genbench worker")  # type: ignore[attr-defined]
        try:
            self._launch()
        except BaseException:  # such as a second Ctrl-C
            self._close()
            if self._process.pid is not None:
                self._process.kill()
            raise
        finally:
            for end in (to_parent, output):
                if end is not None:
                    end.close()
        if self._output is not None:
            os.set_blocking(self._output.fileno(), False)

    def _launch(self) -> None:
        """Start the process; where the server that it is forked from has just been killed, from a new one."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._process.start()
                return
            except (OSError, EOFError) as error:
                if attempt == ATTEMPTS:
                    raise GenbenchError(
                        f"no worker process can be started ({type(error).__name__}: {error}); finished trials are "
                        "kept, "
                        "continue with --jobs 0"
                    ) from None
                time.sleep(attempt * BETWEEN)

    @property
    def watched(self) -> list[Any]:
        """The objects for `multiprocessing.connection.wait`: messages, output, and the end."""
        pipes = [pipe for pipe in (self._messages, self._output) if pipe is not None and not pipe.closed]
        return [*pipes, self._process.sentinel]

    @property
    def deadline(self) -> float:
        """The time by which it must have begun, or ended, on the monotonic clock."""
        if not self._began:
            return self._start + START
        return float("inf") if self.work.timeout is None else self._start + self.work.timeout

    def look(self) -> Ended | None:
        """Read the messages, and return how the work ended; None while it runs."""
        alive = self._process.is_alive()  # before what it said is read, so that nothing is missed
        self._read()
        if self.ended is None and not alive:
            self._end(exitcode=self._process.exitcode, lost=getattr(self._process._popen, "lost", False))
        elif self.ended is None and time.monotonic() > self.deadline:
            self._end(timed_out=True, place=self._ask_where())
        if self.ended is not None:
            self.stop()
        return self.ended

    def stop(self) -> None:
        """Kill the process and all processes that it started."""
        if self._process.pid is None:
            return
        kill_offspring(self._process.pid, self._process.kill)
        self._process.join(GONE)
        self._read_output()
        self._close()
        if hasattr(self._process, "_popen") and hasattr(self._process._popen, "lost"):
            from genbench.runs.fork_server import forget, kill_strays

            forget(self._process.pid)
            kill_strays()

    def _read(self) -> None:
        try:
            while self.ended is None and not self._messages.closed and self._messages.poll():
                kind, content = self._messages.recv()
                if kind == "began":
                    self._began, self._start = True, time.monotonic()
                elif kind == "phase":
                    self._phase = content
                else:
                    self._end(**{"value" if kind == "done" else "error": content})
        except (EOFError, OSError, pickle.UnpicklingError):  # it has ended, or a plugin has closed the pipe
            self._messages.close()
        self._read_output()

    def _read_output(self) -> None:
        if self._output is None or self._output.closed:
            return
        try:
            for _ in range(READS):
                printed = os.read(self._output.fileno(), 2**16)
                if not printed:
                    self._output.close()
                    return
                self._log.add(printed)
        except BlockingIOError:
            return
        except OSError:
            self._output.close()

    def _ask_where(self) -> str:
        """Return the line of the user's code that it is in, which it writes to its output when it is asked."""
        if WHERE is None or self._output is None or not self._began:
            return ""
        with contextlib.suppress(OSError):
            os.kill(self._process.pid, WHERE)
        end, place = time.monotonic() + ANSWER, ""
        while not place and time.monotonic() < end:
            time.sleep(ANSWER / 20)
            self._read_output()
            place = self._place()
        return place

    def _place(self) -> str:
        """Return the line of the user's code that is in the last traceback of `faulthandler`."""
        _, heading, text = self._log.tail.rpartition("(most recent call first)")
        return place_in(text, self.work.own) if heading else ""

    def _end(self, **facts: Any) -> None:
        kills = _kills()
        short = None if kills is None or self._kills is None else kills > self._kills
        about: dict[str, Any] = {"began": self._began, "phase": self._phase, "seconds": time.monotonic() - self._start}
        if "exitcode" in facts:
            about["place"] = self._place()
        self.ended = Ended(**about | {"short_of_memory": short} | facts)

    def _close(self) -> None:
        for pipe in (self._messages, self._output):
            if pipe is not None and not pipe.closed:
                pipe.close()
        self._log.close()


def _kills() -> int | None:
    """Return how many processes the system has killed for want of memory; None where it does not say."""
    with contextlib.suppress(OSError, ValueError):
        for line in VMSTAT.read_text().splitlines():
            name, _, number = line.partition(" ")
            if name == "oom_kill":
                return int(number)
    return None
