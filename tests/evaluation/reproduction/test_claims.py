"""Published claims, judged by the printed figures and by ours."""

import pytest
import yaml

from evaluation.reproduction.claims import judge
from evaluation.reproduction.measured import score_rows
from evaluation.reproduction.published import Published
from recipes.command_line.config_lookup import CONFIGS
from tests.support.made_paper import NAMES, make_numbers, make_published


def findings(condition: dict, *seeds: dict) -> tuple[bool | None, str]:
    """Judge one condition by print and by the seeds; a seed gives x, sn, lntl and raw sn of emotion."""
    published = make_published(claims=[{"text": "t", "source": "s", "conditions": [condition]}])
    numbers = [
        make_numbers(
            {(name, "standardised"): seed[name] for name in NAMES}
            | {("x", "raw"): 0.9, ("sn", "raw"): seed["raw"]}
        )
        for seed in seeds
    ]
    scores = score_rows(published.rows, list(NAMES), {"of_emotions": numbers, "of_faces": numbers})
    (found,) = judge(published, scores, {})
    return found.printed, found.verdict


MUCH = {"x": 0.9, "sn": 0.3, "lntl": 0.5, "raw": 1 / 6}
LITTLE = {"x": 0.9, "sn": 0.8, "lntl": 0.3, "raw": 0.2}


@pytest.mark.parametrize(
    ("condition", "printed", "much", "little"),
    [
        ({"figure": "accuracy", "of": "x", "at_least": 80}, True, "holds", "holds"),
        ({"figure": "lost", "of": "sn", "at_most": 50}, True, "does not hold", "holds"),
        ({"figure": "removed", "of": "sn", "at_least": 40}, False, "holds", "does not hold"),
        ({"figure": "removed", "of": "lntl", "more_than": "sn"}, True, "does not hold", "holds"),
        (
            {"figure": "above_chance", "of": "sn", "at_most": 0.1, "scaling": "raw"},
            None,
            "holds",
            "does not hold",
        ),
    ],
)
def test_a_claim_is_judged_by_rule(condition, printed, much, little) -> None:
    condition = {"row": "emotion", **condition}
    assert findings(condition, MUCH) == (printed, much)
    assert findings(condition, LITTLE) == (printed, little)
    both = much if much == little else "the seeds disagree (1 of 2 hold)"
    assert findings(condition, MUCH, LITTLE) == (printed, both)


def test_a_claim_about_what_was_not_measured_is_left_open() -> None:
    assert findings({"figure": "lost", "row": "identity", "of": "sn", "at_most": 1}, MUCH) == (
        True,
        "not measured",
    )


def test_nothing_above_chance_before_leaves_the_share_open() -> None:
    blind = {"x": 0.1, "sn": 0.1, "lntl": 0.1, "raw": 0.1}
    condition = {"figure": "removed", "row": "emotion", "of": "sn", "at_most": 2}
    assert findings(condition, blind)[1] == "not measured"


def test_what_the_printed_table_says_of_the_published_claims() -> None:
    """The conclusion of < 2 % and > 40 % follows for SensitiveNets, not for LNTL."""
    said = yaml.safe_load((CONFIGS / "paper" / "published" / "table_4_1.yaml").read_text())
    published = Published.parse(said)
    nothing = {step: [{"sections": {}, "facts": {}}] for step in published.audits}
    scores = score_rows(published.rows, list(published.representations), nothing)
    found = judge(published, scores, {})
    assert {x.verdict for x in found} == {"not measured"}
    assert [x.printed for x in found] == [True, True, True, True, False, True, True, True, None]
