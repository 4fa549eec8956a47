"""Taking back a file of messages that should not have been taken in, as long as nothing followed."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from zhike.conduct.bank import Bank
from zhike.customers.checks import Unaccepted
from zhike.customers.models import Line, Run
from zhike.obligations import ledger
from zhike.obligations.models import Fact
from zhike.sms import greetings
from zhike.sms.models import Message


def undo(run: Run, now: datetime, bank: Bank) -> int:
    """The messages go; what they had done is owed again, what was found in them is void, whom they greeted at a festival is open. All or none;
    returns how many.

    Raises Unaccepted once a person has said of one of them what became of it.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run.pk)
        if run.state != Run.State.DONE or run.dry or run.kind != "messages":
            raise Unaccepted(_("Only a run that is done can be undone."))
        brought = Message.objects.filter(run=run)
        if said := brought.filter(why__name="said").count():
            raise Unaccepted(
                _(
                    "The run can no longer be undone: of %(count)d of its messages somebody has said what became of them."
                )
                % {"count": said}
            )
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('zhike.request', %s, true)", [f"undo import {run.pk}"])
            cursor.execute(TOLD, [run.pk])
            told = [fact for (fact,) in cursor.fetchall()]
            cursor.execute(VOID, [run.pk])
        for fact in Fact.objects.filter(pk__in=told).order_by("-pk"):
            ledger.correct(fact, by=None, actor=None, now=now, bank=bank)
        greeted = set(brought.exclude(occasion="").values_list("occasion", "staff_id"))
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM sms_message WHERE run_id = %s", [run.pk])
            gone = int(cursor.rowcount)
        for occasion, staff in sorted(greeted):
            greetings.settle(occasion, staff, now, again=True, now=now, bank=bank)
        Line.objects.filter(run=run).update(state=Line.State.UNDONE, cells="", matches=[])
        Run.objects.filter(pk=run.pk).update(state=Run.State.UNDONE, finished_at=now)
    return gone


TOLD = """
SELECT f.id FROM obligations_fact f JOIN sms_message m ON m.customer_id = f.customer_id AND f.data ->> 'message' = m.id::text
WHERE m.run_id = %s AND NOT f.void"""
VOID = """
UPDATE obligations_finding f SET void = true FROM sms_message m
WHERE m.run_id = %s AND m.customer_id = f.customer_id AND f.subject = 'message:' || m.id"""
