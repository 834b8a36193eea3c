"""Areas under the ROC curve by group: by hand, and what has none."""

import math

import numpy as np
import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from callbacks.group_auc import GroupAUC, auc
from tests.support.callback_dummies import ColumnData, OneWeight


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
    assert found["test/auc/smiling=yes"] == pytest.approx(5 / 6)
    assert found["test/auc/smiling=no"] == pytest.approx((1 + 0.5) / 4)
    known = COLUMNS["attractive"] >= 0
    attractive, score = COLUMNS["attractive"][known] == 1, COLUMNS["score"][known]
    pairs = [(a > b) + 0.5 * (a == b) for a in score[attractive] for b in score[~attractive]]
    assert found["test/auc"] == pytest.approx(float(sum(pairs)) / len(pairs))


def test_a_group_of_one_kind_has_no_area() -> None:
    alone = {**COLUMNS, "attractive": COLUMNS["attractive"].where(COLUMNS["smiling"] == 1, 1)}
    found = areas(alone, Scores())
    assert math.isnan(found["test/auc/smiling=no"])
    assert found["test/auc/smiling=yes"] == pytest.approx(5 / 6)
    assert math.isnan(auc(np.array([], dtype=bool), np.array([])))


def test_a_module_that_gives_no_scores_is_refused() -> None:
    class Silent(Scores):
        def test_step(self, batch, batch_idx):
            return {"target": batch["attractive"]}

    with pytest.raises(MisconfigurationException, match="'target' and 'score'"):
        areas(COLUMNS, Silent())


def test_each_of_three_classes_has_its_auc_and_they_are_averaged() -> None:
    class Three(OneWeight):
        task = "mood"

        def test_step(self, batch, batch_idx):
            return {"target": batch["mood"], "score": batch["scores"] / 10}

    class Data(ColumnData):
        attributes = ColumnData.attributes | {"mood": ["sad", "so so", "glad"]}

    columns = {
        "mood": torch.tensor([0, 0, 1, 1, 2, 2]),
        "smiling": torch.tensor([1, 0, 1, 0, 1, 0]),
        "scores": torch.tensor([[9, 1, 0], [2, 3, 5], [3, 6, 1], [1, 2, 7], [0, 1, 9], [4, 4, 2]]),
    }
    trainer = Trainer(
        accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=[GroupAUC(["smiling"])],
    )  # fmt: skip
    (found,) = trainer.test(Three(), Data(columns), verbose=False)
    by_class = {"sad": (4 + 2) / 8, "so%20so": (4 + 2) / 8, "glad": (4 + 2) / 8}
    assert {name: found[f"test/auc/{name}"] for name in by_class} == pytest.approx(by_class)
    assert found["test/auc"] == pytest.approx(0.75)
    assert found["test/auc/smiling=yes"] == 1
