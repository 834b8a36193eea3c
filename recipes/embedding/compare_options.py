"""The command line of `recipes/compare.py`."""

from pathlib import Path
from typing import Literal

from datamodules.cropping.face_crop import Select
from evaluation.verification.pair_tiles import Metric
from recipes.command_line.errors import RecipeParser
from recipes.command_line.jobs import job_parser
from recipes.embedding.embed_options import add_embedder_arguments


def make_parser() -> RecipeParser:
    """Options of the recipe."""
    parser = job_parser("Compare two photographs: do they show one person?")
    parser.add_argument("first", type=Path, help="A photograph.")
    parser.add_argument("second", type=Path, help="The other one.")
    add_embedder_arguments(parser)
    parser.add_argument(
        "--mode",
        type=Literal["auto", "align", "box", "none"],
        default="auto",
        help="auto: align for networks that read 112 pixels, box for others; none: they are crops already.",
    )
    parser.add_argument("--margin", type=int, default=0, help="Pixels around the box, of --mode box.")
    parser.add_argument("--select", type=Select, default="largest", help="Which of several faces.")
    parser.add_argument("--mirror", type=bool, default=False, help="Add the mirrored image's embedding.")
    parser.add_argument("--metric", type=Metric, default="cosine", help="Of euclidean, scores are negative.")
    parser.add_argument("--threshold", type=float | None, help="Least score of one person.")
    parser.add_argument("--threshold_source", type=str | None, help="Where the threshold is from, in words.")
    parser.add_argument("--save_crops", type=Path | None, help="Folder to write the two crops to.")
    return parser
