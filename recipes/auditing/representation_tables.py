"""Join embedding tables of the same samples for a comparison."""

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from datamodules.tables.embedding_table import EmbeddingTable, check_unique, join
from evaluation.samples.representations import Representations
from evaluation.samples.wording import printable
from recipes.command_line.usage_error import UsageError

IDENTITY = "identity"  # the attribute that names the subject of a sample


def load_representations(before: str, after: Sequence[str]) -> tuple[Representations, dict[str, str]]:
    """Load the samples that all tables share, with the labels of the first table.

    Args:
        before: `PATH` of an embedding table, named after its file, or `NAME=PATH`.
        after: the other tables, in the same form.

    Returns:
        The representations, and facts for the report: how many samples were joined, and the provenance of
        each table.

    Raises:
        UsageError: two representations have the same name.
        DatasetError: a table cannot be read, or has no sample in common with the first.
    """
    texts = (before, *after)
    names, paths = zip(*map(_name_and_path, texts), strict=True)
    if len(set(names)) < len(names):
        raise UsageError(f"the representations are called {', '.join(names)}; tell them apart by NAME=PATH")
    whole = [EmbeddingTable.load(path) for path in paths]
    check_unique(whole[0], str(paths[0]))
    tables = _joined(whole)
    first = tables[0]
    labels = {name: column.numpy() for name, column in first.labels.items()}
    check_distinct(labels, "attributes")
    for name in labels:
        check_distinct(first.attributes[name], f"classes of {printable(name)}")
    identity = labels.pop(IDENTITY, np.full(len(first), -1))
    sizes = ", ".join(f"{len(table):,} in {name}" for name, table in zip(names, whole, strict=True))
    facts = {"joined": f"{len(first):,} samples that all tables have ({sizes})"}
    for name, table in zip(names, tables, strict=True):
        facts |= {f"{name}: {printable(key)}": printable(text) for key, text in table.provenance.items()}
    representations = Representations(
        embeddings={name: t.embedding.float().numpy() for name, t in zip(names, tables, strict=True)},
        labels={printable(name): column for name, column in labels.items()},
        classes={printable(name): tuple(map(printable, first.attributes[name])) for name in labels},
        identity=identity,
        split=first.split.numpy().astype(np.int64),
        sample_id=first.sample_id,
    )
    return representations, facts


def check_distinct(names: Iterable[str], what: str) -> None:
    """Refuse names that look the same once control characters are replaced: one would hide the other.

    Raises:
        UsageError: names one of them.
    """
    shown = Counter(map(printable, names))
    if alike := [name for name, count in shown.items() if count > 1]:
        raise UsageError(f"{what} of the first table cannot be told apart: {alike[0]!r}; rename them")


def _name_and_path(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if equals and name and "/" not in name and not Path(text).exists():
        return printable(name), Path(path).expanduser()
    return printable(Path(text).stem), Path(text).expanduser()


def _joined(tables: Sequence[EmbeddingTable]) -> list[EmbeddingTable]:
    """Keep the samples that all tables share, in the order of the first; warn of those that are dropped."""
    common = tables[0]
    for table in tables[1:]:
        common, _ = join(common, table)
    with warnings.catch_warnings():  # already warned above
        warnings.simplefilter("ignore")
        return [common, *(join(common, table)[1] for table in tables[1:])]
