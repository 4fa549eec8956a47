"""E-mail (邮件): one plain letter over SMTP, on a connection of its own.

No mail server answers for a key; the same Message-ID at every attempt lets whoever stores the letter drop a second copy.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP
from time import monotonic
from typing import Any

from zhike.address import Address
from zhike.conduct.words import Words

from .channel import PATIENCE, Kind, Parcel, Undelivered

VARIABLE = "ZHIKE_MAIL_URL"
EXAMPLE = "smtps://user:password@mail.bank.example:465?from=zhike@bank.example"
# Encrypted from the beginning; by STARTTLS, without which nothing is said; in the clear.
PORTS = {"smtps": 465, "smtp+starttls": 587, "smtp": 25}
MAILBOX = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*", re.ASCII)

# What a server's codes mean (RFC 5321, 4.2.3; RFC 4954, 6). A 4 in front asks to be tried again, a 5 does not.
CODES = {
    421: Words("服务器暂停服务", "the server is closing down"),
    450: Words("信箱暂时不可用", "the mailbox is not available now"),
    451: Words("服务器处理出错", "the server met an error"),
    452: Words("服务器空间不足，或请求太多", "the server has no room, or too much to do"),
    454: Words("暂时无法加密或登录", "encrypting or signing in is not possible now"),
    530: Words("服务器要求先登录", "the server wants a sign-in first"),
    534: Words("登录方式不被接受", "this way of signing in is not accepted"),
    535: Words("账号或密码不被接受", "user or password is not accepted"),
    538: Words("服务器要求先加密", "the server wants encryption first"),
    550: Words("没有这个信箱，或拒收", "there is no such mailbox, or it takes nothing"),
    551: Words("收件人不在此服务器", "the recipient is not at this server"),
    552: Words("信箱已满", "the mailbox is full"),
    553: Words("信箱名称不被接受", "the mailbox's name is not accepted"),
    554: Words("拒收", "it was turned down"),
}


class Mail:
    """The bank's mail server. Letters come from one mailbox, and say that a machine wrote them."""

    def __init__(self, address: Address, patience: float = PATIENCE) -> None:
        self.address = address
        self.patience = patience
        sender = mailbox(address.query.get("from", ""))
        if sender is None:
            raise address.wrong("?from= 不是可用的发件邮箱", "?from= names no mailbox to send from")
        self.sender = Mailbox("知客 Zhike", sender.username, sender.domain)
        # The machine's own authorities; SSL_CERT_FILE where the bank has others.
        self._trusted = ssl.create_default_context()

    def send(self, parcel: Parcel) -> None:
        """Hands one letter over."""
        letter = self.letter(parcel)
        with self._server() as server:
            server.send_message(letter)

    def knock(self) -> None:
        """Signs in and says nothing."""
        with self._server() as server:
            server.noop()

    def letter(self, parcel: Parcel) -> EmailMessage:
        """What is sent."""
        to = mailbox(parcel.to)
        if to is None:
            raise Undelivered(
                "送达地址不是可用的邮箱地址", "the address is not an e-mail address that can be used", permanent=True
            )
        letter = EmailMessage(SMTP)
        letter["From"], letter["To"] = self.sender, to
        # A notice is as short as its subject; what has a paper with it is named by its title.
        letter["Subject"] = " ".join((parcel.title if parcel.pdf else f"{parcel.title} · {parcel.text}").split())
        letter["Message-ID"] = f"<{parcel.key}@{self.sender.domain}>"
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday reply answers it
        letter.set_content("\n\n".join(filter(None, (parcel.text, parcel.link))) + "\n", charset="utf-8")
        if parcel.pdf:
            name, content = parcel.pdf
            letter.add_attachment(content, maintype="application", subtype="pdf", filename=name)
        return letter

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        """The server, signed in to. Whatever goes wrong becomes Undelivered, in words of our own: a server's may hold the letter."""
        until = monotonic() + self.patience
        try:
            with closing(self._reach(until)) as server:
                self._sign_in(server)
                yield server
                with suppress(OSError, smtplib.SMTPException):  # what was taken is taken, however the farewell goes
                    server.quit()
        except smtplib.SMTPRecipientsRefused as error:
            raise refused(max(code for code, _said in error.recipients.values())) from None
        except smtplib.SMTPResponseException as error:
            raise refused(error.smtp_code) from None
        except smtplib.SMTPNotSupportedError:
            raise Undelivered(
                f"邮件服务器不提供 STARTTLS 或登录，请检查 {VARIABLE} 的开头与端口",
                f"the mail server offers no STARTTLS or no sign-in; check the beginning and the port of {VARIABLE}",
            ) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            if monotonic() >= until:
                raise Undelivered(
                    f"邮件服务器在 {self.patience:g} 秒内没有答复",
                    f"the mail server did not answer within {self.patience:g} seconds",
                ) from None
            kind = type(error).__name__
            raise Undelivered(
                f"与邮件服务器的连接失败或中断（{kind}）", f"the connection to the mail server failed or broke ({kind})"
            ) from None

    def _reach(self, until: float) -> smtplib.SMTP:
        address = self.address
        trusted = self._trusted if address.scheme == "smtps" else None
        return Punctual(address.host, address.port or PORTS[address.scheme], until, trusted)

    def _sign_in(self, server: smtplib.SMTP) -> None:
        if self.address.scheme == "smtp+starttls":
            server.starttls(context=self._trusted)
        if self.address.user:
            server.login(self.address.user, self.address.secret)


class Punctual(smtplib.SMTP):
    """A connection that ends ``until``, however many commands it takes; encrypted from the beginning where ``trusted`` is given."""

    def __init__(self, host: str, port: int, until: float, trusted: ssl.SSLContext | None) -> None:
        self.until = until
        self.trusted = trusted
        # Named, because smtplib would look the name up, for as long as that takes.
        super().__init__(host, port, local_hostname=socket.gethostname(), timeout=self._left())

    def getreply(self) -> tuple[int, bytes]:
        """The next reply, if it comes in time."""
        self._hurry()
        return super().getreply()

    def send(self, s: Any) -> None:
        """Sends, if that is done in time."""
        self._hurry()
        super().send(s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), timeout)
        return self.trusted.wrap_socket(plain, server_hostname=host) if self.trusted else plain

    def _hurry(self) -> None:
        if self.sock:
            self.sock.settimeout(self._left())

    def _left(self) -> float:
        if (left := self.until - monotonic()) <= 0:
            raise TimeoutError
        return left


def refused(code: int) -> Undelivered:
    """What the server's code means. Without one, its answer was no answer."""
    if not 200 <= code < 600:
        return Undelivered("邮件服务器的答复看不懂", "the answer of the mail server could not be understood")
    said = CODES.get(code, Words("未列入 RFC 5321 的错误", "an error that RFC 5321 does not list"))
    return Undelivered(
        f"邮件服务器未接受：{said.zh}（{code}）", f"the mail server refused: {said.en} ({code})", permanent=code >= 500
    )


def mailbox(text: str) -> Mailbox | None:
    """One mailbox, by its bare address; None where it is none."""
    text = text.strip()
    if not MAILBOX.fullmatch(text):
        return None
    name, _at, domain = text.rpartition("@")
    return Mailbox(username=name, domain=domain)


def open_mail(address: str) -> Mail:
    """The channel at its address."""
    return Mail(Address.read(VARIABLE, address, EXAMPLE, PORTS))


KIND = Kind(Words("邮件", "E-mail"), VARIABLE, Words("邮箱地址", "e-mail address"), MAILBOX, open_mail)
