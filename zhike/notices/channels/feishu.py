"""Feishu (飞书): a message of the bank's own application's bot, to one person."""

from __future__ import annotations

import json
import re

from zhike.address import Address
from zhike.conduct.words import Words

from .channel import Kind, Parcel
from .vendor import Fault, Vendor

VARIABLE = "ZHIKE_FEISHU_URL"
EXAMPLE = "https://APP_ID:APP_SECRET@open.feishu.cn"
ACCOUNT = Words("飞书账号（用户 ID、Open ID 或邮箱）", "Feishu account (user ID, open ID or e-mail address)")
USER = re.compile(r"[\w+-][\w.@+-]{0,127}", re.ASCII)

# 飞书开放平台，通用错误码 (100…, 9999…); 发送消息 (230…).
FAULTS = {
    10003: Fault("应用的 App ID 或 App Secret 不正确", "the application's id or secret is wrong", permanent=True),
    10014: Fault("应用的 App Secret 不正确", "the application's secret is wrong", permanent=True),
    230001: Fault(
        "参数不正确，通常是没有这个账号", "a parameter is wrong, mostly an account that does not exist", permanent=True
    ),
    230006: Fault("应用未启用机器人", "the application's bot is not switched on", permanent=True),
    230013: Fault("收件人不在应用的可用范围内", "the recipient is outside the application's range", permanent=True),
    230020: Fault("给此人的消息太频繁", "too many messages to this recipient"),
    230022: Fault("内容被拒", "the wording was turned down", permanent=True),
    230027: Fault("应用缺少权限", "the application lacks a permission", permanent=True),
    230028: Fault("内容被拒", "the wording was turned down", permanent=True),
    230029: Fault("收件人已离职", "the recipient has left", permanent=True),
    230034: Fault("没有这个账号", "there is no such account", permanent=True),
    230049: Fault("同一消息正在发送", "the same message is being sent"),
    230053: Fault("收件人停用了机器人的消息", "the recipient has stopped the bot's messages", permanent=True),
    99991400: Fault("调用超过频率限制", "too many calls"),
    99991401: Fault("本机 IP 不在应用的白名单中", "this machine is not among the application's IPs", permanent=True),
    99991543: Fault("应用的 App ID 或 App Secret 不正确", "the application's id or secret is wrong", permanent=True),
    99991661: Fault("缺少凭证", "the token is missing"),
    99991662: Fault("应用已停用", "the application is switched off", permanent=True),
    99991663: Fault("凭证不被接受", "the token is not accepted"),
    99991671: Fault("凭证不被接受", "the token is not accepted"),
    99991672: Fault("应用缺少权限", "the application lacks a permission", permanent=True),
    99991673: Fault("应用不可用", "the application is not available", permanent=True),
    99992351: Fault("没有这个账号", "there is no such account", permanent=True),
}


class Feishu(Vendor):
    """An application of the bank's in Feishu."""

    words = Words("飞书", "Feishu")
    faults = FAULTS
    stale = frozenset({99991661, 99991663, 99991671})
    code = "code"

    def issue(self, until: float) -> tuple[str, float]:
        """The application's secret for a tenant_access_token of two hours."""
        who = {"app_id": self.address.user, "app_secret": self.address.secret}
        answer = self.ask("POST", "/open-apis/auth/v3/tenant_access_token/internal", until, json=who)
        return self.token_in(answer, "tenant_access_token", "expire")

    def put(self, parcel: Parcel, token: str, until: float) -> None:
        """im/v1/messages, to exactly one account; of those with one `uuid` Feishu sends one within an hour."""
        if not USER.fullmatch(parcel.to):
            raise self.misaddressed(ACCOUNT)
        text = "\n".join(filter(None, (parcel.title, parcel.text, parcel.link)))
        self.ask(
            "POST",
            "/open-apis/im/v1/messages",
            until,
            params={"receive_id_type": kind_of(parcel.to)},
            headers={"Authorization": f"Bearer {token}"},
            json={
                "receive_id": parcel.to,
                "msg_type": "text",
                "content": json.dumps({"text": text}, ensure_ascii=False),
                "uuid": str(parcel.key),
            },
        )


def kind_of(account: str) -> str:
    """Which of Feishu's kinds of id it is; a staff number is the user ID."""
    if "@" in account:
        return "email"
    return {"ou_": "open_id", "on_": "union_id"}.get(account[:3], "user_id")


def open_feishu(address: str) -> Feishu:
    """The channel at its address."""
    return Feishu(Address.application(VARIABLE, address, EXAMPLE, numbered=False))


KIND = Kind(Feishu.words, VARIABLE, ACCOUNT, USER, open_feishu)
