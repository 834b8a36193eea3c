"""Audit representations: how readable an attribute still is, what hiding it cost, and who pays.

python recipes/audit.py --config audit/default.yaml --before x.safetensors --after phi.safetensors \\
    --sensitive emotion --out audits/phi

Several --after compare several with one. NAME=PATH says what to call the table at PATH in the report. Started
again, it goes on where it stopped. Tables of LFW and --pairs DIR give its View 1 and View 2.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from evaluation.audit.run import run_audit
from evaluation.audit.settings import AuditSettings
from evaluation.report.page import write_report
from recipes.auditing.audit_summary import print_summary
from recipes.auditing.pair_files import load_pairs
from recipes.auditing.representation_tables import load_representations
from recipes.command_line.errors import RecipeParser, UsageError
from recipes.command_line.jobs import job_parser, parse_job, run_resumable, users_mistakes
from recipes.command_line.output_path import check_output
from recipes.runs.folder_lock import folder_lock

_REPORT = ("report.html", "numbers.json")


def make_parser() -> RecipeParser:
    """Options of the recipe."""
    parser = job_parser("Audit representations: what they give away, what hiding it cost, and who pays.")
    parser.add_argument(
        "--before", type=str, required=True, help="[NAME=]PATH of the table nothing is hidden in."
    )
    parser.add_argument("--after", type=str, action="append", default=[], help="[NAME=]PATH; once for each.")
    parser.add_argument("--out", type=Path, required=True, help="Folder to write, or to go on with.")
    parser.add_argument(
        "--sensitive",
        type=list[str] | None,
        help="Attributes that are meant to be hidden, as a,b or [a,b]; null: all of a few classes.",
    )
    parser.add_argument(
        "--pairs",
        type=Path | None,
        help="Folder of pairs to verify, in LFW's format: pairsDevTrain.txt and pairsDevTest.txt, pairs.txt.",
    )
    parser.add_class_arguments(AuditSettings, skip={"sensitive"})
    return parser


def main(args: list[str] | None = None) -> None:
    """Measure, print and write the report."""
    config = parse_job(make_parser(), args)
    options = {field.name: config[field.name] for field in fields(AuditSettings) if field.name != "sensitive"}
    out = config.out.expanduser()
    check_output(out, folder=True)
    console = Console()
    with users_mistakes():
        settings = AuditSettings(sensitive=config.sensitive, **options)
        representations, told = load_representations(config.before, config.after)
        ids = representations.sample_id
        pairs = [] if config.pairs is None else load_pairs(config.pairs.expanduser(), ids)
    if not (out / "cache").is_dir() and (found := [x for x in _REPORT if (out / x).exists()]):
        raise UsageError(f"{out / found[0]} is there, and of no audit; give another --out")
    with _written_to(out), folder_lock(out, "audit"), users_mistakes():
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("", total=None)
            audit = run_audit(
                representations,
                settings,
                out / "cache",
                on_step=lambda step, done, total: progress.update(
                    task, description=escape(step.title), completed=done, total=total
                ),
                pairs=pairs,
            )
        audit.facts.update(told)
        write_report(audit, out)
    print_summary(audit, console)
    console.print(Text(f"wrote {out / 'report.html'}"), soft_wrap=True)


@contextmanager
def _written_to(out: Path) -> Iterator[None]:
    """A folder that cannot be written is the user's to mend: a full disk, no permission, a file in its place.

    Nothing is lost: what was measured stays in the cache, and a report is replaced when the next is whole.
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
