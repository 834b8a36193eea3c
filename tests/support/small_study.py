"""A study of fake recipes, and `recipes/reproduce.py` on it in this process."""

from pathlib import Path

from recipes import reproduce
from tests.support.exit_codes import exit_code

FAKE_RECIPE = Path(__file__).with_name("fake_recipe.py")
DATASETS = {"faces": ["--config", "faces.yaml", "--root", "faces"]}
STEPS = {
    "x": {"recipe": "embed", "args": ["{faces}"]},
    "sn": {"recipe": "train", "for_each": "seeds",
           "args": ["--table", "{x.table}", "--width", "{x.features}", "--seed", "{seed}"]},
    "phi": {"recipe": "embed", "for_each": "seeds", "args": ["--ckpt", "{sn.checkpoint}", "{faces}"]},
    "look": {"recipe": "audit", "for_each": "seeds",
             "args": ["--before", "x={x.table}", "--after", "sn={phi.table}"]},
}  # fmt: skip
PUBLISHED = {
    "name": "page", "title": "A table", "source": "A paper", "representations": {"x": "x", "sn": "φ_SN"},
    "rows": [{"id": "emotion", "task": "Emotion", "audit": "look", "chance": 16.7, "attribute": "emotion",
              "attacker": "mlp", "accuracy": {"x": 88.1, "sn": 59.6}, "diff": {"sn": 40}}],
}  # fmt: skip


def run(*more: str) -> int:
    """The exit code of the command."""
    given = ["--study=study.yaml", "--published=published.yaml", "--seeds=[0,1]", "--out=out", *more]
    return exit_code(lambda: reproduce.main(given))
