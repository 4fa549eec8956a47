"""员工 · Who serves where and as what; the administrator seats, invites, closes, and asks for posts.

Domain: :mod:`zhike.people.seats`, :mod:`zhike.people.posts`, :mod:`zhike.people.lockout`, :mod:`zhike.people.browsers`,
:mod:`zhike.people.second_factor`.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, Prefetch, Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.conduct.words import Refused
from zhike.pages.answer import moved, number
from zhike.pages.jinja import local
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views import access
from zhike.people import browsers, lockout, posts, seats, second_factor
from zhike.people.models import Post, Role, Scope, Staff, Unit
from zhike.people.permissions import may, policy

ROWS = 50


@policy("staff.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """The directory: ``?q=`` number or name, ``?unit=7``, ``?after=`` the last number of the page before."""
    rows = Staff.objects.order_by("number")
    query, unit, after = (request.GET.get(name, "") for name in ("q", "unit", "after"))
    if query:
        rows = rows.filter(Q(number__startswith=query) | Q(name__contains=query))
    if in_unit := number(unit):
        rows = rows.filter(posts__unit=in_unit, posts__to_day=None).distinct()
    if after:
        rows = rows.filter(number__gt=after)
    page = list(rows.prefetch_related(_posts_of(request))[: ROWS + 1])
    locked = _locked(request, [staff.number for staff in page[:ROWS]])
    context = {
        "rows": [{**_row(staff), "locked": staff.number in locked} for staff in page[:ROWS]],
        "query": query,
        "unit": unit,
        "older": f"{reverse('staff')}?{urlencode({'q': query, 'unit': unit, 'after': page[ROWS - 1].number})}"
        if len(page) > ROWS
        else None,
        "may_change": may(request.actor, "staff.change"),
    }
    return render(request, "staff.html", context)


def _locked(request: ActingRequest, numbers: list[str]) -> dict[str, Any]:
    """Whose sign-in is locked, and till when by the machine's own clock: whom the administrator may have to help."""
    if not may(request.actor, "staff.unlock"):
        return {}
    return lockout.until(numbers, timezone.now(), bank_of(request))


def _posts_of(request: ActingRequest) -> Prefetch[Any]:
    today = local(request.now).date()
    standing = Post.objects.filter(Q(to_day=None) | Q(to_day__gt=today)).exclude(to_day=F("from_day"))
    return Prefetch("posts", standing.select_related("unit").order_by("from_day"), to_attr="standing")


def _row(staff: Staff) -> dict[str, Any]:
    return {
        "id": staff.pk,
        "number": staff.number,
        "name": staff.name,
        "title": staff.title,
        "open": staff.is_active,
        "invited": staff.must_change_password,
        "posts": [f"{post.get_role_display()} · {post.unit.name}" for post in staff.standing],  # type: ignore[attr-defined]
    }


@policy("staff.change")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ActingRequest) -> HttpResponse:
    """One more; the one-time password is shown once."""
    given = request.POST.dict()
    if request.method != "POST":
        return render(request, "staff_new.html", {"given": given, "wrong": None})
    try:
        staff, password = seats.seat(request.actor, **_fields(given), number=given.get("number", ""))
    except Refused as refused:
        return render(request, "staff_new.html", {"given": given, "wrong": _say(refused)}, status=422)
    return invitations(request, [(staff.number, staff.name, password)])


@policy("staff.change")
@require_safe
def one(request: ActingRequest, staff: int) -> HttpResponse:
    """One account, with its posts."""
    return _page(request, staff)


@policy("staff.change")
@require_POST
def correct(request: ActingRequest, staff: int) -> HttpResponse:
    """Name, title, e-mail, telephone."""
    return _try(request, staff, lambda: seats.correct(request.actor, staff, **_fields(request.POST.dict())))


@policy("staff.invite")
@require_POST
def invite(request: ActingRequest, staff: int) -> HttpResponse:
    """A new one-time password, shown once."""
    _found(staff)
    try:
        invited, password = seats.invite_again(request.actor, staff)
    except Refused as refused:
        return _page(request, staff, refused)
    return invitations(request, [(invited.number, invited.name, password)])


@policy("staff.change")
@require_POST
def turn(request: ActingRequest, staff: int) -> HttpResponse:
    """Closes or opens the account."""
    act = seats.close if request.POST.get("act") == "close" else seats.open_again
    return _try(request, staff, lambda: act(request.actor, staff))


@policy("staff.unlock")
@require_POST
def unlock(request: ActingRequest, staff: int) -> HttpResponse:
    """Lifts a lock-out before its time."""
    return _try(
        request, staff, lambda: lockout.lift(request.actor, staff, request.now), gettext("Sign-in is open again.")
    )


@policy("staff.unlock")
@require_POST
def second_factor_off(request: ActingRequest, staff: int) -> HttpResponse:
    """Asks that a colleague whose telephone is gone may set up the second factor anew."""
    why = request.POST.get("why", "")
    asked = gettext("Asked for. A second person has to approve it.")
    return _try(request, staff, lambda: second_factor.ask_to_take_away(request.actor, staff, why, request.now), asked)


@policy("staff.revoke")
@require_POST
def sign_out(request: ActingRequest, staff: int) -> HttpResponse:
    """Ends every session of a colleague."""
    return _try(
        request, staff, lambda: browsers.end(request.actor, staff, request.now), gettext("Signed out everywhere.")
    )


@policy("staff.revoke")
@require_POST
def revoke(request: ActingRequest, staff: int, token: int) -> HttpResponse:
    """A colleague's token opens nothing any more."""
    return access.revoked(request, staff, token, reverse("colleague", args=[staff]))


@policy("posts.change")
@require_POST
def grant(request: ActingRequest, staff: int) -> HttpResponse:
    """Asks for a post; a second person opens it."""
    found, given, today = _found(staff), request.POST, local(request.now).date()
    unit = number(given.get("unit"))

    def ask() -> object:
        if unit is None or not Unit.objects.filter(pk=unit).exists():
            raise Refused("请选择机构。", "Choose a unit.")
        begins, ends = _day(given.get("from", "")) or today, _day(given.get("to", ""))
        post = posts.NewPost(
            found.pk, unit, given.get("role", ""), given.get("scope", ""), begins.isoformat(),
            ends.isoformat() if ends else None,
        )  # fmt: skip
        return posts.ask_to_grant(request.actor, [post], given.get("reason", ""), request.now)

    return _try(request, staff, ask, gettext("Asked for. A second person has to approve it."))


@policy("posts.change")
@require_POST
def end(request: ActingRequest, staff: int, post: int) -> HttpResponse:
    """Ends a post as of today; one that has not begun is taken back."""
    today = local(request.now).date()
    if not Post.objects.filter(pk=post, staff=staff).exists():
        raise Http404
    return _try(request, staff, lambda: posts.end(request.actor, post, today, today))


def invitations(request: ActingRequest, invited: list[tuple[str, str, str]], **more: Any) -> HttpResponse:
    """Slips to cut out and hand over: the passwords are nowhere kept and are not shown again."""
    address = request.build_absolute_uri(reverse("account_login"))
    return render(request, "invitations.html", {"invited": invited, "address": address, "told": more.get("told", [])})


def _try(request: ActingRequest, staff: int, act: Any, said: str = "") -> HttpResponse:
    _found(staff)
    try:
        act()
    except Refused as refused:
        return _page(request, staff, refused)
    return moved(request, reverse("colleague", args=[staff]), said or gettext("Saved."))


def _found(staff: int) -> Staff:
    found = Staff.objects.filter(pk=staff).first()
    if found is None:
        raise Http404
    return found


def _page(request: ActingRequest, staff: int, refused: Refused | None = None) -> HttpResponse:
    found = _found(staff)
    today = local(request.now).date()
    locked = _locked(request, [found.number]).get(found.number)
    context = {
        **access.held(request, staff),
        "staff": found,
        "own": staff == request.actor.id,
        "second_factor": second_factor.is_set_up(staff),
        "locked_for": max(1, -int((timezone.now() - locked).total_seconds() // 60)) if locked else 0,
        "posts": [
            {"id": post.pk, "role": post.get_role_display(), "unit": post.unit.name, "scope": post.get_scope_display(),
             "from": post.from_day, "to": post.to_day, "coming": post.from_day > today,
             "taken_back": post.to_day == post.from_day,
             "ended": post.to_day is not None and (post.to_day <= today or post.to_day == post.from_day)}
            for post in Post.objects.filter(staff=found).select_related("unit").order_by("-from_day")
        ],
        "roles": [(role.value, str(role.label)) for role in Role],
        "scopes": [(scope.value, str(scope.label)) for scope in Scope],
        "units": [
            (str(unit.pk), "　" * (unit.path.count("/") - 2) + unit.name)
            for unit in Unit.objects.filter(to_day=None).order_by("path")
        ],
        "today": today,
        "given": request.POST.dict(),
        "wrong": _say(refused) if refused else None,
    }  # fmt: skip
    return render(request, "colleague.html", context, status=422 if refused else 200)


def _fields(given: dict[str, Any]) -> dict[str, str]:
    return {name: str(given.get(name, "")) for name in ("name", "title", "email", "phone")}


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("日期请写成 2026-03-01。", "Write the day like 2026-03-01.") from error


def _say(refused: Refused) -> str:
    return refused.words.say(get_language() or "")
