"""What a platform says, taken apart: JSON by a path (``data.list[0].code``), XML by an XPath (``head/code``, ``item/@id``), text by
a regular expression. It was written by somebody else, so all of it is bounded and nothing in it is obeyed."""

from __future__ import annotations

import json
import re
from typing import Any, Literal
from urllib.parse import parse_qsl
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

Format = Literal["json", "xml", "form", "text"]

LARGEST = 4 * 1024 * 1024  # octets of a list of receipts
LONGEST = 4000  # characters of one value
STEP = re.compile(r"([^.\[\]]+)|\[(\d{1,6})\]")
ATTRIBUTE = re.compile(r"(?:^|/)@([\w:.-]+)$")
DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


class Unreadable(ValueError):
    """It is not what it should be."""


def parsed(body: bytes, format: Format, encoding: str) -> Any:
    """The document. Raises Unreadable."""
    if len(body) > LARGEST:
        raise Unreadable("it is too long")
    try:
        text = body.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise Unreadable(f"it is not {encoding}") from None
    try:
        match format:
            case "json":
                # Numbers stay as they are written: an id of 20 digits is no number to reckon with.
                return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
            case "xml":
                if "<!" in text.replace("<![CDATA[", "").replace("<!--", ""):
                    raise Unreadable("it declares entities")
                return ElementTree.fromstring(DECLARATION.sub("", text))  # noqa: S314  # without DTD, and bounded
            case "form":
                return dict(parse_qsl(text, keep_blank_values=True, encoding=encoding, max_num_fields=1000))
    except (ValueError, RecursionError, ElementTree.ParseError) as error:
        raise Unreadable(f"it is no {format}") from error
    return text


def items(document: Any, path: str) -> list[Any]:
    """The entries of a list in it; the document itself where no path is given. Raises Unreadable where there is no such list."""
    if not path:
        return document if isinstance(document, list) else [document]
    if isinstance(document, Element):
        return document.findall(path)
    if isinstance(document, str):
        return [match[0] for match in re.finditer(path, document)]
    found = _walk(document, path)
    if isinstance(found, list):
        return found
    if isinstance(found, dict):  # some platforms leave the brackets out where there is one
        return [found]
    if found in (None, "") and _is_there(document, path):
        return []
    raise Unreadable(f"there is no list at {path}")


def value(document: Any, path: str) -> str:
    """What stands there, as it is written; empty where nothing does."""
    if not path:
        return ""
    if isinstance(document, Element):
        at, attribute = _place(path)
        element = document.find(at)
        if element is None:
            return ""
        return _clean(element.get(attribute, "") if attribute else "".join(element.itertext()).strip())
    if isinstance(document, str):
        match = re.search(path, document)
        return _clean((match[1] if match.re.groups else match[0]) or "") if match else ""
    match _walk(document, path):
        case str(found):
            return _clean(found)
        case bool(found):
            return "true" if found else "false"
    return ""


def leaves(document: Any) -> list[str]:
    """All that is said in it."""
    match document:
        case str():
            return [document]
        case dict():
            return [leaf for each in document.values() for leaf in leaves(each)]
        case list():
            return [leaf for each in document for leaf in leaves(each)]
        case Element():
            return [text for each in document.iter() for text in (each.text or "", *each.attrib.values())]
    return []


def check(path: str, format: Format) -> None:
    """Raises Unreadable for what is no path."""
    try:
        match format:
            case "xml":
                Element("nothing").find(_place(path)[0])
            case "text":
                re.compile(path)
            case _:
                if STEP.sub("", path).strip("."):
                    raise Unreadable(path)
    except (SyntaxError, KeyError, re.error) as error:
        raise Unreadable(path) from error


def _place(path: str) -> tuple[str, str]:
    """An XPath in two: the element, and its attribute where the path ends in one."""
    match = ATTRIBUTE.search(path)
    return (path[: match.start()] or ".", match[1]) if match else (path, "")


def _walk(document: Any, path: str) -> Any:
    for name, place in STEP.findall(path.removeprefix("$.")):
        if name and isinstance(document, dict):
            document = document.get(name)
        elif place and isinstance(document, list) and int(place) < len(document):
            document = document[int(place)]
        else:
            return None
    return document


def _is_there(document: Any, path: str) -> bool:
    """Whether a key is there, be it that nothing stands behind it."""
    above, _, name = path.removeprefix("$.").rpartition(".")
    holder = _walk(document, above) if above else document
    return isinstance(holder, dict) and name in holder


def _clean(text: str) -> str:
    """Bounded, and without what no database keeps."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:LONGEST]
