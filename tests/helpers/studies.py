"""Studies as `genbench tune` writes them, by hand."""

from pathlib import Path

from genbench.storage.studies import Configuration, ModelStudy, Study


def tuned(folder: Path, data="moons", budget="quick", model="gaussian", given=None, **params) -> None:
    """Write a study of two configurations, of which the second one is the best; or add a model to it."""
    name = model.partition("[")[0]
    own = ModelStudy(model=model, model_name=name, given=given or {}, space={"x": "0..1"}, sampler="tpe", best=1)
    own.configurations = [Configuration(status="ok"), Configuration(status="ok", params=params)]
    file = folder / "study.json"
    study = Study(name=folder.name, seeds={data: [100]}, budget=budget, train=100)
    if file.exists():
        study = Study.model_validate_json(file.read_text())
    study.models.append(own)
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(study.model_dump_json(by_alias=True))
