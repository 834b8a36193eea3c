import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.verification import pair_scores, pair_tiles
from evaluation.verification.error_rates import auc, count_errors, eer, tar_at_far
from evaluation.verification.pair_scores import count_pairs, score_pairs
from evaluation.verification.pair_tiles import PairTiles, make_tiles
from tests.support.verification_sets import METRICS, all_scores, faces


@pytest.fixture
def rough(monkeypatch):
    """32-bit scores for small sets too, in several tiles."""
    monkeypatch.setattr(pair_scores, "_EXACT", 0)
    monkeypatch.setattr(pair_tiles, "TILE", 50_000)


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(8, 90), people=st.integers(2, 30))
def test_equals_the_scores_of_scipy(metric, seed, n, people):
    embedding, identity = faces(n, people, seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_tiles, "TILE", 500)
        counts = count_pairs(embedding, identity, metric)[1]
    genuine, impostor = all_scores(embedding, identity, metric)
    expected = count_errors(genuine, impostor)
    assert (counts.genuine, counts.impostor) == (len(genuine), len(impostor))
    for figure in (auc, eer, lambda c: tar_at_far(c, 0.1)):
        assert figure(counts) == pytest.approx(figure(expected), abs=1e-9, nan_ok=True)
    at = np.searchsorted(counts.threshold, genuine - 1e-9)
    assert counts.threshold[at] == pytest.approx(genuine, abs=1e-9), "every genuine score is a threshold"


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("noise", [1.0, 20.0])
def test_scores_of_32_bits_give_the_same_figures(metric, noise, rough):
    embedding, identity = faces(1500, 300, d=64, noise=noise)
    tiles, counts = count_pairs(embedding, identity, metric)
    assert tiles.x.dtype == torch.float32
    genuine, impostor = all_scores(embedding, identity, metric)
    exact = count_errors(genuine, impostor)
    assert auc(counts) == pytest.approx(auc(exact), abs=3e-8)  # the more pairs, the less
    assert eer(counts) == pytest.approx(eer(exact), abs=1e-4)
    for far in (1e-1, 1e-2, 1e-3):
        assert tar_at_far(counts, far) == pytest.approx(tar_at_far(exact, far), abs=2 / len(genuine))


@pytest.mark.parametrize("metric", METRICS)
def test_memory_is_a_tile_not_all_pairs(metric, rough, monkeypatch):
    sizes, score = [], PairTiles.score
    monkeypatch.setattr(PairTiles, "score", lambda *a: sizes.append(score(*a).numel()) or score(*a))
    embedding, identity = faces(1200, 300, d=16)
    score_pairs(embedding, identity, metric, draws=10)
    assert max(sizes) <= 256 * (256 + 20)  # of the genuine scores
    assert sum(sizes) > 1200**2


@pytest.mark.parametrize("metric", METRICS)
def test_a_collapsed_representation_is_measured_in_64_bits(metric, rough):
    embedding, identity = faces(400, 100, d=16, noise=0.5)
    expected = count_pairs(embedding, identity, "euclidean")[1]
    tiny = 1.0 + 1e-5 * embedding.double()
    tiles, counts = count_pairs(tiny, identity, metric)
    if metric == "cosine":  # all of them are 1 to seven digits
        assert tiles.x.dtype == torch.float64
        genuine, impostor = all_scores(tiny - 1 - (tiny - 1).mean(1, keepdim=True), identity, "euclidean")
        assert auc(counts) == pytest.approx(auc(count_errors(genuine, impostor)), abs=1e-3)
    else:  # the centre is taken off
        assert tiles.x.dtype == torch.float32
        assert auc(counts) == pytest.approx(auc(expected), abs=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_one_vector_for_all_is_chance_in_32_bits_too(metric, rough):
    vector = torch.randn(1, 512, generator=torch.Generator().manual_seed(2))
    counts = count_pairs(vector.repeat(300, 1), torch.arange(300) // 3, metric)[1]
    assert (auc(counts), eer(counts)) == (0.5, 0.5)


@pytest.mark.parametrize("rounded", [False, True])
def test_embeddings_of_length_1_rank_alike_by_both_metrics(rounded, monkeypatch):
    monkeypatch.setattr(pair_scores, "_EXACT", 0 if rounded else 4096)
    embedding, identity = faces(300, 40)
    unit = torch.nn.functional.normalize(embedding.double())
    cosine, euclidean = (score_pairs(unit, identity, m, draws=0).summary() for m in METRICS)
    figures = ["auc", "eer", "tar_at_1e-1", "tar_at_1e-2"]
    tolerance = 1e-5 if rounded else 1e-12
    assert cosine[figures].to_numpy() == pytest.approx(euclidean[figures].to_numpy(), abs=tolerance)
    raw = score_pairs(embedding, identity, "euclidean", draws=0).summary()
    assert abs(raw["auc"].item() - cosine["auc"].item()) > 1e-3, "the lengths matter where there are some"


def test_a_shift_keeps_euclidean_scores_and_thresholds_scale():
    embedding, identity = faces(200, 30)
    before = score_pairs(embedding, identity, "euclidean", draws=0)
    after = score_pairs(1000 + 7 * embedding.double(), identity, "euclidean", draws=0)
    assert after.summary().equals(before.summary())
    assert after.rates()["threshold"].to_numpy() == pytest.approx(7 * before.rates()["threshold"], rel=1e-9)
    one, other = before.histogram(50), after.histogram(50)
    assert other["score"].to_numpy() == pytest.approx(7 * one["score"], rel=1e-6)
    assert other["impostor"].to_numpy() * 7 == pytest.approx(one["impostor"], rel=1e-6)


def test_one_far_outlier_does_not_blur_the_others(rough):
    embedding, identity = faces(600, 150, d=8)
    embedding = embedding.double()
    expected = score_pairs(embedding[1:], identity[1:], "euclidean", draws=0).summary()
    embedding[0] *= 1e6
    result = score_pairs(embedding, identity, "euclidean", draws=0).summary()
    assert result["eer"].item() == pytest.approx(expected["eer"].item(), abs=4e-3)


def test_the_summary_of_a_perfect_and_of_a_small_set():
    embedding, identity = faces(120, 30, noise=1e-3)
    row = score_pairs(embedding.numpy(), identity.numpy(), draws=20).summary()
    assert list(row) == [
        "metric", "auc", "eer", "auc_low", "auc_high", "eer_low", "eer_high",
        *(f"tar_at_1e-{k}" for k in range(1, 6)), "genuine", "impostor",
    ]  # fmt: skip
    assert row.iloc[0, 1:9].tolist() == [1, 0, 1, 1, 0, 0, 1, 1]
    assert row[[f"tar_at_1e-{k}" for k in (3, 4, 5)]].isna().all(axis=None), "7,000 impostors cannot say"
    assert row["genuine"].item() + row["impostor"].item() == 120 * 119 // 2


def test_unknown_people_are_ignored_whatever_they_hold():
    embedding, identity = faces(100, 20)
    padded = torch.cat([embedding, torch.full((3, 8), math.nan)])
    who = torch.cat([identity, torch.tensor([-1] * 3)])
    for metric in METRICS:
        one, other = (score_pairs(*x, metric).summary() for x in ((embedding, identity), (padded, who)))
        assert one.equals(other)


@pytest.mark.parametrize("metric", METRICS)
def test_nobody_known_gives_empty_frames(metric):
    scores = score_pairs(torch.ones(3, 2), torch.tensor([-1] * 3), metric)
    assert scores.summary()["auc"].isna().all()
    assert len(scores.rates()) == len(scores.histogram()) == 0


def test_tiles_of_some_samples_score_as_they_did():
    embedding, identity = faces(80, 12)
    for metric in METRICS:
        tiles = make_tiles(embedding, identity, metric, torch.float64)
        some = torch.arange(80) % 3 > 0
        part = tiles.take(some)
        at = some.nonzero()[:, 0]
        every = tiles.score(slice(None), slice(None))
        assert torch.equal(part.score(slice(None), slice(None)), every[at[:, None], at])
        assert torch.equal(identity[tiles.order], identity.sort().values)


def test_broken_embeddings_are_refused():
    embedding, identity = faces()
    embedding[3, 1] = math.inf
    for metric in METRICS:
        with pytest.raises(ValueError, match="1 of 60 embeddings are not finite"):
            score_pairs(embedding, identity, metric)
    embedding[3] = 0
    assert score_pairs(embedding, identity, "euclidean").summary()["auc"].notna().all()


@pytest.mark.parametrize("metric", METRICS)
def test_reduced_training_precision_does_not_reach_the_scores(metric, rough):
    embedding, identity = faces(300, 60, d=64)
    expected = count_pairs(embedding, identity, metric)[1]
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", torch.bfloat16):
            counts = count_pairs(embedding, identity, metric)[1]
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert np.array_equal(counts.threshold, expected.threshold)
    assert np.array_equal(counts.impostor_below, expected.impostor_below)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("metric", METRICS)
def test_a_gpu_gives_the_same(metric):
    embedding, identity = faces(5000, 1000, d=64)
    one, other = (score_pairs(embedding.to(d), identity.to(d), metric).summary() for d in ("cpu", "cuda"))
    assert one.iloc[:, 1:].to_numpy() == pytest.approx(other.iloc[:, 1:].to_numpy(), abs=1e-5, nan_ok=True)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("precise", [True, False])
def test_impostors_of_one_group_are_those_of_scipy(metric, precise, monkeypatch):
    monkeypatch.setattr(pair_tiles, "TILE", 5000)
    if not precise:
        monkeypatch.setattr(pair_scores, "_EXACT", 0)
    embedding, identity = faces(300, 60, d=16)
    group = torch.randint(-1, 3, (300,), generator=torch.Generator().manual_seed(1))  # also within subjects
    known = group >= 0
    x, who, of = (a[known] for a in (embedding, identity, group))
    counts = score_pairs(embedding, identity, metric, draws=0, group=group).counts
    genuine = all_scores(x, who, metric)[0]
    impostor = np.concatenate([all_scores(x[of == g], who[of == g], metric)[1] for g in range(3)])
    expected = count_errors(genuine, impostor)
    assert (counts.genuine, counts.impostor) == (len(genuine), len(impostor))
    assert auc(counts) == pytest.approx(auc(expected), abs=1e-9 if precise else 1e-6)
    assert eer(counts) == pytest.approx(eer(expected), abs=1e-9 if precise else 1e-3)
    assert abs(auc(counts) - auc(count_pairs(x, who, metric)[1])) > 1e-5, "all impostors give another figure"


def test_one_group_is_no_group():
    embedding, identity = faces(200, 50)
    one, none = (
        score_pairs(embedding, identity, draws=20, group=g) for g in (torch.zeros(200, dtype=int), None)
    )
    assert one.summary().equals(none.summary())


def test_what_tells_groups_apart_is_no_help_within_them():
    embedding, identity = faces(300, 100, d=4, noise=3.0)
    group = identity % 2
    shown = torch.cat([embedding, 30 * group[:, None].double()], 1)
    plain, aided = (score_pairs(x, identity, "euclidean", draws=0) for x in (embedding, shown))
    assert auc(aided.counts) > auc(plain.counts) + 0.1
    within = [score_pairs(x, identity, "euclidean", draws=0, group=group) for x in (embedding, shown)]
    assert auc(within[0].counts) == pytest.approx(auc(within[1].counts), abs=1e-9)
