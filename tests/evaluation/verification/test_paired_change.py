import numpy as np
import pandas as pd
import pytest
import torch

from evaluation.verification.pair_scores import score_pairs
from evaluation.verification.paired_change import verification_change
from tests.support.verification_sets import faces


def scored(metric="cosine", draws=300, **embeddings):
    """Frames of verification and its draws, for embeddings of the same subjects."""
    _, identity = faces(300, 60)
    found = {name: score_pairs(x, identity, metric, draws) for name, x in embeddings.items()}
    summaries = [scores.summary().assign(representation=name) for name, scores in found.items()]
    drawn = [scores.drawn.assign(representation=name, metric=metric) for name, scores in found.items()]
    return pd.concat(summaries, ignore_index=True), pd.concat(drawn, ignore_index=True)


def noisy(amount):
    x, _ = faces(300, 60, noise=1.0)
    return x + amount * torch.randn(x.shape, generator=torch.Generator().manual_seed(5))


def test_a_small_loss_is_certain_though_the_intervals_overlap():
    verification, drawn = scored(x=noisy(0.0), phi=noisy(0.5))
    x, phi = verification.itertuples()
    assert phi.auc_high > x.auc_low, "each interval alone holds the other's figure"
    auc, eer = verification_change(verification, drawn, "x").itertuples()
    assert (auc.representation, auc.measure, eer.measure) == ("phi", "auc", "eer")
    assert auc.difference == phi.auc - x.auc
    assert auc.difference_low < auc.difference < auc.difference_high < 0
    assert 0 < eer.difference < eer.difference_high


def test_the_same_embeddings_do_not_change():
    verification, drawn = scored(x=noisy(0.0), again=2 * noisy(0.0))
    change = verification_change(verification, drawn, "x")
    columns = ["difference", "difference_low", "difference_high"]
    np.testing.assert_allclose(change[columns], 0, atol=1e-12)


def test_draws_pair_the_same_subjects():
    _, drawn = scored(x=noisy(0.0), phi=noisy(0.2))
    x, phi = (drawn.loc[drawn["representation"] == name, "auc"].to_numpy() for name in ("x", "phi"))
    assert np.corrcoef(x, phi)[0, 1] > 0.8


def test_without_draws_there_is_no_interval():
    verification, drawn = scored(x=noisy(0.0), phi=noisy(0.5), draws=0)
    change = verification_change(verification, drawn, "x")
    assert change["difference_low"].isna().all()
    assert (change["difference"] == change["after"] - change["before"]).all()


def test_draws_that_cannot_be_paired_are_refused():
    verification, drawn = scored(x=noisy(0.0), phi=noisy(0.5))
    with pytest.raises(ValueError, match="x has 300 draws of the subjects, phi 299"):
        verification_change(verification, drawn[:-1], "x")
