"""A drawn SVG made small for a page: few elements, short numbers, colours that the page decides.

Two thirds of what matplotlib writes for a chart of many points is repeated: a style of 90 letters
and two numbers of six digits for each. Here a style is a class, a run of points is one path whose
corners are its markers (SVG 2, section 13.7), and paths are relative and end at a tenth of a point.
"""

from __future__ import annotations

import hashlib
import html
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from reports.charts import paths, style

_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_UNTURNED = re.compile(r"rotate\(-?0(?:\.0)? ")
_FONT = re.compile(r"(italic|oblique)?\s*(\d{3}|bold)?\s*([\d.]+px)")
#: What the page's style sheet sets, so that a chart is dark on a dark page.
_VARIABLES = {
    style.INK: "--ink",
    style.QUIET: "--quiet",
    style.GRID: "--chart-grid",
    "#ffffff": "--paper",
    "#000000": "--chart-black",
    style.SHADE: "--chart-shade",
    style.FAINT: "--chart-faint",
    style.OUTSIDE: "--chart-outside",
}
_COLOUR = re.compile("|".join(_VARIABLES))
#: Of what is the same for all, or nothing.
_LEFT_OUT = {"font-family", "stroke-linejoin", "stroke-dashoffset"}
#: A run of so many points or more is one path.
_RUN = 3

Node = tuple[str, dict[str, str], "list[Node] | str"]


@dataclass(slots=True)
class _Drawing:
    """What is gathered on the way through a chart.

    Attributes:
        prefix: of its identifiers.
        shapes: what the chart defines, by matplotlib's names.
        classes: styles by the names of their classes.
        definitions: those that are used, by what is in them.
    """

    prefix: str
    shapes: dict[str, Element] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, Node] = field(default_factory=dict)

    def named(self, declarations: str) -> str:
        """The class of a style: the same on the whole page."""
        if not declarations:
            return ""
        name = "c" + hashlib.sha256(declarations.encode()).hexdigest()[:6]
        self.classes[name] = declarations
        return name

    def reference(self, content: str, make: Callable[[str], Node]) -> str:
        """The identifier of a definition, unique in a page; the same for the same content."""
        if content not in self.definitions:
            identifier = f"{self.prefix}{len(self.definitions)}"
            self.definitions[content] = make(identifier)
        return self.definitions[content][1]["id"]


@dataclass(frozen=True, slots=True)
class Compact:
    """A small SVG element.

    Attributes:
        svg: the element, without the styles of its classes.
        rules: those: a class -> its declarations.
    """

    svg: str
    rules: Mapping[str, str]


def compact(svg: str, name: str, label: str = "") -> Compact:
    """The SVG element alone, as an image with a name.

    Args:
        svg: as matplotlib writes it.
        name: unique in a page.
        label: what is read aloud in its place; empty where what it stands in says so.
    """
    root = ElementTree.fromstring(svg)
    drawing = _Drawing("g" + hashlib.sha256(name.encode()).hexdigest()[:4] + "-")
    for element in root.iter():
        if known := element.get("id"):
            drawing.shapes[known] = element
    body = _children(root, drawing)
    width, height = (
        paths.number(float(each), 0) for each in (root.get("viewBox") or "").split()[2:]
    )
    named = {"role": "img", "aria-label": label} if label else {"aria-hidden": "true"}
    head = {
        **named,
        "width": f"{width}pt",
        "height": f"{height}pt",
        "viewBox": f"0 0 {width} {height}",
    }
    definitions: Node = ("defs", {}, [*drawing.definitions.values()])
    return Compact(_written(("svg", head, [definitions, *body])), drawing.classes)


def sheet(rules: Mapping[str, str]) -> str:
    """The style sheet of classes."""
    return "".join(f".{name}{{{text}}}" for name, text in sorted(rules.items()))


def _children(parent: Element, drawing: _Drawing) -> list[Node]:
    found: list[Node] = []
    run: list[Element] = []
    for child in parent:
        tag = child.tag.removeprefix(_SVG)
        if tag == "use" and (not run or _alike(run[0], child)):
            run.append(child)
            continue
        found += _points(run, drawing)
        run = [child] if tag == "use" else []
        if tag == "g":
            found += _group(child, drawing)
        elif tag == "path" and not _is_nothing(child):
            found.append(("path", _attributes(child, drawing), []))
        elif tag == "text":
            found.append(_text(child, drawing))
    found += _points(run, drawing)
    if (parent.get("id") or "").startswith("matplotlib.axis"):
        found.sort(key=lambda node: node[0] != "path")  # an axis' lines touch none of its texts
    return _merged(found, drawing)


def _merged(nodes: list[Node], drawing: _Drawing) -> list[Node]:
    """Neighbours that differ in their place only, as one path."""
    found: list[Node] = []
    for node in nodes:
        tag, own, _ = node
        if found and tag == "path" == found[-1][0] and _mergeable(own, drawing):
            before = found[-1][1]
            if {**before, "d": ""} == {**own, "d": ""}:
                found[-1] = ("path", {**own, "d": before["d"] + own["d"]}, [])
                continue
        found.append(node)
    return found


def _mergeable(own: Mapping[str, str], drawing: _Drawing) -> bool:
    """Whether it does not matter that what lies over each other is drawn once."""
    look = drawing.classes.get(own.get("class", ""), "")
    return "fill:none" in look or "opacity" not in look


def _alike(one: Element, other: Element) -> bool:
    return all(one.get(name) == other.get(name) for name in (_XLINK, "style"))


def _is_nothing(path: Element) -> bool:
    """Whether nothing is seen of it: a line of one point, or the white ground of the page."""
    return path.get("style") == "fill: #ffffff" or not re.search("[LCQ]", path.get("d") or "")


def _group(group: Element, drawing: _Drawing) -> list[Node]:
    inner = _children(group, drawing)
    own = _attributes(group, drawing)
    return [("g", own, inner)] if own and inner else inner


def _text(text: Element, drawing: _Drawing) -> Node:
    own = _attributes(text, drawing)
    if len(text):
        lines: list[Node] = [
            ("tspan", _attributes(line, drawing), line.text or "") for line in text
        ]
        return "text", own, lines
    return "text", own, text.text or ""


def _points(run: list[Element], drawing: _Drawing) -> Iterator[Node]:
    """Marks of one look: each by itself where they are few, else the corners of one path."""
    if not run:
        return
    shape = drawing.shapes[run[0].get(_XLINK, "")[1:]]
    if not paths.has_extent(shape.get("d", "")):
        return
    places = [(float(one.get("x", 0)), float(one.get("y", 0))) for one in run]
    own = {"d": paths.relative(shape.get("d", ""), paths.SHAPES)}
    if len(run) < _RUN:
        own |= _look(shape.get("style"), drawing)
        identifier = drawing.reference(
            f"shape {own}", lambda name: ("path", {"id": name} | own, [])
        )
        for one, (x, y) in zip(run, places, strict=True):
            look = {"href": f"#{identifier}", **_look(one.get("style"), drawing)}
            yield "use", look | {"x": paths.number(x), "y": paths.number(y)}, []
        return
    own |= _look(f"{run[0].get('style') or ''}; {shape.get('style') or ''}", drawing)
    head = {"overflow": "visible", "markerUnits": "userSpaceOnUse"}
    marker = drawing.reference(
        f"marker {own}", lambda name: ("marker", {"id": name} | head, [("path", own, [])])
    )
    # Neighbours one after the other: the distances are short, and so are their numbers.
    line = paths.corners(sorted(places))
    # By an attribute each, since a class of its own would be longer.
    ends = {f"marker-{where}": f"url(#{marker})" for where in ("start", "mid", "end")}
    yield "path", {"class": drawing.named("fill:none"), **ends, "d": line}, []


def _attributes(element: Element, drawing: _Drawing) -> dict[str, str]:
    found = _look(element.get("style"), drawing)
    if clip := element.get("clip-path"):
        found["clip-path"] = f"url(#{_clip(clip[5:-1], drawing)})"
    for name in ("x", "y"):
        if value := element.get(name):
            found[name] = paths.number(float(value))
    if path := element.get("d"):
        found["d"] = paths.relative(path, paths.PLACES)
    turned = element.get("transform")
    if turned and not _UNTURNED.match(turned):
        found["transform"] = re.sub(r"-?\d+\.\d+", lambda one: paths.number(float(one[0])), turned)
    return found


def _clip(name: str, drawing: _Drawing) -> str:
    (shape,) = drawing.shapes[name]
    own = {
        key: paths.number(float(value)) if key in {"x", "y", "width", "height"} else value
        for key, value in shape.attrib.items()
    }
    if "d" in own:
        own["d"] = paths.relative(own["d"], paths.PLACES)
    inner: list[Node] = [(shape.tag.removeprefix(_SVG), own, [])]
    return drawing.reference(f"clip {own}", lambda known: ("clipPath", {"id": known}, inner))


def _look(text: str | None, drawing: _Drawing) -> dict[str, str]:
    """A style as a class, in the page's colours and the page's font."""
    found: dict[str, str] = {}
    for declaration in (text or "").split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font" and (parts := _FONT.match(value)):
            slant, weight, size = parts.groups()
            found |= {"font-size": size} | ({"font-style": slant} if slant else {})
            found |= {"font-weight": weight} if weight else {}
        elif name == "fill" and value.startswith("url(#"):
            found[name] = f"url(#{_hatch(value[5:-1], drawing)})"
        elif name and name not in _LEFT_OUT:
            found[name] = value
    joined = ";".join(f"{name}:{value}" for name, value in found.items())
    coloured = _COLOUR.sub(lambda one: f"var({_VARIABLES[one[0]]})", joined)
    return {"class": drawing.named(coloured)} if coloured else {}


def _hatch(name: str, drawing: _Drawing) -> str:
    pattern = drawing.shapes[name]
    inner: list[Node] = [
        (child.tag.removeprefix(_SVG), _plain(child.attrib, drawing), []) for child in pattern
    ]
    own = {key: value for key, value in pattern.attrib.items() if key != "id"}
    return drawing.reference(
        f"hatch {own} {inner}", lambda known: ("pattern", {"id": known} | own, inner)
    )


def _plain(attributes: Mapping[str, str], drawing: _Drawing) -> dict[str, str]:
    found = {name: " ".join(value.split()) for name, value in attributes.items() if name != "style"}
    return found | _look(attributes.get("style"), drawing)


def _written(node: Node) -> str:
    tag, attributes, inner = node
    own = "".join(f' {name}="{html.escape(value)}"' for name, value in attributes.items())
    if isinstance(inner, str):
        text = inner if tag == "style" else html.escape(inner, quote=False)
        return f"<{tag}{own}>{text}</{tag}>"
    if not inner:
        return f"<{tag}{own}/>"
    return f"<{tag}{own}>{''.join(map(_written, inner))}</{tag}>"
