"""The market's week by e-mail (周报, W12): each Monday to the leaders who decide, as a text, with the whole as PDF.

Off until the bank turns it on. No customer is named in it: it leaves the house. The setting, the mailbox and the mail server are looked at
when it is sent, so what is amiss is said on the week's page and in the letter's row.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from django.db import connection, transaction

from zhike.conduct.bank import Bank
from zhike.conduct.words import Words
from zhike.market import digest
from zhike.market.paper import paper
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
HOUSE = Words("知客", "Zhike")

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
    parcel = _parcel(letter, week, link)
    leave()
    return parcel


def _parcel(letter: Letter, week: digest.Week, link: str) -> Parcel:
    made = paper(letter.unit, letter.monday, week, letter.staff.language)
    title = f"{HOUSE.say(letter.staff.language)} · {made.title} · {made.under}"
    text = [
        made.counts,
        *("\n".join([f"【{head}】", *(f"· {line}" for line in lines)]) for head, lines in made.parts),
        made.nothing,
    ]
    there = f"{link}/market/notes/digest/?unit={letter.unit_id}&week={letter.monday}" if link else ""
    return Parcel(
        letter.key, letter.staff.email, title, "\n\n".join(filter(None, text)), there, (f"{made.name}.pdf", made.pdf())
    )
