"""Which words the bank has ready, and how they change (模板): one proposes, another decides. An RM's own greeting is decided by their leader
and used by them alone.

What waits is an approval and nothing else; the wording is made when it is let pass, so that none is ever used that nobody decided about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max
from django.utils.timezone import localdate
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from zhike.conduct import messages
from zhike.conduct.bank import Bank
from zhike.conduct.festivals import FESTIVALS
from zhike.conduct.words import Refused, Words
from zhike.customers.profile import LANGUAGES
from zhike.people import approvals
from zhike.people.actor import Actor
from zhike.people.leaders import led_by_another
from zhike.people.models import Approval, Staff
from zhike.people.permissions import Refused as NotAllowed
from zhike.people.permissions import check

from . import texts
from .gate import LONGEST
from .models import Kind, Template, Wording
from .segments import measure

BIRTHDAY = "birthday"
LONGEST_TITLE = 40


@dataclass(frozen=True)
class Proposal:
    """Words for a template that is there, or for a new one. ``own``: a greeting of the RM's own. ``occasion``: of a greeting, `birthday` or
    `festival:…`, empty for any festival; other kinds get new words only where there is a template."""

    kind: str
    text: str
    title: str = ""
    occasion: str = ""
    own: bool = False
    language: str = texts.CHINESE
    template: Template | None = None


def occasions() -> dict[str, Words]:
    """What a greeting is for: any festival, one of them, a birthday."""
    return {
        "": Words("任何节日", "any festival"),
        BIRTHDAY: Words("生日", "a birthday"),
        **{f"festival:{each.key}": each.name for each in FESTIVALS},
    }


def weigh(text: str, kind: str, bank: Bank) -> int:
    """How many segments a text takes as it stands, its variables unfilled, with all that is added to it."""
    return measure(messages.dressed(text, kind, bank, texts.bank_name())).segments


def propose(proposal: Proposal, reason: str, *, actor: Actor, now: datetime, bank: Bank) -> Approval:
    """Asks for words to be let pass. Raises Refused where they may not be said, Unfilled for a variable that is none."""
    template = proposal.template
    own = template.owner_id == actor.id if template else proposal.own
    if template and template.owner_id not in (None, actor.id):
        raise NotAllowed(_("These are a colleague's own words: only they may change them."), "templates.change")
    _check(proposal, bank)
    title = proposal.title.strip() or texts.shortened(proposal.text)
    kind, unit_id = SHARED, None
    if own:
        unit_id = led_by_another(actor.id, actor.id, localdate(now))
        kind = OWN if unit_id else UNLED
    payload = {
        "template": template.pk if template else None,
        "kind": template.kind if template else proposal.kind,
        "occasion": template.occasion if template else proposal.occasion,
        "title": template.title["zh"] if template else title,
        "language": template.language if template else proposal.language,
        "text": proposal.text.strip(),
        "owner": actor.id if own else None,
    }
    return approvals.ask(actor, kind.name, _subject(payload), payload, reason, now, unit_id=unit_id)


def _subject(payload: dict[str, object]) -> str:
    """What of it waits only once: the words of a template, or a new one of this name."""
    if payload["template"]:
        return f"template:{payload['template']}"
    return f"template:new:{payload['owner'] or 'bank'}:{payload['kind']}:{payload['occasion']}:{payload['title']}"


def _check(proposal: Proposal, bank: Bank) -> None:
    template, text = proposal.template, proposal.text.strip()
    kind = template.kind if template else proposal.kind
    if not text:
        raise Refused("请写好正文。", "Write the text first.")
    if kind not in Kind.values:
        raise Refused("请选类型。", "Choose a kind.")
    if template is None:
        _check_new(proposal)
    elif template.retired_at is not None:
        raise Refused("这个模板已停用，请另建一个。", "This template is retired: make another.")
    elif template.wordings.filter(state=Wording.State.APPROVED, text=text).exists():
        raise Refused("与现用的措辞一字不差，无需再申请。", "These are the words in use already.")
    texts.check(text)
    occasion = template.occasion if template else proposal.occasion
    if kind == Kind.GREETING and occasion != BIRTHDAY:
        texts.check_for_many(text)
    if kind == Kind.QUESTION:
        texts.check_for_many(text, "日子")
    if weigh(text, kind, bank) > LONGEST:
        raise Refused(
            f"太长：一条短信至多 {LONGEST} 段，请删短。", f"Too long: at most {LONGEST} segments. Shorten it."
        )
    blocked = next((each for each in messages.of_text(kind, text, bank) if each.effect == "block"), None)
    if blocked := blocked or messages.lacks_contact(kind, text, bank):
        raise Refused(blocked.words.zh, blocked.words.en)


def _check_new(proposal: Proposal) -> None:
    if len(proposal.title.strip()) > LONGEST_TITLE:
        raise Refused(f"名称至多 {LONGEST_TITLE} 字。", f"A name has at most {LONGEST_TITLE} characters.")
    if proposal.own and proposal.kind != Kind.GREETING:
        raise Refused("自己的措辞只用于问候；其他模板请改本行的。", "Words of one's own are for greetings alone.")
    if proposal.language not in LANGUAGES:
        raise Refused("请选语言。", "Choose the language.")
    greets = proposal.kind == Kind.GREETING
    if proposal.occasion not in (occasions() if greets else {""}):
        raise Refused("请选这条问候用于哪个节日。", "Choose which festival the greeting is for.")


def retire(template: Template, *, actor: Actor, now: datetime) -> None:
    """Nobody writes with it any more; what was sent keeps its words. Raises NotAllowed."""
    if template.owner_id != actor.id:
        check(actor, "templates.change")
        if template.owner_id is not None:
            raise NotAllowed(_("These are a colleague's own words: only they may change them."), "templates.change")
    Template.objects.filter(pk=template.pk, retired_at=None).update(retired_at=now)
    template.refresh_from_db()


def waiting(template: Template | None, actor: Actor, now: datetime) -> list[Approval]:
    """What is asked for and not yet decided, of one template or of new ones, as far as the actor may see it."""
    about = f"template:{template.pk}" if template else "template:new:"
    rows = Approval.objects.visible_to(actor).filter(
        kind__in=[kind.name for kind in KINDS], decision="open", asked_at__gt=now - approvals.WAITS
    )
    rows = rows.filter(subject=about) if template else rows.filter(subject__startswith=about)
    return list(rows.select_related("asked_by").order_by("-asked_at"))


def turned_down(template: Template, actor: Actor) -> list[Approval]:
    """Words that somebody decided against, with why."""
    rows = Approval.objects.visible_to(actor).filter(
        kind__in=[kind.name for kind in KINDS], subject=f"template:{template.pk}", decision="refused"
    )
    return list(rows.select_related("asked_by", "decided_by").order_by("-decided_at"))


# ── the second person ───────────────────────────────────────────────────────────────────────────────────────────


def _carry_out(approval: Approval, actor: Actor, now: datetime) -> None:
    asked = approval.payload
    if asked["template"]:
        template = Template.objects.select_for_update().get(pk=asked["template"])
        if template.retired_at is not None:
            raise approvals.Undecidable("模板已停用，这项申请不再有意义。", "The template is retired meanwhile.")
    else:
        template = Template.objects.create(
            key=f"asked:{approval.pk}", kind=asked["kind"], occasion=asked["occasion"], owner_id=asked["owner"],
            title={"zh": asked["title"], "en": asked["title"]}, language=asked["language"],
        )  # fmt: skip
    template.wordings.filter(state=Wording.State.APPROVED).update(state=Wording.State.REPLACED)
    last = template.wordings.aggregate(last=Max("number"))["last"] or 0
    Wording.objects.create(
        template=template, number=last + 1, text=asked["text"], by_id=approval.asked_by_id, at=now, approval=approval
    )


def _lines(some: Sequence[Approval]) -> list[list[approvals.Line]]:
    before = {
        each.template_id: each.text
        for each in Wording.objects.filter(
            template__in=[approval.payload["template"] for approval in some], state=Wording.State.APPROVED
        )
    }
    owners = Staff.objects.in_bulk({approval.payload["owner"] for approval in some if approval.payload["owner"]})
    return [_line(approval, before, owners) for approval in some]


def _line(approval: Approval, before: dict[int, str], owners: dict[int, Staff]) -> list[approvals.Line]:
    asked = approval.payload
    lines = [
        (_("Template"), f"{asked['title']} · {Kind(asked['kind']).label}"),
        (_("Words"), asked["text"]),
        (_("Until now"), before.get(asked["template"], "—")),
    ]
    if asked["kind"] == Kind.GREETING and asked["occasion"] in occasions():
        lines.append((_("For"), occasions()[asked["occasion"]].say(get_language() or "")))
    if asked["language"] != texts.CHINESE:
        lines.append((_("Language"), str(LANGUAGES[asked["language"]])))
    if asked["owner"]:
        lines.append((_("Used only by"), owners[asked["owner"]].name))
    return lines


SHARED, OWN, UNLED = KINDS = [
    approvals.register(approvals.Kind(f"sms.{name}", Words(zh, en), ask, decide, _carry_out, _lines))
    for name, zh, en, ask, decide in (
        ("wording", "短信措辞", "Words of a message", "templates.change", "templates.approve"),
        ("own_wording", "自己的问候措辞", "Greeting in one's own words", "messages.send", "templates.approve_own"),
        ("own_wording_unled", "自己的问候措辞（无主管可批）", "Greeting in one's own words, no leader decides", "messages.send",
         "templates.approve"),
    )
]  # fmt: skip
