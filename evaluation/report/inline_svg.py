"""Convert the SVG file of a figure to a part of a page."""

import re
from pathlib import Path
from xml.etree import ElementTree

from markupsafe import Markup

_SVG = "http://www.w3.org/2000/svg"
_LINK = "http://www.w3.org/1999/xlink"
_DRAWN = {"svg", "g", "defs", "path", "use", "clipPath", "rect", "circle", "text", "tspan", "image", "style"}
_LENGTH = re.compile(r"([\d.]+)")


def inline_svg(path: Path, title: str, description: str) -> Markup:
    """Make the markup of a figure for a page with others: it scales with the page, and its ids are unique.

    Only drawing elements are kept, and no links but those inside the figure or to embedded images: the page
    loads no other file, whatever the names in the figure are.

    Args:
        path: path of the SVG file, as `plots.style.save_figure` writes it; its stem makes the ids unique.
        title: title for screen readers.
        description: description for screen readers.
    """
    root = ElementTree.parse(path).getroot()
    for parent in list(root.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.removeprefix(f"{{{_SVG}}}") not in _DRAWN:
                parent.remove(child)
    own = f"{path.stem}-"
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        for name, value in list(element.attrib.items()):
            del element.attrib[name]
            plain = name.removeprefix(f"{{{_LINK}}}")
            if plain == "href" and not value.startswith(("#", "data:image/png;base64,")):
                continue
            if plain.startswith(("on", "{")):
                continue
            value = own + value if plain == "id" else value.replace("url(#", f"url(#{own}")
            element.set(plain, re.sub("^#", f"#{own}", value) if plain == "href" else value)
    return _page_part(root, own, title, description)


def _page_part(root: ElementTree.Element, own: str, title: str, description: str) -> Markup:
    width = float(_LENGTH.search(root.attrib.pop("width"))[1])  # type: ignore[index]  # matplotlib writes "252pt"
    del root.attrib["height"]
    root.attrib.pop("version", None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{own}title {own}description")
    root.set("style", f"--width: {width / 72:.2f}in")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(tag, {"id": own + {"title": "title", "desc": "description"}[tag]})
        element.text = text
        root.insert(place, element)
    return Markup(ElementTree.tostring(root, encoding="unicode"))
