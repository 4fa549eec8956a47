"""`zhike documents verify`: every file is opened and compared, by a process of its own."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from tests import files
from tests.cast import Cast
from tests.conftest import Database
from tests.product.test_cli import zhike
from zhike.conduct.bank import Bank
from zhike.documents import filing, store
from zhike.documents.filing import Brought, Slip
from zhike.documents.models import Document, Label

NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)


def filed(cast: Cast, content: bytes, name: str) -> tuple[Document, str]:
    with cast.acting("rm", NOW) as actor:
        labels = {label.key: label.pk for label in Label.objects.all()}
        document = filing.file(
            Brought(io.BytesIO(content), name, len(content)),
            Slip(labels["account"], labels["agreement"], date(2026, 3, 2)),
            customer=cast.customers["rm"][0],
            actor=actor,
            now=NOW,
            bank=Bank(),
        )
        return document, document.versions.get().sha256


def test_what_is_damaged_or_gone_is_named_and_strays_are_counted(
    seated: Cast, database: Database, settings: Any, tmp_path: Path
) -> None:
    settings.FILES = tmp_path
    (_whole, _), (gone, digest), (touched, other) = (
        filed(seated, content, name)
        for content, name in ((files.pdf("one"), "a.pdf"), (files.pdf("two"), "b.pdf"), (files.docx("三"), "c.docx"))
    )
    store.path_of(digest).unlink()
    path = store.path_of(other)
    path.write_bytes(path.read_bytes()[:-1])
    stray = store.path_of("0" * 64)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x")
    done = zhike(database, "documents", "verify", "--json", ZHIKE_FILES=str(tmp_path))
    told = json.loads(done.stdout)
    assert (done.returncode, told["files"]) == (1, 3)
    assert told["damaged"] == [
        {"sha256": digest, "documents": [gone.pk], "locked": False},
        {"sha256": other, "documents": [touched.pk], "locked": False},
    ]
    assert told["strays"] >= 1
    assert told["cleared"] == 0
    assert stray.exists()
    stray.unlink()
