"""Has a document's newest version read by a process of its own (:mod:`zhike.documents.reading`), and keeps what it says or why not."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from django.db import transaction

from zhike.documents import reading, store
from zhike.documents.models import Blob, Document, Text

SECONDS = 90  # on the clock; of the processor it has fewer (reading.SECONDS)
PROGRAM = Path(reading.__file__)
Reading = Document.Reading


def read(document: int, number: int) -> None:
    """Reads a version and puts it into the search, unless a newer one has come meanwhile. Never raises for what the file is."""
    found = Document.objects.filter(pk=document, version=number, deleted_at=None).first()
    if found is None:
        return
    version = found.versions.get(number=number)
    state, trouble, body = Reading.NONE, "", ""
    if version.is_of.reads:
        state, trouble, body = _read(version.format, Blob.objects.get(sha256=version.sha256))
    elif version.format == "locked":
        state, trouble = Reading.FAILED, "locked"
    with transaction.atomic():
        held = Document.objects.select_for_update().filter(pk=document, version=number, deleted_at=None)
        if not held.exists():
            return
        text = Text.objects.select_for_update().get(document=document)
        names = " ".join(dict.fromkeys(found.versions.order_by("-number").values_list("name", flat=True)))
        text.say(held.get().title, names, body)
        text.save(update_fields=["sealed", "grams"])
        held.update(reading=state, trouble=trouble)


def _read(format: str, blob: Blob) -> tuple[Document.Reading, str, str]:
    with tempfile.TemporaryFile() as file:
        try:
            for piece in store.pieces(blob):
                file.write(piece)
        except store.Damaged:
            return Reading.FAILED, "damaged", ""
        file.seek(0)
        try:
            done = subprocess.run(  # noqa: S603 -- ourselves, with a format of our table
                [sys.executable, "-I", str(PROGRAM), format], stdin=file, capture_output=True, timeout=SECONDS, check=False,
                env={"PYTHONDONTWRITEBYTECODE": "1"}, cwd="/",
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Reading.FAILED, "too_long", ""
    if done.returncode == reading.LOCKED:
        return Reading.FAILED, "locked", ""
    if done.returncode == reading.DAMAGED:
        return Reading.FAILED, "damaged", ""
    if done.returncode:
        return Reading.FAILED, "too_long", ""
    body = done.stdout.decode("utf-8", "replace").replace("\0", " ").strip()
    return (Reading.READ, "", body) if body else (Reading.NONE, "", "")
