"""Sentences on the access under which a figure holds."""

import pytest

from evaluation.audit.access_verdict import access_sentence
from tests.support.made_audit import make_audit

HELD = "that of attackers who have labelled embeddings of other subjects"
UNKNOWN = "know neither the network nor the eraser"


def test_what_attackers_have_and_what_more_access_reads():
    audit = make_audit()
    frame = audit.frames["access"]
    stronger = (frame["access"] == "fused") & (frame["representation"] == "phi")
    frame.loc[stronger, ["balanced_accuracy", "low", "high"]] = [0.7, 0.6, 0.8]
    text = access_sentence(audit, "emotion", "phi")
    assert text.startswith(f"Access: the leakage of emotion from phi is {HELD}, and {UNKNOWN}; ")
    assert "with pairs of original and transformed embeddings 50.0 % [40.0, 60.0]" in text
    assert "with several images of one subject, averaged 70.0 % [60.0, 80.0]" in text
    assert text.endswith("; an attacker who knows the eraser was not tested.")
    assert "retrained" not in text
    assert not access_sentence(audit, "emotion", "x").endswith("was not tested.")


def test_the_strongest_of_an_access_counts():
    audit = make_audit()
    frame = audit.frames["access"]
    phi = frame["representation"] == "phi"
    frame.loc[phi & (frame["access"] == "retrained"), "access"] = "white box"
    audit.frames["access"] = frame.loc[frame.index.repeat(2)].assign(
        balanced_accuracy=[0.3, 0.9] * len(frame)
    )
    text = access_sentence(audit, "emotion", "phi")
    assert "with pairs, and the eraser without the key of its noise (white box) 90.0 %" in text
    assert "not tested" not in text
    assert "30.0 %" not in text


@pytest.mark.parametrize(
    ("learned_from", "words"),
    [
        ("unseen", f"{HELD}, and"),
        ("also training", f"{HELD}, the training subjects among them, and"),
        (
            "unseen crowd",
            f"{HELD}, among them training subjects that the representation has not learned",
        ),
    ],
)
def test_whom_attackers_learned_from_is_said(learned_from, words):
    audit = make_audit()
    audit.frames["strongest"] = audit.frames["strongest"].assign(learned_from=learned_from)
    assert words in access_sentence(audit, "emotion", "phi")


def test_without_further_attacks_the_sentence_says_so():
    audit = make_audit()
    del audit.frames["access"]
    text = access_sentence(audit, "emotion", "phi")
    assert text.endswith(f"{UNKNOWN}; attackers with more access were not tested.")
