"""What a reader sees of a run's page without scrolling, and with one click."""

from pathlib import Path

import pytest
from browser_sizes import LAPTOP, PHONE

import genbench
from genbench.report import write_report

MOONS = Path(__file__).parents[2] / "results" / "reference" / "moons-quick"
POINTS = """cells => cells.map(cell => {
  const text = cell.querySelector("bdi").firstChild, at = text.data.indexOf(".");
  if (at < 0) return null;
  const range = document.createRange();
  range.setStart(text, at);
  range.setEnd(text, at + 1);
  return range.getBoundingClientRect().left;
})"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The page of a committed run, which has records and small figures, and no samples."""
    folder = tmp_path_factory.mktemp("first")
    return write_report(genbench.load_run(MOONS), folder / "report.html", ["samples"])


@pytest.fixture(scope="module")
def laptop(opened, file):
    return opened(file, LAPTOP)


def boxes(page, *selectors):
    return [page.locator(selector).first.bounding_box() for selector in selectors]


def test_the_first_screen_has_name_date_verdict_samples_and_table_in_this_order(laptop):
    places = boxes(laptop, "h1", ".verdict", "svg.first", ".board thead", ".board tbody tr >> nth=5", ".filters")
    assert [box["y"] for box in places] == sorted(box["y"] for box in places)
    _, _, samples, _, sixth, filters = places
    assert sixth["y"] + sixth["height"] < LAPTOP["height"], "six rows are seen at once"
    assert filters["y"] > LAPTOP["height"]
    assert samples["width"] > 0.95 * LAPTOP["width"]
    assert 150 < samples["height"] < 250, "one row of panels"
    assert laptop.locator("time").inner_text() == "2026-11-30"
    assert "kde leads in sliced W2" in laptop.locator(".verdict").inner_text()


def test_the_table_is_whole_and_its_heading_sticks(laptop):
    box = laptop.locator(".scroll.tall").first
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    heading, last = laptop.locator(".board thead th").first, laptop.locator(".board tbody tr").last
    last.scroll_into_view_if_needed()
    laptop.mouse.wheel(0, 300)
    laptop.wait_for_function("() => scrollY > 200")
    assert heading.bounding_box()["y"] == pytest.approx(0, abs=1)
    laptop.evaluate("() => scrollTo(0, 0)")


def test_numbers_meet_at_their_decimal_points(laptop):
    columns = laptop.locator(".board thead th").count()
    seen = 0
    for k in range(2, columns + 1):
        cells = laptop.locator(f".board tbody td:nth-child({k}).n:has(.mark)")
        points = [x for x in cells.evaluate_all(POINTS) if x is not None]
        if points:
            assert max(points) - min(points) < 0.6, k
            seen += len(points)
    assert seen > 50


@pytest.mark.parametrize("script", [True, False])
def test_a_button_unfolds_the_costs(opened, file, script):
    page = opened(file, LAPTOP, java_script_enabled=script)
    cost = page.locator(".board thead th", has_text="train s")
    assert not cost.is_visible()
    page.get_by_label("Show costs").focus()
    page.keyboard.press("Space")
    assert cost.is_visible()
    page.keyboard.press("Space")
    assert not cost.is_visible()


def test_one_click_leads_from_a_row_to_losses_scores_and_settings(laptop):
    laptop.locator(".board tbody th a", has_text="spline_flow").click()
    entry = laptop.locator("details.entry[open]")
    assert entry.locator("h4").inner_text() == "spline_flow"
    for part in (".charts polyline >> nth=0", ".settings", "caption >> text=Scores"):
        assert entry.locator(part).is_visible(), part
    entry.get_by_role("link", name="Samples of all models").click()
    laptop.locator("svg.rest").wait_for(state="visible")
    laptop.goto(laptop.url.partition("#")[0])


def test_a_phone_sees_name_verdict_samples_and_the_beginning_of_the_table(opened, file):
    page = opened(file, PHONE)
    h1, verdict, samples, heading = boxes(page, "h1", ".verdict", "svg.first", ".board thead")
    assert h1["y"] < verdict["y"] < samples["y"] < heading["y"] < PHONE["height"]
    assert samples["width"] > 800, "panels are large enough to be seen, and scroll in their own box"
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
