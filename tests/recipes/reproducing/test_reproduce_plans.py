"""Every page on every kind of data: its recipes understand all that they will be told."""

import pytest

from recipes import audit, erase, prepare, reproduce
from recipes.command_line.config_lookup import resolve_configs
from recipes.embedding import embed_options
from recipes.reproducing.reproduce_keys import job_keys
from recipes.reproducing.reproduce_plan import plan_jobs
from recipes.reproducing.reproduce_study import WORD
from recipes.sweeping.sweep_commands import TrainOptions

PAGES = (
    "table_4_1",
    "table_4_2",
    "notebook_verification",
    "notebook_gender",
    "lambda_tradeoff",
    "bias_dose_response",
    "blind_faces",
)
DATA = [
    (page, data) for page in PAGES for data in (None, "on_synthetic", "on_substitutes", "on_mobilefacenet")
]

OF_GENDER = ("on_utkface", "on_hair", "on_image_split")


@pytest.fixture(scope="module")
def parsers():
    return {
        "embed": embed_options.make_parser(),
        "prepare": prepare.make_parser(),
        "audit": audit.make_parser(),
        "erase": erase.make_parser(),
        "train": TrainOptions().parser,
    }


@pytest.mark.slow
@pytest.mark.parametrize(("page", "data"), [*DATA, *(("notebook_gender", data) for data in OF_GENDER)])
def test_every_step_is_understood_by_its_recipe(page, data, parsers, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("FACE_DATA_ROOT", str(tmp_path))
    given = [f"--config=paper/{page}.yaml", *([f"--config=paper/{data}.yaml"] if data else []), "--seeds=[0]"]
    config, published = reproduce.read_options(given)
    jobs = plan_jobs(config.steps, config.datasets, [0], published.steps)
    assert {job.step for job in jobs} >= {*published.steps}
    keys, measured = job_keys(jobs), [job.id for job in jobs if job.recipe != "embed"]
    assert len({keys[name] for name in measured}) == len(measured), "no step is another under a second name"
    own = {
        "embed": ["--out=table"],
        "prepare": ["--out=crops"],
        "audit": ["--out=audit"],
        "erase": ["--out=table"],
    }
    for job in jobs:
        told = [WORD.sub(lambda found: "128" if found[2] == "features" else "file", x) for x in job.args]
        parsers[job.recipe].parse_args([*resolve_configs(told), *own.get(job.recipe, [])])


def test_substitutes_are_cropped_for_their_recogniser(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("FACE_DATA_ROOT", str(tmp_path))
    given = ["--config=paper/table_4_1.yaml", "--config=paper/on_substitutes.yaml"]
    config, published = reproduce.read_options(given)
    jobs = plan_jobs(config.steps, config.datasets, [0, 1, 2], published.steps)
    crops = {job.step: job.args for job in jobs if job.recipe == "prepare"}
    assert {*crops} == {"align_faces", "align_expressions", "align_verification"}
    for args in crops.values():
        assert args[args.index("--mode") + 1 : args.index("--mode") + 4] == ("align", "--size", "160")
    tables = {"x_faces": "align_faces", "x_verification": "align_verification", "lntl": "align_faces"}
    for job in jobs:
        step = tables.get(job.step, "align_expressions" if job.step == "x_expressions" else None)
        if step is not None:
            assert f"{{{step}.crops}}" in job.args
            assert f"{tmp_path}/weights/inception_resnet_v1_128_fp16.safetensors" in job.args
    drawn = [job for job in jobs if job.step in ("x_expressions", "lntl_expressions")]
    assert len(drawn) == 6, "every seed draws other subjects, for both representations"
    for job in drawn:
        assert job.args[job.args.index("--data.init_args.split_seed") + 1] == str(job.seed)
