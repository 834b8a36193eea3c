"""Join embedding tables of the same samples for a comparison."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from datamodules.tables.embedding_table import EmbeddingTable
from datamodules.tables.joined_tables import check_unique, common_rows
from evaluation.samples.representations import Representations
from evaluation.samples.wording import printable
from recipes.auditing.training_record import IDENTITY, subjects_learned_from
from recipes.command_line.usage_error import UsageError

BLOCK = "block"  # the attribute that names what was drawn together, such as the frames of one take


def load_representations(
    before: str, after: Sequence[str], block: str | None = None
) -> tuple[Representations, dict[str, str]]:
    """Load the samples of the first table, and what the others hold of them.

    Args:
        before: `PATH` of an embedding table, named after its file, or `NAME=PATH`.
        after: the other tables, in the same form.
        block: attribute that names what was drawn together; None takes `block` if the first table has it.

    Returns:
        The representations, with rows of nan for samples that a table lacks; and facts for the report: the
        number of samples in each table, and its provenance.

    Raises:
        UsageError: two representations have the same name, or there is no such attribute.
        DatasetError: a table cannot be read, or has no sample in common with the first, or contradicts it.
    """
    texts = (before, *after)
    names, paths = zip(*map(_name_and_path, texts), strict=True)
    if len(set(names)) < len(names):
        raise UsageError(f"the representations are called {', '.join(names)}; tell them apart by NAME=PATH")
    tables = [EmbeddingTable.load(path) for path in paths]
    first = tables[0]
    check_unique(first, str(paths[0]))
    embeddings, sizes = {names[0]: first.embedding.float().numpy()}, [f"{len(first):,} of {names[0]}"]
    for name, table in zip(names[1:], tables[1:], strict=True):
        rows, own = common_rows(first, table, (names[0], name))
        embeddings[name] = np.full((len(first), table.embedding.shape[1]), np.nan, np.float32)
        embeddings[name][rows.numpy()] = table.embedding[own].float().numpy()
        others = f", and {len(table) - len(own):,} others" if len(own) < len(table) else ""
        sizes.append(f"{name} has {len(own):,} of them{others}")
    labels = {name: column.numpy() for name, column in first.labels.items()}
    check_distinct(labels, "attributes")
    for name in labels:
        check_distinct(first.attributes[name], f"classes of {printable(name)}")
    identity = labels.pop(IDENTITY, np.full(len(first), -1))
    if block is not None and block not in labels:
        raise UsageError(f"--block: no attribute {block!r}; the first table has {', '.join(sorted(labels))}")
    records = {name: subjects_learned_from(x, first) for name, x in zip(names, tables, strict=True)}
    facts = {"samples of the tables": "; ".join(sizes)}
    for name, table in zip(names, tables, strict=True):
        facts |= {f"{name}: {printable(key)}": printable(text) for key, text in table.provenance.items()}
    representations = Representations(
        embeddings=embeddings,
        block=labels.pop(block or BLOCK, None),
        labels={printable(name): column for name, column in labels.items()},
        classes={printable(name): tuple(map(printable, first.attributes[name])) for name in labels},
        identity=identity,
        split=first.split.numpy().astype(np.int64),
        sample_id=first.sample_id,
        seen={name: record for name, record in records.items() if record is not None},
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
