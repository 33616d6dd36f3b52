"""A site of many runs, and the command."""

import html
import re
import shutil
import subprocess
import sys
from urllib.parse import unquote

import pytest

from genbench.core.errors import GenbenchError
from genbench.report.site import write_site
from genbench.storage.records import RunRecord
from genbench.storage.store import Store
from stored_runs import EVIL, PLAIN, stored_run


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two runs of one budget, one of them deep, one of another budget, an empty one and a corrupt one."""
    folder = tmp_path_factory.mktemp("results")
    stored_run(folder, "first", samples=0)
    stored_run(folder / "deep" / "er", "second run", samples=0, models=("oracle", EVIL))
    stored_run(folder, "longer", budget="standard", samples=0, models=("oracle", "another"))
    empty = Store(folder / "empty")
    empty.create()
    empty.write_run(RunRecord(name="empty"))
    (folder / "corrupt").mkdir()
    (folder / "corrupt" / "run.json").write_text("{")
    return folder


@pytest.fixture(scope="module")
def site(results, tmp_path_factory):
    out, said = tmp_path_factory.mktemp("site"), []
    (out / "mine.txt").write_text("mine")
    return out, write_site(results, out, None, 0, said.append), said


def test_every_run_has_a_page_and_every_link_a_file(site):
    out, files, _ = site
    assert [str(file.relative_to(out)) for file in files] == [
        "index.html", "deep/er/second run/report.html", "first/report.html", "longer/report.html",
    ]  # fmt: skip
    assert (out / "mine.txt").read_text() == "mine"
    for file in files:
        page = file.read_text()
        assert str(out.parent) not in page, "a path of this machine"
        for link in re.findall(r'href="([^"#]+)(?:#([^"]*))?"', page):
            if not link[0].startswith("data:"):
                target = file.parent / unquote(html.unescape(link[0]))
                assert target.is_file(), link
                assert not link[1] or f'id="{html.escape(unquote(link[1]))}"' in target.read_text(), link


def test_what_is_not_whole_is_named(site, results):
    out, _, said = site
    index = (out / "index.html").read_text()
    assert len(said) == 2
    for text in said:
        assert str(results) in text
        assert html.escape(text.replace(f"{results}/", "")) in index
    assert any("corrupt" in text for text in said)
    assert any("no finished trial" in text for text in said)


def test_each_run_has_a_card_and_the_newest_is_first(results, tmp_path):
    folder = tmp_path / "results"
    shutil.copytree(results, folder)
    days = {"first": "2026-10-01T09:00:00+00:00", "longer": "2026-11-30T09:00:00+00:00"}
    for name, time in days.items():
        store = Store(folder / name)
        record = store.read_run()
        store.write_run(record.model_copy(update={"requests": [{"time": time, **record.requests[0]}]}))
    write_site(folder, tmp_path / "site", None, 0, lambda _: None)
    cards = (tmp_path / "site" / "index.html").read_text().partition('class="cards"')[2].partition("</ul>")[0]
    names = re.findall(r"<h3><a [^>]*><bdi>([^<]*)</bdi></a>", cards)
    assert names == ["longer", "first", "deep/er/second run"], "a run without a date is last"
    longer = html.unescape(cards.partition("</li>")[0])
    for text in (
        "2026-11-30",
        "another is the only model",
        "<bdi>another</bdi>",
        PLAIN,
        "standard",
        "3 seeds, all 12 ",
    ):
        assert text in longer, text


def test_only_what_was_measured_alike_shares_a_table(site):
    index = (site[0] / "index.html").read_text()
    sheets = index.split('<div class="sheet"')[1:]
    quick = next(s for s in sheets if f"{PLAIN}, budget quick, 50,000 samples" in s)
    standard = next(s for s in sheets if f"{PLAIN}, budget standard" in s)
    assert len(sheets) == 4
    assert quick.count("second run</bdi>") == 2
    assert "not tested against each other" in quick
    assert "not tested against each other" not in standard
    assert "longer" not in quick
    assert standard.count("<tr data-model") == 2


def test_a_page_of_somebody_else_is_not_replaced(results, tmp_path):
    (tmp_path / "index.html").write_text("<p>my home page</p>")
    with pytest.raises(GenbenchError, match="no page of genbench"):
        write_site(results, tmp_path, None, 0, lambda _: None)
    assert (tmp_path / "index.html").read_text() == "<p>my home page</p>"


def test_no_run_is_said(tmp_path):
    with pytest.raises(GenbenchError, match="holds no run"):
        write_site(tmp_path, tmp_path / "site", None, 0, lambda _: None)


def test_a_figure_is_named_as_it_is():
    from genbench.cli.report import _names

    assert _names("main") == []
    assert _names("none") is None
    assert _names("samples, forest") == ["samples", "forest"]
    assert set(_names("all")) > {"samples", "forest"}
    with pytest.raises(GenbenchError, match="no figure 'sample'; did you mean samples"):
        _names("sample")


def test_the_command_draws_without_torch(tmp_path):
    run = stored_run(tmp_path, "r", models=("oracle", "another"))
    code = (
        "import sys; from genbench.cli.main import app; app(sys.argv[1:], standalone_mode=False); "
        "sys.exit('torch was imported' if 'torch' in sys.modules else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "report", str(run), "--jobs", "0"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "r/report.html", "from the current folder"
    assert (run / "report.html").read_text().count("data:image/webp") >= 2
