"""The market's week by e-mail (周报, W12): each Monday to the leaders who decide, as a text, with the whole as a page that prints on A4.

Off until the bank turns it on. No customer is named in it: it leaves the house. The setting, the mailbox and the mail server are looked at
when it is sent, so what is amiss is said on the week's page and in the letter's row.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from html import escape

from django.db import connection, transaction
from django.utils import translation

from zhike.conduct.bank import Bank
from zhike.conduct.words import Words
from zhike.market import digest
from zhike.market.models import Brief, Note, Routing
from zhike.people import bank as people_bank
from zhike.people.actor import act, leave

from .channels.channel import Parcel, Undelivered
from .channels.mail import Mail
from .courier import GAPS
from .models import Letter

log = logging.getLogger("zhike.notices")

AT_ONCE = 200  # letters of one round
NO_SERVER = Undelivered(
    "没有配置邮件服务器（ZHIKE_MAIL_URL）", "no mail server is set up (ZHIKE_MAIL_URL)", permanent=True
)
NO_MAILBOX = Undelivered("该员工没有邮箱地址", "this colleague has no e-mail address", permanent=True)
GONE = Undelivered("该员工的账号已停用", "this colleague's account is closed", permanent=True)
TITLE = Words("知客 · 市场信息周报", "Zhike · the market's week")
NOTHING = Words("本周没有市场信息。", "Nothing was noted in this week.")
PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title><style>
@page {{ size: A4; margin: 14mm; }}
body {{ font: 11pt/1.6 "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; max-width: 180mm; margin: 8mm auto; color: #111; }}
h1 {{ font-size: 16pt; }} h2 {{ font-size: 12.5pt; border-bottom: 1px solid #bbb; }} li {{ margin: 2mm 0; }} small {{ color: #555; }}
section {{ break-inside: avoid-page; }}
</style></head><body><h1>{title}</h1>{body}</body></html>
"""

PUT_DOWN = """
INSERT INTO notices_letter (staff_id, unit_id, monday, key, state, attempts, try_at, error)
SELECT DISTINCT p.staff_id, p.unit_id, %(monday)s::date, gen_random_uuid(), 'waiting', 0, %(now)s::timestamptz, ''
FROM people_post p JOIN people_staff s ON s.id = p.staff_id AND s.is_active
WHERE p.role = 'leader' AND p.from_day <= %(day)s AND (p.to_day IS NULL OR p.to_day > %(day)s)
ON CONFLICT DO NOTHING
"""


def put_down(day: date, now: datetime, bank: Bank) -> int:
    """On a Monday: each leader is owed the week that is over, once for each unit that they lead. How many they are."""
    if day.weekday() != 0 or not bank.market_letters:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(PUT_DOWN, {"monday": day - timedelta(days=7), "day": day, "now": now})
        return int(cursor.rowcount)


def send(clock: Callable[[], datetime], mail: Mail | None, *, link: str = "") -> int:
    """Sends what waits, each in a transaction of its own; what is not taken is tried again as notices are. How many were taken."""
    sent = 0
    for _turn in range(AT_ONCE):
        with transaction.atomic():
            now = clock()
            waiting = Letter.objects.select_for_update(skip_locked=True, of=("self",)).select_related("staff", "unit")
            letter = waiting.filter(state=Letter.State.WAITING, try_at__lte=now).order_by("try_at", "pk").first()
            if letter is None:
                break
            letter.attempts += 1
            try:
                if mail is None:
                    raise NO_SERVER
                if not letter.staff.email:
                    raise NO_MAILBOX
                mail.send(_composed(letter, now, link))
            except Undelivered as error:
                letter.error = error.kept
                if error.permanent or letter.attempts > len(GAPS):
                    letter.state, letter.done_at = Letter.State.FAILED, now
                else:
                    letter.try_at = now + GAPS[letter.attempts - 1]
            else:
                letter.state, letter.done_at, letter.error = Letter.State.SENT, now, ""
                sent += 1
            letter.save(update_fields=["state", "attempts", "try_at", "done_at", "error"])
    return sent


def _composed(letter: Letter, now: datetime, link: str) -> Parcel:
    """What is sent. A letter that cannot be written is its own leader's alone: the others go."""
    try:
        with transaction.atomic():
            return written(letter, now, link)
    except PermissionError:
        raise GONE from None
    except Exception as error:
        log.warning("A letter of the week could not be written.", exc_info=True)
        name = type(error).__name__
        raise Undelivered(f"周报生成出错（{name}）", f"the week could not be written ({name})") from None


def written(letter: Letter, now: datetime, link: str) -> Parcel:
    """The week as this leader may read it, in their language."""
    bank = people_bank.settings().now(now)
    since = datetime.combine(letter.monday, time(), bank.zone)
    actor = act(letter.staff_id, now)
    week = digest.week(letter.unit, actor, since, since + timedelta(days=7))
    with translation.override(letter.staff.language):
        parcel = _parcel(letter, week, link)
    leave()
    return parcel


def _parcel(letter: Letter, week: digest.Week, link: str) -> Parcel:
    language = letter.staff.language
    last = letter.monday + timedelta(days=6)
    title = f"{TITLE.say(language)} · {letter.unit.name} · {letter.monday} – {last}"
    counts = Words(
        f"信息 {week.notes} 条，综述 {len(week.briefs)} 篇，已答复 {len(week.answered)} 件，待答复 {week.open} 件。",
        f"Notes {week.notes}, briefs {len(week.briefs)}, answered {len(week.answered)}, still without an answer {week.open}.",
    ).say(language)
    parts = [
        *(_brief(each, language) for each in week.briefs),
        *(_kind(kind, some) for kind, some in week.kinds.items()),
    ]
    if week.answered:
        parts.append((Words("本周答复", "Answered this week").say(language), [_answer(each) for each in week.answered]))
    text = [counts, *("\n".join([f"【{head}】", *(f"· {line}" for line in lines)]) for head, lines in parts)]
    if not parts:
        text.append(NOTHING.say(language))
    body = f"<p>{escape(counts)}</p>" + "".join(
        f"<section><h2>{escape(head)}</h2><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul></section>" for head, lines in parts
    )  # fmt: skip
    page = PAGE.format(language=escape(language), title=escape(title), body=body)
    there = f"{link}/market/notes/digest/?unit={letter.unit_id}&week={letter.monday}" if link else ""
    return Parcel(
        letter.key, letter.staff.email, title, "\n\n".join(text), there, (f"market-{letter.monday}.html", page)
    )


def _kind(kind: str, some: Sequence[Note]) -> tuple[str, list[str]]:
    return str(Note.Kind(kind).label), [
        " · ".join(part for part in (each.text, str(each.get_source_display()), each.source_words, each.place, each.by.name, each.unit.name) if part)
        for each in some
    ]  # fmt: skip


def _brief(each: Brief, language: str) -> tuple[str, list[str]]:
    heads = (Words("对客户", "For customers"), each.for_customers), (Words("对本行", "For the bank"), each.for_bank)
    return each.title, [each.text, *(f"{head.say(language)}：{words}" for head, words in heads if words)]


def _answer(each: Routing) -> str:
    by = each.answered_by.name if each.answered_by else ""
    return " · ".join(part for part in (each.title, str(each.get_answer_display()), each.answer_words, by) if part)
