"""/healthz and /readyz, for whoever watches over the machine; they ask no sign-in and tell nothing about customers."""

from __future__ import annotations

from datetime import timedelta

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse

from zhike import schema
from zhike.api.shapes import dumps
from zhike.people.permissions import PUBLIC, policy

# The worker's heartbeat is written by procrastinate every ten seconds; three missed ones are a dead worker.
ALIVE = timedelta(seconds=40)


@policy(PUBLIC)
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@policy(PUBLIC)
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when work can be done: the database answers, its tables are those of this release, a worker is alive; else 503."""
    found = {"database": False, "migrations": False, "worker": False}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            found["database"] = True
            found["migrations"] = schema.standing(connection).current
            cursor.execute(
                "SELECT coalesce(max(last_heartbeat) > now() - make_interval(secs => %s), false) FROM procrastinate_workers",
                [ALIVE.seconds],
            )
            found["worker"] = bool(cursor.fetchone()[0])
    except DatabaseError:
        connection.close_if_unusable_or_obsolete()
    status = 200 if all(found.values()) else 503
    return HttpResponse(dumps(found), status=status, content_type="application/json")
