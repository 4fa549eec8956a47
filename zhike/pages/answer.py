"""How views answer: where the page goes next, what it says, what a guard or a stale page makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.translation import get_language, gettext
from markupsafe import Markup

from zhike.conduct.bank import Bank
from zhike.conduct.guard import Blocked
from zhike.conduct.words import Refused
from zhike.contacts.models import Contact
from zhike.contacts.states import WrongState
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import toasts


def moved(request: HttpRequest, address: str, said: str = "", undo: str = "", amend: str = "") -> HttpResponse:
    """On to another page, with a toast there; ``undo`` takes it back by POST, ``amend`` leads to where it is corrected. For htmx
    the whole page goes.
    """
    if said:
        messages.success(request, said, extra_tags=f"amend {amend}" if amend else undo)
    if "HX-Request" in request.headers:
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address, status=303)


def said(request: HttpRequest, text: str, address: str, undo: str = "") -> HttpResponse:
    """Done where it stood: the row folds away and a toast says what happened. Without script: on to ``address``."""
    if "HX-Request" not in request.headers:
        return moved(request, address, text, undo=undo)
    messages.success(request, text, extra_tags=undo)
    return HttpResponse(
        format_html('<div id="toasts" hx-swap-oob="beforeend">{}</div>', Markup().join(toasts(request)))
    )


def complaints(blocked: Blocked) -> dict[str, tuple[str, str]]:
    """What guards said, by the field that would mend it: field → (clause, sentence)."""
    speaks = get_language() or "zh-hans"
    return {verdict.needs or verdict.name: (verdict.clause, verdict.words.say(speaks)) for verdict in blocked.verdicts}


def instead(request: HttpRequest, page: HttpResponse) -> HttpResponse:
    """A page that must be seen although only a row asked: for htmx it takes the place of the content."""
    if "HX-Request" in request.headers:
        page["HX-Retarget"] = page["HX-Reselect"] = "#main"
        page["HX-Reswap"] = "outerHTML show:top"
    return page


View = Callable[..., HttpResponse]


def in_course(view: View) -> View:
    """A contact or obligation that has moved on meanwhile is said so, with where it stands; nothing is lost or done twice."""

    @wraps(view)
    def answer(request: ActingRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except WrongState as wrong:
            context = {"sentence": str(wrong), "contact": wrong.contact.pk}
            return instead(request, render(request, "moved_on.html", context, status=409))
        except Refused as refused:
            sentence = refused.words.say(get_language() or "zh-hans")
            return render(
                request, "moved_on.html", {"sentence": sentence, "contact": kwargs.get("contact")}, status=422
            )

    return answer


def contact_for(request: ActingRequest, id: int) -> Contact:
    """A contact in the reader's scope; anything else does not exist. Whoever comes to change it holds it till the end:
    of two clicks at once the second sees what the first did.
    """
    rows = Contact.objects.visible_to(request.actor).select_related("customer__unit")
    found = (
        (rows.select_for_update(of=("self",), no_key=True) if request.method == "POST" else rows).filter(pk=id).first()
    )
    if found is None:
        raise Http404
    return found


YEARS = range(1900, 2200)  # as the API has it; beyond them a zone may lead out of what a date can say


def moment(day: str, clock: str, bank: Bank) -> datetime | None:
    """The aware moment that two fields name, "9:30" like "09:30"; None where one is empty, cannot be read or is of another age."""
    clock = clock.strip().replace("：", ":")
    clock = f"0{clock}" if clock[1:2] == ":" else clock
    try:
        at = datetime.combine(date.fromisoformat(day), time.fromisoformat(clock), bank.zone)
    except ValueError:
        return None
    return at if at.year in YEARS else None


def tapped(given: QueryDict, tap: str, field: str) -> str:
    """What a field holds that a tap fills by script. Without script the tap alone is sent with its value, and it is what was
    chosen: with script it never is (form.js). So no such tap is drawn as chosen before somebody has.
    """
    return given.get(tap, "").strip() or given.get(field, "")


NUMBER = re.compile(r"[0-9]{1,18}")


def number(text: str | None) -> int | None:
    """An id or a count out of an address or a form; None for anything else, numbers that no row can have included."""
    return int(text) if text and NUMBER.fullmatch(text) else None


def time_missing() -> str:
    return gettext("Say day and time, for example 2026-03-02 and 15:30.")
