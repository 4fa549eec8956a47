"""The bank's data keys: carrying out a change of them."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from zhike.commands.frame import DONE, FAILED, JSON, Failure, Options, argument, command, ready, words


@command(
    "keys", "以第一把数据密钥重新加密，并重算索引", "seal everything with the first data key, compute the indexes anew",
    argument("--check", "只查看，不写入", "look only, write nothing", action="store_true"),
    argument("--by", "经办人工号（记入留痕）", "the staff number of whoever does it, for the trail", metavar="STAFF"),
    argument("--batch", "每个事务的行数（默认 500）", "rows a transaction (default 500)", type=int, default=500),
    JSON,
)  # fmt: skip
def keys(options: Options) -> int:
    """Stopped in the middle it goes on where it was. Says which keys may be dropped; exit 1 where a value opens with none."""
    with ready("owner"):
        from django.conf import settings

        from zhike import clock
        from zhike.api import answers
        from zhike.contacts.models import draft
        from zhike.customers import reseal
        from zhike.customers.vault import vault
        from zhike.documents.models import blob, document
        from zhike.market.models import prospect
        from zhike.notices.models import webhook
        from zhike.pages import sign_in
        from zhike.sms.models import message, opt_out, pushed, question, reply

        if not os.environ.get("ZHIKE_DATA_KEYS") and not settings.DEMO:
            raise Failure(
                words(
                    "未设置 ZHIKE_DATA_KEYS：请与网页进程使用同一组密钥，新密钥在前。",
                    "ZHIKE_DATA_KEYS is not set: give the keys that the pages run with, the new one in front.",
                )
            )
        if options.batch < 1:
            raise Failure(words("--batch 须为正整数。", "--batch takes a whole number above 0."))
        work = reseal.Reseal(
            vault(), clock.now(), by=_staff(options.by), batch=min(options.batch, 10_000), dry=options.check
        )
        sealed = [draft.SEALED, webhook.SEALED, answers.SEALED, sign_in.SEALED]
        sealed += [message.SEALED, *reply.SEALED, opt_out.SEALED, pushed.SEALED, question.SEALED]
        sealed += [prospect.SEALED, blob.SEALED, document.SEALED]
        found = reseal.passes(work, (*reseal.STORES, *sealed))
        return _tell(options, [key.id for key in vault().keys], found)


def _staff(number: str | None) -> int | None:
    from zhike.people.models import Staff

    if not number:
        return None
    staff = Staff.objects.filter(number=number, is_active=True).values_list("pk", flat=True).first()
    if staff is None:
        raise Failure(words(f"没有工号为 {number} 的在职员工。", f"There is no active staff member {number}."))
    return int(staff)


def _tell(options: Options, ids: list[str], found: dict[str, Any]) -> int:
    unopened = [sentence for outcome in found.values() for sentence in outcome.unopened]
    waiting = sum(outcome.renewed for outcome in found.values()) if options.check else 0
    droppable = ids[1:] if not unopened and not waiting else []
    if options.json:
        tables = {table: {"rows": outcome.rows, "renewed": outcome.renewed} for table, outcome in found.items()}
        print(json.dumps({"first": ids[0], "tables": tables, "unopened": unopened, "droppable": droppable}))
        return FAILED if unopened else DONE
    for table, outcome in found.items():
        print(
            words(
                f"{table}：{outcome.rows} 行，{'待' if options.check else '已'}以 {ids[0]} 重新加密 {outcome.renewed} 行",
                f"{table}: {outcome.rows} rows, {outcome.renewed} {'to be ' if options.check else ''}sealed anew with {ids[0]}",
            )
        )
    if unopened:
        for sentence in unopened[:5]:
            print(sentence, file=sys.stderr)
        print(
            words(
                f"{len(unopened)} 行打不开：请把缺少的密钥加回 ZHIKE_DATA_KEYS 再执行；任何密钥都不要删除。",
                f"{len(unopened)} rows do not open: put the missing key back into ZHIKE_DATA_KEYS and run this again; "
                "drop no key.",
            ),
            file=sys.stderr,
        )
        return FAILED
    if droppable:
        named = ", ".join(droppable)
        print(
            words(
                f"{named} 已不再需要：可从 ZHIKE_DATA_KEYS 移除并重启。旧备份仍须用它才能打开。",
                f"{named} is no longer needed: take it out of ZHIKE_DATA_KEYS and restart. Older backups open with it alone.",
            )
        )
    elif waiting:
        print(words("请执行 zhike keys。", "Run zhike keys."))
    return DONE
