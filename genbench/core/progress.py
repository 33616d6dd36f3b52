"""Progress of work: a bar on a terminal or in a notebook, lines, JSON, or nothing.

Lines are for files, JSON is for programs.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal, get_args

from genbench.core.durations import duration
from genbench.core.errors import GenbenchError, nearest

__all__ = ["FORMS", "Form", "Progress", "check_form", "chosen_form", "say_json", "shown_progress"]

Form = Literal["auto", "bar", "lines", "json", "none"]
FORMS: tuple[Form, ...] = get_args(Form)
EVERY = 10.0  # seconds between two lines of a file: some hundred lines in an hour
REFRESH = 1.0  # seconds in which the time left is written anew in a bar
BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"


def check_form(asked: bool | str) -> None:
    """Check that a form of progress exists.

    Raises:
        GenbenchError: it is not one of `FORMS`.
    """
    if not isinstance(asked, bool) and asked not in FORMS:
        raise GenbenchError(f"no progress '{asked}'{nearest(asked, list(FORMS))}; use one of {', '.join(FORMS)}")


def chosen_form(asked: bool | str) -> Form:
    """Return the form of progress to use here.

    "auto" is a bar on a terminal or in a notebook, and lines elsewhere.
    """
    check_form(asked)
    form = ("auto" if asked else "none") if isinstance(asked, bool) else asked
    if form == "auto" and os.environ.get("TQDM_DISABLE"):
        return "none"
    if form == "auto":
        return "bar" if sys.stderr.isatty() or "ipykernel" in sys.modules else "lines"
    return form  # type: ignore[return-value]


class Progress:
    """The progress of `total` pieces of work; `form` is one of the `FORMS` but "auto".

    Args:
        heading: name of the work, such as "trials"; one piece is a `unit`.
        left: returns the remaining seconds; None where unknown.
    """

    def __init__(
        self, total: int, heading: str, unit: str, form: Form, left: Callable[[], float | None] | None
    ) -> None:
        self.total, self.heading, self.unit, self.form = total, heading, unit, form
        self.done = 0
        self._left = left
        self._begin = self._said = time.monotonic()
        self._bar: Any = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._keep_looking, daemon=True)
        if form == "bar":
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, desc=heading, unit=unit, bar_format=BAR if left else None)

    def step(self, **facts: Any) -> None:
        """Record that a piece is done; `facts` about it are for programs."""
        self.done += 1
        if self._bar is not None:
            self._bar.update()
        if self.form == "json":
            self._write(json.dumps({"event": self.unit, **facts, **self._state()}))

    def at(self, name: str) -> None:
        """Show which piece is being worked on."""
        if self._bar is not None:
            self._bar.set_postfix_str(name)

    def aside(self) -> AbstractContextManager[Any]:
        """Return a context in which lines can be written without breaking the bar."""
        return nullcontext() if self._bar is None else self._bar.external_write_mode()

    def begin(self) -> None:
        """Update the display from now on until the work is over: time taken, time left."""
        self._watch.start()

    def _keep_looking(self) -> None:
        while not self._over.wait(REFRESH if self.form == "bar" else EVERY):
            self.look()

    def look(self) -> None:
        """Show the present progress."""
        if self._bar is not None:
            left = self._left() if self._left else None
            self._bar.set_postfix_str("" if left is None else _left(left))
        elif self.form == "json":
            self._write(json.dumps({"event": "progress", "of": self.heading, **self._state()}))
        elif self.form == "lines":
            self._write(f"genbench: {self}")

    def __str__(self) -> str:
        left = self._left() if self._left and 0 < self.done < self.total else None
        took = f" after {duration(time.monotonic() - self._begin)}"
        return f"{self.heading}: {self.done} of {self.total}{took}{'' if left is None else ', ' + _left(left)}"

    def end(self) -> None:
        """Show the end, if the work took long enough to be shown."""
        self._over.set()
        if self._watch.is_alive():
            self._watch.join()  # it may be about to write a line
        if self._bar is not None:
            self._bar.close()
        elif self.form == "lines" and time.monotonic() - self._begin > EVERY:
            self.look()

    def _state(self) -> dict[str, Any]:
        left = self._left() if self._left else None
        seconds = round(time.monotonic() - self._begin, 3)
        rest = None if left is None else round(left, 1)
        return {"done": self.done, "total": self.total, "seconds": seconds, "left_seconds": rest}

    def _write(self, line: str) -> None:
        with self._lock:
            print(line, file=sys.stderr, flush=True)


@contextmanager
def shown_progress(
    total: int,
    heading: str,
    unit: str,
    asked: bool | str = True,
    left: Callable[[], float | None] | None = None,
) -> Iterator[Progress]:
    """Show the progress of work inside the block.

    Args:
        total, heading, unit, left: as for `Progress`.
        asked: one of the `FORMS`; True is "auto", False is "none".

    Raises:
        GenbenchError: there is no such form.
    """
    form = chosen_form(asked) if total else "none"
    shown = Progress(total, heading, unit, form, left)
    if form != "none" and (left or form != "bar"):  # a bar without it tells of itself
        shown.begin()
    try:
        yield shown
    finally:
        shown.end()


def say_json(text: str) -> None:
    """Print a text as a line of JSON, in the form of progress for programs."""
    print(json.dumps({"event": "note", "text": text}), file=sys.stderr, flush=True)


def _left(seconds: float) -> str:
    return f"about {duration(seconds)} left" if seconds >= 1 else "nearly done"
