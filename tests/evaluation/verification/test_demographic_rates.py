import math

import numpy as np
import pytest
import torch
from fairlearn.metrics import MetricFrame, false_negative_rate, false_positive_rate

from evaluation.verification import pair_scores
from evaluation.verification.demographic_rates import demographic_rates
from evaluation.verification.differentials import fdr, garbe, n_sigma
from tests.support.verification_sets import METRICS, faces


def grouped(n=400, people=100, groups=3):
    """Faces of groups; the people of group 0 look more alike than the others."""
    embedding, identity = faces(n, people, d=16, noise=0.8)
    group = identity % groups
    embedding[group == 0] += torch.linspace(-2, 2, 16)
    return embedding, identity, group


def listed(embedding, identity, group, metric):
    """Score, whether genuine, and the group of each pair, -1 for two."""
    x = torch.nn.functional.normalize(embedding.double()).numpy()
    raw = embedding.double().numpy()
    i, j = np.triu_indices(len(x), 1)
    score = (x[i] * x[j]).sum(1) if metric == "cosine" else -np.linalg.norm(raw[i] - raw[j], axis=1)
    one, other = group.numpy()[i], group.numpy()[j]
    return score, (identity[i] == identity[j]).numpy(), np.where(one == other, one, -1)


@pytest.mark.parametrize("metric", METRICS)
def test_equals_fairlearn_on_all_pairs(metric):
    embedding, identity, group = grouped()
    table, differentials = demographic_rates(embedding, identity, group, 0.01, metric=metric)
    score, same, pair_group = listed(embedding, identity, group, metric)
    (threshold,) = table["threshold"].unique()
    # half a step lower: scores are rounded, and the threshold is one of them
    accepted = score >= threshold - 1e-9
    assert 0.0095 < accepted[~same].mean() <= 0.01
    inside = pair_group >= 0
    frame = MetricFrame(
        metrics={"fmr": false_positive_rate, "fnmr": false_negative_rate},
        y_true=same[inside], y_pred=accepted[inside], sensitive_features=pair_group[inside],
    )  # fmt: skip
    assert table["group"].tolist() == [0, 1, 2]
    for rate in ("fmr", "fnmr"):
        assert table[rate].to_numpy() == pytest.approx(frame.by_group[rate].to_numpy(), abs=1e-12)
    value = differentials.set_index("measure")["value"]
    difference, ratio = frame.difference(), frame.ratio()
    assert value["fmr_gap"] == pytest.approx(difference["fmr"])
    assert value["fnmr_gap"] == pytest.approx(difference["fnmr"])
    assert value["fmr_ratio"] == pytest.approx(1 / ratio["fmr"])
    fmr, fnmr = table["fmr"].to_numpy(), table["fnmr"].to_numpy()
    assert value["fdr"] == pytest.approx(fdr(fmr, fnmr))
    assert value["garbe"] == pytest.approx(garbe(fmr, fnmr))
    for row in table.itertuples():
        here = pair_group == row.group
        assert (row.genuine, row.impostor) == (same[here].sum(), (~same)[here].sum())
        for kind, scores in (("genuine", score[here & same]), ("impostor", score[here & ~same])):
            moments = getattr(row, f"{kind}_mean"), getattr(row, f"{kind}_std")
            assert moments == pytest.approx((scores.mean(), scores.std()), rel=1e-3, abs=1e-4)
    mean, deviation = table["impostor_mean"].to_numpy(), table["impostor_std"].to_numpy()
    assert value["n_sigma_impostor"] == pytest.approx(n_sigma(mean, deviation))


def test_the_intervals_surround_the_rates():
    one, again, other = (demographic_rates(*grouped(), 0.02, seed=seed)[0] for seed in (0, 0, 1))
    for rate in ("fmr", "fnmr"):
        assert (one[f"{rate}_low"] < one[rate]).all()
        assert (one[rate] < one[f"{rate}_high"]).all()
    assert one.equals(again)
    assert not one["fmr_low"].equals(other["fmr_low"])
    assert one["fnmr"].equals(other["fnmr"])


def test_without_draws_or_with_two_people_there_are_no_intervals():
    embedding, identity, group = grouped()
    assert demographic_rates(embedding, identity, group, 0.02, draws=0)[0]["fmr_low"].isna().all()
    two = torch.where((group == 0) | (identity < 5), group, -1)  # the people 1 and 4 are left of group 1
    table = demographic_rates(embedding, identity, two, 0.02)[0].set_index("group")
    assert not math.isnan(table["fnmr_low"][0])
    assert math.isnan(table["fnmr_low"][1])
    assert not math.isnan(table["fnmr"][1])


def test_alike_people_are_confused_and_the_figures_say_so():
    table, differentials = demographic_rates(*grouped(), 0.02)
    assert table["fmr"].iloc[0] > 3 * table["fmr"].iloc[1:].max()
    value = differentials.set_index("measure")["value"]
    assert value["fmr_ratio"] > 3
    assert value["n_sigma_impostor"] > 1
    assert value["garbe"] > 0.2


def test_scores_of_32_bits_give_the_same_rates(monkeypatch):
    exact = demographic_rates(*grouped(), 0.01)[0]
    monkeypatch.setattr(pair_scores, "_EXACT", 0)
    rough = demographic_rates(*grouped(), 0.01)[0]
    assert rough["fnmr"].to_numpy() == pytest.approx(exact["fnmr"].to_numpy(), abs=5e-3)
    assert rough["fmr"].to_numpy() == pytest.approx(exact["fmr"].to_numpy(), abs=5e-4)


def test_unknown_groups_count_for_the_threshold_alone():
    embedding, identity, group = grouped()
    whole = demographic_rates(embedding, identity, group, 0.01)[0].iloc[1:].reset_index(drop=True)
    part = demographic_rates(embedding, identity, group.where(group > 0, -1), 0.01)[0]
    ends = [column for column in whole if column.endswith(("_low", "_high"))]  # each group draws anew
    assert part.drop(columns=ends).equals(whole.drop(columns=ends))
    assert part[ends].to_numpy() == pytest.approx(whole[ends].to_numpy(), rel=0.1)


def test_a_named_group_without_samples_is_nan_and_left_out():
    embedding, identity, group = grouped(groups=2)
    names = ["no", "yes", "maybe"]
    table, differentials = demographic_rates(embedding, identity, group, 0.01, names=names)
    assert table["group"].tolist() == names
    assert table.iloc[2][["fmr", "fnmr", "genuine_mean"]].isna().all()
    assert table.iloc[2][["genuine", "impostor"]].tolist() == [0, 0]
    two = demographic_rates(embedding, identity, group, 0.01)[1]
    assert differentials.equals(two)


def test_without_groups_nothing_is_compared():
    embedding, identity, group = grouped()
    table, differentials = demographic_rates(embedding, identity, torch.full_like(group, -1), 0.01)
    assert len(table) == 0
    assert "fmr" in table
    assert all(map(math.isnan, differentials["value"]))


def test_what_cannot_be_measured_is_refused():
    embedding, identity, group = grouped()
    with pytest.raises(ValueError, match="FMR of 1e-05 takes 3,000,000 impostor pairs"):
        demographic_rates(embedding, identity, group, 1e-5)
    with pytest.raises(ValueError, match="group 2 has no name, there are 2"):
        demographic_rates(embedding, identity, group, 0.01, names=["a", "b"])
    with pytest.raises(ValueError, match=r"group is \(3,\)"):
        demographic_rates(embedding, identity, group[:3], 0.01)
