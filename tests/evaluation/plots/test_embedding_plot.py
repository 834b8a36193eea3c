import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.manifold import TSNE, trustworthiness
from sklearn.neighbors import KNeighborsClassifier

from evaluation.plots.embedding_plot import plot_embedding
from evaluation.plots.style import PALETTE
from evaluation.probes.embedding_map import perplexity, sample_rows, tsne_points
from evaluation.probes.head_features import head_features
from tests.support.figures import legend_names


def clusters(n=120, width=64, classes=4, distance=8.0, seed=0):
    rng = np.random.default_rng(seed)
    label = rng.integers(classes, size=n)
    return (rng.normal(size=(classes, width)) * distance)[label] + rng.normal(size=(n, width)), label


@pytest.fixture(scope="module")
def cloud():
    x, label = clusters()
    return x, label, tsne_points(x, 0)


def test_tsne_keeps_clusters_apart_and_repeats_itself(cloud):
    x, label, points = cloud
    assert points.shape == (120, 2)
    assert KNeighborsClassifier(5).fit(points[::2], label[::2]).score(points[1::2], label[1::2]) == 1
    np.testing.assert_array_equal(points, tsne_points(x, 0))


@pytest.mark.slow
def test_tsne_does_not_depend_on_scale_nor_place(cloud):
    """A representation that collapsed to 1e-6 of its scale shows what it did before."""
    x, label, _ = cloud
    points = tsne_points(x * 1e-6 + 3, 0)
    assert KNeighborsClassifier(5).fit(points[::2], label[::2]).score(points[1::2], label[1::2]) == 1


@pytest.mark.slow
def test_fifty_components_are_as_trustworthy_as_all():
    x, _ = clusters(n=150, width=200, distance=0.7)
    full = TSNE(perplexity=30, init="pca", random_state=0).fit_transform(x)
    assert trustworthiness(x, tsne_points(x)) >= 0.98 * trustworthiness(x, full)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.eye(3), "4 embeddings or more, got 3"),
        (np.full((9, 4), np.nan), "not finite"),
        (np.full((9, 4), 0.1), "all embeddings are the same"),
    ],
)
def test_tsne_refuses_what_it_cannot_show(x, message):
    with pytest.raises(ValueError, match=message):
        tsne_points(x)


def test_tsne_of_the_fewest_points():
    assert np.isfinite(tsne_points(np.random.default_rng(0).normal(size=(4, 3)))).all()


def test_perplexity_and_sampling():
    assert [perplexity(n) for n in (4, 31, 91, 5000)] == [1, 10, 30, 30]
    rows = sample_rows(100, seed=1, most=10)
    assert len(set(rows)) == 10
    assert (np.diff(rows) > 0).all()
    assert rows.max() < 100
    np.testing.assert_array_equal(rows, sample_rows(100, seed=1, most=10))
    np.testing.assert_array_equal(sample_rows(5), np.arange(5))


def drawn(axes):
    """Place -> colour of every point."""
    return {
        tuple(place): to_hex(colour)
        for group in axes.collections
        for place, colour in zip(
            group.get_offsets(),
            np.broadcast_to(group.get_facecolors(), (len(group.get_offsets()), 4)),
            strict=True,
        )
    }


def test_every_point_is_drawn_in_the_colour_of_its_class():
    points = np.arange(12.0).reshape(6, 2)
    label = np.array([0, 2, -1, 0, 2, 2])
    figure = plot_embedding({"x": points, "f₃(x)": -points}, label, ["a", "never", "_c$"], samples=50)
    assert [axes.get_title() for axes in figure.axes] == ["x", "f₃(x)"]
    assert legend_names(figure) == ["a", "\u200b_c$", "unknown"]
    colours = {0: PALETTE[0].lower(), 2: PALETTE[1].lower(), -1: "#bbbbbb"}
    for axes, sign in zip(figure.axes, (1, -1), strict=True):
        assert drawn(axes) == {tuple(sign * p): colours[c] for p, c in zip(points, label, strict=True)}
    assert figure.get_supxlabel() == "6 of 50 samples, t-SNE of 50 principal components, perplexity 1.67"


def test_of_many_classes_the_frequent_ones_get_colours():
    label = np.repeat(np.arange(20), [1] * 6 + [3] * 14)
    points = np.random.default_rng(0).normal(size=(len(label), 2))
    figure = plot_embedding({"x": points}, label, [f"person {i}" for i in range(20)])
    assert legend_names(figure) == [*(f"person {i}" for i in range(6, 20)), "6 other classes"]
    colours = drawn(figure.axes[0])
    assert len(colours) == len(label)
    assert {c for p, c in colours.items() if c == "#bbbbbb"} == {"#bbbbbb"}
    assert sum(c == "#bbbbbb" for c in colours.values()) == 6
    assert figure.get_supxlabel().startswith("48 samples,\n")


@pytest.mark.parametrize("views", [{}, {"x": np.zeros((3, 2))}])
def test_views_have_to_fit_the_labels(views):
    with pytest.raises(ValueError, match="2 labels"):
        plot_embedding(views, np.zeros(2, int), ["a"])


def test_no_points_are_refused():
    with pytest.raises(ValueError, match="nothing to draw"):
        plot_embedding({"x": np.zeros((0, 2))}, np.zeros(0, int), ["a"])


@pytest.mark.slow
def test_the_head_brings_out_what_it_was_trained_on(monkeypatch):
    """The class moves one of many directions: neighbours in f share it, in x many do not, in new samples."""
    monkeypatch.setattr("evaluation.probes.head_features._UPDATES", 150)
    rng = np.random.default_rng(0)
    label = rng.integers(2, size=400)
    x = rng.normal(size=(400, 60))
    x[:, 0] = 2 * label - 1 + 0.2 * x[:, 0]
    train = np.arange(400) < 250
    label_seen = np.where(rng.random(400) < 0.1, -1, label)
    f = head_features(x * 1e-4, label_seen, train)
    assert f.shape == (400, 1024)
    assert f.dtype == np.float32
    assert f.min() == 0

    def neighbours_agree(z):
        return KNeighborsClassifier(5).fit(z[train], label[train]).score(z[~train], label[~train])

    assert neighbours_agree(f) > neighbours_agree(x) + 0.1
    np.testing.assert_array_equal(f, head_features(x * 1e-4, label_seen, np.flatnonzero(train)))
    with pytest.raises(ValueError, match="1 classes to learn from"):
        head_features(x, np.zeros(400, int), train)
