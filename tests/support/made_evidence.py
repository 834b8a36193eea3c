"""Frames of the evidence for a verdict, made by hand."""

import pandas as pd

from evaluation.audit.cache import Frames


def crossed(**values) -> pd.DataFrame:
    """A frame with a row for every combination of the values."""
    return pd.MultiIndex.from_product(values.values(), names=values).to_frame(index=False)


def make_evidence(names, attribute, other, groups) -> Frames:
    """Both hypotheses, the strongest attacker, its paired difference, power, and every further attack."""
    about = {"representation": names, "attribute": [attribute]}
    each = crossed(**about)
    interval = {"low": 0.38, "high": 0.44}
    scored = {"n": 6000, "people": 300}
    return {
        "permutation": crossed(**about, hypothesis=["readable at all", "beyond identity"]).assign(
            scheme="across subjects", attacker="kernel_rbf", scaling="robust", statistic=0.4, **interval,
            p_value=0.005, p_holm=0.02, significant=True, enough=True, permutations=199,
            null_mean=1 / 6, null_high=0.19, blocks=900, **scored,
        ),
        "strongest": each.assign(
            attacker="mlp", scaling="unit", learned_from="unseen", chance=1 / 6,
            balanced_accuracy=0.41, **interval,
        ),
        "smallest_leak": each.assign(accuracy=0.21, power=0.8, alpha=0.05),
        "power": crossed(**about, accuracy=[0.2, 0.25]).assign(detected=0.6, draws=40),
        "subgroups": crossed(**about, group_attribute=[other], group=groups).assign(
            balanced_accuracy=0.5, low=0.4, high=0.6, p_value=0.01, p_holm=0.04, **scored
        ),
        "confident": crossed(**about, share=[0.05, 0.2]).assign(
            n=300, balanced_accuracy=0.8, low=0.7, high=0.9, p_value=0.0001, p_holm=0.02, significant=True,
            enough=True,
        ),
        "learning_curve": crossed(**about, attacker=["linear", "mlp"], n_train=[250, 4000, 40000]).assign(
            balanced_accuracy=0.55, low=0.5, high=0.6, chance=0.5
        ).assign(kind=lambda x: x["n_train"].map({40000: "extrapolated"}).fillna("measured")),
        "access": crossed(**about, access=["retrained", "pairs", "fused"]).assign(
            learned_from="unseen",
            images="all", attacker="mlp", balanced_accuracy=0.5, low=0.4, high=0.6, **scored
        ),
        "verification_within": each.assign(
            metric="cosine", auc=0.97, auc_low=0.96, auc_high=0.98, eer=0.08, eer_low=0.07, eer_high=0.09,
            **{f"tar_at_1e-{k}": 0.9 - 0.15 * k for k in range(1, 6)}, genuine=57000, impostor=8900000,
        ),
        "identification": crossed(
            representation=names, group_attribute=["", other], rank=[1, 2, 5]
        ).assign(
            group=lambda x: x["group_attribute"].where(x["group_attribute"] == "", groups[0]),
            rate=0.9, low=0.88, high=0.92, gallery=300, probes=5700, subjects=300,
        ),
        "identification_open": crossed(representation=names, fpir=[0.01, 0.1]).assign(
            group_attribute="", group="", tpir=0.7, low=0.6, high=0.8, threshold=0.4312, gallery=150,
            mated=2800, non_mated=2900, group_fpir=0.01, group_fpir_low=0.005, group_fpir_high=0.02,
        ),
        "_correct": each.assign(attacker="mlp", scaling="raw", learned_from="unseen", correct=b"\0\0\0\0"),
    }  # fmt: skip
