"""The Python interface: load a dataset, a model or a run by name, and run a benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genbench.contracts.dataset import DATASETS
from genbench.contracts.model import MODELS
from genbench.core.libraries import require_library
from genbench.core.registry import discover
from genbench.core.types import Say

if TYPE_CHECKING:
    from genbench.downstream.classification import Bayes, Direct
    from genbench.estimator.estimator import Estimator
    from genbench.results import Run

__all__ = ["load_classifier", "load_dataset", "load_model", "load_run", "run", "score"]


def load_dataset(name: str, *, plugins: Sequence[str] = (), **params: Any) -> Any:
    """Return a dataset by name: `load_dataset("moons", noise=0.1)`.

    A file with data can be named by its path: `load_dataset("my.csv")`.

    A synthetic dataset has `.sample(n, seed=0) -> [n, *shape]`. Where they are known, it also has `.log_prob(x) -> [n]`
    and `.entropy`, both in nats. A dataset of series has `.series`, the whole series [n].

    Raises:
        GenbenchError: the name or a parameter is unknown, or a value is refused.
    """
    from genbench.contracts.data_files import by_path, is_path, located
    from genbench.core.parameters import bind, create
    from genbench.core.selection import Selection

    discover(tuple(plugins), groups=("datasets",))
    if is_path(name):
        chosen = by_path(Selection(name, params)).selection
        name, params = chosen.name, dict(chosen.params)
    card = DATASETS[name]
    params = located(card, params)
    dataset = create(card, bind(card, params))
    dataset.selection = Selection(name, params)  # by which `run` knows it
    return dataset


def load_model(name: str, *, plugins: Sequence[str] = (), **params: Any) -> Estimator:
    """Return an unfitted model by name: `load_model("gmm", components=8).fit(x).sample(100)`.

    Raises:
        GenbenchError: the name or a parameter is unknown, a value is refused, or the model's library is missing.
    """
    from genbench.estimator.estimator import Estimator

    discover(tuple(plugins), groups=("models",))
    require_library(MODELS[name])
    return Estimator(MODELS[name], params)


def load_classifier(name: str, *, plugins: Sequence[str] = (), **params: Any) -> Bayes | Direct:
    """Return a model as an unfitted classifier: `load_classifier("gmm").fit(x, labels)`.

    A fitted classifier has `.predict_log_proba(x) -> [n, classes]`. A model with a density classifies by Bayes' rule:
    one copy of it learns the density of each class.

    Raises:
        GenbenchError: the name or a parameter is unknown, a value is refused, or the model has no density or lacks its
            library.
    """
    from genbench.contracts.classifier import Classifier
    from genbench.downstream.classification import Bayes, Direct

    discover(tuple(plugins), groups=("models",))
    card = MODELS[name]
    require_library(card)
    return (Direct if issubclass(card.factory, Classifier) else Bayes)(card, params)


def load_run(path: str | Path, *, plugins: Sequence[str] = ()) -> Run:
    """Return a stored run: `load_run("results/demo").leaderboard()`.

    Args:
        plugins: files or folders with models, datasets or metrics of the run. Code that the run's records name is not
            imported unless it is named here, is installed, or is trusted (`genbench trust`).

    Raises:
        GenbenchError: there is no run at that path, or a plugin cannot be imported.
    """
    from genbench.results import Run

    if plugins:
        discover(tuple(plugins))

    return Run(path)


def run(
    models: str | Sequence[str] = "all", datasets: Any = "moons", seeds: int | str | Sequence[int] | None = None,
    budget: str | int = "quick", *, metrics: str | Sequence[str] | None = None, task: str = "generate",
    name: str | None = None, results: str | Path = "results", jobs: int | None = None, timeout: float | None = None,
    plugins: Sequence[str] = (), samples: int | None = None, train: int | None = None, retry_failed: bool = False,
    progress: bool | str = True, say: Say = print, checkpoint_every: float = 60.0, device: str = "cpu",
    data_dir: str | Path | None = None, previews: int = 0, log: str | None = None, threads: int = 1,
    max_seeds: int | None = None, max_time: str | float | None = None, margin: str | None = None,
    sort: str | None = None, shard: str | None = None, dask: str | None = None,
    resources: str | Mapping[str, float] | None = None, retries: int | None = None, tuned: str | Path | None = None,
) -> Run:  # fmt: skip
    """Train and score models on datasets, and skip each trial that is finished already.

    Args:
        models, datasets: names, with parameters in brackets, families, "all", or "zoo" (with the variants). Datasets
            may also be paths, arrays, data frames, tensors, (x, labels), {"mine": x}, what `load_dataset` returns, and
            lists of these. The run's folder keeps a copy of data that come from no file.
        seeds: the number of seeds (3 is 0, 1, 2), or a list ("4,7" or [4, 7]); 3 unless given, 1 for "smoke". "auto"
            begins with 3 and adds more while it is open which model is best.
        budget: "smoke" (a check that all works), "quick", "standard", a number of steps, or of seconds ("30s").
        metrics: names, as for models, or "cheap" (all but the costly ones), which is the default of "smoke".
        task: what a trial does: "generate"; "curve" (scores during training), "variance" (several training runs and
            draws for each seed), "scaling" (other dimensions, more and fewer points), "classify" (by the density of
            each class), "impute" (fill gaps), "interpolate" (between codes) or "forecast" (one step ahead).
        name, results: the run is stored in results/name. The name is made of data, budget and task unless given.
        jobs: the number of worker processes; 0 runs in this process. Unless given, as many as keep all cores busy.
        timeout: seconds after which a trial is stopped.
        plugins: files or folders with your own models, datasets or metrics.
        samples, train: points drawn from each model for the scores (50,000; "smoke" 5,000); training points (20,000).
        retry_failed, say: whether failed trials are run again, and the function that prints each line of news.
        progress: "auto" (True), "bar", "lines" (one every ten seconds), "json" (an object a line), "none" (False).
        checkpoint_every: seconds between two checkpoints, from which a killed trial resumes; 0 for none.
        device: where torch models are trained: "cpu", "cuda", "mps", or "auto" for the best that this machine has.
        data_dir, tuned: the folder with data files, and the folder with studies for models[tuned] (results/tune).
        previews: how often samples are drawn during each training run. Their figures are in figures/training.
        log: "tensorboard", "wandb" or "mlflow": where losses, previews and scores are logged.
        threads: the number that torch uses within one trial. More than 1 is faster only for networks on large images,
            and only while nothing else runs on these cores. The last digits of results depend on it.
        max_seeds, max_time: with seeds="auto", the most seeds that a model gets (20), and the time ("2h", or seconds)
            after which none are added.
        margin: how much worse than the best a model may be and still count as good: "10%" for scores compared by
            quotients, "0.05" in the metric's unit for others. Unless given, each metric has its own.
        sort: with seeds="auto", the metric that decides which models get more seeds (the first that all models have).
        dask: address of the scheduler of a Dask cluster whose workers run the trials, or "local" for a cluster of
            `jobs` workers on this machine.
        resources, retries: with dask, what a trial needs of its worker ("GPU=1"), and how often a trial is repeated
            when its worker fails (2).
        shard: the part of the trials to run: "3/10" is the third of ten equal parts, for machines with one folder.

    Raises:
        GenbenchError: the request is wrong and nothing was run, or the results can no longer be written.
    """
    options = dict(locals())  # each argument but `say` is a field of RunOptions
    from genbench.results import Run
    from genbench.runs.launch import RunOptions, launch

    del options["say"]
    finished = Run(launch(RunOptions(**options), say))
    finished.margin = margin
    return finished


def score(
    samples: Any, dataset: Any, *, log_prob: Any = None, name: str | None = None, family: str = "outside",
    likelihood: str = "exact", seeds: int | str | Sequence[int] | None = None, run: str | Path | None = None,
    results: str | Path = "results", metrics: str | Sequence[str] | None = None, count: int | None = None,
    train: int | None = None, jobs: int | None = None, plugins: Sequence[str] = (), progress: bool | str = True,
    data_dir: str | Path | None = None, say: Say = print,
) -> Run:  # fmt: skip
    """Score samples that were made elsewhere, `score(x, "moons")`, and return the run.

    The run has a row for them, beside the oracle's. They get the same metrics, computed in the same way, as the samples
    of a model that genbench trains. The row says that they came from outside, so it has no training time and no code.

    Args:
        samples: an array [n, *shape] in the data's own units, a tensor or a data frame, or the path of a file (.npz,
            .npy, .csv); or a list of these, one for each seed.
        dataset: one of what `run` accepts as `datasets`.
        log_prob: the log-density in nats: a function of points [k, *shape] that returns [k], or numbers [m] at the test
            points that `genbench data export` writes, or a file of them. A list where `samples` is a list.
        name, family: the name and the family in the row. The name is the file's, or "outside", unless given.
        likelihood: what the log-densities are: "exact", "estimate" or "bound".
        seeds: the seeds of data and evaluation, one for each set of samples. A single set is divided among the seeds
            (three unless given), if each gets 1,000 samples or more and `log_prob` is not an array.
        run: folder of the run that gets the row, scored like the models of that run. Unless given, a new run,
            results/DATA-outside.
        metrics, count: which metrics, and how many samples are scored. Unless given, those of the run, or all metrics
            and at most 50,000 samples.
        train: the number of training points of a synthetic dataset (20,000). Copies of them among the samples are
            found.
        jobs, plugins, progress, data_dir, say: as in `run`.

    Raises:
        GenbenchError: the samples have another shape than the data, are too few, or are not finite; or the request is
            wrong.
    """
    asked = dict(locals())
    from genbench.results import Run
    from genbench.runs.scoring import ScoreOptions, score_given

    del asked["say"]
    options = ScoreOptions(**asked)
    return Run(score_given(options, say, options.request))
