"""Processes and their descendants, which end together.

They are found in /proc and killed together, so that none is left behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Collection, Iterator

__all__ = ["adopt_orphans", "birth", "die_with_parent", "kill_offspring", "offspring"]

LINUX = sys.platform == "linux"
# Numbers of prctl, see linux/prctl.h.
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PASSES = 5  # chosen by hand: one finds what there is, further ones what was started meanwhile


def die_with_parent(on: bool = True) -> None:
    """Make the kernel kill this process when its parent ends. Linux only.

    The parent is the thread that started this process, and the process ends whatever it is doing.
    """
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL if on else 0)


def adopt_orphans() -> None:
    """Become the parent of orphaned descendants of this process. Linux only.

    These are the processes that its children started and that outlive these children.
    """
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if not LINUX:
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def birth(pid: int) -> str | None:
    """Return when a process began, as text, to recognise a reused process number.

    It is "" where that is unknown.

    Returns:
        None if there is no such process, or if it has ended and its parent has not collected it yet.
    """
    if not LINUX:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except OSError:  # it is another user's
            return ""
        return ""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()  # from the third on, see proc(5)
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else fields[19].decode()


def offspring(pid: int, apart_from: Collection[int] = ()) -> set[int]:
    """Return the living processes that a process started, directly or indirectly.

    Args:
        pid: number of the process, which may have ended. Processes of its session count as well.
        apart_from: processes to leave out, with their descendants.
    """
    table = {child: (parent, session) for child, parent, session in _processes()}
    found: set[int] = set()
    new = {child for child, (parent, session) in table.items() if pid in (parent, session)}
    while new := new - found - {pid, *apart_from}:
        found |= new
        new = {child for child, (parent, _) in table.items() if parent in found}
    return found


def kill_offspring(pid: int, root: Callable[[], object]) -> None:
    """Kill all processes that a process started, then the process itself with `root`."""
    found = offspring(pid)
    root()
    for _ in range(PASSES):
        for each in found:
            with contextlib.suppress(OSError):  # it is gone
                os.kill(each, signal.SIGKILL)
        if not LINUX:
            with contextlib.suppress(OSError, AttributeError):  # there is no /proc, and on Windows there are no groups
                os.killpg(pid, signal.SIGKILL)
        if not (found := offspring(pid)):
            return


def _processes() -> Iterator[tuple[int, int, int]]:
    """Yield the number, the parent and the session of each living process; nothing where there is no /proc."""
    if not LINUX:
        return
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError, ValueError), open(f"/proc/{name}/stat", "rb") as file:
                # the name of the program stands in parentheses, and may hold any sign
                state, parent, _, session, *_ = file.read().rpartition(b")")[2].split()
                if state not in (b"Z", b"X"):
                    yield int(name), int(parent), int(session)
