import math

import numpy as np
import pytest
import torch

import genbench
from genbench import Recipe, TorchModel
from genbench.contracts.recipe import Budget
from genbench.core.errors import ContractError, Diverged, GenbenchError
from genbench.training.optimizer_groups import OptimizerGroups
from genbench.training.trainer import TrainingOptions, train


class Mean(TorchModel):
    """Learns the mean: loss ‖x − m‖², whose minimum is known."""

    def build(self, shape):
        self.m = torch.nn.Parameter(torch.zeros(shape))

    def training_loss(self, x):
        return (x - self.m).square().sum(dim=1).mean()


class Two(TorchModel):
    """Two optimizer groups with a parameter each."""

    def build(self, shape):
        self.a, self.b = torch.nn.Linear(shape[0], 1), torch.nn.Linear(shape[0], 1)

    def optimizer_groups(self):
        return {"first": self.a, "second": self.b}

    def training_step(self, x, update):
        before = [p.clone() for p in self.b.parameters()]
        update("first", (self.a(x) + self.b(x)).square().mean())
        assert all(torch.equal(p, q) for p, q in zip(before, self.b.parameters(), strict=True))
        update("second", self.b(x).square().mean())


def points(n=2000, d=2):
    return torch.tensor(np.random.default_rng(0).normal(3, 1, (n, d)), dtype=torch.float32)


def fitted(model, budget="600", x=None, **recipe):
    torch.manual_seed(0)
    x = points() if x is None else x
    return train(model, x.numpy(), x[:500].numpy(), TrainingOptions(Budget(budget)), Recipe(**recipe))


def test_reaches_the_known_minimum_and_says_so():
    model = Mean()
    history = fitted(model, lr=5e-2)
    torch.testing.assert_close(model.m.data, points().mean(0), atol=0.03, rtol=0)
    assert history.steps == 600 == history.rows[-1]["step"]
    late = np.mean([row["loss"] for row in history.rows[-100:]])
    assert late == pytest.approx(points().var(0).sum().item(), rel=0.02)
    assert "validation" in history.rows[-1]
    assert len(history.rows) <= 202


def test_every_point_of_an_epoch_is_used_once():
    seen = []

    class Spy(Mean):
        def training_loss(self, x):
            if torch.is_grad_enabled():
                seen.extend(x[:, 0].tolist())
            return super().training_loss(x)

    x = torch.arange(64.0).repeat(2, 1).T
    fitted(Spy(), "4", x=x, batch_size=16)
    assert sorted(seen) == list(range(64))


def test_a_short_training_is_averaged_too():
    model = Mean()
    fitted(model, "60", lr=0.2, ema=0.9999)
    assert model.m.data.min() > 2.5, "an average that starts at 0.9999 would still stand at the start, 0"


def test_schedule_warms_up_and_falls_to_zero_along_a_cosine():
    recipe = Recipe(lr={"a": 1.0, "b": 2.0}, warmup=0.1)
    assert recipe.rate("a", 0.05) == pytest.approx(0.5)
    assert recipe.rate("b", 0.1) == pytest.approx(2.0)
    assert recipe.rate("a", 0.55) == pytest.approx(0.5)
    assert recipe.rate("a", 1.0) == pytest.approx(0.0, abs=1e-12)


def test_a_schedule_in_cycles():
    recipe = Recipe(lr=1.0, warmup=0.1, cycles=2)
    assert [recipe.rate("a", done) for done in (0.025, 0.05, 0.275)] == pytest.approx([0.5, 1.0, 0.5])
    assert recipe.rate("a", 0.4999) < 1e-6 < recipe.rate("a", 0.55) == recipe.rate("a", 0.05)
    assert recipe.rate("a", 1.0) == pytest.approx(0, abs=1e-12)


def test_optimizer_groups_have_their_own_optimiser_and_loss():
    model = Two()
    history = fitted(model, "20")
    assert {"first", "second"} <= history.rows[-1].keys()


def test_a_model_with_the_old_name_of_its_optimizer_groups_is_refused():
    class Old(Two):
        def players(self):
            return self.optimizer_groups()

    with pytest.raises(ContractError, match="rename that method to `optimizer_groups`"):
        fitted(Old(), "20")


def test_progress_rises_from_0_and_is_1_after():
    seen = []

    class Annealed(Mean):
        def training_loss(self, x):
            seen.append(self.progress)
            return super().training_loss(x)

    model = Annealed()
    fitted(model, "10")
    trained = [p for p in seen if p < 1]
    assert trained == pytest.approx([i / 10 for i in range(10)])
    assert model.progress == 1.0


def test_the_best_weights_on_held_out_points_are_kept():
    class Worsens(Mean):
        """Good in the middle of the training, then led astray."""

        def training_loss(self, x):
            target = x if self.progress < 0.5 or not torch.is_grad_enabled() else x + 100
            return (target - self.m).square().sum(dim=1).mean()

    model = Worsens()
    fitted(model, lr=5e-2, ema=0.0)
    assert (model.m.data - 3).abs().max() < 1.0


def kept(loss, looks=21, x=None):
    """Return which of a number of looks was kept, where loss(place, x) is that of the weights at a look."""
    from genbench.contracts.recipe import Recipe
    from genbench.training.weight_selection import Best

    class At(Mean):
        def training_loss(self, x):
            return loss(float(self.m), x)

    model = At()
    model.build((1,))
    best = Best(model, (torch.zeros(5000, 1) if x is None else x,), Recipe(), alone=True)
    for place in range(looks):
        model.m.data.fill_(place)
        best.look()
    return int(best.weights()["m"])


def test_weights_that_only_noise_tells_apart_are_the_latest():
    """All looks are equally good but for noise that differs from weights to weights, as flow matching's late ones."""

    def loss(place, x):
        phase = torch.randn(len(x))  # of the point's noise
        return 1 + (phase + 2.4 * place).sin().mean()

    def lowest_alone(seed):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return int(np.argmin([loss(place, torch.zeros(2000)) for place in range(21)]))

    assert kept(loss) >= 15
    assert min(lowest_alone(seed) for seed in range(5)) < 10


def test_weights_that_are_worse_than_noise_explains_are_not_kept():
    assert kept(lambda place, x: (place - 7) ** 2 * 0.01 + 0.1 * torch.randn(len(x)).mean()) == 7


@pytest.mark.parametrize("n", [36, 5000])
def test_without_noise_the_lowest_loss_is_kept_however_few_the_points(n):
    """One point of an overfitted model weighs as much as all others, and so makes a standard error large."""
    points = torch.zeros(n, 1)
    points[0] = n  # its loss alone rises after look 7
    assert kept(lambda place, x: 1e-3 * (x.mean() * max(place - 7, 0) - min(place, 7)), x=points) == 7


def test_losses_are_clearly_above_by_two_standard_errors():
    """Differences of 1, 2 and 3 have mean 2 and standard error 1/√3."""
    from genbench.training.weight_selection import clearly_above

    assert clearly_above([2.0, 3.0, 4.0], [1.0, 1.0, 1.0])
    assert not clearly_above([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])  # mean 1, less than 2/√3
    assert clearly_above([1.1], [1.0])
    assert not clearly_above([1.0], [1.0])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_non_finite_loss_ends_the_training(value):
    class Breaks(Mean):
        def training_loss(self, x):
            return super().training_loss(x) * (value if self.progress >= 0.5 else 1)

    with pytest.raises(Diverged, match="loss is (nan|inf) at step 6"):
        fitted(Breaks(), "10")


def test_a_non_finite_gradient_ends_the_training():
    class Breaks(Mean):
        def training_loss(self, x):
            return (self.m * 0).sqrt().sum() + super().training_loss(x)

    with pytest.raises(Diverged, match="gradient"):
        fitted(Breaks(), "10")


def test_an_exploding_loss_ends_the_training():
    class Explodes(Mean):
        def training_loss(self, x):
            return super().training_loss(x) * math.exp(60 * self.progress)

    with pytest.raises(Diverged, match="exploded"):
        fitted(Explodes(), "200")


def test_budgets():
    assert Budget("quick").steps(Recipe(step_ms=2.0)) == 5000
    assert Budget("standard").steps(Recipe(step_ms=2.0)) == 22500
    assert Budget("300").steps(Recipe()) == Budget("300 steps").steps(Recipe()) == 300
    assert (Budget("2.5s").seconds, Budget("2.5s").steps(Recipe())) == (2.5, None)
    for text in ("quik", "0", "-3", "0s", "1e3", ""):
        with pytest.raises(GenbenchError):
            Budget(text)


def test_a_budget_of_seconds_ends_in_time_with_the_schedule_run_down():
    import time

    begin = time.perf_counter()
    history = fitted(Mean(), "0.5s", lr=5e-2)
    assert time.perf_counter() - begin < 5
    assert history.steps > 10


def test_clipping_is_torchs():
    from genbench.training.optimizer_groups import clip

    for most in (0.1, 1.0, 100.0, math.inf):
        torch.manual_seed(0)
        mine = [torch.nn.Parameter(torch.randn(3, 4)), torch.nn.Parameter(torch.randn(5))]
        for p in mine:
            p.grad = torch.randn_like(p)
        theirs = [torch.nn.Parameter(p.detach().clone()) for p in mine]
        for p, q in zip(mine, theirs, strict=True):
            q.grad = p.grad.clone()
        expected = torch.nn.utils.clip_grad_norm_(theirs, most)
        assert clip([p.grad for p in mine], most) == pytest.approx(expected.item())
        for p, q in zip(mine, theirs, strict=True):
            torch.testing.assert_close(p.grad, q.grad)


def test_parts_of_a_batch_give_the_gradient_of_the_whole():
    """Batches of 50 in parts of 17, 17 and 16: the mean of each counts by its size."""
    whole, parts = Mean(), Mean()
    first = fitted(whole, "50", lr=0.05, batch_size=50)
    second = fitted(parts, "50", lr=0.05, batch_size=50, accumulate=3)
    torch.testing.assert_close(parts.m, whole.m, atol=1e-5, rtol=0)
    losses = [[row["loss"] for row in history.rows] for history in (first, second)]
    np.testing.assert_allclose(*losses, rtol=1e-5)
    with pytest.raises(GenbenchError, match="accumulate=2 is for models of one optimizer group, not first and second"):
        fitted(Two(), "5", accumulate=2)


def test_losses_in_bfloat16_and_weights_in_float32():
    seen = []

    class Linear(TorchModel):
        def build(self, shape):
            self.net = torch.nn.Linear(shape[0], shape[0])

        def training_loss(self, x):
            made = self.net(x)
            seen.append(made.dtype)
            return (made.float() - x).square().mean()

    for precision, expected in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        seen.clear()
        model = Linear()
        history = fitted(model, "300", lr=0.02, precision=precision)
        assert set(seen) == {expected}
        assert model.net.weight.dtype == torch.float32
        assert history.rows[-1]["validation"] < 0.01 * history.rows[0]["loss"]
    with pytest.raises(GenbenchError, match="precision must be one of float32, bfloat16"):
        genbench.load_model("cfm", precision="float16")


@pytest.mark.parametrize("kind", ["adamw", "soap", "muon"])
def test_an_optimiser_steps_in_float32_where_losses_are_in_bfloat16(kind):
    """Its moments stay float32, and what it learns is what it learns in float32, to the rounding of the losses."""

    class Wide(TorchModel):
        def build(self, shape):
            self.net = torch.nn.Linear(shape[0], shape[0])

        def training_loss(self, x):
            return (self.net(x) - 2 * x - 1).square().mean()

    models = {}
    for precision in ("float32", "bfloat16"):
        models[precision] = Wide()
        x = torch.randn(500, 20, generator=torch.Generator().manual_seed(0))
        history = fitted(models[precision], "200", x, optimiser=kind, lr=0.1, precision=precision)
        assert history.rows[-1]["validation"] < 0.01 * history.rows[0]["loss"]
    weights = [model.net.weight for model in models.values()]
    torch.testing.assert_close(*weights, atol=0.1, rtol=0)  # of 2, on the diagonal
    groups = OptimizerGroups(models["bfloat16"], Recipe(optimiser=kind, precision="bfloat16"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for step in range(3):
            groups.step = step
            models["bfloat16"].training_step(x, groups.update)
    moments = groups.state()["moments"]["loss"].values()
    tensors = [value for one in moments for value in one.values() if torch.is_tensor(value) and value.ndim]
    assert {value.dtype for value in tensors} == {torch.float32}


def test_a_second_loss_of_a_step_sees_the_weights_of_the_first_in_bfloat16():
    class Game(TorchModel):
        def build(self, shape):
            self.net = torch.nn.Linear(shape[0], 1, bias=False)

        def training_loss(self, x):
            return self.net(x).square().mean()

        def training_step(self, x, update):
            update("loss", self.training_loss(x))
            expected = x.bfloat16() @ self.net.weight.detach().bfloat16().T
            torch.testing.assert_close(self.net(x).detach(), expected)

    fitted(Game(), "5", lr=0.5, precision="bfloat16")


def test_a_conditional_model_is_given_the_labels_of_its_points():
    """The label says the sign of the point, in training and in validation."""
    seen = []

    class Labelled(Mean):
        conditional = True

        def training_loss(self, x, labels):
            seen.append(torch.equal(labels, (x[:, 0] > 3).long()))
            return super().training_loss(x)

    x = points().numpy()
    y = (x[:, 0] > 3).astype(np.int64)
    torch.manual_seed(0)
    history = train(Labelled(), x, x[:500], TrainingOptions(Budget("30")), Recipe(), labels=(y, y[:500]))
    assert len(seen) > 30
    assert all(seen)
    assert "validation" in history.rows[-1]


def test_fresh_noise_comes_with_each_epoch_but_the_first():
    asked, seen = [], []

    class Spy(Mean):
        def training_loss(self, x):
            if torch.is_grad_enabled():
                seen.append(x[:, 0].tolist())
            return super().training_loss(x)

    def redraw(epoch):
        asked.append(epoch)
        return None if epoch == 2 else np.full((64, 2), epoch, dtype=np.float32)

    x = np.zeros((64, 2), dtype=np.float32)
    train(Spy(), x, x, TrainingOptions(Budget("12"), redraw=redraw), Recipe(batch_size=16))
    assert asked == [1, 2]
    assert [set(batch) for batch in seen] == [{0.0}] * 4 + [{1.0}] * 4 + [{0.0}] * 4


def test_looks_at_pictures_cost_a_share_of_the_training():
    """A look of points takes 2,000; of pictures at most as many as make 20 looks a tenth of the training."""
    looked = []

    class Spy(Mean):
        def training_loss(self, x):
            if not torch.is_grad_enabled():
                looked.append(len(x))
            return super().training_loss(x.flatten(1)) if x.ndim > 2 else super().training_loss(x)

        def build(self, shape):
            super().build((math.prod(shape),))

    fitted(Spy(), "40", x=torch.zeros(3000, 2), batch_size=100)
    assert set(looked[2:]) == {500}  # after two lots that tell whether the loss has noise
    assert looked[:2] == [250, 250]
    for steps, expected in (("40", 64), ("100", 150), ("1000", 500)):
        looked.clear()
        history = fitted(Spy(), steps, x=torch.zeros(600, 1, 2, 2), batch_size=100)
        looks = sum("validation" in row for row in history.rows)
        assert sum(looked[2:]) == expected * looks
        assert max(looked) <= 100


def test_the_average_is_the_formula_and_buffers_are_copied():
    from genbench.training.ema import Average

    class Counted(Mean):
        def build(self, shape):
            super().build(shape)
            self.register_buffer("seen", torch.zeros(()))

    model = Counted()
    model.build((1,))
    average, expected = Average(model, 0.5), 0.0
    for n in range(1, 30):
        model.m.data.fill_(n)
        model.seen.fill_(n)
        average.update()
        decay = min(0.5, n / (9 + n))
        expected = decay * expected + (1 - decay) * n
        assert average.module.m.item() == pytest.approx(expected)
        assert average.module.seen.item() == n
