"""The report as a browser shows it: on narrow and wide screens, dark, and on paper."""

import html
import json
import os
import re
import shutil
import subprocess

import pytest

from evaluation.report.page import write_report
from tests.support.made_audit import HOSTILE, make_audit

pytestmark = pytest.mark.slow  # a browser

# The page stands in a frame as wide as the screen to be tried: a window is never narrower than 500 pixels.
# Its own policy forbids scripts, so the script that measures stands outside.
_OUTSIDE = """<!DOCTYPE html><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<iframe id="page" style="border: 0; width: {width}px; height: 900px" srcdoc="{page}"></iframe>
<script>
addEventListener("load", () => {{
  const inside = document.getElementById("page").contentDocument;
  if ({opened}) inside.querySelectorAll("details").forEach((x) => (x.open = true));
  setTimeout(() => measure(inside), 500);  // animations by scrolling start after a frame
}});
const measure = (inside) => {{
  const style = (x, part) => inside.defaultView.getComputedStyle(x, part);
  const behind = (x) => {{
    const colour = x ? style(x).backgroundColor : "rgb(255, 255, 255)";
    return !x || !/, 0\\)$/.test(colour) ? colour : behind(x.parentElement);
  }};
  const seen = (x) => [...x.childNodes].some((n) => n.nodeType == 3 && n.textContent.trim())
    && x.getBoundingClientRect().width > 0;
  const written = [...inside.body.querySelectorAll("*")].filter(seen);
  const sizes = (what) => [...inside.querySelectorAll(what)].map((x) => {{
    const box = x.getBoundingClientRect();
    return [box.left, box.right, box.width, box.height];
  }});
  const measured = {{
    title: inside.title,
    overflow: inside.documentElement.scrollWidth - {width},
    figures: sizes("figure svg"),
    frames: sizes("figure .paper"),
    tables: sizes("table:not(.paper-part)"),
    parts: sizes(".paper-part"),
    cards: sizes(".verdicts li"),
    written: written.map((x) => {{
      const box = x.getBoundingClientRect();
      return [box.left, box.right, x.textContent.trim()];
    }}),
    colours: [...new Set(
      written.filter((x) => !x.closest("svg")).map((x) => style(x).color + "/" + behind(x)))],
    fills: [...new Set([...inside.querySelectorAll("svg text")].map((x) => style(x).fill))],
    cues: [...inside.querySelectorAll(".scroll")].map((x) =>
      [x.scrollWidth - x.clientWidth, parseFloat(style(x, "::before").fontSize)]),
    scrolled: sizes(".scroll"),
    back: inside.defaultView.getComputedStyle(inside.body).backgroundColor,
    ink: inside.defaultView.getComputedStyle(inside.body).color,
    links: [...inside.querySelectorAll("a")].every((a) => inside.querySelector(a.getAttribute("href"))),
    dark: inside.defaultView.matchMedia("(prefers-color-scheme: dark)").matches,
  }};
  const result = document.createElement("pre");
  result.id = "measured";
  result.textContent = JSON.stringify(measured);
  document.body.append(result);
}};
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    """The path of a Chromium; tests that ask for it are skipped where there is none."""
    asked = os.environ.get("CHROME")
    names = (asked,) if asked else ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        pytest.skip(f"no browser: neither of {', '.join(names)} is on the PATH (CHROME names another)")
    return found


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> dict[str, str]:
    """The page of an ordinary audit, and of one with markup in every name."""
    pages = {}
    for name, audit in (
        ("plain", make_audit(("x", "leace", "phi", "inlp"), score=(0.68, 0.6, 0.41, 0.3))),
        ("hostile", make_audit(HOSTILE[:2], HOSTILE[2] * 3, HOSTILE[3], groups=HOSTILE[1:3])),
    ):
        folder = tmp_path_factory.mktemp(name)
        write_report(audit, folder)
        pages[name] = (folder / "report.html").read_text(encoding="utf-8")
    return pages


def _measure(browser: str, page: str, width: int, folder, *more: str, opened: bool = True) -> dict:
    path = folder / "outside.html"
    text = _OUTSIDE.format(width=width, page=html.escape(page), opened=str(opened).lower())
    path.write_text(text, encoding="utf-8")
    command = [
        browser,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'profile'}",
        "--window-size=1300,1000",
        *more,
        "--run-all-compositor-stages-before-draw",
        "--virtual-time-budget=5000",
        "--dump-dom",
        path.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    found = re.search(r'<pre id="measured">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stdout[-500:] + done.stderr[-500:]
    return json.loads(html.unescape(found[1]))


def _luminance(colour: str) -> float:
    """Of `rgb(r, g, b)`, by WCAG 2."""
    parts = [int(x) / 255 for x in re.findall(r"\d+", colour)[:3]]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return sum(weight * x for weight, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    """Ratio of two colours, by WCAG 2."""
    light, dark = sorted(map(_luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _inverted(colour: str) -> str:
    """A grey as the filter of figures on a dark page shows it."""
    red, green, blue = (int(x) for x in re.findall(r"\d+", colour)[:3])
    assert red == green == blue, "of a grey: other colours are turned, too"
    grey = round(0.9 * (255 - red) + 0.1 * red)
    return f"rgb({grey}, {grey}, {grey})"


@pytest.mark.parametrize(("report", "width"), [("plain", 1280), ("plain", 390), ("hostile", 390)])
def test_figures_and_tables_fit_the_screen(browser, reports, tmp_path, report, width):
    found = _measure(browser, reports[report], width, tmp_path)
    assert found["overflow"] <= 0
    assert found["title"].startswith("How blind is it?"), "a script in a name would have changed it"
    assert len(found["figures"]) >= 10
    assert len(found["tables"]) >= 20
    for _, _, across, down in (*found["figures"], *found["tables"]):
        assert across > 100
        assert down > 40
    for left, right, *_ in (*found["frames"], *found["scrolled"], *found["cards"]):
        assert 0 <= left < right <= width
    assert all(across >= 3.4 * 96 for _, _, across, _ in found["figures"]), "as large as in print at least"
    assert not any(across for _, _, across, _ in found["parts"]), "the parts are for paper"
    assert found["links"]


def test_what_scrolls_says_so_and_nothing_else_does(browser, reports, tmp_path):
    wide, narrow = (_measure(browser, reports["plain"], width, tmp_path)["cues"] for width in (1280, 390))
    for hidden, size in (*wide, *narrow):
        assert (size > 10) == (hidden > 0)
    assert 0 < sum(hidden > 0 for hidden, _ in wide) < sum(hidden > 0 for hidden, _ in narrow)


def test_three_verdicts_stand_in_one_row_where_there_is_room(browser, reports, tmp_path):
    wide, narrow = (_measure(browser, reports["plain"], width, tmp_path)["cards"] for width in (1280, 390))
    assert len({left for left, *_ in wide}) == len(wide) == 3
    assert len({left for left, *_ in narrow}) == 1


def test_on_paper_nothing_is_cut(browser, reports, tmp_path):
    paper = 688  # pixels: A4 without the margins
    for report in reports.values():
        printed = report.replace("@media print", "@media all")
        found = _measure(browser, printed, paper, tmp_path, opened=False)
        for left, right, text in found["written"]:
            assert -1 <= left <= right <= paper + 1, text
        assert all(right <= paper + 1 for _, right, *_ in found["figures"])
        assert sum(across > 0 for _, _, across, _ in found["parts"]) >= 4
        shown = {text for *_, text in found["written"]}
        assert {"TAR at FMR 10⁻⁴", "impostor pairs", "permutations"} <= shown, "folded ones, too"


def test_a_table_in_one_part_would_be_cut(browser, reports, tmp_path):
    printed = reports["plain"].replace("@media print", "@media all").replace("nav, .screen {", "nav {")
    found = _measure(browser, printed, 688, tmp_path)
    assert any(right > 700 for _, right, _ in found["written"])


def test_a_dark_page_for_who_asks_for_one(browser, reports, tmp_path):
    dark = _measure(browser, reports["plain"], 800, tmp_path, "--blink-settings=preferredColorScheme=0")
    light = _measure(browser, reports["plain"], 800, tmp_path, "--blink-settings=preferredColorScheme=1")
    assert (dark["dark"], light["dark"]) == (True, False)
    for page, back_is_darker in ((dark, True), (light, False)):
        assert (_luminance(page["back"]) < _luminance(page["ink"])) == back_is_darker
        assert _contrast(page["back"], page["ink"]) >= 7, "WCAG AAA"
        assert len(page["colours"]) >= 5
        for pair in page["colours"]:
            assert _contrast(*pair.split("/")) >= 4.5, pair
    white, paper = "rgb(255, 255, 255)", "rgb(255, 255, 255)"
    for fill in set(dark["fills"]) - {white}:  # white numbers stand on blue cells
        assert _contrast(fill, paper) >= 4.5, fill
        assert _contrast(_inverted(fill), _inverted(paper)) >= 4.5, fill
