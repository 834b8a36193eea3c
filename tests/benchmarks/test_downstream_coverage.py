import sys

import numpy as np

from benchmarks import downstream_coverage
from benchmarks.downstream_coverage import DRAWS, MEASURES, first_draws, population
from tests.support.biased_people import random_answers


def test_the_table_has_a_line_for_each_measure_and_draws(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["downstream_coverage", "--tables", "2"])
    downstream_coverage.main()
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if "expected gap" in line]) == len(MEASURES)
    assert len([line for line in lines if "width" in line]) == len(MEASURES) * len(DRAWS)


def test_the_first_draws_are_kept_whole():
    answers = random_answers(draws=3)
    kept = first_draws(answers, 2)
    assert kept.draws == 2
    np.testing.assert_array_equal(kept.score, answers.score[answers.draw < 2])


def test_populations_differ_and_a_seed_gives_the_same():
    one, again, other = (population(seed).embeddings["x"] for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
