"""Constructions with a leak that the audit must find."""

import numpy as np

from benchmarks.audit_validity.case import Construction, Right, Table
from benchmarks.audit_validity.geometry import (
    Rng,
    cloud,
    draw_label,
    linear_leak,
    shift_for,
    subjects_of,
)
from evaluation.samples.arrays import Floats

_LINEAR_ONLY = {"attackers": ["linear"]}


def _linear(rng: Rng, accuracy: float = 0.9, width: int = 12) -> Table:
    """Draw 450 samples of 150 subjects; the attribute is the subject's."""
    identity = subjects_of(150, 3)
    label = draw_label(identity, rng)
    return Table(linear_leak(identity, label, width, accuracy, rng), label, identity)


def _changed(table: Table, embedding: Floats) -> list[Table]:
    return [Table(embedding, table.label, table.identity)]


def outlier_rows(rng: Rng) -> list[Table]:
    """Linear leak of .998; 2 % of the rows are multiplied."""
    table = _linear(rng, 0.998)
    factor = np.where(rng.permutation(450) < 9, 1e18, 1.0)
    return _changed(table, table.embedding * factor[:, None])


def two_huge_rows(rng: Rng) -> list[Table]:
    """Linear leak of .998; two rows are huge, in float32."""
    table = _linear(rng, 0.998)
    factor = np.where(rng.permutation(450) < 2, 1e25, 1.0)
    return _changed(table, (table.embedding * factor[:, None]).astype(np.float32))


def random_lengths(rng: Rng) -> list[Table]:
    """Linear leak of .998; every row has a random length."""
    table = _linear(rng, 0.998)
    return _changed(table, table.embedding * np.exp(8 * rng.normal(size=(450, 1))))


def _bits(rng: Rng, count: int, samples: int) -> Table:
    """Draw labels that are the parity of the signs of `count` features; fewer of them tell nothing."""
    identity = subjects_of(samples // 4, 4)
    signs = rng.choice([-1.0, 1.0], size=(samples, count))
    label = (signs.prod(1) > 0).astype(np.int64)
    return Table(signs + 0.1 * rng.normal(size=signs.shape), label, identity)


def xor(rng: Rng) -> list[Table]:
    """1.0 by two features together."""
    return [_bits(rng, 2, 480)]


def parity(rng: Rng) -> list[Table]:
    """1.0 by eight features together."""
    return [_bits(rng, 8, 2400)]


def flipped_trait(rng: Rng) -> list[Table]:
    """.75 across subjects, nothing beyond identity."""
    identity = subjects_of(600, 5)
    trait = draw_label(identity, rng)
    label = np.where(rng.random(3000) < 0.25, 1 - trait, trait)
    return [Table(linear_leak(identity, trait, 12, 0.998, rng), label, identity)]


def linear(rng: Rng) -> list[Table]:
    """.90."""
    return [_linear(rng)]


def radial(rng: Rng) -> list[Table]:
    """By length alone, about 1.0."""
    identity = subjects_of(160, 3)
    label = draw_label(identity, rng, constant=False)
    return [Table(cloud(identity, 8, rng) * np.where(label, 2.0, 0.7)[:, None], label, identity)]


def tiny_dimension(rng: Rng) -> list[Table]:
    """.90."""
    table = _linear(rng)
    return _changed(table, table.embedding * np.where(np.arange(12) == 0, 1e-6, 1.0))


def cauchy(rng: Rng) -> list[Table]:
    """.898."""
    identity = subjects_of(200, 3)
    label = draw_label(identity, rng)
    x = rng.standard_cauchy(size=(600, 12))
    x[:, 0] += 6 * (label - 0.5)  # the best rule, the sign, has accuracy 1/2 + atan(3) / pi = .898
    return [Table(x, label, identity)]


def ten_classes(rng: Rng) -> list[Table]:
    """About .99."""
    identity = subjects_of(200, 4)
    label = draw_label(identity, rng, shares=(0.1,) * 10)
    return [Table(cloud(identity, 24, rng, between=0.0) + 5 * np.eye(24)[label], label, identity)]


def half_unknown(rng: Rng) -> list[Table]:
    """.90."""
    identity = subjects_of(300, 3)
    label = draw_label(identity, rng)
    x = linear_leak(identity, label, 12, 0.9, rng)
    return [Table(x, np.where(rng.random(300)[identity] < 0.5, -1, label), identity)]


def wider_than_long(rng: Rng) -> list[Table]:
    """About 1.0."""
    identity = subjects_of(100, 3)
    label = draw_label(identity, rng)
    x = cloud(identity, 4096, rng, between=0.5) + 0.3 * (label - 0.5)[:, None]
    return [Table(x, label, identity)]


def constant_columns(rng: Rng) -> list[Table]:
    """.90."""
    table = _linear(rng)
    return _changed(table, np.hstack([table.embedding, np.zeros((450, 3)), np.full((450, 3), 1e6)]))


def rare_class(rng: Rng) -> list[Table]:
    """.95."""
    identity = subjects_of(500, 3)
    label = draw_label(identity, rng, shares=(0.98, 0.02))
    return [Table(linear_leak(identity, label, 12, 0.95, rng), label, identity)]


def habits(rng: Rng) -> list[Table]:
    """.80 across subjects, nothing beyond identity."""
    identity = subjects_of(200, 6)
    often = draw_label(identity, rng)
    label = (rng.random(1200) < np.where(often, 0.8, 0.2)).astype(np.int64)
    return [Table(linear_leak(identity, often, 12, 0.998, rng), label, identity)]


def correlated(rng: Rng) -> list[Table]:
    """.77."""
    identity = subjects_of(300, 3)
    leaking = draw_label(identity, rng)
    agree = rng.permutation(300)[identity] < 240
    label = np.where(agree, leaking, 1 - leaking)
    x = linear_leak(identity, leaking, 12, 0.95, rng)
    return [Table(x, label, identity, others={"leaking": leaking})]


def half_precision(rng: Rng) -> list[Table]:
    """.90."""
    table = _linear(rng)
    return _changed(table, table.embedding.astype(np.float16))


def quantised(rng: Rng) -> list[Table]:
    """.90."""
    table = _linear(rng)
    return _changed(table, np.sign(table.embedding))


def leaking_minority(rng: Rng) -> list[Table]:
    """.525 in all, 1.0 of the minority."""
    identity = subjects_of(400, 4)
    label = draw_label(identity, rng)
    minority = (rng.permutation(400) < 20)[identity]
    x = cloud(identity, 12, rng, between=0.5)
    x[:, 0] += np.where(minority, shift_for(0.998) * 2 * (label - 0.5), 0)
    return [Table(x, label, identity, others={"minority": minority.astype(np.int64)})]


READABLE = "readable"
LEAKS = [
    Construction("2 % of rows x 1e18", Right(READABLE, at_least=0.97), outlier_rows),
    Construction("2 rows x 1e25, float32", Right(READABLE, at_least=0.97), two_huge_rows),
    Construction("random row lengths", Right(READABLE, at_least=0.97), random_lengths),
    Construction("XOR, linear attacker alone", Right(READABLE, at_least=0.9), xor, _LINEAR_ONLY),
    Construction("XOR", Right(READABLE, at_least=0.95), xor),
    Construction("parity of 8 bits", Right(READABLE, at_least=0.55), parity),
    Construction(
        "trait, 25 % of labels flipped",
        Right(READABLE, at_least=0.72, at_most=0.78, beyond_identity=False),
        flipped_trait,
    ),
    Construction("linear", Right(READABLE, at_least=0.85, at_most=0.95), linear),
    Construction("radial", Right(READABLE, at_least=0.9), radial),
    Construction("one dimension at 1e-6", Right(READABLE, at_least=0.85), tiny_dimension),
    Construction("Cauchy tails", Right(READABLE, at_least=0.84, at_most=0.95), cauchy),
    Construction("ten classes", Right(READABLE, at_least=0.9), ten_classes),
    Construction("half of the labels unknown", Right(READABLE, at_least=0.85), half_unknown),
    Construction("300 x 4,096", Right(READABLE, at_least=0.9), wider_than_long),
    Construction("constant columns", Right(READABLE, at_least=0.85), constant_columns),
    Construction("classes 98 : 2", Right(READABLE, at_least=0.8), rare_class),
    Construction("habits of subjects", Right(READABLE, at_least=0.75, beyond_identity=False), habits),
    Construction("correlated attributes", Right(READABLE, at_least=0.7, at_most=0.84), correlated),
    Construction("float16", Right(READABLE, at_least=0.85), half_precision),
    Construction("one bit a feature", Right(READABLE, at_least=0.85), quantised),
    Construction("a leaking minority of 5 %", Right(READABLE), leaking_minority),
]
