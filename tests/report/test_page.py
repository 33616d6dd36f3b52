"""The page of a run, read as a parser reads it."""

import base64
import hashlib
import html
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

import genbench
from genbench.analysis.verdicts import Margin
from genbench.core.errors import GenbenchError
from genbench.display import formatting
from genbench.display.formatting import beside_oracle
from genbench.display.sentences import conclusion
from genbench.display.verdicts import worse_by
from genbench.report import write_report
from genbench.report.links import Links
from genbench.report.run_page import explained, occurring, run_page
from stored_runs import EVIL, MODELS, PLAIN, QUOTED, SEEDS, stored_run


class Reader(HTMLParser):
    """Collects elements with their attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements, self.words, self.open = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "input", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, "well nested"

    def handle_data(self, data):
        self.words.append((self.open[-1] if self.open else "", data))

    def parents(self, text):
        """Return the elements in which a text stands."""
        return {parent for parent, data in self.words if text in data}

    def of(self, *tags):
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return genbench.load_run(stored_run(tmp_path_factory.mktemp("page"), samples=0))


@pytest.fixture(scope="module")
def page(run):
    return run_page(run, figures=None)


@pytest.fixture(scope="module")
def reader(page):
    return Reader(page)


def test_names_are_text_wherever_they_stand(page, reader):
    assert "<script>alert" not in page
    assert page.count("<script>") == 1, "its own"
    assert page.count(html.escape(EVIL)) > 10
    rows = [row for row in reader.of("tr") if "data-model" in row]
    assert {row["data-model"] for row in rows} == set(MODELS)
    assert {row["data-dataset"] for row in rows} == {PLAIN, QUOTED}
    assert all(set(row) <= {"data-model", "data-family", "data-dataset", "data-role", "class"} for row in rows)
    for name in (EVIL, QUOTED):
        assert reader.parents(name) <= {"bdi", "caption", "option", "pre", "text", "tspan"}, "each turns its own way"


def test_a_page_asks_for_nothing(page, reader):
    policy = next(m["content"] for m in reader.of("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:;")
    for kind in ("style", "script"):
        inside = re.search(f"<{kind}>(.*?)</{kind}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not [a for _, a in reader.elements if "style" in a or any(name.startswith("on") for name in a)]
    for attributes in reader.of("a", "link", "img", "script", "iframe", "image", "use"):
        for name in ("href", "src", "xlink:href"):
            assert attributes.get(name, "#").startswith(("#", "data:")), attributes


def test_every_link_leads_somewhere_and_every_id_is_there_once(reader):
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {unquote(a["href"][1:]) for a in reader.of("a") if a.get("href", "").startswith("#")}
    assert links <= set(ids)
    assert {f"{PLAIN}/another", "main", "leaderboard"} <= set(ids)
    labels = {a["aria-labelledby"] for _, a in reader.elements if "aria-labelledby" in a}
    assert labels <= set(ids)


def test_scores_are_the_leaderboards_with_its_words(run, page, reader):
    board, text = run.leaderboard(), html.unescape(page)
    for row in board.rows:
        for name, cell in row.metrics.items():
            if cell:
                assert formatting.value(row, name, cell) in text
                assert beside_oracle(name, cell) in text
    shown = formatting.main_metrics(board.rows, board.metrics)
    found = [cell.verdict for row in board.rows for name in shown if (cell := row.metrics.get(name)) and cell.verdict]
    assert marks(page) == Counter(found)
    for place in dict.fromkeys(row.place for row in board.rows):
        assert conclusion(board, place) in text
    assert text.count("As good means") == len({row.place for row in board.rows})
    by = [worse_by(cell) for row in board.rows if (cell := row.metrics.get(board.sort))]
    assert "leads" in by
    assert all(f"<bdi>{words}</bdi>" in text for words in by if words)
    assert text.count("memorisation is 1.0: copies") >= 2
    tables = len({row.place for row in board.rows})
    heads = [a for a in reader.of("th") if a.get("aria-sort")]
    assert len(heads) == tables
    assert all(head["aria-sort"] == "ascending" for head in heads)


def test_only_what_the_run_has_is_explained(run):
    """Metrics with a score; likelihoods, warnings and failures only where they occur."""
    board = run.leaderboard()
    shown = {column.name for column in explained(board.metrics, board.rows)}
    assert shown == {name for name in board.metrics if any(row.metrics.get(name) for row in board.rows)}
    assert shown == {column.name for column in explained([*board.metrics, "c2st"], board.rows)}, "no row has this one"
    assert occurring(board.rows) == {"likelihoods", "flags", "failures", "controls", "oracle"}
    plain = [row for row in board.rows if row.model == "another"]
    assert occurring(plain) == set()


def test_a_run_is_introduced_by_name_date_and_what_was_run(run, page, reader):
    text = html.unescape(page)
    assert "7 models on 2 datasets · 3 seeds · budget quick · 34 of 42 trials succeeded (8 diverged)" in text
    assert not reader.of("time"), "the record has no date"
    run.record.requests.append({"time": "2026-11-30T10:00:00+00:00"})
    try:
        assert '<time datetime="2026-11-30">2026-11-30</time>' in run_page(run, figures=None)
    finally:
        run.record.requests.pop()


def marks(page):
    """Count the cells of each verdict by what is seen, and check that as many say it."""
    spoken = {
        "best": "best", "as good": "as good as the best", "open": "open: may be the best or worse",
        "worse": "worse than the best",
    }  # fmt: skip
    seen = {verdict: page.count(f'class="n {verdict.replace(" ", "-")}"') for verdict in spoken}
    assert seen == {verdict: page.count(f'"unseen"> {words}<') for verdict, words in spoken.items()}
    return Counter({verdict: n for verdict, n in seen.items() if n})


def test_all_verdicts_are_seen_and_spoken_and_the_margin_decides_them():
    run = genbench.load_run(Path(__file__).parents[2] / "results" / "reference" / "moons-quick")
    usual = marks(run_page(run, figures=None))
    assert set(usual) == {"best", "as good", "open", "worse"}
    run.margin = Margin.parse("0.1%,0.00001")
    page = run_page(run, figures=None)
    assert set(marks(page)) == {"best", "open", "worse"}
    assert marks(page)["open"] == usual["as good"] + usual["open"]
    assert "As good means at most 0.1 % worse than the best." in page
    assert "models may be the best" in page


def test_a_score_stands_beside_the_oracles(run):
    row = next(row for row in run.leaderboard().rows if row.model == "another")
    cell, share = row.metrics["sliced_w2"], row.metrics["high_quality"]
    assert cell.floor == pytest.approx(0.02, abs=0.003)
    assert beside_oracle("sliced_w2", cell).startswith(f"{cell.ratio:.2f} [")
    assert beside_oracle("sliced_w2", cell).endswith(f"] × {cell.floor:.3g}")
    assert beside_oracle("kl", row.metrics["kl"]) == "oracle 0"
    assert beside_oracle("high_quality", share) == f"oracle {share.floor:.3g}", "shares speak for themselves"


def test_failures_keep_their_place_and_their_traceback(page):
    text = html.unescape(page)
    assert "&lt;i&gt;nan&lt;/i&gt;" in page
    assert "<i>nan</i>" not in page
    assert text.count("during “fit”, after 1.5 s") == 2 * (SEEDS + 1)
    assert f"{SEEDS} diverged" in text
    assert "0/3" in text


def test_losses_are_drawn_a_line_a_seed(reader, page):
    lines = reader.of("polyline")
    assert len(lines) == 2 * (2 * SEEDS * 2 + SEEDS * 2 + 2 * (SEEDS - 1)), (
        "3 models of two numbers, one short of a seed"
    )
    first = [tuple(map(float, point.split(","))) for point in lines[0]["points"].split()]
    assert len(first) <= 60
    assert all(0 <= x <= 240 and 0 <= y <= 90 for x, y in first)
    assert [y for _, y in first] == sorted(y for _, y in first), "a loss that falls goes down"
    for name in ("discriminator", "generator", "validation"):
        assert f"<bdi>{name}</bdi>, one line a seed" in page


def test_it_says_how_to_run_it_again(run, page):
    text = html.unescape(page)
    assert f"genbench run --models '{EVIL},another'" in text
    assert f"genbench run --models another --data '{PLAIN}' --seeds 0,1,2 --budget quick --name 'made by hand'" in text
    assert "<dt>numpy</dt><dd><bdi>2.0</bdi></dd>" in page
    assert "None" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def test_a_file_that_is_no_page_is_left_alone(run, tmp_path):
    mine = tmp_path / "mine.html"
    mine.write_text("<h1>my own</h1>")
    with pytest.raises(GenbenchError, match="no page of genbench"):
        write_report(run, mine, figures=None)
    assert mine.read_text() == "<h1>my own</h1>"
    file = write_report(run, tmp_path / "new.html", figures=None)
    assert write_report(run, file, figures=None) == file, "its own pages it replaces"


def test_a_run_without_trials_is_refused(tmp_path):
    from genbench.storage.records import RunRecord
    from genbench.storage.store import Store

    store = Store(tmp_path / "empty")
    store.create()
    store.write_run(RunRecord(name="empty"))
    with pytest.raises(GenbenchError, match="no finished trial"):
        run_page(genbench.load_run(store.path))


def test_anchors_are_plain_and_never_shared():
    anchors = Links(("main",))
    assert anchors.id("moons", "vae[latent_dim=4]") == "moons/vae[latent_dim=4]"
    assert anchors.id("main") == "main-2"
    assert anchors.id("a<b") != anchors.id("a>b")
    assert anchors.id("a<b") == anchors.id("a<b")
    assert anchors.link("moons", "vae[latent_dim=4]") == "#moons/vae%5Blatent_dim=4%5D"
