"""Flow matching and diffusion on pictures and with labels; and a tutorial's attempt at pictures, whose samples were noise."""

import math

import numpy as np
import pytest
import torch

import genbench
from genbench.contracts.recipe import Budget, Recipe
from genbench.core.errors import GenbenchError
from genbench.core.seeding import isolated
from genbench.models.flow_matching import CFM
from genbench.nn.ode import standard_normal
from genbench.nn.time_embedding import stratified
from genbench.numerics.standardiser import Standardiser
from genbench.training.trainer import TrainingOptions, train


@pytest.mark.parametrize("name", ["cfm", "ot_cfm", "vp_cfm", "rectified_flow", "ddpm", "edm"])
def test_an_untrained_network_leaves_noise_as_it_is(name):
    """The U-Net begins as 0: flow matching moves nothing, so its density is the noise's; a diffusion's v̂ is 0."""
    model = genbench.load_model(name, hidden=8, depth=1, steps=3, density_steps=2, probes=1).model
    torch.manual_seed(0)
    model.build((1, 8, 8))
    x = torch.randn(5, 1, 8, 8)
    with torch.no_grad():
        assert model.sample(3).shape == (3, 1, 8, 8)
        assert torch.allclose(model.log_prob(x), standard_normal(x.flatten(1)), atol=1e-3)


def test_channels_are_standardised_as_a_whole():
    """A pixel that never changes keeps its scale, and the change of units costs d log σ nats."""
    x = np.random.default_rng(0).normal(3, 2, size=(500, 2, 4, 4))
    x[:, 1] *= 10
    x[:, :, 0, 0] = 0
    units = Standardiser.of_pictures(x)
    z = units.forward(x)
    assert z.mean(axis=(0, 2, 3)) == pytest.approx([0, 0], abs=1e-9)
    assert z.std(axis=(0, 2, 3)) == pytest.approx([1, 1])
    assert units.inverse(z) == pytest.approx(x)
    assert units.log_det == pytest.approx(-16 * np.log(x.std(axis=(0, 2, 3))).sum())


def two_classes(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points around (−3, 0) with label 0, around (3, 0) with label 1."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n)
    return rng.normal(size=(n, 2)) * 0.5 + np.stack([6.0 * labels - 3, np.zeros(n)], axis=1), labels


@pytest.mark.parametrize("name", ["cfm", "ot_cfm", "ddpm"])
def test_labels_choose_what_is_sampled(name):
    x, labels = two_classes(2000, 0)
    model = genbench.load_model(name, conditional=True, hidden=32)
    model.fit(x, labels=labels, classes=2, budget="400")
    asked = np.array([0, 1, 1, 0] * 100)
    made = model.sample(400, labels=asked)
    assert (made[:, 0] > 0).astype(int).tolist() == asked.tolist()
    free = model.sample(400)
    assert 0.4 < (free[:, 0] > 0).mean() < 0.6  # labels as often as in the training points; 4 standard errors


def test_what_needs_labels_says_so():
    with pytest.raises(GenbenchError, match="conditional=true"):
        genbench.load_model("cfm", guidance=2.0)
    with pytest.raises(GenbenchError, match="label"):
        genbench.load_model("cfm", conditional=True).fit(np.random.default_rng(0).normal(size=(50, 2)), budget="2")


STEPS = 200


class AtTheNoise(CFM):
    """The tutorial's loss: the network is evaluated at the noise x_0, not at x_t on the way to the data."""

    def regression(self, x0, x1):
        t = stratified(len(x1))
        return (self.velocity(x0, t) - (x1 - x0)).square().mean()


def learn(kind: type[CFM], x: np.ndarray, steps: int) -> tuple[CFM, list[float]]:
    """Train on pictures x in the model's units, and return the model and its loss over time."""
    model = kind(hidden=8, depth=1, steps=10)
    recipe = Recipe(batch_size=32, lr=2e-3, ema=0.95)
    with isolated(0):
        rows = train(model, x, x[:50], TrainingOptions(Budget(str(steps))), recipe).rows
    return model, [row["loss"] for row in rows]


def structure(pictures: np.ndarray) -> float:
    """Share of the variance in the eight largest principal components: of 64 for noise an eighth, by chance more."""
    variances = np.linalg.eigvalsh(np.cov(pictures.reshape(len(pictures), -1).T))
    return float(variances[-8:].sum() / variances.sum())


@pytest.mark.slow
def test_a_loss_at_the_noise_gives_noise_and_a_loss_on_the_path_gives_pictures():
    """Of the noise alone x_1 is independent: the best v(x_0, t) is E x_1 − x_0, and the loss stays at E Var x_1.

    So the network learns to point from noise to the mean picture at any time, and its flow only shrinks the noise: to
    1/e, were it as right about noise that has shrunk already, which it was never shown. With the loss on the path,
    samples vary as much as the data, along the data's few directions.
    """
    x = genbench.load_dataset("toy_images", shape="moons", size=8).sample(600, seed=0)
    x = Standardiser.of_pictures(x).forward(x)
    unexplained = float(x.var(axis=0).mean())  # E Var x_1
    (wrong, its_loss), (right, _) = learn(AtTheNoise, x, 400), learn(CFM, x, 200)
    with isolated(1), torch.no_grad():
        x0 = torch.randn(200, 64)
        best = torch.tensor(x.mean(axis=0)).flatten() - x0
        answers = [wrong.velocity(x0, torch.tensor(t)) for t in (0.1, 0.5, 0.9)]
        noise, pictures = wrong.sample(200).numpy(), right.sample(200).numpy()
    for answer in answers:  # measured: 0.97 to 0.98, and 0.13 of a velocity of deviation 1
        assert float((answer * best).sum() / best.square().sum()) == pytest.approx(1, abs=0.06)
        assert (answer - best).std() < 0.18
    assert np.mean(its_loss[-20:]) == pytest.approx(unexplained, rel=0.2)
    assert math.exp(-1) < (noise - x.mean(axis=0)).std() < 0.6  # measured: 0.48
    assert (pictures - x.mean(axis=0)).std() == pytest.approx(math.sqrt(unexplained), rel=0.1)
    assert structure(pictures) > structure(noise) + 0.08
