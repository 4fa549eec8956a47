"""Templates (模板): the texts in use, the bank's and one's own. How they change is asked for on the page, and decided under approvals."""

from __future__ import annotations

from typing import Any, Literal

from ninja import Query, Router

from zhike.api.cursors import Page, page, position
from zhike.api.desk import Desk, bank_of
from zhike.api.messages import Kind
from zhike.api.problems import say
from zhike.api.shapes import IdOut, Named, Out
from zhike.conduct.words import Words
from zhike.people.permissions import policy
from zhike.sms import templates
from zhike.sms.models import Template, Wording

router = Router()


class TemplateOut(Out):
    """``wording`` is the version in use, to be named when a message is sent. ``segments``: what it takes as it stands. ``owner``: whose own."""

    id: IdOut
    kind: Kind
    occasion: str
    title: str
    wording: IdOut
    version: int
    text: str
    segments: int
    introduces: bool
    language: Literal["zh-hans", "en"]
    owner: Named | None


class TemplatesOut(Out):
    items: list[TemplateOut]
    next: str | None


class Filters(Page):
    kind: Kind | None = None


@router.get("templates", response=TemplatesOut)
@policy("templates.view")
def list_(request: Desk, asked: Query[Filters]) -> Any:
    """The texts in use, in the order of their ids."""
    bank = bank_of(request)
    found = Wording.objects.filter(
        template__in=Template.objects.shown_to(request.actor), template__retired_at=None, state=Wording.State.APPROVED
    ).select_related("template__owner")
    if asked.kind:
        found = found.filter(template__kind=asked.kind)
    if after := position(asked.cursor, int):
        found = found.filter(template__gt=after[0])
    some, more = page(
        list(found.order_by("template_id")[: asked.limit + 1]), asked.limit, lambda each: (each.template_id,)
    )
    items = [
        {
            "id": each.template_id,
            "kind": each.template.kind,
            "occasion": each.template.occasion,
            "title": say(Words(each.template.title["zh"], each.template.title["en"])),
            "wording": each.pk,
            "version": each.number,
            "text": each.text,
            "segments": templates.weigh(each.text, each.template.kind, bank),
            "introduces": each.template.introduces,
            "language": each.template.language,
            "owner": {"id": each.template.owner.pk, "name": each.template.owner.name} if each.template.owner else None,
        }
        for each in some
    ]
    return {"items": items, "next": more}
