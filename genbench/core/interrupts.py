"""Requests to stop the process: Ctrl-C, SIGTERM and SIGHUP.

They differ from a KeyboardInterrupt that a plugin raises.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Interrupted", "handled", "must_stop", "stop_now"]

Handler = Callable[[int, Any], None]


class Interrupted(KeyboardInterrupt):
    """The user or the system asks this process to stop.

    Its text says what is kept of the work.

    Attributes:
        number: the number of the signal.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__()
        self.number = number


def stop_now(number: int, frame: object = None) -> None:
    """Handle a signal by raising `Interrupted`."""
    raise Interrupted(number)


def must_stop(error: BaseException) -> bool:
    """Whether an exception is a request to stop, not an error of a plugin.

    A plugin may raise KeyboardInterrupt itself.
    """
    if isinstance(error, Interrupted):
        return True
    in_main = threading.current_thread() is threading.main_thread()  # signals come to no other
    return isinstance(error, KeyboardInterrupt) and in_main and _by_default()


def _by_default() -> bool:
    return signal.getsignal(signal.SIGINT) is signal.default_int_handler


@contextmanager
def handled(handlers: dict[str, Handler]) -> Iterator[None]:
    """Handle signals, given by name, inside the block.

    Signals that are ignored, as under nohup, stay ignored. It has no effect outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = {getattr(signal, name): handler for name, handler in handlers.items() if hasattr(signal, name)}
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: old for number, old in before.items() if old is not signal.SIG_IGN and old is not None}
    for number in before:
        signal.signal(number, numbers[number])
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
