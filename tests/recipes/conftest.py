"""Fixtures that the tests of several commands share."""

import json
import multiprocessing
import shutil
from pathlib import Path

import pytest
import yaml
from matplotlib.figure import Figure
from pytorch_lightning import Trainer
from pytorch_lightning.strategies import DDPStrategy

from evaluation.plots.style import save_figure
from evaluation.report import figures
from recipes import embed, prepare
from recipes.embedding.embedder import load_embedder
from recipes.embedding.embedding_job import EmbeddingJob
from recipes.reproducing import reproduce_steps
from tests.support.embed_command import Killed, run
from tests.support.embed_faces import write_network
from tests.support.embedding_tree import write_embeddings
from tests.support.fake_detector import RedDetector
from tests.support.made_paper import NAMES, make_numbers
from tests.support.small_study import DATASETS, FAKE_RECIPE, PUBLISHED, STEPS


@pytest.fixture
def network(tmp_path) -> Path:
    return write_network(tmp_path / "mine.safetensors")


@pytest.fixture
def blank_figures(monkeypatch):
    """Leave the figures of reports empty: drawing takes half the time of a small audit."""

    def save_blank(figure, folder, name):
        return save_figure(Figure(figsize=figure.get_size_inches()), folder, name)

    monkeypatch.setattr(figures, "save_figure", save_blank)


@pytest.fixture
def in_processes(monkeypatch):
    """Runs the recipe in two processes, from a clean server process that has the slow libraries."""
    multiprocessing.set_forkserver_preload(["pytorch_lightning", "recipes.embed"])

    def make(options):
        strategy = DDPStrategy(start_method="forkserver", process_group_backend="gloo")
        return Trainer(
            accelerator="cpu", devices=2, strategy=strategy, logger=False, enable_checkpointing=False,
            enable_model_summary=False, enable_progress_bar=False,
        )  # fmt: skip

    def load(*args, **options):
        module = load_embedder(*args, **options)
        # a lambda cannot be sent to a process; the strategy ddp starts the script again instead
        del module.optimizer
        module._hparams_initial.clear()
        return module

    def start():
        monkeypatch.setattr(embed, "make_trainer", make)
        monkeypatch.setattr(embed, "load_embedder", load)

    return start


@pytest.fixture
def embedded(monkeypatch) -> list[int]:
    """Sizes of the batches that were embedded."""
    sizes: list[int] = []
    original = EmbeddingJob.predict_step

    def count(self, batch, batch_idx):
        sizes.append(len(batch["image"]))
        return original(self, batch, batch_idx)

    monkeypatch.setattr(EmbeddingJob, "predict_step", count)
    return sizes


@pytest.fixture
def killed(monkeypatch):
    """Runs the recipe until it has written some shards."""

    def until(shards, *arguments):
        written, original = [], EmbeddingJob._write

        def stop(self, shard, embedding):
            if len(written) == shards:
                raise Killed
            written.append(shard)
            original(self, shard, embedding)

        with monkeypatch.context() as patch:
            patch.setattr(EmbeddingJob, "_write", stop)
            with pytest.raises(Killed):
                run(*arguments)

    return until


@pytest.fixture
def red(monkeypatch):
    """The detector of tests in the place of MTCNN."""
    monkeypatch.setattr(prepare, "load_detector", lambda device: RedDetector())


@pytest.fixture
def study(tmp_path, monkeypatch) -> Path:
    """A study of fake recipes, in the working directory."""
    monkeypatch.chdir(tmp_path)
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    for name in ("embed", "train", "audit"):
        shutil.copy(FAKE_RECIPE, recipes / f"{name}.py")
    write_embeddings(recipes / "table.safetensors", per_split=12, dimension=12)
    read = {(name, scaling): 0.5 for name in NAMES for scaling in ("standardised", "raw")}
    (recipes / "audit_made").mkdir()
    (recipes / "audit_made" / "numbers.json").write_text(json.dumps(make_numbers(read)))
    monkeypatch.setattr(reproduce_steps, "RECIPES", recipes)
    Path("faces.yaml").write_text("size: 3 # small\n")
    Path("study.yaml").write_text(
        yaml.safe_dump({"datasets": DATASETS, "steps": STEPS, "deviations": ["Made."]})
    )
    Path("published.yaml").write_text(yaml.safe_dump(PUBLISHED))
    return tmp_path
