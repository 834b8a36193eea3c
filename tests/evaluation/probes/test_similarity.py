import numpy as np
import pytest

from evaluation.probes import similarity as module
from evaluation.probes.similarity import similarity

RNG = np.random.default_rng(0)
LABEL = RNG.integers(3, size=90)
CENTRES = RNG.normal(size=(3, 5))
X = CENTRES[LABEL] + RNG.normal(size=(90, 5))
TRAIN, TEST, SHOWN = X[:60], X[60:], LABEL[:60]


def by_hand(n, log_rank):
    """One sample at a time, as the paper describes it."""
    found = []
    for probe in TEST:
        score = []
        for c in range(3):
            cosine = [probe @ x / np.linalg.norm(probe) / np.linalg.norm(x) for x in TRAIN[c == SHOWN]]
            best = np.sort(cosine)[::-1][:n]
            rank = np.arange(1, len(best) + 1)
            score.append(np.average(best, weights=np.log10((rank + 1) / rank) if log_rank else None))
        found.append(np.argmax(score))
    return np.array(found)


@pytest.mark.parametrize("log_rank", [0, 1])
def test_the_most_similar_of_each_class_decide(log_rank, monkeypatch):
    monkeypatch.setattr(module, "_ROWS", 7)
    counts = (1, 4, 600)  # of more than a class has, all are taken
    found = similarity(TRAIN, SHOWN, TEST, [{"n": n, "log_rank": log_rank} for n in counts], 0)
    for read, n in zip(found, counts, strict=True):
        np.testing.assert_array_equal(read, by_hand(n, log_rank))


def test_the_length_of_an_embedding_plays_no_part():
    settings = [{"n": 5, "log_rank": 1}]
    length = np.exp(RNG.normal(scale=20, size=(60, 1)))
    read = similarity(TRAIN * length, SHOWN, TEST, settings, 0)[0]
    np.testing.assert_array_equal(read, similarity(TRAIN, SHOWN, TEST, settings, 0)[0])
    assert np.isfinite(similarity(np.zeros((60, 5)), SHOWN, TEST, settings, 0)[0]).all()
