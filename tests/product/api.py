"""A program at the JSON edge, as the tests of the API play it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client

from tests.cast import Cast
from zhike import clock
from zhike.people import tokens

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in Shanghai


class Program:
    """Sends JSON with a bearer token; each answer's body is checked to be JSON and returned beside its status."""

    def __init__(self, cast: Cast, who: str, language: str | None = None) -> None:
        token = tokens.give(cast.staff[who], "test", clock.now(), days=30)
        self.authorization = f"Bearer {token}"
        self.http = Client(headers={"Authorization": self.authorization})

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        if method == "get":
            return self.http.get(f"/api/v1/{path}", headers=headers)
        data = "" if body is None else json.dumps(body)
        return getattr(self.http, method)(
            f"/api/v1/{path}", data=data, content_type="application/json", headers=headers
        )

    def get(self, path: str, **headers: str) -> Any:
        return self._read(self.send("get", path, **headers), 200)

    def post(self, path: str, body: Any = None, *, status: int | None = None, **headers: str) -> Any:
        return self._read(self.send("post", path, body, **headers), status)

    def _read(self, response: HttpResponse, status: int | None) -> Any:
        if status is None:
            assert response.status_code < 300, response.content.decode()
        else:
            assert response.status_code == status, response.content.decode()
        return json.loads(response.content)


def at(minutes: float) -> str:
    """A moment, in minutes from NOW."""
    return (NOW + timedelta(minutes=minutes)).isoformat()
