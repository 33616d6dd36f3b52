"""Runs, leaderboards and datasets in a notebook: HTML that holds what it should, and names as text."""

import base64
import io
import time
from html.parser import HTMLParser

import matplotlib.image
import pytest

import genbench
from genbench.analysis.leaderboard import Leaderboard
from genbench.storage.records import Failure, RunRecord
from genbench.storage.store import Store
from trial_records import record, spec

SCRIPT = "<script>alert(1)</script>"
QUOTES = '"mo\'ons"\u200f & <b>'
VOID = {"img", "br"}


class Page(HTMLParser):
    """Collects tags, text and images, and refuses tags that are not closed in order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.words, self.images = [], [], [], []
        self.emphasised = {"b": [], "i": []}
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if self.open[-1] in self.emphasised:
            self.emphasised[self.open[-1]].append(data)

    @property
    def text(self):
        return "".join(self.words)


def trials():
    """Two seeds each: the leader, one that cannot be told from it, one that can; one that failed with both."""
    scores = {"first": (0.10, 0.12), SCRIPT: (0.14, 0.11), "third": (0.90, 0.91)}
    made = [
        record(spec(model=model, dataset=QUOTES, seed=seed), metrics={"w2": value})
        for model, values in scores.items()
        for seed, value in enumerate(values)
    ]
    lost = Failure(phase="fit", type="Diverged", message=f"loss is {SCRIPT}", seconds=1.0)
    return made + [
        record(spec(model="lost", dataset=QUOTES, seed=seed), metrics={"w2": None}, status="diverged", error=lost)
        for seed in (0, 1)
    ]


@pytest.fixture
def run(tmp_path):
    store = Store(tmp_path / "r")
    store.create()
    for trial in trials():
        store.write(trial)
    keys = [trial.key for trial in trials()]
    command = f"genbench run --models {SCRIPT}"
    store.write_run(
        RunRecord(name="a & b", trials=[*keys, "to-come"], requests=[{"command": command.split(), "trials": 9}])
    )
    return genbench.load_run(tmp_path / "r")


def test_a_leaderboard_marks_what_is_best_and_what_is_open_and_shows_names_as_text():
    page = Page(Leaderboard.of(trials())._repr_html_())
    assert "script" not in page.tags
    assert SCRIPT in page.text
    assert QUOTES in page.text
    assert "0.11 ± 0.13" in page.emphasised["b"]
    assert "0.12 ± 0.19 ?" in page.text
    assert page.emphasised["i"] == [], "nothing is as good"
    assert "0.905 ± 0.064" in page.text
    assert "2 diverged" in page.text


def test_a_run_says_what_was_asked_and_how_it_ended(run):
    page = Page(run._repr_html_())
    assert "script" not in page.tags
    for part in (
        "a & b",
        "6 ok, 2 diverged, 1 not finished",
        f"--models '{SCRIPT}'",
        f"fit: loss is {SCRIPT}",
        "2 failed",
    ):
        assert part in page.text


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("moons", ["points", "(2,)", "nats", "20,000 / 5,000 / 10,000", "noise=0.05"]),
        ("wine", ["table", "(13,)", "108 / 35 / 35"]),
        ("digits", ["image", "(1, 8, 8)", "classes", "10", "1,079 / 359 / 359"]),
        ("ar_process", ["series", "nats"]),
        ("mnist", ["image", "(1, 28, 28)", "in files"]),
    ],
)
def test_a_dataset_shows_its_facts_and_a_picture(name, told):
    dataset = genbench.load_dataset(name)
    page = Page(dataset._repr_html_())
    for part in [name, *told]:
        assert part in page.text
    if name == "mnist":  # nothing is fetched for a look
        assert page.images == []
        return
    start, data = page.images[0]["src"].split(",")
    assert start == "data:image/png;base64"
    pixels = matplotlib.image.imread(io.BytesIO(base64.b64decode(data)))
    assert min(pixels.shape[:2]) > 100
    assert pixels[..., :3].std() > 0.02


def test_a_look_at_a_dataset_is_cheap():
    moons = genbench.load_dataset("moons")
    moons._repr_html_()  # imports
    begin = time.process_time()
    moons._repr_html_()
    assert time.process_time() - begin < 0.5
