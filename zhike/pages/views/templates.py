"""模板 · The texts that lie ready, kind by kind; new words are proposed here and decided by another under approvals.

Domain: :mod:`zhike.sms.templates`.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.conduct import messages
from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.customers.profile import LANGUAGES
from zhike.pages import owed
from zhike.pages.answer import moved
from zhike.pages.jinja import language
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.models import Staff
from zhike.people.permissions import may, policy
from zhike.sms import templates, texts
from zhike.sms.many import price_of
from zhike.sms.models import Kind, Template, Wording
from zhike.sms.segments import measure
from zhike.sms.templates import Proposal

INVENTED = "021-5558 0000"  # the telephone of whoever has none, in a preview


@policy("templates.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """Every text in use by kind, with what it costs as it stands; what waits for a second person; ``?retired=1`` those out of use."""
    bank, retired = bank_of(request), "retired" in request.GET
    rows = Wording.objects.filter(
        template__in=Template.objects.shown_to(request.actor), template__retired_at__isnull=not retired,
        state=Wording.State.APPROVED,
    ).select_related("template__owner").order_by("template__owner_id", "template_id")  # fmt: skip
    listed = [_listed(row, bank) for row in rows]
    context = {
        "kinds": [
            {"name": kind.value, "label": kind.label, "rows": found}
            for kind in Kind
            if (found := [row for row in listed if row["kind"] == kind])
        ],
        "retired": retired,
        "waiting": [_asked(each) for each in templates.waiting(None, request.actor, request.now)],
        "changes": _may_propose(request),
        "variables": [(name, words.say(owed.speaks())) for name, words in texts.VARIABLES.items()],
    }
    return render(request, "templates.html", context)


def _may_propose(request: ActingRequest) -> bool:
    return may(request.actor, "templates.change") or may(request.actor, "messages.send")


def _listed(row: Wording, bank: Bank) -> dict[str, Any]:
    template = row.template
    return {
        "id": template.pk,
        "kind": template.kind,
        "title": _title(template),
        "for": _for(template),
        "text": row.text,
        "segments": templates.weigh(row.text, template.kind, bank),
        "owner": template.owner.name if template.owner else "",
    }


def _title(template: Template) -> str:
    return str(template.title["en" if language() == "en" else "zh"])


def _for(template: Template) -> str:
    """What it is for, beside its kind: a festival, a reception, a first meeting."""
    if template.kind == Kind.GREETING:
        words = templates.occasions().get(template.occasion)
        return words.say(owed.speaks()) if words else ""
    return {
        "reception": gettext("after a reception"),
        "visit": gettext("after a visit"),
        "first_call": gettext("after a first call"),
        "apology": gettext("a visit moved"),
    }.get(template.occasion, "")


def _asked(approval: Any) -> dict[str, Any]:
    asked = approval.payload
    return {"title": asked["title"], "text": asked["text"], "by": approval.asked_by.name, "at": approval.asked_at,
            "kind": Kind(asked["kind"]).label, "reason": approval.reason}  # fmt: skip


@policy("templates.view")
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: ActingRequest, template: int) -> HttpResponse:
    """One text: its words, what a customer gets, its versions; other words are proposed here."""
    found = _find(request, template)
    if request.method == "POST":
        return _propose(request, found)
    return _page(request, found)


@policy("templates.view")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ActingRequest) -> HttpResponse:
    """A text that there was none for yet: the bank's, or a greeting of one's own. ``?kind=greeting&occasion=festival:mid_autumn``."""
    if request.method == "POST":
        return _propose(request, None)
    return _page(request, None)


@policy("templates.view")
@require_POST
def retire(request: ActingRequest, template: int) -> HttpResponse:
    """Out of use from now on."""
    found = _find(request, template)
    templates.retire(found, actor=request.actor, now=request.now)
    return moved(request, reverse("templates"), gettext("Out of use. What was sent keeps its words."))


def _find(request: ActingRequest, id: int) -> Template:
    found = Template.objects.shown_to(request.actor).filter(pk=id).select_related("owner").first()
    if found is None:
        raise Http404
    return found


def _propose(request: ActingRequest, template: Template | None) -> HttpResponse:
    given = request.POST
    if given.get("act") == "look":
        return _page(request, template)
    proposal = Proposal(
        template.kind if template else given.get("kind", ""), given.get("text", ""), given.get("title", ""),
        given.get("occasion", ""), own=given.get("whose") == "own" or not may(request.actor, "templates.change"),
        language=given.get("language", texts.CHINESE), template=template,
    )  # fmt: skip
    try:
        templates.propose(
            proposal, given.get("reason", ""), actor=request.actor, now=request.now, bank=bank_of(request)
        )
    except Refused as refused:
        return _page(request, template, refused.words.say(owed.speaks()))
    to = reverse("template", args=[template.pk]) if template else reverse("templates")
    return moved(request, to, gettext("Asked for. A second person has to approve it."))


def _page(request: ActingRequest, template: Template | None, wrong: str = "") -> HttpResponse:
    bank, given = bank_of(request), request.POST if request.method == "POST" else request.GET
    in_use = template.wordings.filter(state=Wording.State.APPROVED).first() if template else None
    shared, sends = may(request.actor, "templates.change"), may(request.actor, "messages.send")
    kind = template.kind if template else given.get("kind", "" if shared else Kind.GREETING)
    text = given.get("text", in_use.text if in_use else "")
    own = template.owner_id == request.actor.id if template else given.get("whose", "" if shared else "own") == "own"
    context = {
        "template": template,
        "title": _title(template) if template else "",
        "for": _for(template) if template else "",
        "kind": kind if kind in Kind.values else "",
        "kinds": [(each.value, str(each.label)) for each in Kind],
        "occasions": [(key, words.say(owed.speaks())) for key, words in templates.occasions().items()],
        "occasion": given.get("occasion", ""),
        "languages": [(key, str(label)) for key, label in LANGUAGES.items()],
        "language": given.get("language", texts.CHINESE),
        "own": own,
        "both": shared and sends and template is None,
        "proposes": template.retired_at is None and (own or (template.owner_id is None and shared)) if template else shared or sends,
        "in_use": in_use,
        "look": looked_at(request, text, kind, bank) if text and kind in Kind.values else None,
        "text": text,
        "given": given,
        "wrong": wrong,
        "waiting": [_asked(each) for each in templates.waiting(template, request.actor, request.now)] if template else [],
        "versions": list(template.wordings.select_related("by", "approval__decided_by").order_by("-number")) if template else [],
        "refused": [{**_asked(each), "note": each.note, "decided_by": each.decided_by.name if each.decided_by else ""} for each in
                    templates.turned_down(template, request.actor)] if template else [],
        "variables": [(name, words.say(owed.speaks())) for name, words in texts.VARIABLES.items()],
    }  # fmt: skip
    return render(request, "template.html", context, status=422 if wrong else 200)


def looked_at(request: ActingRequest, text: str, kind: str, bank: Bank) -> dict[str, Any]:
    """What of it may not be said, what it costs, and what a customer gets: one of the reader's, or an invented one."""
    speaks = owed.speaks()
    verdicts = [*messages.of_text(kind, text, bank), *filter(None, [messages.lacks_contact(kind, text, bank)])]
    customer = _somebody(request)
    known = _known(customer, request, bank)
    said, unfilled = text, ""
    try:
        said = texts.fill(text, known)
    except Refused as refused:
        unfilled = refused.words.say(speaks)
    dressed = messages.dressed(said, kind, bank, texts.bank_name())
    weighed = measure(dressed)
    return {
        "verdicts": [{"blocks": each.effect == "block", "words": each.words.say(speaks)} for each in verdicts],
        "unfilled": unfilled,
        "who": customer.name if customer else "",
        "text": dressed,
        "segments": weighed.segments,
        "used": weighed.used,
        "price": price_of(weighed.segments, bank),
    }


def _somebody(request: ActingRequest) -> Customer | None:
    """The first in the reader's own book."""
    if not may(request.actor, "messages.send"):
        return None
    rows = Customer.objects.visible_to(request.actor).filter(keeper=request.actor.id, deceased_on=None, kind="person")
    return rows.select_related("rm", "unit").order_by("sort_key").first()


def _known(customer: Customer | None, request: ActingRequest, bank: Bank) -> dict[str, str]:
    me = Staff.objects.get(pk=request.actor.id)
    often = {"day": "今天", "content": "换卡"}
    if customer is not None:
        known = texts.values(customer, me, bank, **often)
        return {**known, "电话": known["电话"] or INVENTED}
    return {"称谓": "王女士", "本人": me.name, "客户经理": me.name, "机构": texts.bank_name(),
            "电话": me.phone or bank.service_number or INVENTED, "日子": "今天", "内容": "换卡"}  # fmt: skip
