"""State the access under which the leakage of an audit holds, and what attackers with more access read."""

from evaluation.audit.result import Audit
from evaluation.leakage.cross_fitted_leakage import ALSO_TRAINING, UNSEEN_CROWD
from evaluation.samples.wording import interval, percent

ACCESSES = {
    "retrained": "labelled embeddings",
    "pairs": "pairs of original and transformed embeddings",
    "fused": "several images of one subject, averaged",
    "fused scores": "several images of one subject, whose scores are added",
    "white box": "pairs, and the eraser without the key of its noise (white box)",
}
"""Description of what an attacker has, by the name of its access."""

_LEARNED_FROM = {
    ALSO_TRAINING: ", the training subjects among them",
    UNSEEN_CROWD: ", among them training subjects that the representation has not learned from",
}


def access_sentence(audit: Audit, attribute: str, representation: str) -> str:
    """Write what the strongest attacker had, and what was read by attackers who have more.

    Uses the frames `strongest` and, if it was measured, `access`. Of each further access the figure is that
    of its strongest attacker.
    """
    about = {"attribute": attribute, "representation": representation}
    origin = _LEARNED_FROM.get(audit.frame("strongest", **about).iloc[0]["learned_from"], "")
    text = (
        f"Access: the leakage of {attribute} from {representation} is that of attackers who have labelled "
        f"embeddings of other subjects{origin}, and know neither the network nor the eraser"
    )
    frame = audit.frame("access", **about)
    measured = frame[frame["access"] != "retrained"] if len(frame) else frame
    if measured.empty:
        return f"{text}; attackers with more access were not tested."
    best = measured.loc[measured.groupby("access", sort=False)["balanced_accuracy"].idxmax()]
    read = [
        f"with {ACCESSES.get(x.access, x.access)} {percent(x.balanced_accuracy)} {interval(x.low, x.high)}"
        for x in best.itertuples()
    ]
    missing = ""
    if representation != audit.names[0] and "white box" not in set(frame["access"]):
        missing = "; an attacker who knows the eraser was not tested"
    return f"{text}; attackers who have more read {', '.join(read)}{missing}."
