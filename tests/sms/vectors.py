"""Tables and packets that others published, beside the project or where `ZHIKE_TEST_VECTORS` says; none of them is kept here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import ROOT

FOLDER = Path(os.environ.get("ZHIKE_TEST_VECTORS") or ROOT.parent / "shared" / "data" / "sms_protocols")


def published(name: str) -> str:
    """What one of the files holds; where it is not there, the test is skipped."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"{name} is not on this machine; ZHIKE_TEST_VECTORS names the folder that has it.")
    return path.read_text("utf-8")
