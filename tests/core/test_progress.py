import io
import json
import sys
import time

import pytest

from genbench.core import progress
from genbench.core.errors import GenbenchError
from genbench.core.progress import chosen_form, say_json, shown_progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _where_progress_is_shown(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)


def test_a_bar_where_somebody_looks_and_lines_where_nobody_does(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert [chosen_form(asked) for asked in (True, "auto", False, "json", "bar")] == [
        "lines", "lines", "none", "json", "bar"
    ]  # fmt: skip
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert chosen_form(True) == "bar"
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    assert chosen_form(True) == "bar", "in a notebook's cell"
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert chosen_form(True) == "none"
    with pytest.raises(GenbenchError, match="no progress 'jsn'; did you mean json"):
        chosen_form("jsn")


def test_a_file_gets_a_line_now_and_then(monkeypatch, capsys):
    monkeypatch.setattr(progress, "EVERY", 0.05)
    with shown_progress(3, "trials", "trial", "lines", lambda: 90.0) as shown:
        shown.step()
        time.sleep(0.2)
        shown.step()
        shown.step()
    lines = capsys.readouterr().err.splitlines()
    assert 2 <= len(lines) <= 6
    assert lines[0] == "genbench: trials: 1 of 3 after 1 s, about 2 min left"
    assert lines[-1] == "genbench: trials: 3 of 3 after 1 s"


def test_what_is_done_at_once_writes_no_line(capsys):
    with shown_progress(500, "trials", "trial", "lines", lambda: 1.0) as shown:
        for _ in range(500):
            shown.step()
    assert capsys.readouterr().err == ""


def test_a_program_reads_an_object_a_line(monkeypatch, capsys):
    monkeypatch.setattr(progress, "EVERY", 0.05)
    left = iter([None, *[2.5] * 100])
    with shown_progress(2, "trials", "trial", "json", lambda: next(left)) as shown:
        shown.step(model="kde", status="ok")
        say_json("a note\nof two lines")
        time.sleep(0.2)
        shown.step(model="gmm", status="crashed")
    first, note, *ticks, last = map(json.loads, capsys.readouterr().err.splitlines())
    assert {**first, "seconds": 0} == {
        "event": "trial", "model": "kde", "status": "ok", "done": 1, "total": 2, "seconds": 0, "left_seconds": None
    }  # fmt: skip
    assert note == {"event": "note", "text": "a note\nof two lines"}
    assert {tick["event"] for tick in ticks} == {"progress"}
    assert (last["model"], last["done"], last["left_seconds"]) == ("gmm", 2, 2.5)


def test_a_bar_shows_what_is_left(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(progress, "REFRESH", 0.05)
    with shown_progress(4, "trials", "trial", True, lambda: 240.0) as shown:
        shown.step()
        time.sleep(0.2)
    written = sys.stderr.getvalue()
    assert "trials:  25%" in written
    assert "about 4 min left" in written


def test_nothing_to_do_shows_nothing(capsys):
    for form in ("json", "lines", "bar"):
        with shown_progress(0, "trials", "trial", form):
            pass
    assert capsys.readouterr().err == ""
