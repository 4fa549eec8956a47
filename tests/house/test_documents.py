"""What the documents point to is there, and what they name exists."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import shlex
from functools import reduce
from pathlib import Path

import pytest

from zhike.api.edge import described
from zhike.cli import COMMANDS, parser

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
VARIABLE = re.compile(r"ZHIKE_[A-Z_]+")
SPAN, BLOCK = re.compile(r"`([^`\n]+)`"), re.compile(r"^ *```(?:sh|console)\n(.*?)^ *```", re.M | re.S)
FILE = re.compile(r"[\w./-]+\.(?:py|toml|html|css|js|txt|in|md)|(?:bin|docs|tests|bench|zhike|requirements)/[\w./-]*")
MODULE = re.compile(r"python -m ([\w.]+)")
NAME = re.compile(r"[a-z_]+(?:\.\w+)+")
ADDRESS = re.compile(r"(?:/api/v1|/healthz|/readyz)[\w./-]*")
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def said(document: Path) -> list[str]:
    """What a document sets as code: spans, and the lines of its blocks, without their comments."""
    text = document.read_text()
    lines = [line.partition("  #")[0].strip() for block in BLOCK.findall(text) for line in block.splitlines()]
    return [*SPAN.findall(BLOCK.sub("", text)), *filter(None, lines)]


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    missing = [link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert missing == []


@each_document
def test_commands_are_understood(document: Path) -> None:
    """Each is taken apart as the command line does it; a command named alone may leave out what it needs."""
    wrong = []
    for line in said(document):
        words = shlex.split(line)
        while words and re.match(r"ZHIKE_\w+=", words[0]):
            del words[0]
        if not words or words[0].removeprefix(".venv/bin/") != "zhike" or words[1:] in ([], ["COMMAND"]):
            continue
        given = ["1" if word == "N" else word for word in words[1:]]
        try:
            if " ".join(given) not in COMMANDS:
                parser().parse_args(given)
        except SystemExit:
            wrong.append(line)
    assert wrong == []


@each_document
def test_files_exist(document: Path) -> None:
    """From the root, from zhike/, or from beside the document; a name in capitals stands for any file."""
    beside = (ROOT, ROOT / "zhike", document.parent)
    named = [span for span in said(document) if FILE.fullmatch(span) and not re.search(r"[A-Z]{3}", span)]
    assert [name for name in named if not any((folder / name).exists() for folder in beside)] == []


@each_document
def test_modules_and_names_exist(document: Path) -> None:
    spans = said(document)
    modules = [module for span in spans for module in MODULE.findall(span)]
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []
    assert [name for span in spans if (name := span.removesuffix("()")) and not is_there(name)] == []


def is_there(name: str) -> bool:
    """Whether a dotted name of ours (`contacts.write_up.close`) leads somewhere; what is none of ours does not count."""
    if not NAME.fullmatch(name) or not (ROOT / "zhike" / name.partition(".")[0] / "__init__.py").exists():
        return True
    parts = f"zhike.{name}".split(".")
    for length in range(len(parts), 1, -1):
        try:
            module = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        try:
            reduce(getattr, parts[length:], module)
        except AttributeError:
            return False
        return True
    return False


@each_document
def test_addresses_exist(document: Path) -> None:
    """What begins one of the API's is one: where a row's number comes next, documents leave it out."""
    known = [*json.loads(described())["paths"], "/api/v1/docs", "/api/v1/openapi.json", "/healthz", "/readyz"]
    named = {address for span in said(document) for address in ADDRESS.findall(span)}
    assert [address for address in named if not any(path.startswith(address) for path in known)] == []


@each_document
def test_variables_are_read_by_something(document: Path) -> None:
    sources = [*ROOT.glob("zhike/**/*.py"), *ROOT.glob("bin/*"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("bench/*.py")]
    read = {name for path in sources for name in VARIABLE.findall(path.read_text())}
    assert set(VARIABLE.findall(document.read_text())) <= read


def test_every_variable_of_the_environment_is_documented() -> None:
    sources = [*ROOT.glob("zhike/**/*.py"), *ROOT.glob("bin/*")]
    used = {name for path in sources for name in VARIABLE.findall(path.read_text())}
    told = set(VARIABLE.findall((ROOT / "docs/operations/README.md").read_text()))
    assert used == told


def test_every_picture_is_shown_and_small() -> None:
    """None is orphaned (links to none that is missing are tried above), and a clone does not grow by photographs."""
    shown = {
        (document.parent / link).resolve() for document in DOCUMENTS for link in LINK.findall(document.read_text())
    }
    kept = set(ROOT.glob("docs/**/*.png"))
    assert sorted(kept - shown) == []
    assert [path.name for path in sorted(kept) if path.stat().st_size > 150_000] == []
