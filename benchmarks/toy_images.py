"""Flow matching on pictures of moons, circles, boards and long Gaussians: does the loss fall, are the shapes there?

Run it as `python benchmarks/toy_images.py [--shapes moons,…] [--minutes 7] [--out results/reference/toy_images]`.

One training a shape, two at a time, one thread each. Written are a grid of samples, and in summary.json: the mean loss
of the first and the last tenth of the training; the slope of the loss over its second half with its standard error,
in units of a whole training; and the share of samples that a classifier takes for the shape. It has learned the four
shapes, and noise of three kinds: independent pixels, pixels of a picture in random order, and pictures half
drowned in noise. Its own accuracy on fresh pictures stands beside it.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import genbench
from genbench.core.types import Array

SHAPES = ("moons", "circles", "checkerboard", "stretched_gaussian")
TRAIN, SAMPLES, SIZE = 4_000, 400, 64


def main() -> None:
    """Train, judge, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shapes", default=",".join(SHAPES), help="shapes, by comma")
    parser.add_argument("--minutes", type=float, default=7, help="of training for each shape (7)")
    parser.add_argument("--precision", default="float32", help="of the training: float32, or bfloat16 (float32)")
    parser.add_argument("--out", type=Path, default=Path("results/reference/toy_images"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    shapes = options.shapes.split(",")
    with ProcessPoolExecutor(max_workers=2) as pool:
        learned = pool.map(learn, shapes, [options.minutes] * len(shapes), [options.precision] * len(shapes))
        found = dict(zip(shapes, learned, strict=True))
    judge, accuracy = recogniser()
    summary: dict[str, Any] = {
        "classifier_accuracy": accuracy,
        "minutes": options.minutes,
        "precision": options.precision,
        "shapes": {},
    }
    for shape, (samples, losses) in found.items():
        named = judge(samples)
        summary["shapes"][shape] = trend(losses) | {"recognised": float((named == SHAPES.index(shape)).mean())}
        grid(samples, shape).savefig(options.out / f"{shape}.png", dpi=100)
        print(shape, summary["shapes"][shape], flush=True)
    (options.out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")


def learn(shape: str, minutes: float, precision: str) -> tuple[Array, list[float]]:
    """Return samples [n, 1, 64, 64] of cfm trained on a shape, and the losses of its training."""
    x = genbench.load_dataset("toy_images", shape=shape, size=SIZE).sample(TRAIN, seed=0)
    model = genbench.load_model("cfm", precision=precision).fit(
        x, kind="image", seed=0, budget=f"{round(60 * minutes)}s"
    )
    return model.sample(SAMPLES, seed=0), [row["loss"] for row in model.history.rows]


def trend(losses: list[float]) -> dict[str, float]:
    """Return the means of the first and last tenth, and the slope of the second half with its standard error."""
    y = np.array(losses)
    tenth, half = max(len(y) // 10, 1), y[len(y) // 2 :]
    t = np.linspace(0.5, 1, len(half))
    (slope, _), covariance = np.polyfit(t, half, 1, cov=True)
    first, last = float(y[:tenth].mean()), float(y[-tenth:].mean())
    return {"first_tenth": first, "last_tenth": last, "slope": float(slope), "slope_se": float(covariance[0, 0] ** 0.5)}


def recogniser() -> tuple[Any, float]:
    """Return what names pictures [n, 1, 64, 64], 0 to 3 for the shapes and 4 for noise, and its accuracy."""
    from genbench.nn.image_classifier import ImageClassifier, train_network

    def labelled(n: int, seed: int) -> tuple[Array, Any]:
        rng = np.random.default_rng(seed)
        x, y = genbench.load_dataset("toy_images", shape="all", size=SIZE).labelled_sample(n, seed)
        return np.concatenate([x, noise(x[: n // 4], rng)]), np.concatenate([y, np.full(n // 4, len(SHAPES))])

    classifier = ImageClassifier(train_network(*labelled(6_000, 1), len(SHAPES) + 1), float("nan"))
    x, y = labelled(2_000, 2)

    def name(pictures: Array) -> Any:
        return classifier.look(pictures).probabilities.argmax(axis=1)

    return name, float((name(x) == y).mean())


def noise(x: Array, rng: np.random.Generator) -> Array:
    """Return as many pictures that show no shape: a third independent pixels, a third shuffled, a third drowned."""
    independent, shuffled, drowned = np.array_split(x.copy(), 3)
    independent = rng.random(independent.shape) * rng.random((len(independent), 1, 1, 1))
    shuffled = rng.permuted(shuffled.reshape(len(shuffled), -1), axis=1).reshape(shuffled.shape)
    drowned = np.clip(0.3 * drowned + 0.7 * np.abs(rng.normal(size=drowned.shape)) * 0.5, 0, 1)
    return np.concatenate([independent, shuffled, drowned])


def grid(samples: Array, title: str) -> Any:
    """Return a figure of 8×4 samples."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.4), layout="constrained")
    for axes, picture in zip(figure.subplots(4, 8).flat, samples, strict=False):
        axes.imshow(picture[0], cmap="gray", vmin=0, vmax=1)
        axes.set_axis_off()
    figure.suptitle(f"cfm on toy_images[shape={title}]: samples")
    return figure


if __name__ == "__main__":
    main()
