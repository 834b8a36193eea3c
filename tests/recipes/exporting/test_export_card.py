"""The model card: the audit's own numbers, of this model alone, whatever the names in it look like."""

import json

import pytest
import torch

from lightning_modules.attractiveness import Attractiveness
from lightning_modules.baseline import Baseline
from lightning_modules.lntl import LNTL
from recipes import export
from recipes.command_line.usage_error import UsageError
from recipes.embedding.embedder import embedder_facts, load_embedder
from recipes.exporting.card_audit import audit_of
from recipes.exporting.card_run import run_facts
from recipes.exporting.export_network import EmbeddingNetwork, describe
from recipes.exporting.model_card import hidden_attributes, model_card
from tests.support.checkpoints import TOY_BACKBONE, write_checkpoint
from tests.support.export_command import refusal

HOSTILE = "# x\n<img src=x onerror=alert(1)> [a](javascript:b) | `c` {{ 7 * 7 }} *d*"


@pytest.fixture
def ckpt(tmp_path):
    torch.manual_seed(0)
    options = {"task": "smiling", "sensitive": "emotion", "hidden": 8, "feature_layer": "layer4"}
    return write_checkpoint(LNTL(**TOY_BACKBONE, trainable="last_stage", **options), tmp_path / "run")


def leakage(name, attribute, rows):
    """Columns of a frame, two attackers."""
    columns = ("attacker", "balanced_accuracy", "low", "high")
    frame = {column: [row[place] for row in rows] for place, column in enumerate(columns)}
    constant = {"scaling": "standardised", "learned_from": "others", "chance": 0.25}
    return {
        "representation": [name] * len(rows),
        "attribute": [attribute] * len(rows),
        **frame,
        "accuracy": frame["balanced_accuracy"],
        **{key: [value] * len(rows) for key, value in constant.items()},
    }


def joined(*frames):
    return {column: [x for frame in frames for x in frame[column]] for column in frames[0]}


def write_audit(folder, facts, *, attribute="emotion", name="phi", change=None):
    """A made-up numbers.json of two representations, the second of which is of the model with these facts."""
    verification = {
        **{"representation": ["x", name], "metric": ["cosine", "cosine"], "auc": [0.9876, 0.8765]},
        **{"auc_low": [0.981, 0.8711], "auc_high": [0.991, 0.8822], "eer": [0.05, 0.2]},
        **{"eer_low": [0.04, None], "eer_high": [0.06, None], "genuine": [10, 10], "impostor": [90, 90]},
        **{f"tar_at_1e-{k}": [None, None] for k in range(1, 6)},
    }
    before = leakage("x", attribute, [("linear", 0.71, 0.69, 0.73), ("mlp", 0.66, 0.64, 0.68)])
    after = leakage(name, attribute, [("linear", 0.31, 0.29, 0.33), ("mlp", 0.4321, 0.4111, 0.4562)])
    found = {
        "representations": ["x", name],
        "attributes": [attribute],
        "verdicts": [],
        "caveats": [
            {"text": "About x alone.", "representation": "x", "attribute": attribute},
            {"text": f"Collapsed {HOSTILE}", "representation": name, "attribute": attribute},
            {"text": "About everybody.", "representation": None, "attribute": None},
        ],
        "settings": {},
        "facts": {
            "tested": "12 samples of 3 people",
            **{"x: weights": "0" * 64, "x: model": "other"},
            **{f"{name}: {key}": value for key, value in facts.items()},
            **{f"{name}: mirror": "true", f"{name}: precision": "bf16-mixed", f"{name}: data": "CelebA"},
        },
        "sections": {
            "leakage": joined(before, after),
            "strongest": {
                **{
                    "representation": ["x", name],
                    "attribute": [attribute] * 2,
                    "attacker": ["linear", "mlp"],
                },
                **{"scaling": ["standardised"] * 2, "learned_from": ["unseen"] * 2, "chance": [0.25] * 2},
                **{"balanced_accuracy": [0.71, 0.4321], "low": [0.69, 0.4111], "high": [0.73, 0.4562]},
            },
            "removed": {
                **{"representation": [name], "attribute": [attribute]},
                **{"attacker": ["strongest"], "scaling": ["any"]},
                **{"difference": [-0.2779], "difference_low": [-0.31], "difference_high": [-0.24]},
                **{"removed": [60.4], "removed_low": [54.1], "removed_high": [66.2]},
            },
            "verification": verification,
        },
    }
    if change is not None:
        change(found)
    folder.mkdir()
    (folder / "numbers.json").write_text(json.dumps(found))
    return folder


def card(ckpt, audit=None):
    """The card of a checkpoint, without an export."""
    module = load_embedder(ckpt)
    facts = embedder_facts(module, ckpt)
    files = {"embedding.onnx": {"bytes": 5_000_000, "sha256": "ab", "largest": 1e-6, "relative": 2e-6}}
    found = None if audit is None else audit_of(audit, facts)
    return model_card(module, ckpt, describe(EmbeddingNetwork(module), facts), files, found)


def facts_of(ckpt):
    return embedder_facts(load_embedder(ckpt), ckpt)


def cells(text, *first):
    """The other cells of the one table row that begins with these."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    (row,) = (row[len(first) :] for row in rows if row[: len(first)] == [*first])
    return row


def test_the_card_quotes_the_audit(ckpt, tmp_path):
    text = card(ckpt, write_audit(tmp_path / "audit", facts_of(ckpt)))
    assert "# A face embedding trained to hide emotion\n" in text
    assert "hidden: emotion (happy, neutral, sad)" in text
    assert "learning: smiling" in text
    # (0.71 - 0.4321) / (0.71 - 0.25) of what was read above chance is gone
    attacker, *figures = cells(text, "emotion", "phi")
    assert attacker == "MLP", "the strongest attacker after is another than before"
    assert figures == ["43.2 %", "\\[41.1, 45.6\\]", "25.0 %", "–", "60.4 %", "0.8765"]
    assert "still readable from phi at 43.2 %" in text
    assert cells(text, "phi", "cosine")[:2] == ["0.8765", "\\[0.8711, 0.8822\\]"]
    assert "In general: About everybody." in text
    assert "About x alone" not in text
    assert "image plus mirror image" in text
    assert "precision bf16-mixed" in text
    assert cells(text, "data") == ["CelebA"]
    assert "Not audited" not in text
    assert cells(text, "lambda\\_") == ["0.01"]
    assert cells(text, "embedding.onnx") == ["5.0", "1.0e-06", "2.0e-06", "ab"]


def test_without_an_audit_it_says_so(ckpt):
    text = card(ckpt)
    assert "**Not audited.**" in text
    assert "Verdict" not in text
    assert "mirror image" not in text


def test_an_audit_of_another_attribute_does_not_count(ckpt, tmp_path):
    text = card(ckpt, write_audit(tmp_path / "audit", facts_of(ckpt), attribute="gender"))
    assert "- Not audited for emotion, which it is meant to hide." in text


def test_hostile_names_are_shown_and_not_obeyed(ckpt, tmp_path):
    audit = write_audit(tmp_path / "audit", facts_of(ckpt), attribute=HOSTILE, name=f"phi {HOSTILE}")
    text = card(ckpt, audit)
    assert "javascript:b" in text
    for forbidden in ("<img", "[a]", "`c`", "*d*", "| `", "\n# x", " 49 "):
        assert forbidden not in text.replace("\\[a\\]", "").replace("\\`c\\`", "").replace("\\*d\\*", "")
    for line in text.splitlines():
        if line.startswith("| ") and "javascript" in line and "strongest" not in line:
            assert line.count(" | ") == line.replace("\\|", "").count("|") - 2, (
                "its cells are those of the table"
            )


def test_an_audit_of_another_checkpoint_is_refused(ckpt, tmp_path, capsys):
    facts = facts_of(ckpt)
    for key in ("checkpoint", "weights"):
        write_audit(tmp_path / key, facts | {key: "1" * 64})
        line = refusal(capsys, "--ckpt", ckpt, "--out", tmp_path / "out", "--audit", tmp_path / key)
        assert "is an audit of other models" in line
        assert facts["checkpoint"][:12] in line
    assert not (tmp_path / "out").exists()


def test_the_place_and_the_name_of_a_checkpoint_do_not_matter(ckpt, tmp_path):
    audit = write_audit(tmp_path / "audit", facts_of(ckpt), name="whatever")
    moved = ckpt.rename(tmp_path / "moved.ckpt")
    (tmp_path / "run" / "config.yaml").rename(tmp_path.parent / "config.yaml")
    assert audit_of(audit, facts_of(moved)).name == "whatever"


DAMAGE = {
    "no sections": lambda found: found.pop("sections"),
    "sections of another kind": lambda found: found.update(sections=[1]),
    "a frame without its columns": lambda found: found["sections"].update(strongest={"attacker": ["linear"]}),
    "columns of several lengths": lambda found: found["sections"]["leakage"].update(low=[1.0]),
    "no attacker": lambda found: found["sections"].pop("strongest"),
    "a fact that is no text": lambda found: found["facts"].update(tested={"a": 1}),
    "odd caveats": lambda found: found.update(caveats=[{"evil": 1}]),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_audit_is_one_line(case, ckpt, tmp_path):
    facts = facts_of(ckpt)
    folder = write_audit(tmp_path / "audit", facts, change=DAMAGE[case])
    with pytest.raises(UsageError, match="is damaged, or no audit of this version") as caught:
        audit_of(folder, facts)
    assert "\n" not in str(caught.value)


def test_a_folder_without_an_audit(ckpt, tmp_path):
    with pytest.raises(UsageError, match="holds no audit: there is no numbers.json; recipes/audit.py writes"):
        audit_of(tmp_path, facts_of(ckpt))


def test_what_a_method_hides(tmp_path):
    watched = Attractiveness(**TOY_BACKBONE, hidden=8, sensitive="emotion")
    assert hidden_attributes(watched) == [], "it measures groups of it, and hides nothing"
    assert hidden_attributes(Baseline(**TOY_BACKBONE, task="emotion", hidden=8)) == []
    several = LNTL(
        **TOY_BACKBONE,
        task="smiling",
        sensitive=["emotion", "attractive"],
        feature_layer="layer4",
        trainable="last_stage",
    )
    assert hidden_attributes(several) == ["emotion", "attractive"]


def test_the_run_folder_tells_the_data_but_no_place(ckpt, tmp_path):
    assert run_facts(ckpt) == {}
    run = tmp_path / "run"
    record = {
        "dataset": {"class": "CelebA", "fingerprint": "f00d"},
        "git": {},
        "packages": {"blindface": "0.1.0", "torch": "2.9"},
        "command": ["/home/somebody/train.py"],
    }
    (run / "environment.json").write_text(json.dumps(record))
    (run / "config.yaml").write_text(
        "model: {class_path: lightning_modules.lntl.LNTL, init_args: {backbone: onnx, weights: /my/r.onnx}}"
    )
    assert run_facts(ckpt) == {
        "dataset": "CelebA",
        "dataset fingerprint": "f00d",
        "commit": "unknown",
        "packages": "blindface 0.1.0, torch 2.9",
        "start: backbone": "onnx",
        "start: weights": "r.onnx",
    }
    assert "| dataset fingerprint | f00d |" in card(ckpt)


def test_the_recipe_writes_the_card_beside_the_files(ckpt, tmp_path):
    write_audit(tmp_path / "audit", facts_of(ckpt))
    options = ["--formats", "safetensors", "--audit", str(tmp_path / "audit")]
    export.main(["--ckpt", str(ckpt), "--out", str(tmp_path / "deep" / "out"), *options])
    assert "43.2 %" in (tmp_path / "deep" / "out" / "README.md").read_text()
