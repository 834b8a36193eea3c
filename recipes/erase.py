"""Erase an attribute from an embedding table with a closed-form eraser, or blur the table with a control.

    python recipes/erase.py --config erase/leace.yaml --table x.safetensors \\
        --sensitive emotion --out leace.safetensors

The eraser is fitted to the training samples of the table and applied to all. Other configurations:
erase/inlp.yaml, and the controls erase/pca.yaml and erase/noise.yaml, which use no attribute.
"""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from datamodules.contract import SPLITS, Split
from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.erasers.methods import FITS, Method, needs_label, options_of
from evaluation.samples.subject_folds import drawn_subjects
from recipes.command_line.errors import RecipeParser, report_errors
from recipes.command_line.jobs import job_parser, parse_job, usage_errors
from recipes.command_line.output_path import check_output
from recipes.command_line.usage_error import UsageError
from storage.checksums import file_sha256


def make_parser() -> RecipeParser:
    """Build the command line."""
    parser = job_parser("Erase an attribute from an embedding table, in closed form.")
    parser.add_argument("--table", type=Path, required=True, help="Embedding table to read.")
    parser.add_argument("--out", type=Path, required=True, help="The .safetensors file to write.")
    parser.add_argument("--method", type=Method, required=True, help="See evaluation/erasers.")
    parser.add_argument(
        "--options",
        type=dict[str, Any],
        default={},
        help="Options of the method; --options.NAME VALUE sets one.",
    )
    parser.add_argument("--sensitive", type=str | None, help="The attribute to erase (leace, inlp).")
    parser.add_argument("--fit_on", type=list[Split], default=["train"], help="Splits to fit the eraser to.")
    parser.add_argument(
        "--fit_share",
        type=float,
        default=1.0,
        help="Share of the subjects of those splits, drawn at random, to fit the eraser to. With 0.5, "
        "attackers of an audit also learn from the other half, which the eraser has not met.",
    )
    parser.add_argument("--fit_seed", type=int, default=0, help="Seed of that draw.")
    parser.add_argument("--overwrite", type=bool, default=False, help="Replace the file of --out.")
    return parser


def erase(
    table: EmbeddingTable,
    method: Method,
    sensitive: str | None,
    fit_on: list[Split],
    options: dict[str, Any],
    fit_share: float = 1.0,
    fit_seed: int = 0,
) -> EmbeddingTable:
    """Erase the attribute from a table.

    Args:
        table: embeddings and labels.
        method: name of the eraser.
        sensitive: the attribute; None for a method that knows none.
        fit_on: splits whose samples the eraser is fitted to.
        options: of the method.
        fit_share: share of the subjects of these splits to fit to, see `drawn_subjects`; in a table without
            identities each sample is a subject.
        fit_seed: seed of the draw of subjects.

    Returns:
        The table of the same samples, with the ids of those that the eraser learned from.

    Raises:
        UsageError: an attribute or option that does not fit the method or the table, or no samples to fit to.
    """
    labelled = needs_label(method)
    if labelled != (sensitive is not None):
        raise UsageError(
            f"{method} {'needs --sensitive' if labelled else 'knows no attribute, so no --sensitive'}"
        )
    if sensitive is not None and sensitive not in table.labels:
        raise UsageError(
            f"the table has no attribute {sensitive!r}; it has {', '.join(sorted(table.labels))}"
        )
    offered = options_of(method)
    if unknown := sorted(set(options) - set(offered)):
        raise UsageError(f"{method} has no option {', '.join(unknown)}; it has {', '.join(offered)}")
    rows = torch.isin(table.split, torch.tensor([SPLITS.index(name) for name in fit_on], dtype=torch.int8))
    if not rows.any():
        raise UsageError(
            f"no sample of the table is in {' or '.join(fit_on)}; choose other splits by --fit_on"
        )
    if fit_share != 1:
        identity = table.labels.get("identity", torch.full((len(table),), -1))[rows].numpy()
        with usage_errors():
            drawn = drawn_subjects(identity, fit_share, fit_seed)
        rows[rows.clone()] = torch.from_numpy(drawn)
    x = table.embedding.double().numpy()
    label = [] if sensitive is None else [table.labels[sensitive][rows].numpy()]
    known = np.ones(len(table), bool) if sensitive is None else table.labels[sensitive].numpy() >= 0
    with usage_errors():
        eraser = FITS[method](x[rows.numpy()], *label, **options)
    facts = {
        "eraser": f"{method} {options}",
        "erased": str(sensitive),
        "eraser learned from": " ".join(fit_on),
    }
    if fit_share != 1:
        facts["share of their subjects"] = f"{fit_share:g}, seed {fit_seed}"
    learned_from = table.sample_id[rows.numpy() & known]
    if table.learned_from is not None:  # by the network, or by an earlier eraser
        learned_from = np.union1d(table.learned_from, learned_from)
    if sensitive is not None and (left := getattr(eraser, "not_erased", ())):
        names = ", ".join(table.attributes[sensitive][place] for place in left)
        facts["classes of fewer directions"] = names
        warnings.warn(
            f"{method} removed fewer directions than the classes of {sensitive} less one: {names} may stay "
            "readable",
            stacklevel=2,
        )
    embedding = torch.from_numpy(eraser(x)).to(table.embedding.dtype)
    if bad := int((~embedding.isfinite()).any(1).sum()):
        raise UsageError(
            f"{method}: {bad} of {len(table)} embeddings are too large for {table.embedding.dtype} then; "
            "scale the embeddings of the table down"
        )
    provenance = table.provenance | facts
    return replace(table, embedding=embedding, provenance=provenance, learned_from=learned_from)


def main(args: list[str] | None = None) -> None:
    """Fit, erase and write."""
    config = parse_job(make_parser(), args)
    path, out = (x.expanduser() for x in (config.table, config.out))
    if out.exists() and not config.overwrite:
        raise UsageError(f"{out} is there already; replace it with --overwrite true, or give another --out")
    check_output(out)
    table = EmbeddingTable.load(path)
    erased = erase(
        table,
        config.method,
        config.sensitive,
        config.fit_on,
        config.options,
        config.fit_share,
        config.fit_seed,
    )
    replace(erased, provenance=erased.provenance | {"erased from": file_sha256(path)}).save(out)
    print(f"wrote {out}: {len(erased):,} embeddings")


if __name__ == "__main__":
    report_errors(main)
