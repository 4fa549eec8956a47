"""How a file arrives: piece by piece into a file that this account alone may read, and no further than the bank's limit.

A form is read before anybody asks what it is for, so the limit stands here: two gigabytes fill neither memory nor disk, whatever page
they are sent to. Of nobody who is not signed in a single piece is taken.
"""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler

from zhike.people import bank

IMPORTS, IMPORT = "/customers/import/", 200 << 20  # a bank's whole book comes there
PATIENCE = 64 << 20  # bytes of what is refused that are still listened to, so that the answer is heard


class Limited(TemporaryFileUploadHandler):
    """Stops at the limit and says so on the request (``too_large``); the file is no more then."""

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: Any = None
    ) -> None:
        self.left = self._limit()
        self.patient = content_length <= PATIENCE

    def _limit(self) -> int:
        request: Any = self.request
        begun = getattr(request, "begun", None)
        if begun is None:
            return 0
        if request.path.startswith(IMPORTS):
            return IMPORT
        return bank.settings_of(begun.settings).now(request.now).document_mb << 20

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.left -= len(raw_data)
        if self.left < 0:
            request: Any = self.request
            request.too_large = True
            self.file.close()
            raise StopUpload(connection_reset=not self.patient)
        super().receive_data_chunk(raw_data, start)
