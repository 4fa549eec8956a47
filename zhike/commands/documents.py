"""Records: whether every file is what was filed."""

from __future__ import annotations

import json
import sys
from typing import Any

from zhike.commands.frame import DONE, FAILED, GROUPS, JSON, Options, argument, command, ready, words

GROUPS["documents"] = ("档案资料", "records")


@command(
    "documents verify", "逐一核对档案文件与其哈希", "compare every file of the records with its hash",
    argument("--tidy", "删除无记录的残留文件（一天以前的）", "clear away files that no record has, older than a day", action="store_true"),
    JSON,
)  # fmt: skip
def documents_verify(options: Options) -> int:
    """Opens and hashes each file. Exit 1 where one is damaged or gone; what no record has is named, and cleared with --tidy."""
    with ready("worker"):
        from zhike import clock
        from zhike.customers.vault import Unopened
        from zhike.documents import store
        from zhike.documents.models import Blob, Document

        damaged: list[dict[str, Any]] = []
        known: set[str] = set()
        for blob in Blob.objects.order_by("id").iterator(chunk_size=500):
            known.add(blob.sha256)
            try:
                store.verify(blob)
            except (store.Damaged, Unopened) as error:
                of = Document.objects.filter(versions__sha256=blob.sha256).order_by("id").values_list("id", flat=True)
                damaged.append(
                    {"sha256": blob.sha256, "documents": sorted(set(of)), "locked": isinstance(error, Unopened)}
                )
        day_ago = clock.now().timestamp() - 86_400
        strays = [path for path in store.strays() if path.name not in known]
        cleared = [path for path in strays if options.tidy and path.stat().st_mtime < day_ago]
        for path in cleared:
            path.unlink()
    if options.json:
        print(json.dumps({"files": len(known), "damaged": damaged, "strays": len(strays), "cleared": len(cleared)}))
        return FAILED if damaged else DONE
    for each in damaged:
        numbers = ", ".join(map(str, each["documents"]))
        print(
            words(
                f"档案 {numbers} 的文件已损坏、缺失或密钥不对：{each['sha256']}。请从备份恢复该文件。",
                f"The file of document {numbers} is damaged, gone, or its key is missing: {each['sha256']}. Bring it back from a backup.",
            ),
            file=sys.stderr,
        )
    print(
        words(
            f"已核对 {len(known)} 个文件，{len(damaged)} 个有问题；无记录的残留 {len(strays)} 个，已清除 {len(cleared)} 个。",
            f"{len(known)} files compared, {len(damaged)} not as filed; {len(strays)} that no record has, {len(cleared)} of them cleared.",
        )
    )
    return FAILED if damaged else DONE
