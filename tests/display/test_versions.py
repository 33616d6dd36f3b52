"""A table whose rows were run with other versions of a library says so."""

from genbench.analysis.leaderboard import Leaderboard
from genbench.display.export import render
from genbench.display.table_view import board_view
from trial_records import record, spec


def board(*made):
    """Return a table of models, each with the versions of torch of its seeds; None for an older record."""
    trials = []
    for model, versions in made:
        for seed, version in enumerate(versions):
            facts = {"provenance": {"versions": {"torch": version, "numpy": "2.4.6"}}} if version else {}
            trials.append(record(spec(model=model, seed=seed), metrics={"w2": 0.1 + seed}, **facts))
    return Leaderboard.of(trials)


def notes(*made):
    return [note for note in board_view(board(*made)).notes if "run with" in note]


def test_rows_of_another_version_are_named_wherever_the_table_is_shown():
    made = (("cfm", ["2.12.0"] * 2), ("vae", ["2.13.0"] * 2), ("gan", ["2.13.0"] * 2))
    line = "d: cfm was run with torch 2.12.0, the others with 2.13.0."
    assert notes(*made) == [line]
    assert line in render(board(*made), "md")


def test_rows_that_mix_versions_over_their_seeds_are_named():
    mixed = ["2.12.0", "2.13.0"]
    assert notes(("cfm", mixed), ("vae", ["2.13.0"] * 2), ("gan", ["2.13.0"] * 2)) == [
        "d: cfm was run with torch 2.12.0 and 2.13.0, the others with 2.13.0."
    ]
    assert notes(("cfm", mixed), ("vae", mixed)) == ["d: seeds were run with torch 2.12.0 and 2.13.0."]


def test_nothing_is_said_of_equal_versions_and_of_older_records():
    assert not notes(("cfm", ["2.13.0"]), ("vae", ["2.13.0"]))
    assert not notes(("cfm", [None]), ("vae", ["2.13.0"]))
