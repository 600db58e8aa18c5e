"""Elements of SVG. Whatever text goes in, what comes out is well-formed XML."""

from __future__ import annotations

import re
from math import hypot
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(style: str, title: str) -> Element:
    """The root; `style` is CSS."""
    root = Element("svg", xmlns="http://www.w3.org/2000/svg")
    text_of(SubElement(root, "title"), title)
    text_of(SubElement(root, "style"), style)
    return root


def resize(root: Element, paper: Element, width: float, height: float) -> None:
    """Give the document, and a rectangle that fills it, their size."""
    for element in (root, paper):
        element.set("width", number(width))
        element.set("height", number(height))
    root.set("viewBox", f"0 0 {number(width)} {number(height)}")


def add(parent: Element, tag: str, kind: str = "", **attributes: float | str) -> Element:
    """A new element below `parent`, of the CSS class `kind`."""
    element = SubElement(parent, tag, {"class": kind} if kind else {})
    for name, value in attributes.items():
        element.set(name.replace("_", "-"), value if isinstance(value, str) else number(value))
    return element


def write(parent: Element, x: float, y: float, text: str, kind: str = "", **attributes: float | str) -> Element:
    """Text with its base line at `y`."""
    return text_of(add(parent, "text", kind, x=x, y=y, **attributes), text)


def explain(element: Element, text: str) -> None:
    """What is shown while the mouse is over it."""
    text_of(add(element, "title"), text)


def text_of(element: Element, text: str) -> Element:
    """Give the element this text, without what XML cannot hold."""
    element.text = NOT_XML.sub("\ufffd", text)
    return element


def number(value: float) -> str:
    """As short as a tenth of a pixel allows."""
    return f"{value:.1f}".removesuffix(".0")


def serialize(root: Element) -> str:
    """The whole document."""
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    """Path data."""
    return f"M{number(x1)} {number(y1)} L{number(x2)} {number(y2)}"


def cross(x: float, y: float, size: float) -> str:
    """Path data of an x-shaped mark."""
    return (
        f"M{number(x - size)} {number(y - size)} l{2 * size} {2 * size} "
        f"M{number(x - size)} {number(y + size)} l{2 * size} {-2 * size}"
    )


def arrow_head(x1: float, y1: float, x2: float, y2: float) -> str:
    """Path data of the wings of an arrow from (x1, y1) to (x2, y2)."""
    length = hypot(x2 - x1, y2 - y1) or 1.0
    dx, dy = 7 * (x2 - x1) / length, 7 * (y2 - y1) / length
    wings = ((x2 - dx - dy / 2, y2 - dy + dx / 2), (x2 - dx + dy / 2, y2 - dy - dx / 2))
    (ax, ay), (bx, by) = wings
    return f"M{number(ax)} {number(ay)} L{number(x2)} {number(y2)} L{number(bx)} {number(by)}"
