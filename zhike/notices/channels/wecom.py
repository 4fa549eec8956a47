"""WeCom (企业微信): a message of the bank's own application, to one person."""

from __future__ import annotations

import re
from typing import Any

from zhike.address import Address
from zhike.conduct.words import Words

from .channel import Kind, Parcel, Undelivered
from .vendor import Fault, Vendor

VARIABLE = "ZHIKE_WECOM_URL"
EXAMPLE = "https://CORPID:SECRET@qyapi.weixin.qq.com/1000002"
ACCOUNT = Words("企业微信账号（UserID）", "WeCom account (UserID)")
# One account as WeCom lets them be: `@all` is none, and no `|` joins another to it.
USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", re.ASCII)
# The longest that copies are looked for; a notice is tried for half an hour.
FOUR_HOURS = 4 * 60 * 60

# 企业微信开发者中心，全局错误码.
FAULTS = {
    -1: Fault("系统繁忙", "the system is busy"),
    6000: Fault("数据版本冲突", "versions of its data collide"),
    40001: Fault("应用的 Secret 不正确", "the application's secret is wrong", permanent=True),
    40003: Fault("没有这个账号（UserID）", "there is no such account (UserID)", permanent=True),
    40013: Fault("企业 ID 不正确", "the corp id is wrong", permanent=True),
    40014: Fault("凭证不被接受", "the token is not accepted"),
    40056: Fault("应用的 AgentId 不正确", "the application's agent id is wrong", permanent=True),
    40091: Fault("应用的 Secret 不正确", "the application's secret is wrong", permanent=True),
    41001: Fault("缺少凭证", "the token is missing"),
    42001: Fault("凭证已过期", "the token has run out"),
    45009: Fault("调用超过频率限制", "too many calls"),
    45033: Fault("并发调用超过限制", "too many calls at once"),
    48002: Fault("应用无权调用此接口", "the application may not call this interface", permanent=True),
    60011: Fault(
        "收件人不在应用的可见范围内", "the recipient is outside the application's visible range", permanent=True
    ),
    60020: Fault(
        "本机 IP 不在应用的可信 IP 中", "this machine is not among the application's trusted IPs", permanent=True
    ),
    60111: Fault("没有这个账号（UserID）", "there is no such account (UserID)", permanent=True),
    81013: Fault(
        "收件人不存在，或不在应用的可见范围内",
        "the recipient does not exist, or is outside the application's visible range",
        permanent=True,
    ),
    82001: Fault("没有收件人", "there is no recipient", permanent=True),
    301002: Fault(
        "Secret 与 AgentId 不属于同一应用", "secret and agent id are not the same application's", permanent=True
    ),
}


class WeCom(Vendor):
    """An application of the bank's in WeCom. The last part of its address is the application's agent id."""

    words = Words("企业微信", "WeCom")
    faults = FAULTS
    stale = frozenset({40014, 41001, 42001})

    def issue(self, until: float) -> tuple[str, float]:
        """gettoken: the application's secret for a token of two hours."""
        who = {"corpid": self.address.user, "corpsecret": self.address.secret}
        answer = self.ask("GET", "/cgi-bin/gettoken", until, params=who)
        return self.token_in(answer, "access_token", "expires_in")

    def put(self, parcel: Parcel, token: str, until: float) -> None:
        """message/send, to exactly one account."""
        if not USER.fullmatch(parcel.to):
            raise self.misaddressed(ACCOUNT)
        message = {"touser": parcel.to, "agentid": int(self.address.last), **_said(parcel), **ONCE}
        answer = self.ask("POST", "/cgi-bin/message/send", until, params={"access_token": token}, json=message)
        if answer.get("invaliduser"):
            raise Undelivered(
                "企业微信未接受：收件人不存在，或不在应用的可见范围内",
                "WeCom refused: the recipient does not exist, or is outside the application's visible range",
                permanent=True,
            )
        if answer.get("unlicenseduser"):
            raise Undelivered(
                "企业微信未接受：收件人没有接口许可", "WeCom refused: the recipient has no licence", permanent=True
            )


# What says the same within the interval is a copy, and WeCom drops it; each parcel's key is in what it says.
ONCE: dict[str, Any] = {
    "safe": 0,
    "enable_id_trans": 0,
    "enable_duplicate_check": 1,
    "duplicate_check_interval": FOUR_HOURS,
}


def _said(parcel: Parcel) -> dict[str, Any]:
    """A card that opens Zhike; without a link, which a card must have, a text."""
    if not parcel.link:
        return {"msgtype": "text", "text": {"content": f"{parcel.title}\n{parcel.text}\n{parcel.mark}"}}
    card = {"title": parcel.title, "description": parcel.text, "url": parcel.link_by_key}
    return {"msgtype": "textcard", "textcard": card}


def open_wecom(address: str) -> WeCom:
    """The channel at its address."""
    return WeCom(Address.application(VARIABLE, address, EXAMPLE))


KIND = Kind(WeCom.words, VARIABLE, ACCOUNT, USER, open_wecom)
