"""A small convolutional classifier of a dataset's images, for the metrics of images.

It is trained once and kept. It learns the labels from the training split of one data seed, the same for every trial, so
that all scores of a dataset are measured in the same features. It is not an Inception network: its features separate
the classes of this dataset, and its test accuracy says how well.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from genbench.contracts.dataset import Dataset
from genbench.core import downloads
from genbench.core.code_fingerprint import Definition, digest_of
from genbench.core.errors import GenbenchError
from genbench.core.files import write_whole
from genbench.core.seeding import isolated, stream
from genbench.core.types import Array, Labels

__all__ = ["FEATURES", "ImageClassifier", "Network", "Seen", "classifier_of", "train_network"]

FEATURES = 64  # by hand: more know finer detail, and cost the metrics more
STEPS, EPOCHS = 600, 4  # measured by hand on MNIST: at least this number of each
BATCH, LR, WEIGHT_DECAY = 128, 1e-2, 0.05  # by hand: speed against test accuracy
SHIFT = 0.1  # by hand: share of the side by which training images are moved at most
AT_ONCE = 500  # by hand: images classified together
PATIENCE = 900.0  # by hand: seconds for which one process waits while another trains
SEED = stream(0, "picture classifier")


class Seen(NamedTuple):
    """The classifier's outputs for n images: features [n, FEATURES] and class probabilities.

    The probabilities are [n, k].
    """

    features: Array
    probabilities: Array


@dataclass(frozen=True)
class ImageClassifier:
    """A trained network, and its accuracy on the test images of its data seed."""

    network: Network
    accuracy: float

    def look(self, x: NDArray[np.floating]) -> Seen:
        """Return the features and class probabilities of images x [n, c, h, w].

        The images are in the data's own units.
        """
        with torch.no_grad(), isolated(SEED):
            parts = [
                self.network.look(torch.tensor(x[i : i + AT_ONCE], dtype=torch.float32))
                for i in range(0, len(x), AT_ONCE)
            ]
        features, logits = (torch.cat(part).double() for part in zip(*parts, strict=True))
        return Seen(features.numpy(), logits.softmax(dim=1).numpy())


class Network(nn.Module):
    """Convolutions that halve the image until its side is below 8, and two linear layers.

    After the last halving there is one more convolution with 64 channels. Images (n, c, h, w) are used as on a screen:
    with whole grey levels, if they have levels (otherwise `levels` is None), and clipped to the smallest and the
    largest value of the training images. The features are the output of the first linear layer after its ReLU.
    """

    low: Tensor
    high: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, shape: tuple[int, ...], classes: int, levels: int | None = None) -> None:
        super().__init__()
        self.levels, (c, h, w) = levels, shape
        for name, size in (("low", ()), ("high", ()), ("mean", (c, 1, 1)), ("std", (c, 1, 1))):
            self.register_buffer(name, torch.ones(size))
        halvings = max(math.floor(math.log2(min(h, w))) - 2, 0)
        layers: list[nn.Module] = []
        for k in reversed(range(halvings + 1)):
            width = max(64 >> k, 16)
            convolution = nn.Conv2d(c, width, 4, 2, 1) if k else nn.Conv2d(c, width, 3, 1, 1)
            layers += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
            c = width
        h, w = h >> halvings, w >> halvings
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(c * h * w, FEATURES), nn.ReLU())
        self.head = nn.Linear(FEATURES, classes)

    def look(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features [n, FEATURES] and class logits [n, k] of images x [n, c, h, w]."""
        features = self.body((self.grey(x).clamp(self.low, self.high) - self.mean) / self.std)
        return features, self.head(features)

    def grey(self, x: Tensor) -> Tensor:
        """Return the grey levels 0 … levels − 1 of images x, or x itself if grey is continuous."""
        return x if self.levels is None else (self.levels * x).floor().clamp(0, self.levels - 1)


def train_network(
    x: NDArray[np.floating], y: Labels, classes: int, levels: int | None = None, steps: int | None = None
) -> Network:
    """Return a network that has learned the labels y [n] of images x [n, c, h, w].

    The same arguments give the same network. It is trained with AdamW on the cross-entropy and a one-cycle learning
    rate; each batch is shifted by a few pixels.
    """
    steps = steps or max(STEPS, EPOCHS * len(x) // BATCH)
    with isolated(SEED):
        network = Network(x.shape[1:], classes, levels)
        pictures, labels = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
        grey = network.grey(pictures)
        std, mean = torch.std_mean(grey, dim=(0, 2, 3), keepdim=True)
        network.low, network.high, network.mean = grey.min(), grey.max(), mean[0]
        network.std = torch.where(std[0] > 0, std[0], 1.0)
        optimiser = torch.optim.AdamW(network.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LR, steps)
        for batch in _batches(len(x), steps):
            loss = cross_entropy(network.look(_moved(pictures[batch]))[1], labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return network.eval()


def classifier_of(dataset: Dataset) -> ImageClassifier:
    """Return the classifier of a dataset's images from the cache folder, or train it now.

    If a file does not agree with its JSON, the classifier is trained again. If the folder cannot be written, nothing is
    kept.

    Raises:
        GenbenchError: the images have no labels.
    """
    if dataset.classes is None:
        raise GenbenchError(f"{dataset.card.name} has no labels, so there is no classifier of its images")
    facts = _facts(dataset)
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
    file = downloads.cache_folder() / "classifiers" / f"{dataset.card.name}-{digest}.safetensors"
    with _alone(file):
        found = _read(file, facts, Network(dataset.shape, dataset.classes, dataset.levels))
        if found is None:
            found = _learn(dataset)
            with contextlib.suppress(OSError):
                _keep(found, file, facts)
    return found


def _learn(dataset: Dataset) -> ImageClassifier:
    """Return a classifier trained on the training split of the data seed, with its accuracy on the test split."""
    splits = dataset.splits(SEED)
    assert dataset.classes is not None
    assert splits.train_labels is not None
    assert splits.test_labels is not None
    network = train_network(splits.train, splits.train_labels, dataset.classes, dataset.levels)
    named = ImageClassifier(network, math.nan).look(splits.test).probabilities.argmax(axis=1)
    return ImageClassifier(network, float((named == splits.test_labels).mean()))


def _facts(dataset: Dataset) -> dict[str, Any]:
    """Return all that the weights depend on, in plain data."""
    return {
        "dataset": dataset.card.name,
        "params": {name: str(getattr(dataset, name, None)) for name in dataset.card.signature},
        "classes": dataset.classes,
        "data": dataset.fingerprint(),
        "sources": digest_of(Definition.of(train_network), Definition.of(type(dataset), dataset.card.file)),
    }


def _read(file: Path, facts: dict[str, Any], network: Network) -> ImageClassifier | None:
    """Return the classifier that was kept, or None where there is none or it is not what its JSON says."""
    from safetensors.torch import load

    try:
        known = json.loads(file.with_suffix(".json").read_bytes())
        weights = file.read_bytes()
        if known == known | facts | {"sha256": hashlib.sha256(weights).hexdigest()}:
            network.load_state_dict(load(weights))
            return ImageClassifier(network.eval(), float(known["test_accuracy"]))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):  # missing, or damaged in one way or another
        pass
    return None


def _keep(classifier: ImageClassifier, file: Path, facts: dict[str, Any]) -> None:
    """Write the weights and then their JSON, each whole or not at all, so that where the JSON is, the rest is."""
    from safetensors.torch import save

    weights = save({name: value.contiguous() for name, value in classifier.network.state_dict().items()})
    known = facts | {"test_accuracy": classifier.accuracy, "sha256": hashlib.sha256(weights).hexdigest()}
    write_whole(file, lambda out: out.write(weights))
    write_whole(file.with_suffix(".json"), lambda out: out.write((json.dumps(known, indent=1) + "\n").encode()))


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Hold a file for this process, so that no two train the same; where no lock can be had, go on without one."""
    from filelock import FileLock, Timeout

    lock = FileLock(file.with_suffix(".lock"), timeout=PATIENCE)
    with contextlib.suppress(OSError, Timeout):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _batches(n: int, steps: int) -> Iterator[Tensor]:
    """Yield the indices [b] of a batch for each step, epoch by epoch in another order."""
    order = torch.empty(0, dtype=torch.int64)
    for _ in range(steps):
        if len(order) < min(BATCH, n):
            order = torch.randperm(n)
        batch, order = order[:BATCH], order[BATCH:]
        yield batch


def _moved(x: Tensor) -> Tensor:
    """Return images x [b, c, h, w], all moved by the same few pixels; the edge fills up what comes in."""
    h, w = x.shape[2:]
    reach = max(round(SHIFT * min(h, w)), 1)
    down, right = torch.randint(2 * reach + 1, (2,)).tolist()
    return pad(x, (reach,) * 4, mode="replicate")[:, :, down : down + h, right : right + w]
