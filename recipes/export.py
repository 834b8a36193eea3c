"""Export the embedding of any checkpoint as files that other programs read, with a model card.

    python recipes/export.py --ckpt runs/lntl/.../checkpoints/best.ckpt --audit audits/phi --out exported/lntl

Writes `embedding.safetensors` (weights, for `--model.backbone` of the other recipes), `embedding.onnx` and
`embedding.pt2` (torch.export), each compared with the original before it is kept, `config.json` and a model
card, `README.md`. The graphs take images (N, 3, S, S), RGB float32 in [0, 1], for any N, and normalise them.
"""

import json
from pathlib import Path
from typing import Any

from recipes.command_line.errors import RecipeParser, report_errors
from recipes.command_line.jobs import job_parser, parse_job
from recipes.command_line.output_path import check_output
from recipes.command_line.usage_error import UsageError
from recipes.embedding.embed_options import add_embedder_arguments
from recipes.embedding.embedder import embedder_facts, load_embedder
from recipes.exporting.card_audit import audit_of
from recipes.exporting.export_check import TOLERANCE, check_export, probe_images
from recipes.exporting.export_files import FORMATS, FormatName, write_format
from recipes.exporting.export_folder import atomic_folder, check_place
from recipes.exporting.export_network import EmbeddingNetwork, describe
from recipes.exporting.model_card import model_card
from storage.checksums import file_sha256

CARD, CONFIG = "README.md", "config.json"


def make_parser() -> RecipeParser:
    """Build the command line."""
    parser = job_parser("Export the embedding of a checkpoint, checked against it, with a model card.")
    add_embedder_arguments(parser)
    parser.add_argument("--out", type=Path, required=True, help="Folder to write.")
    parser.add_argument(
        "--formats",
        type=str | list[str],
        default=list(FORMATS),
        help=f"Some of {', '.join(FORMATS)}, comma-separated or a list.",
    )
    parser.add_argument("--audit", type=Path | None, help="Folder of an audit of this model, for the card.")
    parser.add_argument("--overwrite", type=bool, default=False, help="Replace an existing export.")
    return parser


def chosen_formats(asked: str | list[str]) -> list[FormatName]:
    """Return the formats that the command line names, each once; raise `UsageError` for others."""
    names = asked.split(",") if isinstance(asked, str) else asked
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise UsageError(f"formats are {', '.join(FORMATS)}, not {', '.join(unknown) or 'none'}")
    return [name for name in FORMATS if name in names]


def main(args: list[str] | None = None) -> None:
    """Write, compare and describe."""
    config = parse_job(make_parser(), args)
    formats = chosen_formats(config.formats)
    out = config.out.expanduser().resolve()
    check_place(out, config.overwrite, [CARD, CONFIG, *(form.file for form in FORMATS.values())])
    check_output(out, folder=True)
    module = load_embedder(config.ckpt, **config.model)
    network = EmbeddingNetwork(module)
    facts = embedder_facts(module, config.ckpt)
    audit = None if config.audit is None else audit_of(config.audit.expanduser(), facts)
    about = describe(network, facts)
    images = probe_images(about["input"]["shape"][-1])
    files: dict[str, dict[str, Any]] = {}
    try:
        with atomic_folder(out) as folder:
            for name in formats:
                path = write_format(name, network, about, folder)
                difference = check_export(name, module, FORMATS[name].read(path), images)
                files[path.name] = {
                    "bytes": path.stat().st_size,
                    "sha256": file_sha256(path),
                    **difference._asdict(),
                }
                print(
                    f"{path.name}: {path.stat().st_size / 1e6:.1f} MB; differs from the original by "
                    f"{difference.largest:.1e}, {difference.relative:.1e} of the embeddings' root mean "
                    f"square ({TOLERANCE:g} is allowed)"
                )
            (folder / CONFIG).write_text(json.dumps({**about, "files": files}, indent=2) + "\n")
            (folder / CARD).write_text(model_card(module, config.ckpt, about, files, audit), "utf-8")
    except OSError as error:  # such as a full disk
        raise UsageError(f"{error.filename or out}: {error.strerror or error}; nothing was kept") from error
    print(f"wrote {out}")


if __name__ == "__main__":
    report_errors(main)
