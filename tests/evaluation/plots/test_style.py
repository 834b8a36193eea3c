from xml.etree import ElementTree

import matplotlib
import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from evaluation.plots.leakage_plot import plot_leakage
from evaluation.plots.style import NAME, PALETTE, PRINT_DPI, STYLE, appearance, save_figure, shown, styled

SVG = "{http://www.w3.org/2000/svg}"


def texts(path):
    return ["".join(text.itertext()) for text in ElementTree.parse(path).iter(f"{SVG}text")]


def test_writes_an_svg_and_a_png_for_print(leakage_frame, tmp_path, monkeypatch, print_dpi):
    monkeypatch.setitem(STYLE, "savefig.dpi", print_dpi)
    figure = plot_leakage(leakage_frame)
    svg, png = save_figure(figure, tmp_path / "new" / "folder", "leakage")
    assert [svg, png] == [tmp_path / "new" / "folder" / f"leakage.{kind}" for kind in ("svg", "png")]
    assert plt.imread(png).shape[1] == round(figure.get_figwidth() * PRINT_DPI)
    assert ElementTree.parse(svg).getroot().get("width") == f"{72 * figure.get_figwidth():g}pt"


@pytest.mark.slow
def test_the_same_data_give_the_same_bytes(leakage_frame, tmp_path):
    first, second = (save_figure(plot_leakage(leakage_frame), tmp_path / run, "a") for run in "12")
    again = save_figure(plot_leakage(leakage_frame), tmp_path, "b")[0]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert first[0].read_bytes() != again.read_bytes()  # the ids inside it carry the name


def test_text_stays_text_and_a_dollar_a_dollar(leakage_frame, tmp_path):
    hostile = r"$\frac{1}{0}$ <b>&"
    frame = leakage_frame.replace({"emotion": hostile, "x": "_x", "mlp": "a\x00b\nc"})
    figure = plot_leakage(frame)
    svg, _ = save_figure(figure, tmp_path, "names")
    found = texts(svg)
    assert f"{hostile} (chance 25.0 %)" in found
    assert "a b c" in found
    assert "\u200b_x" in found  # matplotlib hides what starts with _ from legends


def test_has_no_date_and_is_white(leakage_frame, tmp_path):
    svg, png = save_figure(plot_leakage(leakage_frame), tmp_path, "a")
    assert "<dc:date>" not in svg.read_text()
    assert (plt.imread(png)[0, 0] == 1).all()  # alpha included


def test_nothing_of_the_users_style_gets_in_or_is_changed(leakage_frame, tmp_path):
    plain, _ = save_figure(plot_leakage(leakage_frame), tmp_path / "1", "a")
    with plt.style.context("dark_background"):
        before = dict(matplotlib.rcParams)
        dark, _ = save_figure(plot_leakage(leakage_frame), tmp_path / "2", "a")
        assert dict(matplotlib.rcParams) == before
    assert plain.read_bytes() == dark.read_bytes()
    assert plt.get_fignums() == []


def test_no_text_is_smaller_than_seven_points(leakage_frame):
    figure = plot_leakage(leakage_frame)
    sizes = [text.get_fontsize() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]
    assert min(sizes) >= 7


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x", "x"),
        (3, "3"),
        (" two\t words\n", "two words"),
        ("", "(no name)"),
        ("\u202eevil\ud800", "evil"),
        ("a" * NAME, "a" * NAME),
    ],
)
def test_shown(name, expected):
    assert shown(name) == expected


def test_shown_cuts_the_middle_out_of_a_long_name():
    one, other = (
        shown("sensitivenets_uniform_target_lambda_0.1"),
        shown("sensitivenets_uniform_target_lambda_0.3"),
    )
    assert len(one) == NAME
    assert one != other
    assert shown("abcdefghij", most=6) == "abc…ij"


def test_seven_representations_differ_in_colour_or_line():
    looks = appearance([*"abcdefgh", "a"])
    assert list(looks) == list("abcdefgh")
    assert len({look["color"] for look in looks.values()}) == len(PALETTE) == 7
    assert looks["h"]["color"] == looks["a"]["color"]
    assert looks["h"]["linestyle"] != looks["a"]["linestyle"]


def test_a_styled_function_passes_on_what_it_gets():
    @styled
    def draw(width, *, height):
        return Figure((width, height))

    assert list(draw(2, height=3).get_size_inches()) == [2, 3]
    assert matplotlib.rcParams["text.parse_math"]
