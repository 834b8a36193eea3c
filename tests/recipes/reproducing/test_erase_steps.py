"""An eraser's step keeps the eraser, and starts again where it was killed between its files."""

import os
from pathlib import Path

import pytest
import torch

from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.erasers.stored_eraser import StoredEraser
from recipes.reproducing.reproduce_plan import Job
from recipes.reproducing.reproduce_steps import StudyRunner
from tests.support.embedding_tree import write_embeddings


@pytest.mark.slow
def test_the_eraser_of_a_step_is_kept_and_made_again(tmp_path):
    table = tmp_path / "x.safetensors"
    x = write_embeddings(table).embedding.double().numpy()
    args = ("--table", str(table), "--method", "leace", "--sensitive", "emotion")
    job, runner = Job("hidden", None, "erase", args), StudyRunner(tmp_path / "steps")
    keys = {job.id: "key"}
    with open(os.devnull) as lock:
        runner.run(job, keys, lock.fileno())
        outputs = {name: runner.output(job, "key", name) for name in ("table", "eraser", "features")}
        first = EmbeddingTable.load(Path(outputs["table"])).embedding
        (runner.place(job, "key") / "done.json").unlink()
        runner.run(job, keys, lock.fileno())
    again = EmbeddingTable.load(Path(outputs["table"]))
    assert torch.equal(first, again.embedding)
    assert int(outputs["features"]) == again.embedding.shape[1]
    eraser = StoredEraser.load(Path(outputs["eraser"]), None)
    torch.testing.assert_close(torch.from_numpy(eraser.eraser(x)).float(), first.float())
