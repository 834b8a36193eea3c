"""The report as a browser shows it: figures, tables, a dark page and a narrow screen."""

import html
import json
import os
import re
import shutil
import subprocess

import pytest

from evaluation.plots import style
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
  const sizes = (what) => [...inside.querySelectorAll(what)].map((x) => {{
    const box = x.getBoundingClientRect();
    return [box.left, box.right, box.width, box.height];
  }});
  const measured = {{
    title: inside.title,
    overflow: inside.documentElement.scrollWidth - {width},
    figures: sizes("figure svg"),
    frames: sizes("figure .paper"),
    tables: sizes("table"),
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
}});
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(style.STYLE, "savefig.dpi", 30)
        for name, audit in (
            ("plain", make_audit()),
            ("hostile", make_audit(HOSTILE[:2], HOSTILE[2] * 3, HOSTILE[3], groups=HOSTILE[1:3])),
        ):
            folder = tmp_path_factory.mktemp(name)
            write_report(audit, folder)
            pages[name] = (folder / "report.html").read_text(encoding="utf-8")
    return pages


def _measure(browser: str, page: str, width: int, folder, *more: str) -> dict:
    path = folder / "outside.html"
    path.write_text(_OUTSIDE.format(width=width, page=html.escape(page)), encoding="utf-8")
    command = [
        browser,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'profile'}",
        "--window-size=1300,1000",
        *more,
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


@pytest.mark.parametrize(("report", "width"), [("plain", 1200), ("plain", 390), ("hostile", 390)])
def test_figures_and_tables_fit_the_screen(browser, reports, tmp_path, report, width):
    found = _measure(browser, reports[report], width, tmp_path)
    assert found["overflow"] <= 0
    assert found["title"].startswith("How blind is it?"), "a script in a name would have changed it"
    assert len(found["figures"]) >= 10
    assert len(found["tables"]) >= 10
    for _, _, across, down in (*found["figures"], *found["tables"]):
        assert across > 100
        assert down > 40
    for left, right, *_ in (*found["frames"], *found["scrolled"]):
        assert 0 <= left < right <= width
    assert all(across >= 3.4 * 96 for _, _, across, _ in found["figures"]), "as large as in print at least"
    assert found["links"]


def test_a_dark_page_for_who_asks_for_one(browser, reports, tmp_path):
    dark = _measure(browser, reports["plain"], 800, tmp_path, "--blink-settings=preferredColorScheme=0")
    light = _measure(browser, reports["plain"], 800, tmp_path, "--blink-settings=preferredColorScheme=1")
    assert (dark["dark"], light["dark"]) == (True, False)
    for page, back_is_darker in ((dark, True), (light, False)):
        back, ink = _luminance(page["back"]), _luminance(page["ink"])
        assert (back < ink) == back_is_darker
        assert (max(back, ink) + 0.05) / (min(back, ink) + 0.05) >= 7, "WCAG AAA"
