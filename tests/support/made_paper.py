"""A published page and the numbers of audits, made by hand."""

from typing import Any

from evaluation.reproduction.published import Published

NAMES = {"x": "x", "sn": "φ_SN", "lntl": "φ_LNTL"}


def make_published(**changed: Any) -> Published:
    """Verification and one attribute, with claims about both."""
    said: dict[str, Any] = {
        "name": "table",
        "title": "A table",
        "source": "A paper",
        "representations": NAMES,
        "rows": [
            {"id": "identity", "task": "ID", "audit": "of_faces", "chance": 50,
             "accuracy": {"x": 96.8, "sn": 96.3, "lntl": 59.4}, "diff": {"sn": 1, "lntl": 75.0}},
            {"id": "emotion", "task": "Emotion", "audit": "of_emotions", "chance": 16.7,
             "attribute": "emotion", "attacker": "mlp",
             "accuracy": {"x": 88.1, "sn": 59.6, "lntl": 41.6}, "diff": {"sn": 40, "lntl": 65.0}},
        ],
        "claims": [],
        "notes": [],
    }  # fmt: skip
    return Published.parse(said | changed)


def make_numbers(
    emotion: dict[tuple[str, str], float] | None = None,
    eer: dict[str, float] | None = None,
    **sections: Any,
) -> dict[str, Any]:
    """Make the numbers of an audit from given shares; intervals reach 3 points below and 2 above.

    Args:
        emotion: (representation, scaling) -> balanced accuracy of the MLP.
        eer: representation -> equal error rate by Euclidean distance.
        sections: others.
    """
    emotion, eer = emotion or {}, eer or {}
    made = {
        "leakage": {
            "representation": [name for name, _ in emotion],
            "attribute": ["emotion"] * len(emotion),
            "attacker": ["mlp"] * len(emotion),
            "scaling": [scaling for _, scaling in emotion],
            "balanced_accuracy": list(emotion.values()),
            "low": [x - 0.03 for x in emotion.values()],
            "high": [x + 0.02 for x in emotion.values()],
            "chance": [1 / 6] * len(emotion),
            "n": [276] * len(emotion),
        },
        "verification": {
            "representation": [name for name in eer for _ in range(2)],
            "metric": ["cosine", "euclidean"] * len(eer),
            "eer": [x for value in eer.values() for x in (0.5, value)],
            "eer_low": [x for value in eer.values() for x in (0.4, value - 0.01)],
            "eer_high": [x for value in eer.values() for x in (0.6, value + 0.02)],
            "genuine": [600] * 2 * len(eer),
            "impostor": [9400] * 2 * len(eer),
        },
        **sections,
    }
    facts = {
        "samples of the tables": "276 samples that all tables have",
        "tested": "276 samples of 46 people <b>",
    }
    return {"sections": made, "facts": facts}
