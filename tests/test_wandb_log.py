"""Two small trainings in W&B's offline files; docs/wandb.md names nothing else."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import wandb
import yaml

from tests.support import toy
from tests.support.wandb_offline import finished

pytestmark = pytest.mark.slow  # two trainings, with their probes and plots

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "wandb.md"
ADD = "--trainer.callbacks+=callbacks."
SET = "--trainer.callbacks."
RUNS = {
    "lntl": [
        "--config=lntl.yaml", f"{SET}families=[linear]", f"{ADD}group_fairness.GroupFairness",
        f"{SET}groups=[[emotion],[emotion,ethnicity]]", f"{ADD}validation_leakage.ValidationLeakage",
        f"{SET}attributes=[emotion]", f"{SET}families=[linear]", f"{ADD}embedding_plot.EmbeddingPlot",
        f"{SET}attributes=[emotion]", f"{SET}every_n_epochs=2",
    ],
    "sensitivenets": [
        "--config=sensitivenets.yaml", "--trainer.limit_train_batches=2",
        "--model.init_args.classifier_steps=1", "--model.init_args.steps_per_round=1",
    ],
}  # fmt: skip


class Logged(NamedTuple):
    """The `config`; each row of the `history`; the run's `folder` and what W&B would `upload`."""

    config: dict[str, Any]
    history: list[dict[str, Any]]
    folder: Path
    upload: list[Path]


def read(folder: Path) -> Logged:
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    config, history = {}, []
    for record in finished(file):
        if record.HasField("config"):
            config |= {item.key: json.loads(item.value_json) for item in record.config.update}
        elif record.HasField("history"):
            items = {i.key or ".".join(i.nested_key): i.value_json for i in record.history.item}
            history.append({key: json.loads(text) for key, text in items.items()})
    files = [path.relative_to(file.parent / "files") for path in file.parent.glob("files/**/*.*")]
    return Logged(config, history, folder, files)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Logged]:
    """Both trainings, of two epochs."""
    folder = tmp_path_factory.mktemp("wandb")
    quiet = [option for option in toy.QUIET if "logger" not in option]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "offline")
        patch.delenv("WANDB_API_KEY", raising=False)
        patch.chdir(folder)
        for options in RUNS.values():
            toy.run(patch, *options, *toy.BACKBONE, *toy.DATA, *quiet, "--trainer.max_epochs=2")
            wandb.finish()
    return {name: read(toy.only_run(folder / "runs" / name)) for name in RUNS}


def names(logged: Logged) -> set[str]:
    """Every metric, table and picture, without what W&B adds about itself."""
    return {key.partition(".")[0] for row in logged.history for key in row if not key.startswith("_")}


@pytest.mark.parametrize("name", RUNS)
def test_the_whole_configuration_is_in_the_runs_config(name, runs):
    logged = runs[name]
    resolved = yaml.safe_load((logged.folder / "config.yaml").read_text())
    record = toy.environment(logged.folder)
    assert {key: logged.config[key] for key in resolved} == resolved
    assert logged.config["environment"] == record
    assert re.fullmatch("[0-9a-f]{64}", record["dataset"]["fingerprint"])
    assert {"torch", "pytorch-lightning", "blindface"} <= record["packages"].keys()
    if (ROOT / ".git").exists():
        assert re.fullmatch("[0-9a-f]{40}", record["git"]["commit"])


@pytest.mark.parametrize(
    ("name", "each_epoch"),
    [
        ("lntl", ["tpr/emotion=neutral", "accuracy/emotion=neutral", "n/emotion=neutral,ethnicity=group_b",
                  "tpr_gap", "accuracy", "leakage/emotion"]),
        ("sensitivenets", ["leakage/emotion", "verification_auc", "verification_auc/before", "effective_rank",
                           "admissible_leakage"]),
    ],
)  # fmt: skip
def test_the_logged_figures_are_those_of_the_run_folder(name, each_epoch, runs):
    logged = runs[name]
    for metric in each_epoch:
        rows = [row for row in logged.history if f"val/{metric}" in row]
        assert [row["epoch"] for row in rows] == [0, 1], metric
        values = [row[f"val/{metric}"] for row in rows]
        written = [row[f"val/{metric}"] for row in toy.metrics(logged.folder)]
        assert values == pytest.approx([float(text) for text in written if text], nan_ok=True)
    final = {key: value for row in logged.history for key, value in row.items()}
    results = json.loads((logged.folder / "results.json").read_text())
    assert {key: final[key] for key in results} == pytest.approx(results, nan_ok=True)


@pytest.mark.parametrize(
    ("name", "tables", "pictures"),
    [
        ("lntl", {"val/group_rates", "val/leakage", "test/group_rates", "test/leakage"},
         {"val/group_fairness", "test/group_fairness", "val/embedding/emotion"}),
        ("sensitivenets", {"val/leakage", "test/leakage", "test/verification"},
         {"test/verification_roc", "test/verification_scores"}),
    ],
)  # fmt: skip
def test_tables_and_plots_are_uploaded_and_no_face(name, tables, pictures, runs):
    logged = runs[name]
    final = {key: value for row in logged.history for key, value in row.items()}
    kinds = {key.removesuffix("._type"): kind for key, kind in final.items() if key.endswith("._type")}
    assert {key for key, kind in kinds.items() if kind == "table-file"} == tables
    assert {key for key, kind in kinds.items() if kind == "images/separated"} == pictures
    assert set(kinds) == tables | pictures
    media = {path for path in logged.upload if path.parts[0] == "media"}
    kept = {f"media/table/{key}" for key in tables} | {f"media/images/{key}" for key in pictures}
    assert {re.sub(r"_\d+_[0-9a-f]{20}\.(table\.json|png)$", "", path.as_posix()) for path in media} == kept
    assert {path.name for path in logged.upload} - {path.name for path in media} <= {
        "config.yaml", "output.log", "requirements.txt", "wandb-metadata.json", "wandb-summary.json",
    }  # fmt: skip


def flat(config: dict[str, Any], prefix: str = "") -> set[str]:
    """Every key of a configuration, as W&B's columns name it."""
    keys = set()
    for key, value in config.items():
        keys |= {f"{prefix}{key}"} | (flat(value, f"{prefix}{key}.") if isinstance(value, dict) else set())
    return keys


def test_the_page_names_metrics_and_options_that_runs_have(runs):
    page = PAGE.read_text()
    told = set(re.findall(r"`((?:train|val|test)/[^`<]+)`", page))
    assert len(told) > 20
    assert told <= set().union(*map(names, runs.values()))
    options = set(re.findall(r"`((?:model|data|environment|checkpoint|seed_everything)[a-z_.]*)`", page))
    assert len(options) > 5
    assert options <= set().union(*(flat(logged.config) for logged in runs.values()))


def test_the_page_leaves_out_no_family_of_metrics(runs):
    page = PAGE.read_text()
    for name in set().union(*map(names, runs.values())) - {"epoch", "trainer/global_step"}:
        stage, metric = name.split("/")[:2]
        assert re.search(rf"`(?:{stage}|<stage>)/{metric}\b|`{metric}`", page), name
