"""The robots of groups (群机器人) at WeCom, DingTalk and Feishu: one address, one text, and no token.

A robot's address is typed on a page, so it leads to the vendors' own hosts and to those that the bank names, nowhere else: whoever may
change units must not reach the inside of the bank's network through Zhike. No redirect is followed. A robot knows no copies.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from zhike.address import Address, is_loopback
from zhike.conduct.words import Refused, Words

from .channel import PATIENCE
from .vendor import Fault, Peer

VARIABLE = "ZHIKE_WEBHOOK_HOSTS"
OPEN = Words("打开知客", "Open Zhike")


@dataclass(frozen=True)
class Message:
    """What a group is told. ``link``: where Zhike is, or ""."""

    title: str
    lines: tuple[str, ...]
    link: str
    opens: str  # the link's words

    @property
    def text(self) -> str:
        """All of it, for a robot that knows nothing but text."""
        return "\n".join((self.title, *self.lines, *([f"{self.opens} {self.link}"] if self.link else [])))


class Robot(Peer, ABC):
    """One vendor's robot. A subclass says at which address it is found, and what it is told in which form."""

    host: ClassVar[str]
    path: ClassVar[re.Pattern[str]]
    key: ClassVar[str]  # the parameter of the address without which it is none
    example: ClassVar[str]
    signs: ClassVar[bool]

    def __init__(self, address: Address, secret: str, patience: float = PATIENCE) -> None:
        super().__init__(address, patience)
        self.secret = secret

    def send(self, message: Message) -> None:
        """Returns once the group's robot has taken it. Raises Undelivered. A signature bears this machine's own time."""
        parameters, body = self.put(message, time.time())
        self.ask("POST", "", monotonic() + self.patience, params={**self.address.query, **parameters}, json=body)

    def close(self) -> None:
        self._client.close()

    @abstractmethod
    def put(self, message: Message, at: float) -> tuple[Mapping[str, str], Mapping[str, Any]]:
        """What is added to the address, and what is posted there."""


class WeComRobot(Robot):
    """群机器人 of WeCom: a text of 2048 bytes at most, 20 a minute; no signature, the address is the secret."""

    words = Words("企业微信群机器人", "the WeCom robot")
    host, key, signs = "qyapi.weixin.qq.com", "key", False
    path = re.compile(r".*/cgi-bin/webhook/send")
    example = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…"
    faults: ClassVar[Mapping[int, Fault]] = {
        -1: Fault("系统繁忙", "the system is busy"),
        40008: Fault("消息类型不正确", "the type of the message is wrong", permanent=True),
        44004: Fault("消息为空", "the message is empty", permanent=True),
        45009: Fault("发送超过频率限制", "too many messages"),
        93000: Fault(
            "机器人地址不正确，或机器人已被移除", "the robot's address is wrong, or the robot was removed", permanent=True
        ),
    }  # fmt: skip
    longest = 2048

    def put(self, message: Message, at: float) -> tuple[Mapping[str, str], Mapping[str, Any]]:
        return {}, {"msgtype": "text", "text": {"content": _within(message, self.longest)}}


class DingTalkRobot(Robot):
    """自定义机器人 of DingTalk: 20 a minute; signed in the address, by milliseconds and the secret (加签)."""

    words = Words("钉钉群机器人", "the DingTalk robot")
    host, key, signs = "oapi.dingtalk.com", "access_token", True
    path = re.compile(r".*/robot/send")
    example = "https://oapi.dingtalk.com/robot/send?access_token=…"
    faults: ClassVar[Mapping[int, Fault]] = {
        -1: Fault("系统繁忙", "the system is busy"),
        40035: Fault("参数不正确", "a parameter is wrong", permanent=True),
        130101: Fault("发送超过频率限制", "too many messages"),
        300005: Fault("机器人地址不正确", "the robot's address is wrong", permanent=True),
        310000: Fault(
            "未通过机器人的安全设置：关键词、加签密钥或 IP 不符，或本机时钟不准",
            "it does not meet the robot's security settings: keyword, signing secret or IP, or this machine's clock is off",
            permanent=True,
        ),
        400013: Fault("群已解散", "the group was dissolved", permanent=True),
        400101: Fault("机器人地址不正确", "the robot's address is wrong", permanent=True),
        400102: Fault("机器人已停用", "the robot is switched off", permanent=True),
        400106: Fault("没有这个机器人", "there is no such robot", permanent=True),
        410100: Fault("发送超过频率限制", "too many messages"),
        430101: Fault("内容被拒", "the wording was turned down", permanent=True),
        430102: Fault("内容被拒", "the wording was turned down", permanent=True),
        430104: Fault("内容被拒", "the wording was turned down", permanent=True),
    }  # fmt: skip

    def put(self, message: Message, at: float) -> tuple[Mapping[str, str], Mapping[str, Any]]:
        signature = {}
        if self.secret:
            stamp = str(round(at * 1000))
            signature = {"timestamp": stamp, "sign": _signed(self.secret, f"{stamp}\n{self.secret}")}
        return signature, {"msgtype": "text", "text": {"content": message.text}}


class FeishuRobot(Robot):
    """自定义机器人 of Feishu: 100 a minute; signed in the body, by seconds and the secret (签名校验). A rich text, in which
    nothing that a name may hold means anything."""

    words = Words("飞书群机器人", "the Feishu robot")
    host, key, signs = "open.feishu.cn", "", True
    path = re.compile(r".*/open-apis/bot/v2/hook/[\w-]+", re.ASCII)
    example = "https://open.feishu.cn/open-apis/bot/v2/hook/…"
    code = "code"
    faults: ClassVar[Mapping[int, Fault]] = {
        9499: Fault("参数不正确", "a parameter is wrong", permanent=True),
        11232: Fault("发送超过频率限制", "too many messages"),
        19001: Fault("机器人地址不正确", "the robot's address is wrong", permanent=True),
        19021: Fault(
            "签名不符：加签密钥不对，或本机时钟不准",
            "the signature does not fit: the signing secret is wrong, or this machine's clock is off",
            permanent=True,
        ),
        19022: Fault("本机 IP 不在机器人的白名单中", "this machine is not among the robot's IPs", permanent=True),
        19024: Fault("未含机器人要求的关键词", "it lacks the robot's keyword", permanent=True),
    }  # fmt: skip

    def put(self, message: Message, at: float) -> tuple[Mapping[str, str], Mapping[str, Any]]:
        said: list[list[dict[str, str]]] = [[{"tag": "text", "text": line}] for line in message.lines]
        if message.link:
            said.append([{"tag": "a", "text": message.opens, "href": message.link}])
        post = {"zh_cn": {"title": message.title, "content": said}}
        body: dict[str, Any] = {"msg_type": "post", "content": {"post": post}}
        if self.secret:
            stamp = str(int(at))
            body |= {"timestamp": stamp, "sign": _signed(f"{stamp}\n{self.secret}", "")}
        return {}, body

    def code_of(self, answer: Mapping[str, Any]) -> int | None:
        """Older answers call it StatusCode."""
        code = answer.get("code", answer.get("StatusCode"))
        return code if type(code) is int else None


ROBOTS: dict[str, type[Robot]] = {"wecom": WeComRobot, "dingtalk": DingTalkRobot, "feishu": FeishuRobot}


def hosts(named: str) -> frozenset[str]:
    """The hosts of the bank's own relays, from the environment: `relay.bank.example, relay2.bank.example:8443`."""
    return frozenset(host.strip().lower() for host in named.split(",") if host.strip())


def robot(kind: str, address: str, secret: str, relays: Collection[str], patience: float = PATIENCE) -> Robot:
    """The robot of a group at its address. Raises Refused for an address that may not be one, and shows nothing of it."""
    found = ROBOTS.get(kind)
    if found is None:
        raise Refused("请选择群机器人的种类。", "Choose the kind of the group's robot.")
    if secret and not found.signs:
        raise Refused(
            f"{found.words.zh}没有加签密钥，请留空。",
            f"There is no signing secret with {found.words.en}: leave it empty.",
        )
    return found(_read(found, address.strip(), relays), secret.strip(), patience)


def _read(found: type[Robot], value: str, relays: Collection[str]) -> Address:
    try:
        parts = urlsplit(value)
        port, host = parts.port, (parts.hostname or "").lower()
    except ValueError:
        raise _wrong(found, "读不懂", "it cannot be read") from None
    inside = settings.DEMO and is_loopback(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and inside):
        raise _wrong(found, "须以 https:// 开头", "it does not begin with https://")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _wrong(found, "含有账号或 # 号", "there is an account or a # in it")
    if host != found.host or port not in (None, 443):
        named = host if port is None else f"{host}:{port}"
        if named not in relays:
            raise _wrong(
                found,
                f"只能指向 {found.host}，或 {VARIABLE} 所列的本行转发服务",
                f"it may lead to {found.host} alone, or to a relay of the bank's named in {VARIABLE}",
            )
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if not found.path.fullmatch(parts.path) or ".." in parts.path or (found.key and not query.get(found.key)):
        raise _wrong(found, "不是群机器人的地址", "it is no robot's address")
    return Address(
        variable="", example=found.example, scheme=parts.scheme, host=host, port=port, user="", secret="",
        path=parts.path, query=query,
    )  # fmt: skip


def _wrong(found: type[Robot], zh: str, en: str) -> Refused:
    return Refused(
        f"机器人地址不可用：{zh}。应形如 {found.example}，请从群机器人的设置中整段复制。",
        f"The robot's address cannot be used: {en}. It should look like {found.example}; copy the whole of it from the robot's "
        "settings.",
    )


def _signed(key: str, what: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), what.encode(), hashlib.sha256).digest()).decode()


def _within(message: Message, bytes_: int) -> str:
    """The text with as many lines as there is room for; the first, which says whether anything is late, always."""
    lines = list(message.lines)
    left = Message(message.title, tuple(lines), message.link, message.opens)
    while len(left.text.encode()) > bytes_ and len(lines) > 1:
        lines.pop()
        left = Message(message.title, (*lines, "…"), message.link, message.opens)
    return left.text
