"""Django's test client asks Django itself; here it asks what is served, with what stands in front of Django."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.test import client

from zhike.wsgi import application


class Served(client.ClientHandler):
    """Each request takes the way that it takes through a WSGI server."""

    def get_response(self, request: Any) -> Any:
        answer = application.answer(request.META)
        if answer is None:
            return super().get_response(request)
        return HttpResponse(answer.body, status=int(answer.status[:3]), headers=dict(answer.headers))


client.ClientHandler = Served  # type: ignore[misc]
