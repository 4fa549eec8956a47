"""What the vendors' interfaces have in common: a token that runs out, answers in JSON with a code, and all of it within one patience.

Neither the secret nor what a parcel says reaches an error or a log: errors are worded here and in the vendor's own table of codes,
never by what came back.
"""

from __future__ import annotations

import json
import logging
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any, ClassVar

import httpx

from zhike.address import Address
from zhike.conduct.words import Words

from .channel import PATIENCE, Parcel, Undelivered

# An answer is a few hundred bytes; whoever sends more is not the vendor.
LARGEST = 64 * 1024
# A token counts as old this long before it is, so that none runs out on its way.
SPARE = 300.0

# httpx notes whole addresses, and a vendor's hold the secret.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Fault:
    """What a vendor's code means. ``permanent``: trying again cannot help."""

    zh: str
    en: str
    permanent: bool = False


class Refusal(Undelivered):
    """The vendor said no, with its own ``code``."""

    def __init__(self, vendor: Words, code: int, fault: Fault | None) -> None:
        fault = fault or Fault("未列入其错误码表", "a code that is in no table")
        super().__init__(
            f"{vendor.zh}未接受：{fault.zh}（{code}）",
            f"{vendor.en} refused: {fault.en} ({code})",
            permanent=fault.permanent,
        )
        self.code = code


class Peer:
    """Whoever answers a request with a code, in JSON and within one patience. A subclass says what the codes mean."""

    words: ClassVar[Words]
    faults: ClassVar[Mapping[int, Fault]]
    code: ClassVar[str] = "errcode"

    def __init__(self, address: Address, patience: float = PATIENCE) -> None:
        self.address = address
        self.patience = patience
        # The machine's own authorities (SSL_CERT_FILE, where the bank has others) and proxies (HTTPS_PROXY); nothing compressed,
        # which could swell to any size.
        self._client = httpx.Client(
            verify=ssl.create_default_context(), headers={"Accept-Encoding": "identity"}, follow_redirects=False
        )

    def ask(self, method: str, path: str, until: float, **more: Any) -> dict[str, Any]:
        """The vendor's answer, once it says that all is well. Raises Undelivered for every other."""
        status, body = self._exchange(method, path, until, more)
        answer = self._understood(body)
        code = self.code_of(answer)
        if code is None:
            raise self._unanswered(status)
        if code != 0:
            raise Refusal(self.words, code, self.faults.get(code))
        return answer

    def code_of(self, answer: Mapping[str, Any]) -> int | None:
        """The code in an answer; None where it has none."""
        code = answer.get(self.code)
        return code if type(code) is int else None

    def garbled(self) -> Undelivered:
        """For an answer that says all is well and then lacks what it must have."""
        return Undelivered(f"{self.words.zh}的答复看不懂", f"the answer of {self.words.en} could not be understood")

    def _exchange(self, method: str, path: str, until: float, more: Mapping[str, Any]) -> tuple[int, bytes]:
        body = bytearray()
        try:
            url = self.address.base + path
            with self._client.stream(method, url, timeout=self._left(until), **more) as response:
                for piece in response.iter_raw():
                    body += piece
                    self._left(until)
                    if len(body) > LARGEST:
                        raise self.garbled()
                return response.status_code, bytes(body)
        except httpx.TimeoutException:
            raise self._late() from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            kind = type(error).__name__  # what it says may hold the address
            raise Undelivered(
                f"与{self.words.zh}的连接失败或中断（{kind}）",
                f"the connection to {self.words.en} failed or broke ({kind})",
            ) from None

    def _understood(self, body: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            return {}
        return answer if isinstance(answer, dict) else {}

    def _unanswered(self, status: int) -> Undelivered:
        if status == 429:
            return Undelivered(
                f"{self.words.zh}限流（HTTP 429）", f"{self.words.en} asks for fewer requests (HTTP 429)"
            )
        if status >= 300:
            return Undelivered(f"{self.words.zh}出错（HTTP {status}）", f"{self.words.en} failed (HTTP {status})")
        return self.garbled()

    def _left(self, until: float) -> float:
        left = until - monotonic()
        if left <= 0:
            raise self._late()
        return left

    def _late(self) -> Undelivered:
        return Undelivered(
            f"{self.words.zh}在 {self.patience:g} 秒内没有答复",
            f"{self.words.en} did not answer within {self.patience:g} seconds",
        )


class Vendor(Peer, ABC):
    """One vendor's interface. A subclass says how a token is had and how a parcel is put."""

    stale: ClassVar[frozenset[int]]  # codes that mean: the token is not taken any more

    def __init__(self, address: Address, patience: float = PATIENCE) -> None:
        super().__init__(address, patience)
        self._turn = Lock()
        self._token = ""
        self._good_until = 0.0

    def send(self, parcel: Parcel) -> None:
        """Puts a parcel; with a new token where the old one is not taken any more."""
        until = monotonic() + self.patience
        token = self._held(until)
        try:
            self.put(parcel, token, until)
        except Refusal as refusal:
            if refusal.code not in self.stale:
                raise
            self.put(parcel, self._held(until, instead_of=token), until)

    def knock(self) -> None:
        """Has a token issued: the vendor can be reached, and takes the secret."""
        self.issue(monotonic() + self.patience)

    @abstractmethod
    def issue(self, until: float) -> tuple[str, float]:
        """A new token, and for how many seconds it is good."""

    @abstractmethod
    def put(self, parcel: Parcel, token: str, until: float) -> None:
        """Hands the parcel over. Raises Undelivered."""

    def token_in(self, answer: Mapping[str, Any], name: str, lifetime: str) -> tuple[str, float]:
        """The token in the answer that issued it."""
        token, seconds = answer.get(name), answer.get(lifetime)
        if not isinstance(token, str) or not token or type(seconds) is not int:
            raise self.garbled()
        return token, float(seconds)

    def misaddressed(self, what: Words) -> Undelivered:
        """For somebody who has no such account there."""
        return Undelivered(
            f"送达地址不是可用的{what.zh}", f"the address is not a {what.en} that can be used", permanent=True
        )

    def _held(self, until: float, instead_of: str = "") -> str:
        """The token that is good, issued by one thread at a time; another than the one that was not taken."""
        if not self._turn.acquire(timeout=self._left(until)):
            raise self._late()
        try:
            if monotonic() >= self._good_until or self._token == instead_of:
                self._token, seconds = self.issue(until)
                self._good_until = monotonic() + seconds - min(SPARE, seconds / 2)
            return self._token
        finally:
            self._turn.release()
