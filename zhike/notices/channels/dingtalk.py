"""DingTalk (钉钉): a work notice (工作通知) of the bank's own application, to one person.

DingTalk takes a notice first and looks afterwards whether it can be delivered; so it is asked what became of it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from time import monotonic
from typing import Any

from zhike.address import Address
from zhike.conduct.words import Words

from .channel import Kind, Parcel, Undelivered
from .vendor import Fault, Refusal, Vendor

VARIABLE = "ZHIKE_DINGTALK_URL"
EXAMPLE = "https://APPKEY:APPSECRET@oapi.dingtalk.com/836390886"
ACCOUNT = Words("钉钉账号（userid）", "DingTalk account (userid)")
USER = re.compile(r"[\w+-][\w.@+-]{0,63}", re.ASCII)  # no comma joins another to it
# So often is asked what became of a notice, so many seconds apart; then it has been taken, and DingTalk is still at it.
LOOKS, APART = 4, 0.25
# The same words to the same person a second time in a day.
COPY = 143106

# 钉钉开放平台，全局错误码; 工作通知 (143…); under 88 the code that counts is the sub_code.
FAULTS = {
    -1: Fault("系统繁忙", "the system is busy"),
    33012: Fault("没有这个账号（userid）", "there is no such account (userid)", permanent=True),
    40013: Fault("企业 ID 不正确", "the corp id is wrong", permanent=True),
    40014: Fault("凭证不被接受", "the token is not accepted"),
    40035: Fault("参数不正确", "a parameter is wrong", permanent=True),
    40056: Fault("应用的 AgentId 不正确", "the application's agent id is wrong", permanent=True),
    40089: Fault("应用的 AppKey 或 AppSecret 不正确", "the application's key or secret is wrong", permanent=True),
    40096: Fault("应用的 AppKey 或 AppSecret 不正确", "the application's key or secret is wrong", permanent=True),
    41001: Fault("缺少凭证", "the token is missing"),
    42001: Fault("凭证已过期", "the token has run out"),
    60011: Fault("应用无权调用此接口", "the application may not call this interface", permanent=True),
    60020: Fault("本机 IP 不在应用的出口 IP 中", "this machine is not among the application's IPs", permanent=True),
    60121: Fault("没有这个账号（userid）", "there is no such account (userid)", permanent=True),
    90002: Fault("调用超过频率限制", "too many calls"),
    90018: Fault("调用超过频率限制", "too many calls"),
    143103: Fault("应用每分钟的发送超过限制", "too many notices a minute from this application"),
    143104: Fault("企业每分钟的发送超过限制", "too many notices a minute from this company"),
    143105: Fault("此人今天收到的通知已达上限", "the recipient has had all the notices of a day", permanent=True),
    1430002: Fault("内容被拒", "the wording was turned down", permanent=True),
    1430003: Fault("触发系统保护", "its system protects itself"),
    1430004: Fault("收件人开启了高管保护", "the recipient is protected as an executive", permanent=True),
}


class DingTalk(Vendor):
    """An application of the bank's in DingTalk. The last part of its address is the application's agent id."""

    words = Words("钉钉", "DingTalk")
    faults = FAULTS
    stale = frozenset({40014, 41001, 42001})

    def issue(self, until: float) -> tuple[str, float]:
        """gettoken: the application's secret for a token of two hours."""
        who = {"appkey": self.address.user, "appsecret": self.address.secret}
        return self.token_in(self.ask("GET", "/gettoken", until, params=who), "access_token", "expires_in")

    def put(self, parcel: Parcel, token: str, until: float) -> None:
        """asyncsend_v2, to exactly one account."""
        if not USER.fullmatch(parcel.to):
            raise self.misaddressed(ACCOUNT)
        notice = {"userid_list": parcel.to, "to_all_user": False, "msg": _said(parcel)}
        task = self._ask("asyncsend_v2", notice, token, until).get("task_id")
        if type(task) is not int:
            raise self.garbled()
        self._look_after(task, parcel.to, token, until)

    def code_of(self, answer: Mapping[str, Any]) -> int | None:
        """Under 88 the sub_code says what it is."""
        code = super().code_of(answer)
        sub = str(answer.get("sub_code", ""))
        return int(sub) if code == 88 and sub.isascii() and sub.isdigit() and len(sub) < 10 else code

    def _look_after(self, task: int, to: str, token: str, until: float) -> None:
        """Asks what became of it. Where no answer can be had, it has been taken all the same."""
        for look in range(LOOKS):
            if look:
                time.sleep(APART)
            if monotonic() >= until:
                return
            try:
                result = self._ask("getsendresult", {"task_id": task}, token, until).get("send_result")
            except Undelivered:
                return
            if isinstance(result, dict) and self._settled(result, to):
                return

    def _settled(self, result: Mapping[str, Any], to: str) -> bool:
        """Whether it has been delivered. Raises Undelivered where it never will be."""
        if to in _names(result, "invalid_user_id_list"):
            raise Refusal(self.words, 33012, FAULTS[33012])
        for forbidden in result.get("forbidden_list") or ():
            code = str(forbidden.get("code", "")) if isinstance(forbidden, dict) else ""
            if code == str(COPY):  # the key is in what it says: the first copy is there
                return True
            if code.isascii() and code.isdigit():
                raise Refusal(self.words, int(code), FAULTS.get(int(code)))
        if to in (*_names(result, "failed_user_id_list"), *_names(result, "forbidden_user_id_list")):
            raise Undelivered("钉钉未能送达", "DingTalk did not deliver it")
        return to in (*_names(result, "read_user_id_list"), *_names(result, "unread_user_id_list"))

    def _ask(self, verb: str, what: Mapping[str, Any], token: str, until: float) -> dict[str, Any]:
        path = f"/topapi/message/corpconversation/{verb}"
        asked = {"agent_id": int(self.address.last), **what}
        return self.ask("POST", path, until, params={"access_token": token}, json=asked)


def _names(result: Mapping[str, Any], name: str) -> list[str]:
    names = result.get(name)
    return names if isinstance(names, list) else []


def _said(parcel: Parcel) -> dict[str, Any]:
    """A card that opens Zhike, or a text where there is no link. Always with the mark: what says the same on one day is dropped."""
    if not parcel.link:
        return {"msgtype": "text", "text": {"content": f"{parcel.title}\n{parcel.text}\n{parcel.mark}"}}
    card = {
        "title": parcel.title,
        "markdown": f"{parcel.text}\n\n{parcel.mark}",
        "single_title": "知客 Zhike",
        "single_url": parcel.link_by_key,
    }
    return {"msgtype": "action_card", "action_card": card}


def open_dingtalk(address: str) -> DingTalk:
    """The channel at its address."""
    return DingTalk(Address.application(VARIABLE, address, EXAMPLE))


KIND = Kind(DingTalk.words, VARIABLE, ACCOUNT, USER, open_dingtalk)
