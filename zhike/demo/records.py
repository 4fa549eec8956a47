"""Records of the bank: papers of 林晓's customers, whole for some and lacking for others, one held, one in two versions."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime, time, timedelta

from zhike.conduct.bank import Bank as Rules
from zhike.customers.models import Customer
from zhike.demo.bank import Bank
from zhike.demo.desk import COMPLIANCE
from zhike.documents import filing
from zhike.documents.filing import Brought, Slip
from zhike.documents.models import Document, Label
from zhike.people.actor import acting

TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
# business, kind, title, what it says; of how many of the customers in turn, days ago
PAPERS = (
    ("account", "identity", "身份证件", "居民身份证正反面已核验，有效期内。", 14, 80),
    ("account", "application", "开户申请表", "申请开立个人结算账户，预留手机号码，职业与收入来源已填。", 11, 80),
    ("account", "agreement", "个人账户综合服务协议", "双方约定账户管理、手机银行与短信通知服务。", 9, 79),
    ("wealth", "assessment", "风险承受能力评估", "评估结果为稳健型，有效期一年，适合中低风险产品。", 6, 40),
    ("wealth", "agreement", "理财产品协议", "认购“月月盈”一号，期限一个月，业绩比较基准非承诺收益。", 5, 39),
    ("loan", "agreement", "个人住房按揭贷款合同", "用途为购置学区房，贷款期限三十年，按月等额本息还款。", 2, 25),
    ("loan", "income", "收入证明", "单位出具在职及收入证明，月均收入满足还款要求。", 1, 26),
    ("complaint", "letter", "客户来函：请退还年费", "客户反映信用卡年费未按承诺减免，请予核实退还。", 1, 5),
)


def file(bank: Bank, now: datetime, rules: Rules) -> None:
    """Filed on the days on which they were signed; the worker reads them once the demonstration runs."""
    rm = bank.staff["1001"]
    customers = list(Customer.objects.filter(rm=rm, kind="person", deceased_on=None).order_by("-assets", "id")[:14])
    labels = {(label.sort, label.key): label.pk for label in Label.objects.all()}
    today = now.astimezone(rules.zone).date()
    filed: dict[str, Document] = {}
    for business, kind, title, says, many, ago in PAPERS:
        slip = Slip(labels["business", business], labels["kind", kind], today - timedelta(days=ago), title)
        at = datetime.combine(slip.dated, time(15, 40), rules.zone)
        with acting(rm.pk, at) as actor:
            for customer in customers[:many]:
                paper = _paper(title, f"客户：{customer.name}。{says}")
                filed[title] = filing.file(
                    Brought(paper, f"{title}.docx", 1), slip, customer=customer, actor=actor, now=at, bank=rules
                )
    yesterday = datetime.combine(today - timedelta(days=1), time(16, 10), rules.zone)
    with acting(rm.pk, yesterday) as actor:
        paper = _paper("理财产品协议", "补充条款：到期资金自动转入活期，另行通知。")
        filing.file_again(
            filed["理财产品协议"],
            Brought(paper, "理财产品协议（补充）.docx", 1),
            note="补充到期处理条款",
            actor=actor,
            now=yesterday,
            bank=rules,
        )
    with acting(bank.staff[COMPLIANCE].pk, yesterday) as actor:
        filing.hold(filed["客户来函：请退还年费"], "投诉处理中", actor=actor, now=yesterday)


def _paper(title: str, says: str) -> io.BytesIO:
    """A Word document of two paragraphs."""
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in (title, says))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("word/document.xml", f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>')
    return out
