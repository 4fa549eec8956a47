"""Django's test client asks Django itself; here it asks what is served, with what stands in front of Django."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.test import client

from zhike.wsgi import application


class Served(client.ClientHandler):
    """Each request takes the way that it takes through a WSGI server; where a test has addresses of its own, or wants what is
    behind, Django's.
    """

    ahead = True

    def get_response(self, request: Any) -> Any:
        ours = self.ahead and settings.ROOT_URLCONF == "zhike.urls"
        answer = application.answer(request.META) if ours else None
        if answer is None:
            return super().get_response(request)
        headers = {name: value for name, value in answer.headers if name != "Set-Cookie"}
        response = HttpResponse(answer.body, status=int(answer.status[:3]), headers=headers)
        for name, value in answer.headers:
            if name == "Set-Cookie":
                response.cookies.load(value)
        return response


client.ClientHandler = Served  # type: ignore[misc]
