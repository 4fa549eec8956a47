"""The bare Django that ours is measured against: no middleware, no sign-in, no policies, no trail; the same SQL, the same bytes.

    python -m bench.bare PORT PROCESSES       with ZHIKE_DATABASE_URL naming the bare twin

Served as ours is: granian, one process a core, one blocking thread, a connection that stays open, prepared statements.
"""

from __future__ import annotations

import os
import sys

import django
from django.conf import settings

TABLES = ("zhike.trail", "zhike.people", "zhike.customers", "zhike.obligations", "zhike.contacts")


def configure() -> None:
    """Django with our tables and nothing around the views."""
    from zhike import settings as ours

    settings.configure(
        DATABASES=ours.DATABASES,
        SECRET_KEY="bare",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="bench.bare",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", *TABLES],
        AUTH_USER_MODEL=ours.AUTH_USER_MODEL,
        DEFAULT_AUTO_FIELD=ours.DEFAULT_AUTO_FIELD,
        MIDDLEWARE=[],
        USE_TZ=True,
        TIME_ZONE="Asia/Shanghai",
    )
    django.setup()


if not settings.configured:
    configure()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

from zhike import clock  # noqa: E402
from zhike.contacts.card import CARD, CONTACTS  # noqa: E402
from zhike.contacts.whole import WHOLE  # noqa: E402
from zhike.contacts.write_up import STATEMENT  # noqa: E402
from zhike.obligations.today import TODAY, moments  # noqa: E402


def one(sql: str, parameters: object) -> str:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return str(cursor.fetchone()[0])


def today(request: HttpRequest, owner: int) -> HttpResponse:
    now = clock.now()
    body = one(TODAY, {"owner": owner, "covers": [], **moments(now)})
    return HttpResponse(body, content_type="application/json")


def customer(request: HttpRequest, customer: int) -> HttpResponse:
    return HttpResponse(one(CARD, {"customer": customer, "contacts": CONTACTS}), content_type="application/json")


def write_up(request: HttpRequest, contact: int) -> HttpResponse:
    """The body is the whole document, ready for the statement."""
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, [request.body.decode()])
        if cursor.fetchone() is None:
            return HttpResponse(status=409)
    return HttpResponse(one(WHOLE, {"contact": contact}), content_type="application/json")


urlpatterns = [
    path("today/<int:owner>", today),
    path("customer/<int:customer>", customer),
    path("write-up/<int:contact>", write_up),
]
application = WSGIHandler()


def serve(port: int, processes: int) -> None:
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    Granian(
        "bench.bare:application",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        blocking_threads=1,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    from zhike import processes as ours

    ours.follow_parent()
    ours.end_like_ctrl_c()
    connection.close()
    os.environ["ZHIKE_PARENT"] = str(os.getpid())
    serve(int(sys.argv[1]), int(sys.argv[2]))
