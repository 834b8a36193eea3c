import math

import numpy as np
import pytest
import torch

from evaluation.verification import identification
from evaluation.verification.identification import identify
from tests.support.verification_sets import at_angles, faces

EVERY = {"group_attribute": "", "group": ""}


def rates(frame, **where):
    """Rows of a frame by the values of columns."""
    for column, value in (EVERY | where).items():
        frame = frame[frame[column] == value]
    return frame


def brute_force(embedding, identity, template, enrolments, seed, fpir):
    """Rates search by search, with the enrolments of `identify`, which draws them in the same order."""
    who, order = identity.sort(stable=True)
    x = torch.nn.functional.normalize(embedding[order].double()).numpy()
    who = who.unique(return_inverse=True)[1]
    generator, sizes = torch.Generator().manual_seed(seed), torch.bincount(who)
    ranks, mates, non_mates = [], [], []
    for _ in range(enrolments):
        drawn = identification._draw_images(who, sizes, template, generator).numpy()
        place = torch.randperm(len(sizes), generator=generator).numpy()
        mean = [x[drawn & (who.numpy() == p)].mean(0) for p in range(len(sizes))]
        gallery = [m / np.linalg.norm(m) for m in mean]
        enrolled = [p for p in range(len(sizes)) if place[p] < len(sizes) // 2]
        for probe, subject, used in zip(x, who.tolist(), drawn, strict=True):
            score = [round(float(probe @ t), 12) for t in gallery]
            others = [p for p in range(len(sizes)) if p != subject]
            if not used:
                ranks.append(1 + sum(score[p] >= score[subject] for p in others))
            best = max(score[p] for p in enrolled if p != subject)
            if subject not in enrolled:
                non_mates.append(best)
            elif not used:
                mates.append(score[subject] if score[subject] > best else -9)
    allowed = math.floor(fpir * len(non_mates) + 1e-9)
    above = sorted(non_mates, reverse=True)[allowed]  # accepts what is above this score
    return np.array(ranks), np.mean(np.array(mates) > above), above


@pytest.mark.parametrize("template", ["image", "mean"])
def test_rates_are_those_of_searching_one_by_one(template):
    embedding, identity = faces(700, 60, d=6, noise=0.7, seed=1)
    found = identify(embedding, identity, template=template, enrolments=3, draws=0, seed=4)
    ranks, tpir, above = brute_force(embedding, identity, template, 3, 4, 0.1)
    closed = rates(found.closed_set)
    assert closed["rank"].tolist() == [1, 2, 3, 5, 10, 20, 50]
    for row in closed.itertuples():
        assert row.rate == pytest.approx(np.mean(ranks <= row.rank), abs=1e-12)
        assert (row.gallery, row.probes) == (60, round(len(ranks) / 3))
    assert 0.2 < closed["rate"].iloc[0] < 0.95
    (row,) = rates(found.open_set, fpir=0.1).itertuples()
    assert row.tpir == pytest.approx(tpir, abs=1e-12)
    assert row.threshold == pytest.approx(above, abs=1e-9)
    assert row.group_fpir == pytest.approx(0.1, abs=0.002)
    assert row.gallery == 30


def test_ranks_by_hand():
    # the probe of subject 0 is nearest to subject 1, then to its own image
    embedding, identity = at_angles(0, 20, 30, 90, 180), torch.tensor([0, 0, 1, 2, 3])
    for seed in range(3):  # either image of subject 0 may be enrolled
        closed = rates(identify(embedding, identity, enrolments=1, seed=seed).closed_set)
        enrolled_is_first = closed["rate"].iloc[0] == 0
        assert closed["rate"].tolist() == ([0, 1, 1] if enrolled_is_first else [1, 1, 1])
        assert closed["probes"].unique().tolist() == [1]
        assert closed["low"].isna().all(), "one subject has no interval"


def test_ties_count_against_the_claimant():
    same = torch.ones(40, 3)
    identity = torch.arange(10).repeat_interleave(4)
    found = identify(same, identity, draws=0)
    assert rates(found.closed_set)["rate"].tolist() == [0, 0, 0, 0]
    assert rates(found.open_set, fpir=0.1)["tpir"].isna().all(), "40 samples are too few"
    many = identify(torch.ones(800, 3), torch.arange(200).repeat_interleave(4), draws=0)
    assert rates(many.open_set, fpir=0.1)["tpir"].item() == 0
    assert rates(many.open_set, fpir=0.1)["group_fpir"].item() == 0


def test_perfect_embeddings_are_identified_and_noise_is_not():
    identity = torch.arange(400).repeat_interleave(3)
    perfect = identify(torch.eye(400)[identity], identity)
    assert rates(perfect.closed_set, rank=1)["rate"].item() == 1
    (row,) = rates(perfect.open_set, fpir=0.1).itertuples()
    assert row.tpir == 1
    assert 0.97 < row.low < row.high == 1
    noise = torch.randn(1200, 16, generator=torch.Generator().manual_seed(0))
    closed = rates(identify(noise, identity).closed_set)
    expected = closed["rank"] / 400  # every rank is as likely
    assert ((closed["low"] < expected) & (expected < closed["high"])).all()
    assert closed["rate"].to_numpy() == pytest.approx(expected, abs=0.02)


def test_a_mean_template_identifies_more():
    embedding, identity = faces(1200, 100, d=16, noise=1.5)
    one, mean = (
        rates(identify(embedding, identity, template=t, draws=0).closed_set, rank=1)["rate"].item()
        for t in ("image", "mean")
    )
    assert mean > one + 0.1


def test_groups_share_gallery_and_threshold():
    embedding, identity = faces(1500, 150, d=12, noise=0.7)
    label = (identity % 3).numpy()
    noisy = torch.where(torch.tensor(label == 2)[:, None], torch.randn(1500, 12), torch.zeros(1))
    groups = {"origin": (np.where(label == 1, -1, label // 2), ("a", "b")), "half": (label * 0, ("all",))}
    found = identify(embedding + 2 * noisy, identity, groups, draws=50)
    rank1 = found.closed_set[found.closed_set["rank"] == 1].set_index("group")
    assert rank1["gallery"].unique().tolist() == [150]
    assert rank1.loc["b", "rate"] < rank1.loc["", "rate"] < rank1.loc["a", "rate"]
    everybody, again = (rates(found.open_set), found.open_set[found.open_set["group"] == "all"])
    columns = ["tpir", "low", "high", "group_fpir", "mated", "non_mated"]
    assert (
        everybody[columns].to_numpy().tolist() == again[columns].to_numpy().tolist()
        or (everybody[columns].isna().to_numpy() == again[columns].isna().to_numpy()).all()
    )
    assert found.open_set.groupby("fpir")["threshold"].nunique(dropna=False).eq(1).all()
    assert rank1["probes"].loc[["a", "b"]].sum() < rank1.loc["", "probes"], "unknown groups count for all"


def test_blocks_and_precision_change_nothing(monkeypatch):
    embedding, identity = faces(500, 80, d=8, noise=0.6)
    whole = identify(embedding, identity, draws=5)
    monkeypatch.setattr(identification, "TILE", 700)
    blocks = identify(embedding, identity, draws=5)
    for one, other in zip(whole, blocks, strict=True):
        assert one.equals(other)
    monkeypatch.setattr(identification, "_EXACT", 0)
    rough = identify(embedding, identity, draws=5)
    assert rough.closed_set["rate"].to_numpy() == pytest.approx(
        whole.closed_set["rate"].to_numpy(), abs=0.002
    )


def test_order_scale_and_unknown_subjects_change_nothing():
    embedding, identity = faces(500, 80, d=8, noise=0.6)
    extra = torch.cat([embedding * torch.rand(500, 1).add(0.1), torch.full((3, 8), torch.nan)])
    found = identify(extra, torch.cat([identity, torch.full((3,), -1)]), draws=3)
    for one, other in zip(identify(embedding, identity, draws=3), found, strict=True):
        for column in one:
            if one[column].dtype == float:
                assert one[column].to_numpy() == pytest.approx(other[column].to_numpy(), nan_ok=True)


@pytest.mark.slow
def test_intervals_hold_the_rate_of_new_subjects():
    rng = np.random.default_rng(0)
    generator = torch.Generator().manual_seed(0)
    centre = torch.randn(6000, 8, generator=generator)
    x = centre.repeat_interleave(3, 0) + 0.45 * torch.randn(18000, 8, generator=generator)
    identity = torch.arange(6000).repeat_interleave(3)
    tables = [
        identity[None].eq(torch.from_numpy(rng.permutation(6000)[:60])[:, None]).any(0) for _ in range(40)
    ]
    found = [rates(identify(x[t], identity[t], draws=100).closed_set, rank=1).iloc[0] for t in tables]
    truth = np.mean([row["rate"] for row in found])
    inside = sum(row["low"] <= truth <= row["high"] for row in found)
    assert 34 <= inside <= 40
    assert 0.6 < truth < 0.99


@pytest.mark.parametrize(
    ("identity", "options", "message"),
    [
        ([0, 0, 0], {}, "3 samples of 1 known subjects"),
        ([0, 1, 2], {}, "identification needs two subjects, one of them with two samples"),
        ([-1, -1, -1], {}, "0 samples of 0 known"),
        ([0, 0, 1], {"groups": {"age": (np.zeros(2), ("old",))}}, r"age is \(2,\)"),
        ([0, 0, 1], {"groups": {"age": (np.array([0, 1, 1]), ("old",))}}, "class 1 of age has no name"),
    ],
)
def test_what_cannot_be_identified_is_refused(identity, options, message):
    with pytest.raises(ValueError, match=message):
        identify(torch.eye(3), torch.tensor(identity), **options)
