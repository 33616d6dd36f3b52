"""Tables and figures at the end of a run: written once, and again as soon as anything is not as it was."""

import os

import pytest

from genbench.analysis.run_data import RunData
from genbench.cli import publish as module
from genbench.cli.publish import publish
from genbench.core.plugin_loading import LOADED
from genbench.display import published
from genbench.storage.store import Store
from stored_runs import stored_run

CURRENT = "nothing has changed: tables and figures are as they were written"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return stored_run(tmp_path_factory.mktemp("published"), samples=0)


@pytest.fixture
def ended(folder, monkeypatch, capsys):
    """End the run, and return what is printed and what is told; figures are drawn elsewhere."""
    monkeypatch.setattr(module, "AT_ITS_END", ("losses",))
    monkeypatch.setattr("genbench.figures.save", lambda *_, **how: [])
    monkeypatch.setattr(published, "LOADED", {})

    def end(sort=None):
        told = []
        failed = publish(RunData(folder), sort, False, told.append)
        return capsys.readouterr().out, told, failed

    end()
    return end


def test_the_second_time_nothing_is_read_and_all_is_shown(ended, folder, monkeypatch):
    (folder / published.FILE).unlink()
    first, told, failed = ended()
    assert failed
    assert not told
    before = {file: file.stat().st_mtime_ns for file in folder.glob("leaderboard.*")}
    monkeypatch.setattr(Store, "read", lambda *_: pytest.fail("a record is read"))
    monkeypatch.setattr("genbench.storage.summaries.Summaries.failed", lambda *_: True)  # too few to be kept
    assert ended() == (first, [CURRENT], True)
    assert {file: file.stat().st_mtime_ns for file in before} == before


def edited(folder):
    (folder / "leaderboard.csv").write_text("mine\n")


def removed(folder):
    (folder / "leaderboard.tex").unlink()


def later(folder):
    record = next((folder / "trials").glob("*.json"))
    os.utime(record, ns=(1, 1))


def damaged(folder):
    (folder / published.FILE).write_text("{}")


@pytest.mark.parametrize("change", [edited, removed, later, damaged])
def test_what_has_changed_is_written_again(change, ended, folder):
    assert ended()[1] == [CURRENT]
    table = (folder / "leaderboard.csv").read_text()
    change(folder)
    assert ended()[1] == []
    assert (folder / "leaderboard.csv").read_text() == table
    assert ended()[1] == [CURRENT]


def test_another_request_or_a_plugin_is_not_what_was_shown(ended, monkeypatch):
    assert ended("w2")[1] == []
    assert ended("w2")[1] == [CURRENT]
    assert ended()[1] == []
    monkeypatch.setattr(published, "LOADED", LOADED | {"a plugin": None})
    assert ended()[1] == []
    assert ended()[1] == []


def test_a_figure_that_failed_is_tried_again(ended, folder, monkeypatch):
    def save(*_, say, **how):
        say("figure losses was left out")
        return []

    (folder / published.FILE).unlink()
    monkeypatch.setattr("genbench.figures.save", save)
    assert ended()[1] == ["figure losses was left out"]
    assert ended()[1] == ["figure losses was left out"]
