import pytest

from evaluation.report.tables import Table, escape_latex, escape_markdown
from evaluation.samples.wording import MISSING, equals, interval, number, p_value, percent, printable, short
from tests.support.made_audit import HOSTILE

TABLE = Table("reads", "5 % of a_b.", ("name", "share"), [("a | b", "5 %"), ("<i>", MISSING)])


def test_markdown_is_a_pipe_table_of_escaped_cells():
    assert TABLE.markdown() == ("| name | share |\n| :-- | --: |\n| a \\| b | 5 % |\n| &lt;i&gt; | – |\n")


def test_latex_is_a_booktabs_table_of_escaped_cells():
    lines = TABLE.latex().splitlines()
    assert r"\caption{5 \% of a\_b.}" in lines
    assert r"\label{tab:reads}" in lines
    assert r"\begin{tabular}{lr}" in lines
    rules = [lines.index(rf"\{rule}") for rule in ("toprule", "midrule", "bottomrule")]
    assert lines[rules[0] + 1 : rules[1]] == [r"name & share \\"]
    assert lines[rules[1] + 1 : rules[2]] == [
        r"a \textbar{} b & 5 \% \\",
        r"\textless{}i\textgreater{} & – \\",
    ]


def test_a_row_has_a_cell_for_every_column():
    with pytest.raises(ValueError, match="table t: 1 cells for 2 columns"):
        Table("t", "", ("a", "b"), [("1",)])


@pytest.mark.parametrize(
    ("character", "written"),
    [
        ("\\", r"\textbackslash{}"),
        ("{", r"\{"),
        ("}", r"\}"),
        ("$", r"\$"),
        ("&", r"\&"),
        ("#", r"\#"),
        ("_", r"\_"),
        ("%", r"\%"),
        ("~", r"\textasciitilde{}"),
        ("^", r"\textasciicircum{}"),
    ],
)
def test_latex_specials_are_written_once_and_not_again(character, written):
    assert escape_latex(f"a{character}b") == f"a{written}b"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_in_their_cell(name):
    markdown = Table("t", "", ("a", "b"), [(name, "1")]).markdown().splitlines()
    assert len(markdown) == 3
    bare = markdown[2].replace("\\\\", "").replace("\\|", "")
    assert bare.count("|") == 3
    assert "<" not in bare
    latex = Table("t", name, ("a", "b"), [(name, "1")]).latex()
    assert latex.count(r"\end{table}") == 1
    (row,) = [line for line in latex.splitlines() if line.endswith(r" & 1 \\")]
    assert row.replace(r"\&", "").count("&") == 1
    assert "%" not in row.replace(r"\%", "")


def test_what_one_cannot_see_is_made_visible():
    assert printable("a\nb\x00\u202ec\u00e9") == "a b\ufffd\ufffdc\u00e9"
    assert escape_markdown("a\r\n| x") == "a  \\| x"


def test_numbers_in_words():
    nan = float("nan")
    assert [percent(0.41349), percent(1.0), percent(nan), percent(0.00123, 2)] == [
        "41.3 %",
        "100.0 %",
        "–",
        "0.12 %",
    ]
    assert [number(0.98765, 4), number(nan), short(0.000012345), short(nan)] == [
        "0.9877",
        "–",
        "1.23e-05",
        "–",
    ]
    assert [interval(0.39, 0.4361), interval(nan, 1.0), interval(0.0, nan)] == ["[39.0, 43.6]", "–", "–"]
    assert [p_value(0.005), p_value(0.0004), p_value(1.0), p_value(nan)] == [".005", "< .001", "1.000", "–"]
    assert [equals(0.005), equals(0.0004)] == ["= .005", "< .001"]
