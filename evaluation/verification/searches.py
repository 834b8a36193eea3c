"""Results of the searches of 1:N identification, and the groups of samples that their rates are about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from evaluation.samples.arrays import Floats, Ints

Groups = Mapping[str, tuple[Ints, Sequence[str]]]
"""Attribute -> labels (N,), -1 where unknown, and class names."""

Masks = dict[tuple[str, str], np.ndarray]
"""(attribute, class) -> (N,) bool, the samples of that class; ("", "") -> all samples."""


@dataclass(frozen=True, eq=False)
class Searches:
    """Results of S searches, one for each sample and enrolment.

    Attributes:
        sample: (S,) sample that was searched for, 0 to N - 1.
        subject: (S,) its subject, 0 to P - 1.
        in_template: (S,) bool, the sample is part of its subject's template.
        enrolled: (S,) bool, the subject is enrolled in the open set.
        rank: (S,) rank of the mate in the closed set.
        mate: (S,) score of the subject's own template, in steps.
        best_other: (S,) best score of the other subjects that are enrolled in the open set, in steps.
        step: size of a step of the scores.
        enrolments: number of enrolments.
    """

    sample: Ints
    subject: Ints
    in_template: np.ndarray
    enrolled: np.ndarray
    rank: Ints
    mate: Floats
    best_other: Floats
    step: float
    enrolments: int

    @classmethod
    def join(cls, parts: Sequence[Sequence[Tensor]], subject: Ints, step: float) -> "Searches":
        """Join the searches of several enrolments of samples whose subjects are `subject` (N,)."""
        columns = [torch.cat(list(column)).cpu().numpy() for column in zip(*parts, strict=True)]
        sample = np.tile(np.arange(len(subject)), len(parts))
        return cls(sample, subject[sample], *columns, step=step, enrolments=len(parts))

    @property
    def subjects(self) -> int:
        """Number of subjects P; all are enrolled in the closed set, and half of them in the open set."""
        return int(self.subject.max()) + 1

    def count(self, rows: np.ndarray) -> Floats:
        """Count the searches at `rows` (S,) bool by subject, (P,)."""
        return np.bincount(self.subject[rows], minlength=self.subjects).astype(float)


def group_masks(groups: Groups, order: Ints, samples: int) -> Masks:
    """Find the samples of each group.

    Args:
        groups: attributes with labels of all samples.
        order: (N,) rows of the samples that are searched for.
        samples: number of all samples.

    Raises:
        ValueError: labels of another number of samples, or without class names.
    """
    masks: Masks = {("", ""): np.ones(len(order), bool)}
    for attribute, (label, names) in groups.items():
        label = np.asarray(label)
        if label.shape != (samples,):
            raise ValueError(f"{attribute} is {label.shape}, it must have a label for each sample")
        if len(label) and label.max() >= len(names):
            raise ValueError(f"class {label.max()} of {attribute} has no name, there are {len(names)}")
        masks |= {(attribute, name): label[order] == i for i, name in enumerate(names)}
    return masks
