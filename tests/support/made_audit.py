"""An audit whose frames are made by hand, for what words, draws and writes them."""

import numpy as np
import pandas as pd

from evaluation.audit.choices import choose_representations
from evaluation.audit.result import STRONGEST, Audit, Caveat
from evaluation.leakage.reduction import leakage_reduction
from tests.support.made_evidence import crossed, make_evidence

ATTACKERS = ("linear", "mlp", "rbf_svm", "forest", "knn", "boosting")
HOSTILE = (
    "<script>document.title='taken'</script>",
    '"><img src=x onerror=alert(1)>',
    r"$\frac{1}$ & 50 % of_it #1 {a} \end{table}",
    "a | b\nc `d` *e*",
)


def removed_frame(leakage, names) -> pd.DataFrame:
    """The reductions of every attacker and of the strongest, with intervals that do not follow from them."""
    key = ["attribute", "attacker", "scaling"]
    best = leakage.loc[leakage.groupby(["representation", "attribute"])["balanced_accuracy"].idxmax()]
    table = pd.concat([leakage, best.assign(attacker=STRONGEST, scaling="any")])
    before, after = (
        table[table["representation"].isin(some)].set_index(key) for some in (names[:1], names[1:])
    )
    joined = after.join(before["balanced_accuracy"].rename("before")).reset_index()
    joined = joined.rename(columns={"balanced_accuracy": "after"})
    gone = [leakage_reduction(x.before, x.after, x.chance) for x in joined.itertuples()]
    return joined[["representation", *key, "before", "after", "chance"]].assign(
        difference=-0.27, difference_low=-0.3, difference_high=-0.24,
        removed=gone, removed_low=48.1, removed_high=57.2, n=6000,
    )  # fmt: skip


def make_audit(
    names=("x", "phi"),
    attribute="emotion",
    other="gender",
    binary="smiling",
    groups=("women", "men"),
    score=(0.68, 0.41),
) -> Audit:
    """Two representations, one sensitive attribute of six classes, another of two, and every section."""
    rng = np.random.default_rng(0)
    leakage = crossed(
        representation=names, attribute=[attribute], attacker=ATTACKERS, scaling=["standardised", "raw"]
    )
    weaker = 0.02 * leakage["attacker"].map({"mlp": 0, "linear": 3, "forest": 4}).fillna(2)
    read = leakage["representation"].map(dict(zip(names, score, strict=True))) - weaker
    read -= 0.1 * (leakage["scaling"] == "raw")
    leakage = leakage.assign(
        accuracy=read + 0.01, balanced_accuracy=read, low=read - 0.03, high=read + 0.03, chance=1 / 6,
        majority=0.2, n=6000, people=300, n_train=4800, settings="hidden=1024",
        learned_from="unseen",
    )  # fmt: skip
    curve = crossed(representation=names, metric=["cosine"], threshold=np.linspace(-1, 1, 101))
    curve["fmr"] = 1 / (1 + np.exp(12 * (curve["threshold"] - 0.1)))
    curve["fnmr"] = 1 / (1 + np.exp(-12 * (curve["threshold"] - 0.6)))
    bins = crossed(representation=names, metric=["cosine"], score=np.linspace(-1, 1, 51))
    bins["width"] = 0.04
    bins["genuine"], bins["impostor"] = (np.exp(-8 * (bins["score"] - at) ** 2) for at in (0.6, 0.0))
    metrics = crossed(representation=names, metric=["cosine", "euclidean"])
    verification = metrics.assign(
        auc=0.99,
        auc_low=0.985,
        auc_high=0.995,
        eer=0.04,
        eer_low=0.03,
        eer_high=0.05,
        **{f"tar_at_1e-{k}": 1 - 0.15 * k for k in range(1, 6)},
        genuine=57000,
        impostor=17900000,
    )
    families = crossed(representation=names, attribute=[attribute], family=["linear", "mlp"])
    suppression = crossed(
        representation=names, attribute=[attribute], share_removed=[0, 0.5, 0.9], draw=range(3)
    )
    people = crossed(representation=names, attribute=[other], group=groups)
    gaps = crossed(representation=names, attribute=[binary], measure=["tpr", "fpr", "accuracy"])
    points = pd.DataFrame(rng.normal(size=(60, 2)), columns=["x", "y"]).assign(
        **{f"label.{attribute}": np.arange(60) % 6}
    )
    rates = {"accuracy": 0.7, "tpr": 0.8, "fpr": 0.3, "selection_rate": 0.55}
    ends = {
        f"{name}_{end}": value + by
        for name, value in rates.items()
        for end, by in (("low", -0.05), ("high", 0.05))
    }
    candidates = crossed(representation=names, attribute=[binary])  # the first more accurate, the last fairer
    for place, part in enumerate(("val", "test")):
        candidates[f"{part}_accuracy"] = 0.8 - 0.1 * candidates.index - 0.01 * place
        candidates[f"{part}_worst_group_accuracy"] = 0.6 + 0.05 * candidates.index + 0.01 * place
        candidates[f"{part}_tpr_gap"] = 0.4 - 0.3 * candidates.index + 0.02 * place
        candidates[f"{part}_leakage"] = 0.9 - 0.3 * candidates.index + 0.05 * place
    maps = pd.concat([points.assign(representation=name) for name in names], ignore_index=True)
    evidence = make_evidence(names, attribute, other, groups)
    strongest = evidence["strongest"]
    strongest["balanced_accuracy"] = strongest["representation"].map(dict(zip(names, score, strict=True)))
    frames = {
        **evidence,
        "leakage": leakage,
        "removed": removed_frame(leakage, names),
        "information": families.assign(bits=0.8, low=0.7, high=0.9, entropy=2.58),
        "description_length": families.assign(
            codelength=12000.0, uniform=15500.0, compression=1.29, prior=14300.0
        ),
        "health": crossed(representation=names).assign(
            samples=6000, dimensions=256, scale=0.06, effective_rank=80.0
        ),
        "suppression": suppression.assign(
            features=100,
            chance=1 / 6,
            balanced_accuracy=0.5 - 0.3 * suppression["share_removed"] + 0.01 * rng.random(len(suppression)),
        ),
        "attribute_map": crossed(representation=names, attribute=[attribute, other]).assign(
            balanced_accuracy=0.7, low=0.65, high=0.75, chance=0.5
        ),
        "tsne": maps,
        "verification": verification,
        "verification_curve": curve,
        "verification_histogram": bins,
        "lfw_view1": metrics.assign(
            accuracy=0.968,
            low=0.955,
            high=0.977,
            threshold=0.31,
            auc=0.991,
            eer=0.033,
            pairs=1000,
            missing=3,
            official=True,
        ),
        "lfw_view2": metrics.assign(
            accuracy=0.9655,
            standard_error=0.0032,
            auc=0.99,
            eer=0.034,
            pairs=6000,
            missing=0,
            folds=10,
            official=False,
        ),
        "demographic_rates": people.assign(
            threshold=0.4,
            fmr=0.001,
            fnmr=0.05,
            genuine=2000,
            impostor=90000,
            fmr_low=0.0004,
            fmr_high=0.0021,
            fnmr_low=0.031,
            fnmr_high=0.07,
        ),
        "demographic_differentials": crossed(
            representation=names, attribute=[other], measure=["fdr", "garbe", "ser_fmr"]
        ).assign(value=0.9, low=0.8, high=0.95, p_value=0.032, null_median=0.95, null_95=0.85),
        "downstream": crossed(
            representation=names, attribute=[binary], group=["all samples", *groups]
        ).assign(n=400, **rates, **ends),
        "signed_gaps": gaps.assign(gap=-0.1, low=-0.2, high=0.01),
        "dose_response": gaps.merge(pd.DataFrame({"bias": [0.5, 0.7]}), how="cross").assign(
            gap=0.1, low=-0.02, high=0.2
        ),
        "dose_slopes": gaps.assign(slope=0.5, low=0.31, high=0.72),
        "gap_changes": gaps[gaps["representation"] != names[0]]
        .reset_index(drop=True)
        .assign(
            bias=0.7,
            before=0.31,
            after=0.12,
            change=-0.19,
            low=-0.25,
            high=-0.11,
            ratio=0.39,
            ratio_low=0.21,
            ratio_high=0.55,
        ),
        "candidates": candidates,
        "selection": choose_representations(candidates, leakage_at_most=0.625),
    }
    return Audit(
        names=tuple(names),
        attributes=(attribute,),
        classes={attribute: (*groups, *"abcd"), binary: tuple(groups)},
        frames=frames,
        caveats=[Caveat("raw attackers read less than standardised ones", names[-1], attribute)],
        settings={"attackers": list(ATTACKERS), "tune": True, "seed": 0, "folds": 5, "repeats": 1,
                  "per_group": None, "permutations": 199,
                  "group": other,
                  "target": "attractive",
                  "balance": "ethnicity", "leakage_at_most": 0.625,
                  "fmr_target": 0.001, "bias": 0.7, "splits": ["test"]},
        facts={"tested": "6,000 samples of 300 subjects", "fingerprint": "0" * 64,
               "date": "2026-11-30", "x: data": "CelebA"},
    )  # fmt: skip
