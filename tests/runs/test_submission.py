"""Submitted runs: packed, checked, marked as repeated or not, and shown on a site with a page that says how to add one."""

import json
import os
import shutil
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import genbench
from genbench.cli.main import app
from genbench.core.errors import GenbenchError
from genbench.report.site import write_site
from genbench.runs.bundle import pack
from genbench.runs.submission import is_submission, remarks, repeated_here, submitted
from genbench.storage.provenance import Provenance
from genbench.storage.records import RunRecord
from genbench.storage.store import Store
from stored_runs import stored_run

MODELS = ("oracle", "another")


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """The folder that is packed of a run."""
    away = tmp_path_factory.mktemp("away")
    run = genbench.load_run(stored_run(away, "run", samples=0, models=MODELS))
    return pack(run, away / "submitted" / "mine", folder=True).path


@pytest.fixture
def results(tmp_path, packed):
    """A submitted run in a folder of such."""
    folder = tmp_path / "results" / "submitted" / "mine"
    shutil.copytree(packed, folder)
    (folder / "submission.toml").write_text('by = "<i>A. Nother</i>"\npaper = "https://example.org/p"\n')
    return tmp_path / "results"


def theirs(results):
    return genbench.load_run(results / "submitted" / "mine")


def run_again(results, name, change=0.0, only=None, command=("genbench", "run")):
    """Write a run of ours of the same trials, made at another time."""
    store, keys = Store(results / name), []
    store.create()
    for trial in theirs(results).trials:
        if only is None or trial.model == only:
            scores = {metric: value and value * (1 + change) for metric, value in trial.metrics.items()}
            again = {"metrics": scores, "provenance": Provenance(time="2026-11-03T16:20:05Z")}
            store.write(trial.model_copy(update=again))
            keys.append(trial.key)
    store.write_run(RunRecord(name=name, trials=keys, requests=[{"command": list(command)}]))
    return store


def site_of(results, tmp_path):
    said = []
    folders = [path for path in sorted(results.iterdir()) if path.is_dir()]
    files = write_site(folders, tmp_path / "site", None, 0, said.append, how_to_submit=True)
    return (tmp_path / "site" / "index.html").read_text(), files, said


def test_a_folder_is_packed_with_all_that_a_check_asks_for(results):
    run = theirs(results)
    assert is_submission(run.path)
    assert submitted(run).by == "<i>A. Nother</i>"
    assert {file.name for file in run.path.iterdir()} == {
        "README.md", "bundle.json", "requirements.txt", "run.json", "submission.toml", "trials",
    }  # fmt: skip
    assert "genbench bundle --repeat mine" in (run.path / "README.md").read_text()


def test_it_is_repeated_here_by_other_runs_with_the_same_scores_alone(results):
    run = theirs(results)
    here = run_again(results, "ours", 1e-9)
    found = repeated_here(run, [here])
    assert (found.whole, len(found.agreeing), found.different) == (True, 12, [])
    part = repeated_here(run, [run_again(results, "part", only="oracle")])
    assert (part.whole, len(part.agreeing)) == (False, 6)
    keys = {model: [t.key for t in run.trials if t.model == model] for model in MODELS}
    assert [part.words(keys[model]) for model in MODELS] == ["yes", "no"]
    other = repeated_here(run, [here, run_again(results, "other", 0.01)])
    assert not other.agreeing
    assert "has other scores than here: oracle on" in other.different[0]
    copy = repeated_here(run, [Store(run.path)])
    assert not copy.agreeing, "a copy of its records repeats nothing"


def test_the_site_marks_it_and_says_how_to_add_a_row(results, tmp_path):
    run_again(results, "reference", only="oracle")
    index, _, said = site_of(results, tmp_path)
    assert said == []
    assert "Submitted by <bdi>&lt;i&gt;A. Nother&lt;/i&gt;</bdi>, repeated here: no (6 of 12 trials)." in index
    assert "submitted, repeated here: yes</small>" in index
    assert "submitted, repeated here: no</small>" in index
    page = (tmp_path / "site" / "submitted" / "mine" / "report.html").read_text()
    assert '<a href="https://example.org/p" rel="nofollow noreferrer">paper</a>' in page
    assert "<b>Repeated here: no</b>: 6 of 12 trials" in page
    how = (tmp_path / "site" / "submit.html").read_text()
    assert 'href="submit.html"' in index
    assert "--submit results/submitted/mine" in how
    for command in ("run", "score", "bundle", "report"):
        assert f"genbench {command} " in how


def test_trials_of_the_test_budget_are_remarked(results, tmp_path):
    run = theirs(results)
    assert remarks(run) == []
    smoke = [trial.model_copy(update={"budget": "smoke"}) for trial in run.trials[:5]]
    some = SimpleNamespace(path=run.path, trials=[*smoke, *run.trials[5:]])
    (line,) = remarks(some)
    assert line == (
        "mine: 5 of 12 submitted trials have the budget smoke, which tests an installation; their scores do not compare "
        "models"
    )
    shutil.rmtree(run.path)
    away = genbench.load_run(stored_run(tmp_path / "away", "run", samples=0, models=MODELS, budget="smoke"))
    (pack(away, run.path, folder=True).path / "submission.toml").write_text('by = "A. Nother"\n')
    index, _, said = site_of(results, tmp_path)
    words = "mine: 12 of 12 submitted trials have the budget smoke"
    assert [line for line in said if words in line]
    assert words in index
    assert words in next((tmp_path / "site").rglob("report.html")).read_text()


def test_a_run_that_repeats_submitted_ones_alone_has_no_page_of_its_own(results, tmp_path):
    run_again(results, "repeated", command=("genbench", "bundle", "--repeat", "results/submitted/mine"))
    index, files, _ = site_of(results, tmp_path)
    assert "repeated here: yes (12 of 12 trials)" in index
    assert not [file for file in files if "repeated" in str(file.parent)]
    run_again(results, "ours")
    _, files, _ = site_of(results, tmp_path)
    assert [file for file in files if "ours" in str(file.parent)], "what was run by itself keeps its page"


def fake_score(folder):
    file = next((folder / "trials").glob("another*.json"))
    file.write_text(file.read_text().replace('"sliced_w2": 0.0', '"sliced_w2": 0.00', 1))


def stray_file(folder):
    (folder / "run.sh").mkdir()
    (folder / "run.sh" / "evil.sh").write_text("echo")


def link(folder):
    (folder / "data").symlink_to("/etc")


def no_oracle(folder):
    record = json.loads((folder / "run.json").read_text())
    gone = [key for key in record["trials"] if key.startswith("oracle")]
    (folder / "run.json").write_text(json.dumps(record | {"trials": [k for k in record["trials"] if k not in gone]}))
    for key in gone:
        (folder / "trials" / f"{key}.json").unlink()


def hidden_trial(folder):
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | {"trials": record["trials"][:-1]}))


def nobody(folder):
    (folder / "submission.toml").write_text('by = " "\n')


def bad_link(folder):
    (folder / "submission.toml").write_text('by = "x"\npaper = "javascript:alert(1)"\n')


def anonymous(folder):
    os.unlink(folder / "submission.toml")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (fake_score, "its numbers are not those that were written"),
        (stray_file, "run.sh/evil.sh is not a file of a run"),
        (link, "data is a link or no regular file"),
        (no_oracle, "has no oracle"),
        (hidden_trial, "is in no table"),
        (nobody, "submission.toml, by: write who submits the run"),
        (bad_link, "submission.toml, paper: write an address that begins with https://"),
        (anonymous, "submission.toml is not there; write it with a line by"),
    ],
)
def test_a_submission_that_is_not_whole_is_refused(results, harm, words):
    harm(results / "submitted" / "mine")
    done = CliRunner().invoke(app, ["report", str(results / "submitted" / "mine"), "--figures", "none", "--jobs", "0"])
    assert isinstance(done.exception, GenbenchError)
    assert words in str(done.exception)


def test_a_site_leaves_it_out_and_says_so(results, tmp_path):
    run_again(results, "reference")
    anonymous(results / "submitted" / "mine")
    index, files, said = site_of(results, tmp_path)
    assert "submission.toml is not there" in said[0]
    assert "submission.toml is not there" in index
    assert "submitted, repeated here" not in index
    assert [file.parent.name for file in files] == ["site", "reference", "site"]


def test_what_is_deeper_in_a_folder_of_submissions_is_no_run_of_ours(results):
    hidden = results / "submitted" / "mine" / "deep" / "er"
    assert is_submission(hidden, results)
    assert is_submission(hidden, results / "submitted")
    assert is_submission(hidden, results / "submitted" / "mine")
    assert not is_submission(results / "reference", results)
