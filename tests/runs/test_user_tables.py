"""A run on a user's table: what was understood is said and recorded, and what cannot be read is refused at once."""

import numpy as np
import pytest

import genbench
from genbench.core.errors import GenbenchError
from genbench.core.registry import discover
from genbench.runs.plan import make_plan


def test_what_was_understood_is_said_and_recorded(tmp_path):
    rows = np.repeat(np.random.default_rng(0).normal(size=(40, 2)).round(3), 3, axis=0)
    file = tmp_path / "table.csv"
    file.write_text("id;a;kind;b\n" + "\n".join(f"{i};{a};{'xy'[i // 3 % 2]};{b}" for i, (a, b) in enumerate(rows)))
    said = []
    run = genbench.run(
        "gaussian", f"csv[path={file},label=kind]", seeds=1, budget="smoke", metrics="sliced_w2", results=tmp_path,
        name="run", jobs=0, say=said.append, progress=False,
    )  # fmt: skip
    label = "csv[label=kind,path=table.csv]"
    understood = [
        "headings 'id', 'a', 'kind', 'b'; separated by semicolons; 2 columns, 120 rows; column 'id' numbers the rows and "
        "is left out (columns= keeps it); column 'kind' is the class (x is 0, y is 1)",
        "100% of the rows equal another (40 differ); equal ones are in one split",
    ]
    assert [line for line in said if line.startswith("csv")] == [f"{label}: {line}" for line in understood]
    assert genbench.load_run(run.path).record.data == {label: understood}
    for trial in run.trials:
        assert [flag.text for flag in trial.flags if "of the rows equal another" in flag.text]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3,4\n5,7\n", "3 rows are too few to split; give at least 10"),
        ("a,b\n" + "1,2\n3,4\n" * 9 + "inf,2\n", "line 20, column 'a': 'inf'"),
        ("a,b\n1,2,3\n4,5,6\n", "line 2: 3 cells, 2 headings"),
        ("a,b\n" + "".join(f"{i},{0.3 if i % 2 else 0.1 + 0.2!r}\n" for i in range(12)), "'b' is constant"),
    ],
)
def test_a_plan_refuses_what_cannot_be_read(tmp_path, text, message):
    discover()
    file = tmp_path / "table.csv"
    file.write_text(text)
    with pytest.raises(GenbenchError, match=message):
        make_plan("gaussian", f"csv[path={file}]")
    with pytest.raises(GenbenchError, match="home folder"):
        make_plan("gaussian", "csv[path=~nosuchuser/x.csv]")


def test_a_caution_is_said_once(tmp_path, recwarn):
    discover()
    file = tmp_path / "table.csv"
    file.write_text("a,b\n" + "\n".join(f"{2**53 + 1 + 2 * i},{i * i}" for i in range(12)))
    notes = make_plan("gaussian", f"csv[path={file}]").notes
    assert [note for note in notes if note.startswith("caution")] == [
        f"caution: {file}: column 'a' holds whole numbers beyond 2^53, which are not kept to the last digit"
    ]
    assert not list(recwarn)
