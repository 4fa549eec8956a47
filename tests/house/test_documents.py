"""What the documents point to is there, and what they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zhike.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
COMMAND = re.compile(r"`(?:\.venv/bin/)?zhike ((?:[a-z-]+)(?: [a-z]+)?)")
VARIABLE = re.compile(r"ZHIKE_[A-Z_]+")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    missing = [link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_exist(document: Path) -> None:
    named = set(COMMAND.findall(document.read_text()))
    assert [name for name in named if name not in COMMANDS and name.split()[0] not in COMMANDS] == []


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
