"""The figures of an audit of a drawn part, of a few images, and of methods at several weights."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluation.report.cost_figures import downstream_figures
from evaluation.report.figures import FigureWriter
from evaluation.report.sections import attribute_section, cost_section
from evaluation.verification.pair_comparison import compare_images
from tests.support.made_audit import make_audit


@pytest.fixture
def figures(tmp_path) -> FigureWriter:
    return FigureWriter(tmp_path)


@pytest.mark.slow
def test_groups_of_all_sensitive_attributes_have_a_map(figures) -> None:
    audit = make_audit(names=("x",), attribute="gender", groups=("women", "men"), score=(0.9,))
    points = audit.frames["tsne"]
    gender, ethnicity = np.arange(len(points)) % 2, np.arange(len(points)) // 2 % 3
    maps = points.assign(**{"label.gender": gender, "label.ethnicity": ethnicity})
    frames = {**audit.frames, "tsne": maps}
    for name in ("leakage", "strongest"):
        frames[name] = pd.concat([frames[name], frames[name].assign(attribute="ethnicity")])
    classes = {"gender": ("women", "men"), "ethnicity": ("A", "B", "C")}
    settings = {**audit.settings, "per_group": 10}
    both = replace(audit, attributes=tuple(classes), classes=classes, frames=frames, settings=settings)
    titles = [x.title for x in attribute_section(both, "ethnicity", figures).figures]
    assert titles[-1] == "Maps of the embeddings, coloured by gender and ethnicity"
    drawn = (figures.folder / "tsne_groups.svg").read_text()
    assert all(f">{a}, {b}<" in drawn for a in ("women", "men") for b in "ABC")
    for other in (both, replace(both, settings=audit.settings)):
        shown = [x.title for x in attribute_section(other, "gender", figures).figures]
        assert not any("gender and ethnicity" in title for title in shown)
    without = attribute_section(replace(both, settings=audit.settings), "ethnicity", figures)
    assert len(without.figures) == len(titles) - 1


@pytest.mark.slow
def test_a_few_images_are_shown_where_they_were_compared(figures) -> None:
    audit = make_audit()
    rng = np.random.default_rng(0)
    table = compare_images(rng.normal(size=(20, 8)), np.repeat(np.arange(5), 4), 4)
    named = [table.assign(representation=name) for name in audit.names]
    compared = replace(audit, frames={**audit.frames, "comparison": pd.concat(named)})
    before, after = (
        [x.title for x in cost_section(x, figures).figures] for x in (audit, compared)
    )  # fmt: skip
    assert set(after) - set(before) == {"A few images, pair by pair"}
    drawn = (figures.folder / "comparison.svg").read_text()
    assert all(f">{cosine:.2f}<".replace("-", "−") in drawn for cosine in table["cosine"])


@pytest.mark.slow
def test_slopes_are_drawn_where_there_are_any(figures) -> None:
    audit = make_audit(binary="emotion")
    assert any("in one number" in x.title for x in downstream_figures(audit, figures))
    frames = {name: frame for name, frame in audit.frames.items() if name != "dose_slopes"}
    assert not any(
        "in one number" in x.title for x in downstream_figures(replace(audit, frames=frames), figures)
    )


def test_names_with_a_weight_are_drawn_by_method(figures) -> None:
    audit = make_audit(names=("x", "lntl@0.1", "lntl@1"), score=(0.68, 0.5, 0.41))
    figures.tradeoff(audit, "emotion", "1")
    drawn = (figures.folder / "tradeoff_1.svg").read_text()
    assert all(f">{word}<" in drawn for word in ("lntl", "0.1", "1", "x"))
    assert "lntl@" not in drawn
    figures.tradeoff(make_audit(names=("x", "lntl 1")), "emotion", "2")
    assert ">lntl 1<" in (figures.folder / "tradeoff_2.svg").read_text()
