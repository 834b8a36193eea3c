"""Tables of verification on listed pairs, by the protocol of LFW."""

from evaluation.audit.result import Audit
from evaluation.report.result_tables import Cell, make_table
from evaluation.report.tables import Table
from evaluation.samples.wording import interval, number, percent, short


def pair_tables(audit: Audit) -> list[Table]:
    """Make the tables of accuracy on the pairs of View 1 and View 2 that were given."""
    first: dict[str, Cell] = {
        "representation": lambda x: x.representation,
        "score": lambda x: x.metric,
        "accuracy": lambda x: percent(x.accuracy, 2),
    }
    last: dict[str, Cell] = {
        "AUC": lambda x: number(x.auc, 4),
        "EER": lambda x: percent(x.eer, 2),
        "pairs": lambda x: f"{x.pairs:,}",
        "without embedding": lambda x: f"{x.missing:,}",
    }
    one = make_table(
        "lfw_view1",
        f"ID ({_title(audit, 1)}): accuracy at the best threshold of the training pairs.",
        audit.frame("lfw_view1"),
        {
            **first,
            "95 %": lambda x: interval(x.low, x.high, 2),
            "threshold": lambda x: short(x.threshold),
            **last,
        },
        texts=2,
    )
    two = make_table(
        "lfw_view2",
        f"ID ({_title(audit, 2)}): mean accuracy of the folds and its standard error.",
        audit.frame("lfw_view2"),
        {
            **first,
            "accuracy": lambda x: f"{percent(x.accuracy, 2)} ± {100 * x.standard_error:.2f}",
            "folds": lambda x: f"{x.folds}",
            **last,
        },
        texts=2,
    )
    return [x for x in (one, two) if x]


def pair_sentences(audit: Audit) -> list[str]:
    """Describe the origin of the pairs, and how their accuracies are computed."""
    sentences = []
    if not audit.frame("lfw_view1").empty:
        sentences.append(
            f"{_origin(audit, 1)} One threshold is chosen on training pairs, the best for them, and judges "
            "the test pairs. The interval takes pairs as independent."
        )
    if not audit.frame("lfw_view2").empty:
        sentences.append(
            f"{_origin(audit, 2)} Each fold is judged by the threshold that is best for the other folds; "
            "after ± is the standard error over the folds."
        )
    return sentences


def _title(audit: Audit, view: int) -> str:
    return f"LFW View {view}" if _official(audit, view) else f"pairs as in View {view}, not LFW's own"


def _origin(audit: Audit, view: int) -> str:
    if _official(audit, view):
        return f"LFW View {view}: the pairs are LFW's own, so this is its protocol."
    return (
        f"Pairs as in View {view}: the pairs given have LFW's format but are not LFW's own, so accuracies on "
        "them are not LFW's and compare with no published figure."
    )


def _official(audit: Audit, view: int) -> bool:
    frame = audit.frame(f"lfw_view{view}")
    return not frame.empty and bool(frame["official"].all())
