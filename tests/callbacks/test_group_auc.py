"""Areas under the ROC curve by group: by hand, and what has none."""

import math

import numpy as np
import pytest
import torch
from callback_dummies import ColumnData, OneWeight
from pytorch_lightning import Trainer
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from callbacks.group_auc import GroupAUC, auc


class Scores(OneWeight):
    """Answers with the column `score`, in tenths, of one class or of two."""

    task = "attractive"

    def __init__(self, classes: int = 1) -> None:
        super().__init__()
        self.classes = classes

    def test_step(self, batch, batch_idx):
        score = batch["score"] / 10
        if self.classes == 2:
            score = torch.stack([1 - score, score], dim=1)
        return {"target": batch["attractive"], "score": score}


# smiling: 5 of 6 pairs are in order; not smiling: one pair of four is, and one is a tie; the last is unknown
COLUMNS = {
    "smiling": torch.tensor([1, 1, 1, 1, 1, 0, 0, 0, 0, 1]),
    "attractive": torch.tensor([1, 1, 1, 0, 0, 1, 1, 0, 0, -1]),
    "score": torch.tensor([9, 8, 3, 5, 1, 1, 6, 6, 4, 9]),
}


def areas(columns, module) -> dict[str, float]:
    trainer = Trainer(
        accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=[GroupAUC(["smiling"])],
    )  # fmt: skip
    (found,) = trainer.test(module, ColumnData(columns), verbose=False)
    return found


@pytest.mark.parametrize("classes", [1, 2])
def test_pairs_in_order_are_counted_in_each_group(classes) -> None:
    found = areas(COLUMNS, Scores(classes))
    assert found["test/auc/smiling=1"] == pytest.approx(5 / 6)
    assert found["test/auc/smiling=0"] == pytest.approx((1 + 0.5) / 4)
    known = COLUMNS["attractive"] >= 0
    attractive, score = COLUMNS["attractive"][known] == 1, COLUMNS["score"][known]
    pairs = [(a > b) + 0.5 * (a == b) for a in score[attractive] for b in score[~attractive]]
    assert found["test/auc"] == pytest.approx(float(sum(pairs)) / len(pairs))


def test_a_group_of_one_kind_has_no_area() -> None:
    alone = {**COLUMNS, "attractive": COLUMNS["attractive"].where(COLUMNS["smiling"] == 1, 1)}
    found = areas(alone, Scores())
    assert math.isnan(found["test/auc/smiling=0"])
    assert found["test/auc/smiling=1"] == pytest.approx(5 / 6)
    assert math.isnan(auc(np.array([], dtype=bool), np.array([])))


def test_a_module_that_gives_no_scores_is_refused() -> None:
    class Silent(Scores):
        def test_step(self, batch, batch_idx):
            return {"target": batch["attractive"]}

    with pytest.raises(MisconfigurationException, match="'target' and 'score'"):
        areas(COLUMNS, Silent())
