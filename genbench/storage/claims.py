"""Claims on trials in a run's folder that several drivers share.

The drivers are on one machine, or on machines with a shared disk. A driver is a process that runs trials. It has a file
`trials/.driver-<token>.claim` while it uses the folder, and a file `trials/.<key>.claim` for each trial that it has
begun. A driver that needs the folder alone has `trials/.exclusive.claim`. The process that creates such a file owns the
claim: `O_EXCL` is atomic on local disks and on NFS from version 3 on. A claim is stale if it is not touched any more or
its process is gone; then another driver may take it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from genbench.core.errors import GenbenchError, shown
from genbench.core.files import ending_in
from genbench.core.process_tree import birth
from genbench.core.regular_files import open_regular
from genbench.storage.store import DATA, Store

__all__ = ["BEAT", "STALE", "Claims", "Holder", "entered"]

# Seconds, chosen by hand. STALE is longer than a loaded machine or a busy file server keeps a thread from touching a
# file, and short beside most trials. Twelve touches may fail in a row; to touch a few files costs nothing every BEAT.
BEAT = 5.0
STALE = 60.0
SOON = 1.0  # in which the lock is there for a driver that leaves
LONGEST = 4096  # bytes of a claim; by hand: ours have 250
DRIVER = "driver-"  # how the names of drivers begin; no trial's key does
EXCLUSIVE = "exclusive"


@dataclass(frozen=True)
class Holder:
    """The process that made a claim.

    Attributes:
        machine: host, boot and container, which show whether its process number is valid here.
        born: when the process began, to recognise a later process with the same number.
        token: the unique token of the driver.
    """

    host: str = "a host that is unknown"
    pid: int = 0
    token: str = ""
    machine: str = ""
    born: str = ""

    def __str__(self) -> str:
        """Return host and process, in words."""
        return f"{shown(self.host)}, pid {self.pid}" if self.pid else self.host

    @property
    def gone(self) -> bool:
        """Whether it was a process of this machine and has ended."""
        return self.machine == _machine() and (self.pid < 1 or birth(self.pid) != self.born)


class Claims:
    """The claims of this driver and of others on a run's folder; see `entered`."""

    def __init__(self, store: Store, alone: bool = False) -> None:
        token = secrets.token_hex(8)
        self._store, self._folder = store, store.trials
        self._me = Holder(_host(), os.getpid(), token, _machine(), birth(os.getpid()) or "")
        self._presence, self._alone = f"{DRIVER}{token}", alone
        self._held: set[str] = set()
        self._guard = threading.Lock()  # of _held and of the clock
        self._left = threading.Event()
        self._touched = self._at = 0.0

    def enter(self) -> None:
        """Enter the folder, and delete files of killed drivers.

        Raises:
            GenbenchError: another driver needs the folder alone, or this one needs it alone and another driver uses it.
        """
        with self._store.lock():  # so that of two that come one sees the other
            self._create(self._presence)
            self._beat()
            others = self.others()
            if others and (self._alone or EXCLUSIVE in others):
                self.leave()
                who = " and ".join(sorted({str(each) for each in others.values()}))
                raise GenbenchError(
                    f"{self._store.path} is in use by another genbench ({who}); wait for it or choose another --name"
                )
            self._clear(alone=not others)
            if self._alone:
                self._create(EXCLUSIVE)
        threading.Thread(target=self._keep_beating, daemon=True, name="genbench claims").start()

    def leave(self) -> None:
        """Release all claims, and delete those of drivers that were killed meanwhile."""
        self._left.set()
        if any(map(self._is_stale, self._files())):
            with contextlib.suppress(GenbenchError), self._store.lock(SOON):  # if not now, at the next start
                self._clear_claims()
        for name in list(self._held):
            self.release(name)

    def take(self, key: str) -> Holder | bool:
        """Claim a trial.

        Returns:
            whether the claim belongs to this driver now. If it was taken from a driver that is gone, that driver.
        """
        if self._create(key):
            return True
        if self.holder(key) is not None:
            return False
        with self._store.lock():  # whoever finds a stale claim looks again: of two, one takes it over
            if self.holder(key) is not None:
                return False
            found = self._look(key)
            self._remove(key)
            for left in self._folder.glob(f".{key}.*.tmp"):
                left.unlink(missing_ok=True)
            return self._create(key) and (found[0] if found else True)

    def release(self, key: str) -> None:
        """Release a claim. A claim that another driver has taken is not changed."""
        with self._guard:
            self._held.discard(key)
        found = self._look(key) if os.getpid() == self._me.pid else None  # a plugin may have forked this process
        if found and found[0].token == self._me.token:
            self._file(key).unlink(missing_ok=True)

    def holder(self, name: str) -> Holder | None:
        """Return the holder of a claim; None if there is none, or if it is stale."""
        found = self._look(name)
        if found is None or found[0].gone:
            return None
        with self._guard:
            # by the clock of the file system, whatever the clocks of the machines say
            now = self._touched + time.monotonic() - self._at
        return None if now - found[1] > STALE else found[0]

    def others(self) -> dict[str, Holder]:
        """Return the claims of other drivers by name, without stale ones."""
        names = [file.name[1:].removesuffix(".claim") for file in self._files()]
        found = {name: self.holder(name) for name in names}
        return {name: each for name, each in found.items() if each and each.token != self._me.token}

    def _files(self) -> list[Path]:
        return _hidden(self._folder, ".claim")

    def _file(self, name: str) -> Path:
        return self._folder / f".{name}.claim"

    def _create(self, name: str) -> bool:
        """Make a claim, if nobody has it."""
        about = asdict(self._me) | {"time": datetime.now(UTC).isoformat(timespec="seconds")}
        file = self._file(name)
        try:
            with file.open("xb") as out:  # O_EXCL, which follows no link
                out.write(json.dumps(about).encode())
        except FileExistsError:
            return False
        except OSError:
            file.unlink(missing_ok=True)  # a full disk
            raise
        with self._guard:
            self._held.add(name)
        return True

    def _look(self, name: str) -> tuple[Holder, float] | None:
        """Return who made a claim, and when it was touched last; None where there is none.

        The file is opened, since NFS shows the time of a file as it was up to a minute ago until then.
        """
        try:
            with open_regular(self._file(name), self._folder, LONGEST) as opened:
                touched = os.fstat(opened.fileno()).st_mtime
                about = json.loads(opened.read(LONGEST))
            return Holder(**{part: kind(about[part]) for part, kind in FIELDS.items()}), touched
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, RecursionError):  # it is being written, or nobody's
            with contextlib.suppress(OSError):
                return Holder(), os.lstat(self._file(name)).st_mtime
            return None

    def _remove(self, name: str) -> None:
        """Remove a stale claim, under the lock, by a name of its own: whoever is late finds none to remove."""
        aside = self._folder / f".{name}.{secrets.token_hex(4)}.tmp"
        with contextlib.suppress(OSError):
            self._file(name).rename(aside)
            aside.unlink()

    def _keep_beating(self) -> None:
        while not self._left.wait(BEAT):
            with contextlib.suppress(OSError):  # the next time
                self._beat()

    def _beat(self) -> None:
        """Touch all claims that are held, and read the clock of the file system."""
        with self._guard:
            held = [self._presence, *(self._held - {self._presence})]
        for name in held:
            found = self._look(name)
            if found and found[0].token == self._me.token:
                os.utime(self._file(name))
            elif name == self._presence and not found and not self._left.is_set():
                self._create(name)  # this process stood still for so long that others thought it gone
        if found := self._look(self._presence):
            with self._guard:
                self._touched, self._at = found[1], time.monotonic()

    def _clear(self, alone: bool) -> None:
        """Delete what a kill has left: stale claims, and files that were being written.

        It is called under the lock, so that nobody comes meanwhile. Of a driver that is alone, all such files are
        rubbish. Else those of other trials than are claimed are: whoever writes files of a trial has claimed it before,
        and files are listed before claims are looked at. All others may be being written by another driver.
        """
        self._clear_claims()
        folders = [Path(folder) for folder, *_ in os.walk(self._store.path)] if alone else [self._folder]
        left = [file for folder in folders for file in _hidden(folder, ".tmp")]
        held = () if alone else tuple(f".{name}." for name in self.others())
        for file in [*left, *_hidden(self._folder, ".phase")]:  # notes of phases of earlier versions
            if not (held and file.name.startswith(held)) and not self._may_be_new(file):
                file.unlink(missing_ok=True)

    def _clear_claims(self) -> None:
        for file in filter(self._is_stale, self._files()):
            with contextlib.suppress(OSError):  # a folder: nobody's claim
                file.unlink(missing_ok=True)

    def _is_stale(self, claim: Path) -> bool:
        return self.holder(claim.name[1:].removesuffix(".claim")) is None

    def _may_be_new(self, file: Path) -> bool:
        """Whether a file may be being written by a driver that has not come in yet: it writes data in hand before."""
        try:
            return file.parent.name == DATA and self._touched - file.lstat().st_mtime < STALE
        except OSError:
            return True


def _hidden(folder: Path, ending: str) -> list[Path]:
    """Return the files of a folder whose names begin with a dot, as all of ours do, and end so."""
    return [file for file in ending_in(folder, ending) if file.name.startswith(".")]


FIELDS = {"host": str, "pid": int, "token": str, "machine": str, "born": str}  # of a claim


@contextmanager
def entered(store: Store, alone: bool = False) -> Iterator[Claims]:
    """Be a driver of a run inside the block.

    Files of killed drivers in its folder are deleted.

    Args:
        alone: whether no other driver may use the folder meanwhile.

    Raises:
        GenbenchError: another driver needs the folder alone, or this one needs it alone and another driver uses it.
    """
    claims = Claims(store, alone)
    try:
        claims.enter()
        yield claims
    finally:
        claims.leave()


@cache
def _host() -> str:
    import socket

    return socket.gethostname()


@cache
def _machine() -> str:
    """Return what processes have in common whose numbers are of one list: of a boot, and of a container."""
    parts = [_host()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)
