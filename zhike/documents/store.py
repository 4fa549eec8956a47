"""Where files lie: below ``ZHIKE_FILES``, each under the SHA-256 of what it holds, sealed, there whole or not at all.

Each file has a key of its own, drawn at random and kept sealed in the database: a change of data keys (``zhike keys``) touches no file.
A file is sealed in pieces of one megabyte with AES-256-GCM. A piece's number, and whether it is the last, is its nonce: pieces cannot
change places, and a file cut short does not open. What is read is compared with its hash before a byte of it is given away.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connection

from zhike.customers.vault import vault
from zhike.documents.models import Blob
from zhike.documents.models.blob import place
from zhike.embedded.folders import make_folder, sync_folder

MARK, PIECE, TAG = b"ZHF1", 1 << 20, 16


class Damaged(Exception):
    """A file that is gone, cut short or not what was kept. Nothing of it is given away."""


def folder() -> Path:
    return Path(settings.FILES)


def path_of(digest: str) -> Path:
    return folder() / digest[:2] / digest


def measured(file: BinaryIO) -> tuple[str, int]:
    """The SHA-256 of what ``file`` holds, and its size in bytes."""
    file.seek(0)
    digest, size = sha256(), 0
    while piece := file.read(PIECE):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def keep(file: BinaryIO, now: datetime) -> Blob:
    """Keeps what ``file`` holds, once however often it is brought. The row is held until the transaction ends, so that nobody
    clears the file away meanwhile.
    """
    name, size = measured(file)
    fresh = vault().seal(secrets.token_hex(32), place(name))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO documents_blob (sha256, size, sealed, at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (sha256) DO UPDATE SET at = excluded.at RETURNING id, xmax = 0",
            [name, size, fresh, now],
        )
        id, made = cursor.fetchone()
    blob = Blob.objects.get(pk=id)
    if made or not path_of(name).exists():
        _write(file, blob)
    return blob


def _write(file: BinaryIO, blob: Blob) -> None:
    target = path_of(blob.sha256)
    for each in (folder(), target.parent):
        make_folder(each, open_to_all=False)
    beside = target.with_name(f".{secrets.token_hex(8)}")
    cipher = AESGCM(blob.key)
    file.seek(0)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(handle, "wb") as out:
            out.write(MARK)
            number, piece = 0, file.read(PIECE)
            while True:
                following = file.read(PIECE)
                out.write(cipher.encrypt(_nonce(number, last=not following), piece, None))
                if not following:
                    break
                number, piece = number + 1, following
            out.flush()
            os.fsync(handle)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(8) + (b"\0\0\0\1" if last else b"\0\0\0\0")


def pieces(blob: Blob) -> Iterator[bytes]:
    """What the file holds, piece by piece. Raises Damaged."""
    cipher = AESGCM(blob.key)
    try:
        with path_of(blob.sha256).open("rb") as file:
            if file.read(len(MARK)) != MARK:
                raise Damaged(blob.sha256)
            number, piece = 0, file.read(PIECE + TAG)
            while piece:
                following = file.read(PIECE + TAG)
                yield cipher.decrypt(_nonce(number, last=not following), piece, None)
                number, piece = number + 1, following
    except (OSError, InvalidTag) as error:
        raise Damaged(blob.sha256) from error


def verify(blob: Blob) -> None:
    """Raises Damaged unless the file is what was kept, to the last byte."""
    digest, size = sha256(), 0
    for piece in pieces(blob):
        digest.update(piece)
        size += len(piece)
    if digest.hexdigest() != blob.sha256 or size != blob.size:
        raise Damaged(blob.sha256)


def opened(blob: Blob) -> Iterator[bytes]:
    """The same as :func:`pieces`, once the whole of it has been compared with its hash."""
    verify(blob)
    return pieces(blob)


def forget(digest: str) -> None:
    """The file is gone, and its going lasts."""
    path = path_of(digest)
    path.unlink(missing_ok=True)
    if path.parent.exists():
        sync_folder(path.parent)


def strays() -> Iterator[Path]:
    """What lies there: every file below the folder, whether a row knows of it or not."""
    if folder().exists():
        yield from (path for path in sorted(folder().glob("??/*")) if path.is_file())
