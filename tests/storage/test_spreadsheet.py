"""CSV text: formulas stay text, numbers stay numbers, and a reader gets back what was written."""

import io

import numpy as np
import pandas as pd
import pytest

from storage.spreadsheet import as_cell, csv_text, from_cell

FORMULAS = ["=1+1", "@SUM(1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "\r=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_text_and_is_read_back(text):
    assert as_cell(text) == f"'{text}"
    assert from_cell(as_cell(text)) == text


@pytest.mark.parametrize("value", ["emotion", "", "-1", "+2.5", "-1e-3", "'quoted'", "a=1", -1.5, -1, None])
def test_what_is_no_formula_stays(value):
    assert as_cell(value) == value
    assert from_cell(as_cell(value)) == value


def test_cells_and_headings_of_a_frame_are_escaped():
    frame = pd.DataFrame(
        {
            "name": pd.Categorical(["=1+1", "plain", "@SUM(1)"]),
            "=heading": [None, "-x", "y"],
            "count": [-1, 0, 1],
            "share": [-0.5, np.nan, 0.1 + 0.2],
        }
    )
    text = csv_text(frame)
    assert text.splitlines()[1] == "'=1+1,,-1,-0.5"
    read = pd.read_csv(io.StringIO(text))
    assert list(read) == ["name", "'=heading", "count", "share"]
    assert read["name"].tolist() == ["'=1+1", "plain", "'@SUM(1)"]
    assert read["'=heading"].tolist()[1:] == ["'-x", "y"]
    assert read["count"].tolist() == [-1, 0, 1]
    assert read["share"].tolist()[2] == 0.1 + 0.2
    assert frame["name"].tolist() == ["=1+1", "plain", "@SUM(1)"]
    assert csv_text(frame.head(0)).strip() == "name,'=heading,count,share"
