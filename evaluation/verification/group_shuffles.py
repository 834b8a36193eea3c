"""Shuffle the groups of samples so that they have nothing to do with the faces."""

import numpy as np

from evaluation.samples.arrays import Ints


class GroupShuffles:
    """Shuffle the groups of N samples over their subjects.

    Subjects whose samples are all in one group exchange it with one another. Where a subject's samples are in
    several groups (as by expression), the groups change places within the subject.

    Args:
        subject: (N,) subjects, 0 to P - 1.
        group: (N,) groups, from 0.
    """

    def __init__(self, subject: Ints, group: Ints) -> None:
        subjects = int(subject.max(initial=-1)) + 1
        low, high = np.full(subjects, group.max(initial=0)), np.zeros(subjects, np.int64)
        np.minimum.at(low, subject, group)
        np.maximum.at(high, subject, group)
        self.subject, self.group, self.own = subject, group, low
        self.fixed = np.flatnonzero(low == high)
        self.mixed = np.flatnonzero((low < high)[subject])  # samples
        self.by_subject = self.mixed[np.argsort(subject[self.mixed], kind="stable")]

    def draw(self, rng: np.random.Generator) -> Ints:
        """Shuffle once, (N,)."""
        own = self.own.copy()
        own[self.fixed] = rng.permutation(self.own[self.fixed])
        group = own[self.subject]
        order = np.lexsort((rng.random(len(self.mixed)), self.subject[self.mixed]))
        group[self.by_subject] = self.group[self.mixed[order]]
        return group
