"""Personal data at rest: sealed with AES-256-GCM, found again by keyed hashes, masked on screen.

A sealed value reads ``key:algorithm:base64``. Key and algorithm stand in front, so that keys can be changed while old
values still open, and another algorithm (SM4) can follow without touching what is stored. What a value belongs to
(table, column, row) is authenticated with it: a ciphertext moved to another row does not open.

Equality is found by HMAC-SHA-256 under a key that HKDF derives for each purpose, so that two columns never match.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

ALGORITHM = "gcm"  # AES-256-GCM, nonce of 96 bits in front of the ciphertext
NONCE = 12
TAIL = 4  # digits of a phone's end that have an index


class Unopened(ValueError):
    """A sealed value that none of the keys opens: wrong key, damaged, or moved from another row."""


@dataclass(frozen=True)
class Key:
    """One of the bank's data keys, with what is derived from it."""

    id: str
    secret: bytes

    def derive(self, purpose: str) -> bytes:
        return HKDF(hashes.SHA256(), 32, salt=None, info=f"zhike {purpose}".encode()).derive(self.secret)


class Vault:
    """Keys in order: the first seals and indexes, all of them open and look up."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self.keys = tuple(keys)
        self._ciphers = {key.id: AESGCM(key.derive("seal")) for key in self.keys}
        self._front = f"{self.keys[0].id}:{ALGORITHM}:"
        self._seal = self._ciphers[self.keys[0].id].encrypt
        self._indexes: dict[str, list[HMAC]] = {}

    def seal(self, value: str, place: str) -> str:
        """``value`` sealed for ``place`` ("table:column:row")."""
        nonce = os.urandom(NONCE)
        data = nonce + self._seal(nonce, value.encode(), place.encode())
        return self._front + binascii.b2a_base64(data, newline=False).decode()

    def open(self, sealed: str, place: str) -> str:
        """What was sealed for ``place``. Raises Unopened."""
        key, _, rest = sealed.partition(":")
        algorithm, _, text = rest.partition(":")
        if algorithm != ALGORITHM:
            raise Unopened(f"A value is sealed with the algorithm {algorithm!r}, which this version does not know.")
        if key not in self._ciphers:
            raise Unopened(f"A value is sealed with the data key {key!r}, which ZHIKE_DATA_KEYS does not hold.")
        try:
            data = base64.b64decode(text, validate=True)
            return self._ciphers[key].decrypt(data[:NONCE], data[NONCE:], place.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise Unopened(f"The value at {place} does not open: damaged, or moved from another row.") from error

    def index(self, purpose: str, value: str) -> bytes:
        """The keyed hash that ``value`` is stored under for ``purpose``; 16 bytes, enough to tell a billion apart."""
        return _digest(self._begun(purpose)[0], value)

    def indexes(self, purpose: str, value: str) -> list[bytes]:
        """Every hash that ``value`` may be stored under, one a key: what a search asks for."""
        return [_digest(begun, value) for begun in self._begun(purpose)]

    def device_keys(self, staff_id: int) -> str:
        """The keys under which a person's browser seals what the server does not have yet: "id:base64", the first one seals.

        Derived and never kept, and given to that person's own pages alone: signed out, a device holds nothing to read.
        """
        return " ".join(f"{key.id}:{base64.b64encode(key.derive(f'device {staff_id}')).decode()}" for key in self.keys)

    def is_current(self, sealed: str) -> bool:
        """Whether the first key sealed it; what is not is sealed anew by ``zhike keys``."""
        return sealed.startswith(self._front)

    def _begun(self, purpose: str) -> list[HMAC]:
        """A hash a key, with the key read already; a copy of it costs a third of a new one."""
        begun = self._indexes.get(purpose)
        if begun is None:
            begun = [HMAC(key.derive(f"index {purpose}"), hashes.SHA256()) for key in self.keys]
            self._indexes[purpose] = begun
        return begun


def _digest(begun: HMAC, value: str) -> bytes:
    found = begun.copy()
    found.update(value.encode())
    return found.finalize()[:16]


@lru_cache(maxsize=8)
def read_keys(text: str) -> Vault:
    """The vault of ``ZHIKE_DATA_KEYS``: "id:base64 of 32 bytes", comma separated."""
    keys: list[Key] = []
    for entry in text.split(","):
        name, _, encoded = entry.strip().partition(":")
        try:
            secret = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ImproperlyConfigured(f"ZHIKE_DATA_KEYS: the key {name!r} is not base64.") from error
        if not re.fullmatch(r"[A-Za-z0-9]{1,16}", name) or len(secret) != 32:
            raise ImproperlyConfigured(
                f"ZHIKE_DATA_KEYS: the entry {name!r} needs a name of letters and digits and 32 bytes in base64, "
                f"as in k1:$(openssl rand -base64 32)."
            )
        keys.append(Key(name, secret))
    if len({key.id for key in keys}) < len(keys):
        raise ImproperlyConfigured("ZHIKE_DATA_KEYS names a key twice.")
    return Vault(keys)


def vault() -> Vault:
    return read_keys(settings.DATA_KEYS)


def place(field: str, customer_id: int) -> str:
    """Where a sealed profile field lives."""
    return f"customers_customer:profile.{field}:{customer_id}"


# Masks: what a screen shows. Enough to recognise, too little to use.


def mask_phone(value: str) -> str:
    """138 **** 5678; of a number that is no mobile, the last four digits."""
    if len(value) == 11 and value.isdigit():
        return f"{value[:3]} **** {value[-4:]}"
    return f"**** {value[-4:]}" if len(value) > 5 else "****"


def mask_id(value: str) -> str:
    """First three and last two of an identity number; of a short one, the last two.

    The birthday stands in the middle of the number and in clear beside it on the screen: what is hidden must be more.
    """
    if len(value) >= 15:
        return f"{value[:3]}{'*' * (len(value) - 5)}{value[-2:]}"
    return f"{'*' * max(len(value) - 2, 4)}{value[-2:]}"


def mask_email(value: str) -> str:
    name, at, host = value.partition("@")
    return f"{name[:1]}***{at}{host}"


def mask_address(value: str) -> str:
    """The first six characters: city and district, no street."""
    return f"{value[:6]}****"


MASKS: dict[str, Callable[[str], str]] = {
    "phone": mask_phone,
    "id": mask_id,
    "email": mask_email,
    "address": mask_address,
}
