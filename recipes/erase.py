"""Erase an attribute from an embedding table, or blur the table with a control.

    python recipes/erase.py --config erase/leace.yaml --table x.safetensors \\
        --sensitive emotion --out leace.safetensors
    python recipes/erase.py --config erase/transport.yaml --table x.safetensors --sensitive gender \\
        --key_file noise.key --save_eraser eraser.safetensors --out blind.safetensors
    python recipes/erase.py --eraser eraser.safetensors --key_file noise.key --table new.safetensors \\
        --out blind_new.safetensors

The eraser is fitted to the training samples of the table and applied to all; the third command applies one
that was saved. Several attributes, --sensitive [gender,smiling], are crossed. Other configurations:
erase/matching.yaml (trained, takes minutes), erase/inlp.yaml, and the controls erase/pca.yaml and
erase/noise.yaml, which use no attribute.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jsonargparse import Namespace

from datamodules.contract import Split
from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.erasers.methods import Method
from evaluation.erasers.stored_eraser import StoredEraser
from recipes.command_line.errors import RecipeParser, report_errors
from recipes.command_line.jobs import job_parser, parse_job, usage_errors
from recipes.command_line.output_path import check_output
from recipes.command_line.usage_error import UsageError
from recipes.erasing.fit_eraser import EraserSettings, fit_eraser
from recipes.erasing.noise_key import read_key
from storage.checksums import file_sha256


def make_parser() -> RecipeParser:
    """Build the command line."""
    parser = job_parser("Erase an attribute from an embedding table.")
    parser.add_argument("--table", type=Path, required=True, help="Embedding table to read.")
    parser.add_argument("--out", type=Path, required=True, help="The .safetensors file to write.")
    parser.add_argument("--method", type=Method | None, help="See evaluation/erasers.")
    parser.add_argument(
        "--options",
        type=dict[str, Any],
        default={},
        help="Options of the method; --options.NAME VALUE sets one.",
    )
    parser.add_argument(
        "--sensitive",
        type=str | list[str] | None,
        help="The attribute to erase; of several, the combinations of their classes.",
    )
    parser.add_argument("--fit_on", type=list[Split], default=["train"], help="Splits to fit the eraser to.")
    parser.add_argument(
        "--fit_share",
        type=float,
        default=1.0,
        help="Share of the subjects of those splits, drawn at random, to fit the eraser to. With 0.5, "
        "attackers of an audit also learn from the other half, which the eraser has not met.",
    )
    parser.add_argument("--fit_seed", type=int, default=0, help="Seed of that draw.")
    parser.add_argument(
        "--bound",
        type=float | None,
        help="Largest loss of verification AUC, by which the settings of transport or matching are chosen.",
    )
    parser.add_argument(
        "--choose_on", type=list[Split], default=["val"], help="Splits on which a bound chooses settings."
    )
    parser.add_argument(
        "--key_file",
        type=Path | None,
        help="Key of the noise of a transport; drawn and written, for its owner alone, if there is none.",
    )
    parser.add_argument("--save_eraser", type=Path | None, help="File to keep the fitted eraser in.")
    parser.add_argument(
        "--eraser", type=Path | None, help="Apply the eraser of this file; nothing is fitted."
    )
    parser.add_argument("--overwrite", type=bool, default=False, help="Replace the files that are written.")
    return parser


def make_eraser(table: EmbeddingTable, config: Namespace) -> StoredEraser:
    """Load the eraser of a file, or fit one.

    Raises:
        UsageError: see `fit_eraser`, `StoredEraser.load` and `read_key`; or neither a method nor a file.
    """
    if (config.eraser is None) == (config.method is None):
        raise UsageError("give --method (or a --config of erase/), or the --eraser of a file, not both")
    if config.eraser is not None:
        key = None if config.key_file is None else read_key(config.key_file.expanduser(), draw=False)
        with usage_errors():
            return StoredEraser.load(config.eraser.expanduser(), key)
    options = dict(config.options)
    if "key" in options:
        raise UsageError("the key of the noise is read from --key_file, so that no list of commands shows it")
    if config.method == "transport":
        if config.key_file is None:
            raise UsageError("transport needs --key_file, of the noise's key; it is drawn if there is none")
        options["key"] = read_key(config.key_file.expanduser(), draw=True)
    elif config.key_file is not None:
        raise UsageError(f"{config.method} adds no noise by a key, so no --key_file")
    sensitive = [config.sensitive] if isinstance(config.sensitive, str) else list(config.sensitive or [])
    settings = EraserSettings(
        config.method,
        sensitive,
        config.fit_on,
        options,
        config.bound,
        config.choose_on,
        config.fit_share,
        config.fit_seed,
    )
    stored = fit_eraser(table, settings)
    origin = {"eraser fitted to": file_sha256(config.table.expanduser())}
    return replace(stored, provenance=stored.provenance | origin)


def apply_eraser(table: EmbeddingTable, stored: StoredEraser) -> EmbeddingTable:
    """Erase the embeddings of a table.

    Args:
        table: embeddings and labels.
        stored: the eraser, with the key of its noise.

    Returns:
        The table of the same samples, with the ids of those that the eraser learned from.

    Raises:
        UsageError: embeddings of another length, results too large for their type, or noise without its key.
    """
    if (width := table.embedding.shape[1]) != stored.features:
        raise UsageError(f"the eraser is of {stored.features} features, the table has {width}")
    with usage_errors():
        embedding = torch.from_numpy(stored.eraser(table.embedding.double().numpy()))
    embedding = embedding.to(table.embedding.dtype)
    if bad := int((~embedding.isfinite()).any(1).sum()):
        raise UsageError(
            f"{bad} of {len(table)} erased embeddings are too large for {table.embedding.dtype}; "
            "scale the embeddings of the table down"
        )
    learned_from = stored.learned_from
    if table.learned_from is not None:  # by the network, or by an earlier eraser
        learned_from = np.union1d(table.learned_from, learned_from)
    provenance = table.provenance | stored.provenance
    return replace(table, embedding=embedding, provenance=provenance, learned_from=learned_from)


def main(args: list[str] | None = None) -> None:
    """Fit or load, erase and write."""
    config = parse_job(make_parser(), args)
    path, out = (x.expanduser() for x in (config.table, config.out))
    kept = None if config.save_eraser is None else config.save_eraser.expanduser()
    for written in (out, kept):
        if written is not None and written.exists() and not config.overwrite:
            raise UsageError(
                f"{written} is there already; replace it with --overwrite true, or give another name"
            )
    check_output(out)
    table = EmbeddingTable.load(path)
    stored = make_eraser(table, config)
    erased = apply_eraser(table, stored)
    if kept is not None:
        stored.save(kept)
    replace(erased, provenance=erased.provenance | {"erased from": file_sha256(path)}).save(out)
    print(f"wrote {out}: {len(erased):,} embeddings")


if __name__ == "__main__":
    report_errors(main)
