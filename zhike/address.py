"""An address of something outside (a mail server, a gateway), as the bank gives it in the environment: `https://user:secret@host/path`.

It holds the secret, so it is never shown.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings

from zhike.conduct.words import Refused

# What is said on the wire can be read there.
PLAIN = {"http", "smtp"}


@dataclass(frozen=True)
class Address:
    """The parts of an address. ``variable``: where it stands, for whoever has to mend it; ``example``: how it should look."""

    variable: str
    example: str
    scheme: str
    host: str
    port: int | None
    user: str
    secret: str = field(repr=False)
    path: str
    query: dict[str, str] = field(repr=False)
    last: str = ""

    @classmethod
    def read(cls, variable: str, value: str, example: str, schemes: Collection[str]) -> Address:
        """Takes an address apart. Raises Refused, which names the variable and shows nothing of its value."""
        try:
            parts = urlsplit(value.strip())
            port, host = parts.port, parts.hostname or ""
        except ValueError:  # its own words would show the value
            raise wrong(variable, example, "读不懂", "it cannot be read") from None
        if parts.scheme not in schemes:
            listed = "、".join(f"{scheme}://" for scheme in schemes), ", ".join(f"{scheme}://" for scheme in schemes)
            raise wrong(variable, example, f"须以 {listed[0]} 开头", f"it begins with none of {listed[1]}")
        if not host or any(letter.isspace() or not letter.isprintable() for letter in host):
            raise wrong(variable, example, "没有主机名", "it names no host")
        if parts.scheme in PLAIN and not (settings.DEMO or is_loopback(host)):
            raise wrong(
                variable,
                example,
                "生产环境中，不加密的地址只能指向本机",
                "without encryption production speaks to this machine alone",
            )
        return cls(
            variable=variable,
            example=example,
            scheme=parts.scheme,
            host=host,
            port=port,
            user=unquote(parts.username or ""),
            secret=unquote(parts.password or ""),
            path=parts.path.rstrip("/"),
            query={name: values[-1] for name, values in parse_qs(parts.query).items()},
        )

    @classmethod
    def on_disk(cls, variable: str, value: str, example: str, scheme: str) -> Address:
        """The address of a file or a folder of this machine, by its whole path. Raises Refused."""
        try:
            parts = urlsplit(value.strip())
        except ValueError:
            raise wrong(variable, example, "读不懂", "it cannot be read") from None
        if parts.scheme != scheme:
            raise wrong(variable, example, f"须以 {scheme}:/// 开头", f"it does not begin with {scheme}:///")
        path = unquote(parts.path)
        if parts.netloc or not path.startswith("/") or len(path) < 2 or not path.isprintable():
            raise wrong(
                variable,
                example,
                f"{scheme}:/// 之后须为完整路径（三个斜杠）",
                f"{scheme}:/// is followed by a whole path (three slashes)",
            )
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        return cls(variable, example, scheme, "", None, "", "", path.rstrip("/"), query)

    @classmethod
    def application(cls, variable: str, value: str, example: str, *, numbered: bool = True) -> Address:
        """The address of an application at a vendor, or at the bank's own relay to it; ``numbered``: the application's number
        is its last part. Raises Refused."""
        address = cls.read(variable, value, example, ("https", "http"))
        if not address.user or not address.secret:
            raise address.wrong("缺少账号或密钥", "user or secret is missing")
        if not numbered:
            return address
        path, _, last = address.path.rpartition("/")
        if not (last.isascii() and last.isdigit() and len(last) < 20):
            raise address.wrong(
                "末尾缺少应用编号（AgentId）", "the application's number (agent id) is missing at its end"
            )
        return replace(address, path=path, last=last)

    def wrong(self, zh: str, en: str) -> Refused:
        """The sentence for what is missing in it."""
        return wrong(self.variable, self.example, zh, en)

    @property
    def base(self) -> str:
        """Where requests go, without user and secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{f':{self.port}' if self.port else ''}{self.path}"


def wrong(variable: str, example: str, zh: str, en: str) -> Refused:
    """The sentence for an address that cannot be one."""
    return Refused(
        f"{variable} 不是可用的地址：{zh}。应形如 {example}；账号、密码中的特殊字符请写成百分号编码（/ 写成 %2F，@ 写成 %40）。",
        f"{variable} is no address to use: {en}. It should look like {example}; special characters of user and password are "
        "percent-encoded (/ as %2F, @ as %40).",
    )


def is_loopback(host: str) -> bool:
    """Whether it is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
