"""What the worker does for records: reads what they say, and clears files away that no document has any more."""

from __future__ import annotations

from django.db import transaction
from procrastinate.contrib.django import app

from zhike.documents import filing, reader, store
from zhike.documents.models import Blob, Version


@app.task(name=filing.READ, retry=3)
def read_document(document: int, number: int) -> None:
    """Twice is as once."""
    reader.read(document, number)


@app.task(name=filing.FORGET, retry=5)
def forget_file(digest: str) -> None:
    """The file and its key go, unless a document that stands has a version of the same content."""
    with transaction.atomic():
        blob = Blob.objects.select_for_update().filter(sha256=digest).first()
        if blob is None or Version.objects.filter(sha256=digest, document__deleted_at=None).exists():
            return
        blob.delete()
        # Whoever brings the same waits at the row that is going, and writes the file anew once it is gone.
        store.forget(digest)
