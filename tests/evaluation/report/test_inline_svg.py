from pathlib import Path

import pytest
from matplotlib.figure import Figure

from evaluation.plots.style import save_figure
from evaluation.report.inline_svg import inline_svg
from tests.support.page_reader import Page


@pytest.fixture
def drawn(tmp_path) -> Path:
    figure = Figure((3.5, 2))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], label="</text><script>alert(1)</script>")
    axes.scatter([0, 1], [1, 0], rasterized=True)
    axes.set_title("a & b <i>", parse_math=False)
    axes.legend()
    return save_figure(figure, tmp_path, "one")[0]


def test_the_drawing_stays_and_the_rest_goes(drawn):
    page = Page(str(inline_svg(drawn, "Title <b>", "What it & shows")))
    assert {tag for tag, _ in page.elements} <= {
        *(
            "svg",
            "title",
            "desc",
            "g",
            "defs",
            "clippath",
            "rect",
            "path",
            "use",
            "text",
            "tspan",
            "image",
            "style",
        )
    }
    assert "metadata" in drawn.read_text()
    (root,) = page.all("svg")
    assert root["style"] == "--width: 3.50in"
    assert {"width", "height"}.isdisjoint(root)
    assert root["viewbox"] == "0 0 252 144"
    assert "Title <b>What it & shows" in page.text
    assert "a & b <i>" in page.text
    assert "</text><script>alert(1)</script>" in page.text
    (image,) = page.all("image")
    assert image["href"].startswith("data:image/png;base64,")
    assert len(page.all("path")) > 10


def test_two_figures_can_share_a_page(drawn, tmp_path):
    other = tmp_path / "two.svg"
    other.write_bytes(drawn.read_bytes())
    pages = [Page(str(inline_svg(path, "t", "d"))) for path in (drawn, other)]
    ids = [{attributes["id"] for _, attributes in page.elements if "id" in attributes} for page in pages]
    assert len(ids[0]) == len(ids[1]) > 3
    assert ids[0].isdisjoint(ids[1])
    for page, own in zip(pages, ids, strict=True):
        links = [use["href"][1:] for use in page.all("use")]
        clips = [x["clip-path"][5:-1] for _, x in page.elements if "clip-path" in x]
        assert links
        assert clips
        assert set(links) | set(clips) <= own
        assert set(page.all("svg")[0]["aria-labelledby"].split()) <= own


def test_what_a_drawing_has_no_use_for_is_left_out(tmp_path):
    path = tmp_path / "bad.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        ' width="72pt" height="72pt" onload="alert(1)"><script>alert(2)</script>'
        '<foreignObject><p>x</p></foreignObject><use xlink:href="https://example.org/a.svg#b"/><image href="http://example.org/a.png"/>'
        '<a href="javascript:alert(3)"><text>kept?</text></a><text onclick="alert(4)">kept</text></svg>'
    )
    text = str(inline_svg(path, "t", "d"))
    assert "alert" not in text
    assert "example.org" not in text
    assert "kept?" not in text
    assert ">kept<" in text
