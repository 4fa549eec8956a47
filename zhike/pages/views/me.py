"""我的 · The reader's own page: how it looks and listens, sign-in, and all that is kept about oneself.

Domain: :class:`zhike.people.models.Staff`, :class:`zhike.trail.models.Entry` (row security shows one's own).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from zhike.customers.models import Customer
from zhike.pages import kept
from zhike.pages.answer import moved, number
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.people.models import Post, Staff
from zhike.people.permissions import SIGNED_IN, may, policy
from zhike.trail.models import Entry

ROWS = 50


@policy(SIGNED_IN)
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """Wishes, posts, sign-in; ``?before=`` an entry's id for older ones of the own trail."""
    about_me = (
        Q(actor_id=request.actor.id)
        | Q(on_behalf_id=request.actor.id)
        | Q(object="people_staff", row_id=request.actor.id)
    )
    entries = Entry.objects.filter(about_me).newest_first(before=number(request.GET.get("before")))
    rows = list(entries[: ROWS + 1])
    stood_in = {id for entry in rows if entry.on_behalf_id for id in (entry.actor_id, entry.on_behalf_id) if id}
    people = stood_in | {entry.row_id for entry in rows if entry.object == "people_staff" and entry.row_id}
    names = dict(Staff.objects.filter(pk__in=people).values_list("pk", "name")) if people else {}
    about = {entry.customer_id for entry in rows if entry.customer_id}
    customers = (
        dict(Customer.objects.visible_to(request.actor).filter(pk__in=about).values_list("pk", "name")) if about else {}
    )
    posts = Post.objects.filter(staff_id=request.actor.id).select_related("unit").order_by("-from_day")
    context = {
        "staff": request.user,
        "covers": may(request.actor, "leave.ask"),
        "themes": [("", gettext("as the system")), ("light", gettext("light")), ("dark", gettext("dark"))],
        "languages": settings.LANGUAGES,
        "posts": [
            {
                "role": p.get_role_display(),
                "unit": p.unit.name,
                "scope": p.get_scope_display(),
                "from": p.from_day,
                "to": p.to_day,
            }
            for p in posts
        ],
        "entries": [_entry(entry, names, customers) for entry in rows[:ROWS]],
        "older": f"{reverse('me')}?before={rows[ROWS - 1].pk}#trail" if len(rows) > ROWS else None,
    }
    return render(request, "me.html", context)


def _entry(entry: Entry, names: dict[int, str], customers: dict[int, str]) -> dict[str, Any]:
    """One thing that was kept, in words: names of fields, never values; by the customer it is about, where one may see them still."""
    customer = customers.get(entry.customer_id or 0)
    return {
        "for": kept.who(entry, names) if entry.on_behalf_id else "",
        "at": f"{local(entry.at):%Y-%m-%d %H:%M:%S}",
        "act": kept.acts().get(entry.action, entry.action),
        "thing": kept.thing(entry),
        "row": customer or (names.get(entry.row_id or 0) if entry.object == "people_staff" else None) or entry.row_id,
        "href": kept.page(entry) if customer else None,
        "fields": kept.listed(entry, 6) if entry.action in {"update", "reveal"} else "",
    }


@policy(SIGNED_IN)
@require_POST
def wishes(request: ActingRequest) -> HttpResponse:
    """Theme, language, single-letter keys."""
    given = request.POST
    staff = Staff.objects.get(pk=request.actor.id)
    if given.get("theme") in Staff.Theme.values:
        staff.theme = given["theme"]
    if given.get("language") in dict(settings.LANGUAGES):
        staff.language = given["language"]
    staff.single_keys = given.get("single_keys") == "yes"
    staff.save(update_fields=["theme", "language", "single_keys"])
    with translation.override(staff.language):
        response = moved(request, reverse("me"), gettext("Kept"))
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, staff.language, max_age=365 * 86400, samesite="Lax", httponly=True
    )
    return response
