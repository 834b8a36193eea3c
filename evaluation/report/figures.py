"""Write the figures of an audit to files, with titles and captions."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from markupsafe import Markup
from matplotlib.figure import Figure

from evaluation.audit.attacker_names import attacker_name
from evaluation.audit.result import Audit
from evaluation.plots.embedding_plot import plot_embedding
from evaluation.plots.leakage_plot import plot_leakage
from evaluation.plots.parts import split
from evaluation.plots.style import save_figure
from evaluation.plots.suppression_plot import plot_suppression
from evaluation.plots.tradeoff_plot import plot_tradeoff
from evaluation.report.inline_svg import inline_svg
from evaluation.samples.arrays import Ints
from evaluation.samples.groupings import cross

_NARROW = 4.0  # inches: figures up to this width stand side by side
_WEIGHT = "@"  # separates the method and its weight in the name of a representation


@dataclass(frozen=True)
class ReportFigure:
    """A figure on the page.

    Attributes:
        title: short text, read out by screen readers.
        caption: content of the figure, and how to read it.
        svg: the figure.
        wide: whether it takes both columns of a paper.
    """

    title: str
    caption: str
    svg: Markup
    wide: bool = True


@dataclass(frozen=True)
class FigureWriter:
    """Draw figures into a folder.

    Attributes:
        folder: folder of the files.
    """

    folder: Path

    def write(self, name: str, title: str, caption: str, figure: Figure) -> ReportFigure:
        """Write `<name>.svg` and `.png`, and return the figure for the page."""
        svg, _ = save_figure(figure, self.folder, name)
        wide = figure.get_figwidth() > _NARROW
        return ReportFigure(title, caption, inline_svg(svg, title, caption), wide)

    def leakage(self, audit: Audit, attribute: str, slug: str) -> ReportFigure:
        """Draw the bars of every attacker."""
        frame = audit.frame("leakage", attribute=attribute)
        several = frame["scaling"].nunique() > 1
        markers = " A marker is the best with one scaling of the embeddings." if several else ""
        return self.write(
            f"leakage_{slug}",
            f"Every attacker on {attribute}",
            f"Balanced accuracy of every attacker that tries to read {attribute}, the best of its scalings "
            f"and training subjects.{markers} The dashed line is chance; a bar that ends there reads "
            "nothing. Whiskers: 95 % intervals over subjects, which do not account for the choice of the "
            f"best. {sample_size(frame)}.",
            plot_leakage(frame.assign(attacker=frame["attacker"].map(attacker_name))),
        )

    def suppression(self, audit: Audit, attribute: str, slug: str) -> ReportFigure:
        """Draw the leakage against the share of removed features."""
        frame = audit.frame("suppression", attribute=attribute)
        return self.write(
            f"suppression_{slug}",
            f"{attribute} without a part of the features",
            f"What is still read of {attribute} when a random share of the features is taken away. A line "
            "that stays flat says that the attribute is spread over all features. Band: the range of "
            f"{frame['draw'].nunique()} draws of features, not an interval over subjects. "
            f"{sample_size(audit.frame('leakage', attribute=attribute))}.",
            plot_suppression(frame),
        )

    def tsne(self, audit: Audit, attribute: str, slug: str) -> ReportFigure:
        """Draw maps of each representation, and of a classifier on it, coloured by the attribute."""
        views, label = {}, np.empty(0, np.int64)
        for section, title in (("tsne", "{}"), ("tsne_head", "f({})")):
            for name in audit.names:
                points = audit.frame(section, representation=name)
                if section == "tsne_head" and len(points):
                    points = points[points["attribute"] == attribute]
                if len(points):
                    views[title.format(name)] = points[["x", "y"]].to_numpy()
                    label = points[f"label.{attribute}"].to_numpy()
        return self.write(
            f"tsne_{slug}",
            f"Maps of the embeddings, coloured by {attribute}",
            f"Each of {len(label):,} points is an image; near ones have similar embeddings (t-SNE; the "
            "colours had no part in it). An f marks the hidden layer of a classifier that learned to read "
            f"{attribute} from other subjects. Distances between clusters mean nothing, and what a map does "
            "not show may still be read. A map has no interval.",
            plot_embedding(views, label, audit.classes[attribute], samples=_drawn_from(audit, label)),
        )

    def tsne_groups(self, audit: Audit) -> ReportFigure:
        """Draw maps of each representation, coloured by the combination of all sensitive attributes."""
        maps = split(audit.frame("tsne"), "representation")
        points = next(iter(maps.values()))  # the samples, and so the labels, are the same on all maps
        labels = [torch.tensor(points[f"label.{name}"].to_numpy()) for name in audit.attributes]
        classes = [audit.classes[name] for name in audit.attributes]
        label = cross(labels, [len(names) for names in classes]).numpy()
        return self.write(
            "tsne_groups",
            f"Maps of the embeddings, coloured by {' and '.join(audit.attributes)}",
            f"The same maps of {len(label):,} images, a colour for each group.",
            plot_embedding(
                {name: rows[["x", "y"]].to_numpy() for name, rows in maps.items()},
                label,
                [", ".join(names) for names in product(*classes)],
                samples=_drawn_from(audit, label),
            ),
        )

    def tradeoff(self, audit: Audit, attribute: str, slug: str) -> ReportFigure:
        """Draw leakage against verification; names such as `lntl@0.1` hold the method and its weight."""
        estimates = [audit.leakage_estimate(attribute, name) for name in audit.names]
        frame = pd.DataFrame(
            {
                "representation": audit.names,
                **{key: [getattr(x, key) for x in estimates] for key in ("auc", "low", "high")},
                "leakage": [x.accuracy for x in estimates],
            }
        )
        if any(_WEIGHT in name for name in audit.names):
            parts = [name.partition(_WEIGHT) for name in audit.names]
            frame["method"], frame["label"] = [x[0] for x in parts], [x[2] or x[0] for x in parts]
        return self.write(
            f"tradeoff_{slug}",
            f"{attribute} against verification",
            f"Leakage of {attribute} (upwards) against the AUC of verification (to the right). The best "
            "corner is at the lower right. No representation beats those on the front in both. Whiskers: 95 "
            "% intervals of the leakage over subjects. "
            f"{sample_size(audit.frame('leakage', attribute=attribute))}.",
            plot_tradeoff(frame, chance=estimates[0].chance, control=audit.names[0]),
        )


def sample_size(leakage: pd.DataFrame) -> str:
    """Say how many images and subjects the rows of a leakage frame were measured on."""
    return f"n = {leakage['n'].max():,.0f} images of {leakage['people'].max():,.0f} subjects"


def _drawn_from(audit: Audit, label: Ints) -> int | None:
    """Return the number of samples that those on a map were drawn from; None if all are shown."""
    tested = int(audit.frame("health")["samples"].iloc[0])
    return tested if tested > len(label) else None
