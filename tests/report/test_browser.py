"""The page in a real browser: what a reader clicks, types and sees, with a mouse, a keyboard and a screen reader.

Screenshots go to the folder GENBENCH_ARTEFACTS, if that is set.
"""

import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from browser_sizes import DESKTOP, PHONE
from PIL import Image

import genbench
from genbench.analysis.scores import card_of
from genbench.contracts.model import LIKELIHOODS
from genbench.display.verdicts import worse_by_key
from genbench.report import write_report
from genbench.report.site import write_site
from genbench.storage.records import RunRecord
from genbench.storage.store import Store
from stored_runs import EVIL, MODELS, PLAIN, QUOTED, stored_run
from trial_records import record, spec

SHEET = ".sheet >> nth=0"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return genbench.load_run(stored_run(tmp_path_factory.mktemp("browser")))


@pytest.fixture(scope="module")
def file(run, tmp_path_factory):
    return write_report(run, tmp_path_factory.mktemp("page") / "report.html", ["samples"])


@pytest.fixture(scope="module")
def shared(opened, file):
    return opened(file)


@pytest.fixture
def page(shared):
    """The one page, as it is when it is opened."""
    shared.goto(re.sub("#.*", "", shared.url))
    shared.reload()
    return shared


def models(page):
    return page.locator(f"{SHEET} >> tbody tr:visible").evaluate_all("rows => rows.map(row => row.dataset.model)")


def expected(run, column, reverse):
    """The order of the models of the first table by a column, found from the leaderboard."""
    board = run.leaderboard()
    rows = [row for row in board.rows if row.place == board.rows[0].place]

    def key(row):
        if column in board.metrics:
            cell = row.metrics.get(column)
            return None if cell is None else cell.mean
        if column == "worse_by":
            cell = row.metrics.get(board.sort)
            return None if cell is None else worse_by_key(cell)
        if column in row.cost:
            return row.cost[column]
        return {"model": row.model, "seeds": row.seeds, "failures": row.failed, "family": row.family}[column]

    def kind(row):
        known = column in board.metrics and card_of(column).by_likelihood
        return LIKELIHOODS.index(row.likelihood) if known else 0

    known, unknown = [row for row in rows if key(row) is not None], [row for row in rows if key(row) is None]
    known.sort(key=key, reverse=reverse)
    known.sort(key=kind)
    return [key(row) for row in known] + [None] * len(unknown), {row.model: key(row) for row in rows}


def test_every_column_sorts_both_ways(page, run):
    heads = page.locator(f"{SHEET} >> thead th")
    metrics = [name for name in run.leaderboard().metrics if name != "memorisation"]
    costs = ["train_seconds", "samples_per_second", "parameters", "nfe"]
    columns = ["model", metrics[0], "worse_by", *metrics[1:], "seeds", *costs, "failures", "family"]
    page.get_by_label("Show costs").first.check()
    assert heads.count() == len(columns)
    for i, column in enumerate(columns):
        first = "descending" if column == "high_quality" else "ascending"
        second = "ascending" if first == "descending" else "descending"
        for way in (first, second):
            heads.nth(i).locator("button").click()
            assert heads.nth(i).get_attribute("aria-sort") == way, column
            due, values = expected(run, column, way == "descending")
            shown = [values[model] for model in models(page)]
            assert shown == due, (column, way)
    assert page.locator(f"{SHEET} >> th[aria-sort]").count() == 1


def test_sorts_by_keyboard(page):
    before = models(page)
    page.locator(f"{SHEET} >> thead th button >> nth=2").focus()
    page.keyboard.press("Enter")
    assert models(page) != before
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator(f"{SHEET} >> thead th >> nth=3").get_attribute("aria-sort") == "ascending"


def test_filters_and_counts(page):
    rows, count = 2 * len(MODELS), page.locator("output.count")
    page.locator(".filters > summary").click()
    assert count.inner_text() == f"{rows} of {rows} rows"
    page.get_by_label("Model", exact=True).fill("SCRIPT")
    assert (models(page), count.inner_text()) == ([EVIL], f"2 of {rows} rows")
    page.get_by_role("button", name="Reset").click()
    page.get_by_label("controls", exact=True).uncheck()
    page.wait_for_function("() => document.querySelector('output.count').textContent.startsWith('10 ')")
    assert not {"oracle", "copies"} & set(models(page))
    page.get_by_label("Family", exact=True).select_option("gan")
    assert set(models(page)) == {"two[players=2]", "broken"}
    page.get_by_label("Dataset", exact=True).select_option(QUOTED)
    assert count.inner_text() == f"2 of {rows} rows"
    assert page.locator(".sheet:visible").count() == 1
    assert page.locator(".sheet:visible tbody tr").first.get_attribute("data-dataset") == QUOTED
    page.get_by_label("Model", exact=True).fill("nothing like it")
    assert page.locator(".sheet:visible").count() == 0
    assert count.inner_text() == f"0 of {rows} rows"


def test_links_open_what_they_lead_to(page, opened, file):
    entry = page.locator("details.entry", has=page.locator(f'[id="{PLAIN}/broken"]'))
    assert entry.get_attribute("open") is None
    page.locator(f"{SHEET} >> tbody th a", has_text="broken").click()
    assert page.url.endswith("#plain%5Bnoise=0.1%5D/broken")
    assert entry.get_attribute("open") is not None
    page.wait_for_function("() => document.activeElement.classList.contains('inside')")
    box = entry.bounding_box()
    assert 0 <= box["y"] < 900
    assert entry.locator(".failed").count() == 3
    entry.locator("summary", has_text="Traceback").first.click()
    assert "Diverged: <i>nan</i>" in entry.locator("pre").first.inner_text()
    entry.locator("summary").first.click()
    page.locator(f"{SHEET} >> tbody th a", has_text="broken").click()
    assert entry.get_attribute("open") is not None, "the same link opens it again"
    page.locator(f"{SHEET} >> tbody th a", has_text=EVIL).click()
    assert page.locator("details.entry[open] h4").first.inner_text() == EVIL
    other = opened(file, anchor="#plain[noise=0.1]/bounded")
    assert other.locator("details.entry[open] h4").inner_text() == "bounded"
    assert other.locator("details.entry[open]").bounding_box()["y"] < 900


def test_points_of_the_drawing_say_what_they_are_and_lead_there(page):
    point = page.locator(".point", has_text="another").first
    assert not point.locator(".tip").is_visible()
    point.locator("circle").hover()
    assert point.locator(".tip").is_visible()
    assert "× oracle" in point.locator(".tip").text_content()
    page.mouse.move(0, 0)
    point.focus()
    assert point.locator(".tip").is_visible()
    page.keyboard.press("Enter")
    assert page.locator("details.entry[open] h4").inner_text() == "another"


def test_samples_stand_side_by_side_and_unfold_to_one_figure_by_keyboard(page):
    panels = page.locator(".panels").first.locator("li")
    assert panels.all_inner_texts() == ["truth", *models(page)]
    assert len({round(box.bounding_box()["height"]) for box in panels.locator("svg").all()}) == 1
    strip = page.locator("details.strip").first
    rest = strip.locator("svg.rest")
    assert PLAIN in rest.get_attribute("aria-label")
    assert not rest.is_visible()
    strip.locator("summary").focus()
    page.keyboard.press("Enter")
    assert rest.bounding_box()["height"] > 100


def test_the_theme_can_be_chosen(page):
    colour = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate(colour) != light
    assert page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(colour) == light
    page.get_by_role("button", name="Auto").click()


def test_everything_can_be_read_without_a_script(opened, file):
    page = opened(file, java_script_enabled=False, anchor="#plain[noise=0.1]/broken")
    assert page.locator(".filters").is_hidden()
    assert page.locator(".theme").is_hidden()
    assert page.locator(f"{SHEET} >> thead button").count() == 0
    assert page.locator(f"{SHEET} >> tbody tr").count() == len(MODELS)
    broken = page.locator(f'[id="{PLAIN}/broken"]')
    broken.locator(".failed").first.wait_for(state="visible", timeout=10_000)  # the browser itself opens it


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """The page of a run on wines, in which a model is right but for the last coordinates."""
    store, rng = Store(tmp_path_factory.mktemp("pairs") / "r"), np.random.default_rng(0)
    store.create()
    wine = rng.permutation(np.repeat(genbench.load_dataset("wine").reference(1_000, 0), 9, axis=0))[:300]
    s = spec(
        model=EVIL, dataset="wine", dataset_name="wine", dataset_params={"dequantise": True}, protocol={"samples": 300}
    )
    store.write(record(s), {"samples": wine + wine.std(axis=0) * np.linspace(0, 1, 13) * rng.normal(size=wine.shape)})
    store.write_run(RunRecord(name="r", trials=[s.key]))
    return write_report(genbench.load_run(store.path), store.path / "report.html", ["pairs"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_point_of_a_pair_is_marked_in_all_panels_and_says_its_numbers(opened, pairs, scheme, tmp_path):
    page = opened(pairs, scheme=scheme)
    drawing = page.locator("svg[data-pairs]")
    panels = drawing.locator("g[data-x]")
    assert (panels.count(), drawing.locator(".dots").count(), drawing.locator(".marked").count()) == (10, 20, 0)
    data = json.loads(drawing.get_attribute("data-pairs"))
    values, low, high = (np.array(part) for part in (data["sets"][1]["values"], data["low"], data["high"]))
    k = int(np.argmin(np.abs((values - low) / (high - low) - 0.5).max(axis=1)))  # a point in the middle of all panels
    x, y = data["size"] * ((values[k] - low) / (high - low))[:2]
    drawing.scroll_into_view_if_needed()
    box, scale = (
        panels.first.locator(".frame").bounding_box(),
        drawing.bounding_box()["width"] / drawing.evaluate("svg => svg.viewBox.baseVal.width"),
    )
    page.mouse.move(box["x"] + scale * x, box["y"] + scale * (data["size"] - y))
    assert drawing.locator(".marked").count() == 10
    said = drawing.locator(".said").all_text_contents()
    assert said[0] in ("truth", EVIL)
    shown = [float(text.rpartition(": ")[2]) for text in said[1:]]
    np.testing.assert_allclose((np.array(shown) - values[k])[:2] / (high - low)[:2], 0, atol=10 / data["size"])
    assert [text.rpartition(": ")[0] for text in said[1:]] == data["names"]
    folder = Path(os.environ.get("GENBENCH_ARTEFACTS") or tmp_path)
    drawing.screenshot(path=folder / f"pairs-{scheme}.png")
    page.mouse.move(0, 0)
    assert drawing.locator(".marked, .said").count() == 0
    drawing.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert (
        page.locator(".pairs output")
        .text_content()
        .startswith(f"truth, {data['names'][0]}: {data['sets'][0]['values'][1][0]:g}")
    )


def test_pairs_are_a_picture_without_a_script(opened, pairs):
    page = opened(pairs, java_script_enabled=False)
    assert page.locator("svg[data-pairs] .dots").first.bounding_box()["width"] > 50
    assert page.locator("svg[data-pairs][tabindex]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_a_readers_way(opened, file, pairs, scheme):
    from axe_playwright_python.sync_playwright import Axe

    for one, passes in ((file, 20), (pairs, 10)):
        page = opened(one, scheme=scheme)
        page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")
        found = Axe().run(page).response
        assert len(found["passes"]) > passes
        bad = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
        assert bad == [], [
            (v["id"], [(n["html"][:120], n["failureSummary"][:300]) for n in v["nodes"][:3]]) for v in bad
        ]


@pytest.mark.parametrize("which", ["file", "pairs"])
def test_a_phone_never_scrolls_the_page_sideways(opened, which, request):
    page = opened(request.getfixturevalue(which), PHONE)
    for opens in (False, True):
        page.evaluate("opens => document.querySelectorAll('details').forEach(one => { one.open = opens; })", opens)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    page.set_viewport_size({"width": 320, "height": 600})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
    boxes = page.locator(".scroll:not([tabindex='0']), .scroll:not([aria-label])")
    assert boxes.count() == 0, "what scrolls can be reached with keys and has a name"


def test_print_shows_the_tables_and_no_controls(page):
    page.emulate_media(media="print")
    assert page.locator(".filters").is_hidden()
    assert page.locator(f"{SHEET} >> table").is_visible()
    page.emulate_media(media="screen")


def test_a_site_leads_to_its_pages_and_back(opened, run, tmp_path):
    write_site(run.path.parent, tmp_path, None, 0, lambda _: None)
    page = opened(tmp_path / "index.html")
    page.locator(".filters > summary").click()
    assert page.locator("output.count").inner_text().startswith(f"{2 * len(MODELS)} of")
    page.get_by_label("Model", exact=True).fill("another")
    page.locator("tbody tr:visible th a").first.click()
    page.wait_for_url(re.compile("report.html#"))
    assert page.locator("details.entry[open] h4").inner_text() == "another"
    page.get_by_role("link", name="All runs").click()
    page.wait_for_url("**/index.html")
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_screenshots_are_kept(opened, file, tmp_path, scheme, size):
    folder = Path(os.environ.get("GENBENCH_ARTEFACTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    shot = folder / f"report-{size['width']}-{scheme}.png"
    opened(file, size, scheme).screenshot(path=shot, full_page=True)
    assert shot.stat().st_size > 20_000


def test_a_panel_shows_the_samples_of_its_model(opened, tmp_path):
    """Two models: one has its samples in the left half of the plane, the other in the right one."""
    store, keys = Store(tmp_path / "r"), []
    store.create()
    real = genbench.load_dataset("moons").sample(400, seed=0)
    for model, side in (("left", -1), ("right", 1)):
        s = spec(model=model, dataset="moons", dataset_name="moons", dataset_params={}, protocol={"samples": 400})
        middle = real.mean(axis=0)
        samples = middle + [side, 1] * np.abs(real - middle) * [1, 0]
        store.write(record(s, metrics={"w2": 0.1}), {"samples": samples})
        keys.append(s.key)
    store.write_run(RunRecord(name="r", trials=keys))
    page = opened(write_report(genbench.load_run(store.path), tmp_path / "report.html", ["samples"]))
    for model, side in (("left", -1), ("right", 1)):
        panel = page.locator(".panels li", has_text=model).locator("svg")
        pixels = np.asarray(Image.open(io.BytesIO(panel.screenshot())).convert("L")).astype(float)[6:-6, 6:-6]
        ink = (255 - pixels).sum(axis=0)
        half = len(ink) // 2
        assert np.sign(ink[half:].sum() - ink[:half].sum()) == side, model
