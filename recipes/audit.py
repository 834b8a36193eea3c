"""Audit representations: how much of an attribute is still readable, what hiding it cost, and for whom.

python recipes/audit.py --config audit/default.yaml --before x.safetensors --after phi.safetensors \\
    --sensitive emotion --out audits/phi

Several --after compare several representations with one. NAME=PATH sets the name of a table in the report.
Arrays of other programs are audited with --before x.npy --after z.npy --labels labels.csv.
The same command resumes an interrupted audit. Tables of LFW with --pairs DIR are scored on its View 1 and
View 2.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from rich.console import Console
from rich.text import Text

from evaluation.audit.run import run_audit
from evaluation.audit.settings import AuditSettings
from evaluation.report.page import write_report
from recipes.auditing.audit_progress import audit_progress
from recipes.auditing.audit_summary import print_summary
from recipes.auditing.known_erasers import load_known_erasers
from recipes.auditing.labelled_arrays import load_arrays
from recipes.auditing.pair_files import load_pairs
from recipes.auditing.representation_tables import load_representations
from recipes.command_line.errors import RecipeParser
from recipes.command_line.jobs import job_parser, parse_job, run_resumable, usage_errors
from recipes.command_line.output_path import check_output
from recipes.command_line.usage_error import UsageError
from recipes.runs.folder_lock import folder_lock

_REPORT = ("report.html", "numbers.json")


def make_parser() -> RecipeParser:
    """Build the command line."""
    parser = job_parser("Audit representations: what they reveal, what hiding it cost, and for whom.")
    parser.add_argument(
        "--before", type=str, required=True, help="[NAME=]PATH of the table in which nothing is hidden."
    )
    parser.add_argument(
        "--after", type=str, action="append", default=[], help="[NAME=]PATH; may be repeated."
    )
    parser.add_argument("--out", type=Path, required=True, help="Folder to write or to resume.")
    parser.add_argument(
        "--sensitive",
        type=list[str] | None,
        help="Attributes to hide, as a,b or [a,b]; null: all with few classes.",
    )
    parser.add_argument(
        "--labels",
        type=Path | None,
        help="Labels of --before and --after that are arrays (.npy, .npz, .csv, .parquet, .safetensors): a "
        ".csv or .parquet file with a column for each attribute, and sample_id, identity or subject, split "
        "and block where known.",
    )
    parser.add_argument(
        "--block",
        type=str | None,
        help="Attribute that names what was drawn together, such as the frames of one take; null: block, if "
        "there is one.",
    )
    parser.add_argument(
        "--pairs",
        type=Path | None,
        help="Folder of pairs to verify, in LFW's format: pairsDevTrain.txt and pairsDevTest.txt, pairs.txt.",
    )
    parser.add_argument(
        "--eraser",
        type=str,
        action="append",
        default=[],
        help="NAME=PATH: the file of the eraser that made the table NAME of --before; with --access true an "
        "attacker who knows it, but not its key, attacks as well. May be repeated.",
    )
    parser.add_class_arguments(AuditSettings, skip={"sensitive"})
    return parser


def main(args: list[str] | None = None) -> None:
    """Measure, print a summary and write the report."""
    config = parse_job(make_parser(), args)
    options = {field.name: config[field.name] for field in fields(AuditSettings) if field.name != "sensitive"}
    out = config.out.expanduser()
    check_output(out, folder=True)
    console = Console()
    with usage_errors():
        settings = AuditSettings(sensitive=config.sensitive, **options)
        if config.labels is None:
            representations, facts = load_representations(config.before, config.after, config.block)
        else:
            about = (settings.group, settings.target, settings.balance)
            named = {*(settings.sensitive or ()), *filter(None, about)}
            labels = config.labels.expanduser()
            representations, facts = load_arrays(config.before, config.after, labels, config.block, named)
        ids = representations.sample_id
        pairs = [] if config.pairs is None else load_pairs(config.pairs.expanduser(), ids)
        erasers = load_known_erasers(config.eraser, representations)
    if not (out / "cache").is_dir() and (found := [x for x in _REPORT if (out / x).exists()]):
        raise UsageError(f"{out / found[0]} is there, and of no audit; give another --out")
    with _write_errors(out), folder_lock(out, "audit"), usage_errors():
        with audit_progress(console) as on_step:
            audit = run_audit(representations, settings, out / "cache", on_step, pairs, erasers)
        audit.facts.update(facts)
        write_report(audit, out)
    print_summary(audit, console)
    console.print(Text(f"wrote {out / 'report.html'}"), soft_wrap=True)


@contextmanager
def _write_errors(out: Path) -> Iterator[None]:
    """Turn errors of writing to the folder (full disk, no permission, a file there) into a `UsageError`.

    Nothing is lost: what was measured stays in the cache, and a report is replaced only by a complete one.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"{error.filename or out}: {reason}; mend that, or give another --out: the audit goes on with "
            "what it has measured"
        ) from error


if __name__ == "__main__":
    run_resumable(main)
