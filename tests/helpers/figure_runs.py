"""A run made by hand that every figure drawn from records and samples shows: many models, short names or long ones."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import genbench
from genbench.contracts.dataset import DATASETS
from genbench.core.parameters import bind, create
from genbench.core.registry import discover
from genbench.runs.sweep import Sweep, SweepRow
from genbench.storage.records import Cost, Failure, RunRecord, TrialRecord
from genbench.storage.store import Store
from trial_records import record, spec

# name: family, role, kind of likelihood; in this order as many as a run has
MODELS = {
    "oracle": ("control", "oracle", "exact"), "cfm": ("flow matching", "model", "estimate"),
    "coupling_flow": ("flow", "model", "exact"), "gan": ("gan", "model", "none"),
    "gaussian": ("control", "control", "exact"), "ddpm": ("diffusion", "model", "estimate"),
    "vae": ("vae", "model", "bound"), "kde": ("classical", "model", "exact"), "gmm": ("classical", "model", "exact"),
    "spline_flow": ("flow", "model", "exact"), "memoriser": ("control", "control", "none"),
    "rectified_flow": ("flow matching", "model", "estimate"), "edm": ("diffusion", "model", "estimate"),
    "cfm[coupling=ot]": ("flow matching", "model", "estimate"), "maf": ("flow", "model", "exact"),
    "vae[objective=elbo]": ("vae", "model", "bound"), "cnf": ("flow", "model", "estimate"),
    "autoregressive": ("autoregressive", "model", "exact"), "ddpm[steps=25]": ("diffusion", "model", "estimate"),
    "gan[loss=hinge]": ("gan", "model", "none"),
}  # fmt: skip
LONG = "{}[hidden=96,depth=4,frequencies=3,lr=0.003,batch_size=512,source=moons,ema=0.999,steps={}]"
METRICS = ("sliced_w2", "w2", "kl", "nll", "ks")
HOMES = {"forecast": "airline", "scaling": "gaussian_mixture", "curve": "circles"}  # datasets of tasks; else moons
TASKS = ("classify", "impute", "interpolate", "forecast", "curve", "scaling")
SEEDS, POINTS = 2, 300


def figure_run(
    folder: Path, count: int, long: bool = False, datasets: Sequence[str] = ("moons",), tasks: Sequence[str] = ()
):
    """Write a run and load it.

    Args:
        count: of the models, the oracle and the controls among them. From 13 on one failed, and one with one seed.
        long: whether the names of the models are longer than any panel.
        tasks: some of `TASKS`, each of them on a dataset for which it has figures.
    """
    discover(groups=("metrics", "datasets"))
    store, kept = Store(folder / "r"), list[TrialRecord]()
    store.create()
    kinds = dict(list(MODELS.items())[:count])
    labels = {
        name: LONG.format(name, i) if long and kinds[name][1] == "model" else name for i, name in enumerate(kinds)
    }
    for dataset in datasets:
        truth = create(DATASETS[dataset], bind(DATASETS[dataset], {}))
        for i, (name, facts) in enumerate(kinds.items()):
            for seed in range(SEEDS):
                failed = count >= 13 and (name == "edm" or (name == "vae" and seed == 1))
                one = _trial(labels[name], facts, dataset, seed, i, failed=failed)
                store.write(one, None if failed else {"samples": _samples(truth, name, seed, i)})
                kept.append(one)
                if tasks and facts[2] == "estimate" and dataset == datasets[0]:
                    _write_sweep(store, one, i)
    for task in tasks:
        for i, (name, facts) in enumerate(kinds.items()):
            one, arrays = _of_task(task, labels[name], facts, i)
            store.write(one, arrays)
            kept.append(one)
    store.write_run(RunRecord(name="r", trials=[one.key for one in kept]))
    return genbench.load_run(store.path)


def _trial(label, facts, dataset, seed, i, failed=False, task="generate", **more):
    """A trial of the i-th model, worse from one to the next, with what its kind of model has."""
    family, role, likelihood = facts
    rng = np.random.default_rng([i, seed])
    worse = 1.0 if role == "oracle" else 1.3**i * np.exp(0.1 * rng.normal())
    scores = {"sliced_w2": 0.02 * worse, "w2": 0.05 * worse**0.7, "ks": min(0.9, 0.01 * worse)}
    if likelihood != "none":
        scores |= {"kl": 0.0 if role == "oracle" else 0.004 * worse, "nll": 1.2 + 0.004 * worse}
    steps = np.arange(1.0, 41.0)
    losses = (
        {} if role != "model" else {"loss": list(worse * (1 + 9 / steps)), "validation": list(worse * (1 + 8 / steps))}
    )
    if family == "gan":
        losses = {
            "generator": list(0.7 + 0.1 * np.sin(steps / 3)),
            "discriminator": list(0.7 + 0.1 * np.cos(steps / 3)),
        }
    trained = role == "model"
    cost = Cost(
        train_seconds=2.0 * 1.25**i if trained else None, steps=2000 if trained else None, sample_seconds=0.01 * 1.4**i,
        samples_per_second=1e6 / 1.4**i, parameters=1000 * (i + 1) if trained else None,
        nfe=None if not trained else 50 if likelihood == "estimate" else 1,
    )  # fmt: skip
    name = {"csv": "wine"}.get(dataset, dataset)
    s = spec(
        model=label, model_name=label.partition("[")[0], dataset=dataset, dataset_name=name, dataset_params={}, seed=seed,
        metrics=METRICS, protocol={"samples": POINTS}, task=task,
    )  # fmt: skip
    if failed:
        error = Failure(phase="fit", type="Diverged", message="the loss is NaN", seconds=1.0)
        return record(s, family=family, role=role, likelihood=likelihood, status="diverged", metrics={}, error=error)
    history = {"step": list(steps), **losses} if losses else {}
    facts = {
        "family": family,
        "role": role,
        "likelihood": likelihood,
        "metrics": scores,
        "cost": cost,
        "history": history,
    }
    return record(s, **facts | more)


def _samples(truth, name, seed, i):
    """Points like the truth, which lie farther from it from one model to the next."""
    rng = np.random.default_rng([seed, i, 1])
    x = np.asarray(truth.reference(POINTS, 100 * i + seed))
    return x if name == "oracle" else x + 0.03 * i * x.std(axis=0) * rng.normal(size=x.shape)


def _write_sweep(store: Store, one: TrialRecord, i: int) -> None:
    rows = [
        SweepRow(
            steps=k, nfe=k, seconds=0.1 * k, metrics={"sliced_w2": 0.02 * 1.1**i * (1 + 5 / k), "w2": 0.1 * (1 + 3 / k)}
        )
        for k in (1, 2, 5, 10, 20, 50)
    ]
    sweep = Sweep(
        model=one.model, dataset=one.dataset, seed=one.seed, role=one.role, samples=POINTS, sources={}, rows=rows
    )
    folder = store.path / "sweeps"
    folder.mkdir(exist_ok=True)
    (folder / f"{one.key}.json").write_text(sweep.model_dump_json(by_alias=True))


def _of_task(task, label, facts, i):
    """A trial of a task on a dataset for which it has a figure, and its arrays."""
    rng, dataset = np.random.default_rng(i), HOMES.get(task, "moons")
    t, more, arrays = np.linspace(0, 1, 20), {}, {}
    if task == "classify":
        x, y = np.meshgrid(np.linspace(-2, 3, 40), np.linspace(-1.5, 2, 40))
        p = 1 / (1 + np.exp(-3 * (y - 0.3 * np.sin(2 * x) + 0.02 * i)))
        arrays = {"extent": np.array([-2, 3, -1.5, 2.0]), "map": np.log(np.stack([p, 1 - p], axis=-1))}
        more = {"metrics": {"accuracy": 0.99 - 0.01 * i}}
    elif task == "impute":
        given = rng.uniform(-1, 2, (20, 1))
        arrays = {
            "points_0": np.hstack([given, given]),
            "draws_0": np.sin(3 * given)[:, None] + 0.2 * rng.normal(size=(20, 50, 1)),
        }
        more = {"metrics": {"conditional_w1": 0.01 * (i + 1)}}
    elif task == "interpolate":
        ends = rng.normal(0.5, 0.5, (2, 8, 1, 2))
        straight = ends[0] + t[:, None] * (ends[1] - ends[0])
        arrays = {"straight": straight, "latent": straight + 0.3 * np.sin(np.pi * t)[:, None]}
        more = {"metrics": {"midpoints_inside": 0.9 - 0.02 * i}}
    elif task == "forecast":
        series = 5 + np.sin(np.arange(100) / 2) + 0.01 * np.arange(100)
        mean, grid = series[-20:] + 0.1 * rng.normal(size=20), np.linspace(-0.5, 0.5, 50)
        futures = mean + 0.3 * rng.normal(size=(30, 20))
        arrays = {
            "series": series, "mean": mean, "low": mean - 0.2, "high": mean + 0.2, "futures": futures,
            "fan": np.quantile(futures, [0.025, 0.25, 0.5, 0.75, 0.975], axis=0), "residual_grid": grid,
            "density": 4 * np.exp(-50 * grid**2),
        }  # fmt: skip
        more = {"diagnostics": {"coverage_95": 0.95}, "metrics": {"crps": 0.1 * (i + 1)}}
    elif task == "curve":
        more["curve"] = [
            {
                "share": k / 5,
                "steps": 40 * k,
                "train_seconds": 0.5 * k * 1.2**i,
                "sliced_w2": 0.02 * 1.2**i * (1 + 3 / k),
                "w2": 0.1 / k,
            }
            for k in range(1, 6)
        ]
    else:
        sizes = [{"dim": 2 * k, "train": 20_000} for k in (1, 2, 4, 8)] + [
            {"dim": 2, "train": 1000 * k} for k in (1, 3, 10)
        ]
        more["scaling"] = [
            size
            | {
                "kl": 0.01 * 1.2**i * size["dim"],
                "train_seconds": 1.1**i * size["dim"],
                "sample_seconds": 0.1 * size["dim"],
            }
            for size in sizes
        ]
    return _trial(label, facts, dataset, 0, i, task=task, **more), arrays
