from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.customers.reseal import simple
from zhike.customers.vault import vault


class Blob(models.Model):
    """What a file holds, once however often it is filed: its SHA-256, its size, and the key under which it lies on disk, sealed."""

    sha256 = models.TextField(unique=True)
    size = models.BigIntegerField(help_text=_("bytes"))
    sealed = models.TextField()
    at = models.DateTimeField(help_text=_("when it was last brought"))

    class Meta:
        db_table = "documents_blob"

    def __str__(self) -> str:
        return self.sha256

    @property
    def key(self) -> bytes:
        """The file's own key. Raises Unopened."""
        return bytes.fromhex(vault().open(self.sealed, place(self.sha256)))


def place(digest: str) -> str:
    """What a sealed key is bound to."""
    return f"documents_blob:key:{digest}"


SEALED = simple("documents_blob", "sealed", lambda row: place(row["sha256"]), "sha256")
