import sys

sys.path.insert(0, "/tmp/rest_look")
from look import shots
from datetime import timedelta, date
from tests.browser.conftest import *


def test_feed(shared, tmp_path):
    from zhike.conduct.bank import Bank
    from zhike.customers.feeds.files import opened as op
    from zhike.customers.feeds.take import take
    from zhike.customers.models import Run

    c = shared.customer("诸葛亮")
    arranged = Arranged(shared)
    arranged.contact("reception", c)
    v = arranged.plan("visit", MONDAY + timedelta(days=2), c, agreed=True)
    path = tmp_path / "customers-0302.csv"
    path.write_text(f"客户号,姓名,管户经理工号,死亡日期\n{c.core_number},{c.name},1001,2026-02-27\n", "utf-8")
    with shared.worker():
        whole = op(path, flagged=False)
        run = Run.objects.create(kind=whole.kind, name=path.name, at=MONDAY, mapping=whole.mapping)
        take(whole, run, bank=Bank(), now=lambda: MONDAY, language="zh-hans")
        from zhike.obligations.models import Obligation

        o = Obligation.objects.get(customer=c, kind="thanks")
    shots(shared, "feed-stops", f"/customers/{c.pk}/stops/")
    shots(shared, "feed-record", f"/contacts/{v.pk}/record/")
    shots(shared, "feed-obl", f"/obligations/{o.pk}/")
    shots(shared, "feed-customer", f"/customers/{c.pk}/")
