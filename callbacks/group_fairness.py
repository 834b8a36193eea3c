"""Group fairness of an attribute classifier, in validation and test."""

from itertools import chain
from typing import Any

import pandas as pd
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from pytorch_lightning.utilities.rank_zero import rank_zero_warn

from callbacks.support.evaluation_outputs import check_outputs
from callbacks.support.group_report import print_group_rates, write_group_report
from evaluation.fairness.group_rates import (
    RATES,
    Counts,
    GroupCounts,
    fairness_gaps,
    group_rates,
    group_table,
    undefined_rates,
)
from evaluation.samples.groupings import Grouping, cross, make_grouping, metric_word, positive_class

DEMOGRAPHIC = ("gender", "ethnicity")
"""The default attributes to group by."""


class GroupFairness(Callback):
    """Log rates and fairness gaps by group after each validation and test epoch, and plot them at the end.

    Logged in [0, 1] unless stated otherwise, `stage` being val or test:

    - `<stage>/<rate>/<group>` with rate `accuracy`, `tpr`, `fpr`, `tnr`, `selection_rate`, and `n` (samples);
      a group is called `smiling=yes`, a crossed one `smiling=yes,gender=female` (class names, escaped as
      `evaluation.samples.groupings.metric_word` says);
    - `<stage>/tpr`, `fpr`, `tnr`, `selection_rate` of all samples (the module logs the accuracy);
    - of a task of three classes or more without `positive`, each of these is the mean over the classes, each
      against all the others, and `<stage>/<rate>/<class>` is that of one class, such as `val/tpr/happy`;
    - `<stage>/<gap>` of the first grouping and `<stage>/<gap>/smiling,gender` of the others, with the gaps
      of `evaluation.fairness.group_rates.fairness_gaps` (`tpr_gap`, `equal_opportunity` in points, ...).

    A rate without trials is nan and its group is excluded from the gaps, with one warning that names it.
    A sample counts if its target and every attribute of the grouping are known. At the end of fit (the
    last validation), validate and test, the bar chart and the table of rates go to the log directory and to
    W&B if it is used. Works with modules that have `attributes` and `task` and whose evaluation steps
    return `{"prediction": (N,), "target": (N,)}`.

    Args:
        groups: groupings, each the names of the attributes that it crosses: `[[smiling], [smiling, gender]]`;
            null means those of gender and ethnicity that the data have and that are not the task.
        positive: class index of the task that the rates are about; null means the second of two classes
            (`yes` of `no, yes`), or every class in turn of more.
    """

    def __init__(self, groups: list[list[str]] | None = None, positive: int | None = None) -> None:
        if groups is not None and (
            not groups or not all(groups) or len({tuple(g) for g in groups}) < len(groups)
        ):
            raise ValueError(f"groups must be different, non-empty lists of attribute names, got {groups}")
        self.groups, self.asked = groups, positive
        self.required_attributes = set(chain(*(groups or [])))  # that batches must have
        self.positive: int | None = positive
        self.groupings: list[Grouping] = []
        self.counts: list[GroupCounts] = []
        self.last: dict[str, list[Counts]] = {}
        self.warned: set[tuple[str, str]] = set()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Read the class names; raises MisconfigurationException if groups or `positive` do not fit them."""
        if stage == "predict":
            return
        module: Any = pl_module
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]  # which Lightning sets at run time
        if datamodule is None:
            raise MisconfigurationException("GroupFairness needs a DataModule, for the names of the classes")
        classes = datamodule.attributes
        if missing := sorted(self.required_attributes - classes.keys()):
            raise MisconfigurationException(
                f"GroupFairness: no attribute {missing}; the data have {sorted(classes)}"
            )
        if not (hasattr(module, "attributes") and hasattr(module, "task")):
            raise MisconfigurationException(
                f"GroupFairness needs a classifier of an attribute, not {type(module).__name__}"
            )
        self.task, self.task_classes = module.task, list(module.attributes[module.task])
        self.positive = positive_class(self.asked, len(self.task_classes))
        if self.positive is not None and not 0 <= self.positive < len(self.task_classes):
            raise MisconfigurationException(
                f"GroupFairness: positive={self.positive} is no class of {self.task} {self.task_classes}"
            )
        groups = self.groups
        if groups is None:
            groups = [[name] for name in DEMOGRAPHIC if name in classes and name != self.task]
        self.groupings = [make_grouping(group, classes) for group in [[], *groups]]

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Reset the counts, so that neither the sanity check nor an earlier epoch is counted."""
        classes = len(self.task_classes)
        self.counts = [GroupCounts(len(g.keys), classes).to(pl_module.device) for g in self.groupings]

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *where: Any, **_: Any
    ) -> None:
        """Count a batch."""
        check_outputs(self, pl_module, outputs, ("prediction", "target"), "a classifier of an attribute")
        prediction, target = outputs["prediction"], outputs["target"]
        everyone = torch.zeros_like(target)  # the one group of the grouping without attributes
        for grouping, counts in zip(self.groupings, self.counts, strict=True):
            labels = [everyone, *(batch[name] for name in grouping.attributes)]
            counts.update(prediction, target, cross(labels, [1, *grouping.sizes]))

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the rates and gaps."""
        if trainer.sanity_checking:
            return
        stage = "test" if trainer.testing else "val"
        self.last[stage] = [counts.compute().cpu().numpy() for counts in self.counts]  # summed over ranks
        rates = group_rates(self.last[stage][0], self.positive)
        shown = [rate for rate in RATES if rate != "accuracy"]
        values = {f"{stage}/{rate}": float(rates[rate][0]) for rate in shown}
        for c, name in enumerate(self.task_classes if self.positive is None else ()):
            rates = group_rates(self.last[stage][0], c)
            values |= {f"{stage}/{rate}/{metric_word(name)}": float(rates[rate][0]) for rate in shown}
        for i, (grouping, counts) in enumerate(zip(self.groupings[1:], self.last[stage][1:], strict=True)):
            rates = {"n": counts.sum(axis=(1, 2)), **group_rates(counts, self.positive)}
            for j, key in enumerate(grouping.keys):
                values |= {f"{stage}/{name}/{key}": float(rate[j]) for name, rate in rates.items()}
            suffix = "/" + ",".join(grouping.attributes) if i else ""
            gaps = fairness_gaps(counts, self.positive)
            values |= {f"{stage}/{name}{suffix}": gap for name, gap in gaps.items()}
            self._warn_undefined(stage, grouping, counts)
        # every rank holds the same value; the mean over ranks spares a warning that they may differ
        pl_module.log_dict(values, sync_dist=True, batch_size=1)

    on_test_epoch_start = on_validation_epoch_start
    on_test_batch_end = on_validation_batch_end
    on_test_epoch_end = on_validation_epoch_end

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the result of `Trainer.validate`; during fit only the last validation is reported."""
        if trainer.state.fn == TrainerFn.VALIDATING:
            self._report(trainer, "val")

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the last validation."""
        if "val" in self.last:
            self._report(trainer, "val")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the test."""
        self._report(trainer, "test")

    def _warn_undefined(self, stage: str, grouping: Grouping, counts: Counts) -> None:
        undefined = undefined_rates(counts, grouping.names, self.positive)
        crossed = ", ".join(grouping.attributes)
        if not undefined or (stage, crossed) in self.warned:
            return
        self.warned.add((stage, crossed))
        what = "; ".join(
            f"{name} ({'no samples' if len(rates) == len(RATES) else ', '.join(rates)})"
            for name, rates in undefined.items()
        )
        rank_zero_warn(f"GroupFairness, {stage} by {crossed}: nan and left out of the gaps: {what}")

    def _report(self, trainer: Trainer, stage: str) -> None:
        tables = [
            group_table(counts, grouping.names, self.positive).assign(
                grouping=", ".join(grouping.attributes) or "all"
            )
            for grouping, counts in zip(self.groupings, self.last[stage], strict=True)
        ]
        table = pd.concat(tables, ignore_index=True)
        positive = "mean over classes" if self.positive is None else self.task_classes[self.positive]
        subject = f"{self.task}: {positive}"
        title = f"{subject}, rates by group with 95 % Wilson intervals ({stage})"
        write_group_report(trainer, table, stage, title)
        if stage == "test" and trainer.is_global_zero:
            print_group_rates(table, title)
