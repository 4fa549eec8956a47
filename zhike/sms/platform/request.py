"""What a platform is asked: address, headers and body, filled and signed for each request."""

from __future__ import annotations

import base64
import codecs
import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo, available_timezones

from zhike.address import Address
from zhike.sms.numbers import CHINA

from . import documents
from .documents import Format, Unreadable
from .forms import Escape, Form, Unknown, as_it_is, in_form, in_json, in_xml
from .section import Section

SENT = ("number", "text", "reference")  # of a message
ALWAYS = ("time", "nonce", "signature")
KINDS: dict[Format, str] = {"json": "application/json", "xml": "text/xml", "form": "application/x-www-form-urlencoded"}
# A message that breaks what does not escape it.
TRICKY = "【示例银行】您好 \"'<&>%+{}\\ 1+1=2；再见"
KEYED = ("hmac-md5", "hmac-sha1", "hmac-sha256", "hmac-sha512")
PLAIN = ("md5", "sha1", "sha256", "sha512")

Filled = tuple[str, str, dict[str, str], bytes]  # method, address, headers, body


@dataclass(frozen=True)
class Signature:
    """How a request is signed: which parts in which order, by which recipe, written how."""

    recipe: str
    of: Form = field(repr=False)
    key: Form | None = field(repr=False)
    encoding: str
    written: str

    def signed(self, values: Mapping[str, str], now: datetime) -> str:
        said = self.of.filled(values, now).encode(self.encoding, "replace")
        if self.key is None:
            digest = hashlib.new(self.recipe, said, usedforsecurity=False).digest()
        else:
            key = self.key.filled(values, now).encode(self.encoding, "replace")
            digest = hmac.new(key, said, self.recipe.removeprefix("hmac-")).digest()
        match self.written:
            case "base64":
                return base64.b64encode(digest).decode()
            case "HEX":
                return digest.hex().upper()
        return digest.hex()


@dataclass(frozen=True)
class Request:
    """``own``: the bank's own values (account, password), which no error shows."""

    method: str
    url: Form = field(repr=False)
    headers: Mapping[str, Form] = field(repr=False)
    body: Form = field(repr=False)
    encoding: str
    zone: ZoneInfo
    signature: Signature | None = field(repr=False)
    own: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, section: Section, own: Mapping[str, str], variables: Collection[str]) -> Request:
        """Raises Refused for what could not be asked so."""
        known = {*own, *variables, *ALWAYS}
        format = format_of(section, "format", tuple(KINDS))
        encoding = encoding_of(section, "encoding")
        escape = {"json": in_json, "xml": in_xml}.get(format, in_form(encoding))
        body = section.text("body", "")
        headers = section.section("headers")
        method = section.chosen("method", ("POST", "GET", "PUT"))
        request = cls(
            method=method,
            url=_form(section, "url", in_form(encoding), known),
            headers={
                name: _form(headers, name, as_it_is, known - set(SENT) | {"reference"})
                for name in (headers.table if headers else {})
                if headers
            },
            body=_form(section, "body", escape, known) if body else Form("", escape),
            encoding=encoding,
            zone=zone_of(section),
            signature=_signature(section, known - {"signature"}, encoding),
            own=own,
        )
        request.try_out(section, format, variables)
        if body and "content-type" not in {name.lower() for name in request.headers}:
            kind = f"{KINDS[format]}; charset={encoding}"
            return cls(**{**request.__dict__, "headers": {**request.headers, "Content-Type": Form(kind, as_it_is)}})
        return request

    def try_out(self, section: Section, format: Format, variables: Collection[str]) -> None:
        """Fills it once with what is hard to say, and reads it as the platform will. Raises Refused."""
        if self.signature is None and any("signature" in form.names for form in (self.url, self.body)):
            raise section.wrong(
                "signature", "正文用了 ${signature}，须写明签名方法", "${signature} is used: say how it is made"
            )
        parts = urlsplit(self.url.text)
        if "${" in parts.netloc or parts.username:
            raise section.wrong("url", "主机部分不能含变量或账号", "no variable and no user stand in the host")
        address = Address.read(f"{section.file} [{section.name}] url", self.url.text, "https://sms.bank.example/send", ("https", "http"))  # fmt: skip
        assert address.host
        samples = {"number": "13800000001", "text": TRICKY, "reference": f"{0:032x}01"}
        values = {name: samples[name] for name in variables}
        _method, _url, headers, body = self.filled(values, datetime.fromtimestamp(0).astimezone())
        if not all(line.isascii() and line.isprintable() for line in headers.values()):
            raise section.wrong("headers", "请求头只能是英文字符", "headers are of ASCII characters")
        if not body:
            return
        try:
            document = documents.parsed(body, format, self.encoding)
        except Unreadable:
            document = None
        if document is None or not (isinstance(document, dict | list | Element)):
            raise section.wrong(
                "body",
                f'填入短信后不是完整的 {format}。变量请放在引号或元素之内，如 "${{text}}"',
                f'once a message is filled in this is no {format}. Variables stand in quotes or in an element, as "${{text}}"',
            )
        if "text" in self.body.names and not any(TRICKY in leaf for leaf in documents.leaves(document)):
            raise section.wrong(
                "body", "短信原文填入后被改动，请把 ${text} 单独放在一个值里", "the message does not come out as it went in: let ${text} be a value of its own"
            )  # fmt: skip

    def filled(self, values: Mapping[str, str], now: datetime) -> Filled:
        """One request."""
        now = now.astimezone(self.zone)
        values = {**self.own, "nonce": secrets.token_hex(8), **values}
        if self.signature:
            values["signature"] = self.signature.signed(values, now)
        headers = {name: form.filled(values, now) for name, form in self.headers.items()}
        return (
            self.method,
            self.url.filled(values, now),
            headers,
            self.body.filled(values, now).encode(self.encoding, "replace"),
        )


def encoding_of(section: Section, key: str, default: str = "UTF-8") -> str:
    """An encoding by its name."""
    name = section.text(key, default)
    try:
        codecs.lookup(name)
        "短信".encode(name)
    except (LookupError, UnicodeEncodeError):
        raise section.wrong(key, "须为能写中文的编码，如 UTF-8、GB18030", "it is to be an encoding that has Chinese, as UTF-8 or GB18030") from None  # fmt: skip
    return name


def format_of(section: Section, key: str, formats: Sequence[Format]) -> Format:
    """One of these formats, the first where nothing is said."""
    given = section.chosen(key, formats)
    return next(format for format in formats if format == given)


def zone_of(section: Section) -> ZoneInfo:
    """Where the platform's clock hangs."""
    name = section.text("zone", CHINA)
    if name not in available_timezones():
        raise section.wrong("zone", f"须为时区名，如 {CHINA}", f"this names a time zone, as {CHINA}")
    return ZoneInfo(name)


def _form(section: Section, key: str, escape: Escape, known: Collection[str]) -> Form:
    try:
        return Form.read(section.text(key), escape, known)
    except Unknown as unknown:
        listed = "、".join(f"${{{name}}}" for name in sorted(known))
        raise section.wrong(
            key,
            f"没有变量 ${{{unknown}}}，可用：{listed}；本行自己的值写在 [values] 中",
            f"there is no variable ${{{unknown}}}; there are {listed}; the bank's own stand in [values]",
        ) from None


def _signature(section: Section, known: Collection[str], encoding: str) -> Signature | None:
    given = section.section("signature")
    if given is None:
        return None
    given.only("recipe", "of", "key", "encoding", "written")
    recipe = given.chosen("recipe", (*PLAIN, *KEYED))
    if recipe in KEYED:
        key: Form | None = _form(given, "key", as_it_is, known)
    elif "key" in given.table:
        raise given.wrong("key", f"{recipe} 没有密钥，请把它写进 of", f"{recipe} takes no key; let it stand in `of`")
    else:
        key = None
    return Signature(
        recipe,
        _form(given, "of", as_it_is, known),
        key,
        encoding_of(given, "encoding", encoding),
        given.chosen("written", ("hex", "HEX", "base64")),
    )
