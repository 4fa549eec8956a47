"""The receiving ends of the channels, as the vendors document them, over real sockets on this machine.

Each keeps what was delivered, to whom, once a copy: what a person would find on the phone. Each can be told to misbehave.
"""

from __future__ import annotations

import json
import socketserver
import ssl
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from zhike.notices.channels import Channel
from zhike.notices.channels.dingtalk import DingTalk
from zhike.notices.channels.feishu import Feishu
from zhike.notices.channels.vendor import Vendor
from zhike.notices.channels.wecom import WeCom

SECRET = "s3cret/of@the bank"  # with all that an address must have written otherwise
ENCODED = "s3cret%2Fof%40the%20bank"
STAFF = "rm001"

# What may be done instead of an answer.
HANG, CLOSE, TRICKLE, LATE = "hang", "close", "trickle", "late"
TAKES = 0.2  # seconds that a late answer takes
Misdeed = str | tuple[int, bytes]


class Receiver:
    """What all receiving ends have: a thread, what they were asked, what they delivered, how they misbehave next."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.delivered: list[tuple[str, str]] = []  # to whom, what it says
        self.copies = 0
        self.misdeeds: dict[str, deque[Misdeed]] = {}
        self.hanging = threading.Event()
        self.released = threading.Event()
        self.turn = threading.Lock()

    def next(self, step: str, *misdeeds: Misdeed) -> None:
        """At this step the next requests fare so."""
        self.misdeeds.setdefault(step, deque()).extend(misdeeds)

    def misdeed(self, step: str) -> Misdeed | None:
        with self.turn:
            waiting = self.misdeeds.get(step)
            return waiting.popleft() if waiting else None

    def hang(self) -> None:
        self.hanging.set()
        self.released.wait()

    def put(self, to: str, key: object, said: str) -> bool:
        """Delivers, unless it is a copy."""
        with self.turn:
            if key in self.seen:
                self.copies += 1
                return False
            self.seen.add(key)
            self.delivered.append((to, said))
            return True

    @property
    def seen(self) -> set[object]:
        return self.__dict__.setdefault("_seen", set())


class Site(Receiver, ThreadingHTTPServer):
    """A vendor's interface over HTTP."""

    daemon_threads = True
    variable: str
    kind: type[Vendor]
    token_step: str
    put_step: str
    stale: int
    wrong_secret: int
    busy: int

    def __init__(self) -> None:
        Receiver.__init__(self)
        ThreadingHTTPServer.__init__(self, ("127.0.0.1", 0), Door)
        self.lifetime = 7200
        self.tokens: list[str] = []
        self.good: set[str] = set()

    def address(self, scheme: str = "http", host: str = "127.0.0.1", secret: str = ENCODED) -> str:
        return f"{scheme}://corp:{secret}@{host}:{self.server_port}/relay/1000002"

    def answer(self, path: str, query: dict[str, str], body: dict[str, Any], bearer: str) -> dict[str, Any]:
        raise NotImplementedError

    def issue(self, user: str | None, secret: str | None) -> str | None:
        if (user, secret) != ("corp", SECRET):
            return None
        with self.turn:
            token = f"token-{len(self.tokens)}"
            self.tokens.append(token)
            self.good.add(token)
            return token

    def fault(self, code: int) -> tuple[int, bytes]:
        """As the vendor words it: its sentence may repeat what it was sent."""
        return 200, json.dumps({"errcode": code, "errmsg": f"no, {SECRET}: 15:00 回电"}).encode()


class Door(BaseHTTPRequestHandler):
    """One request to a site."""

    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        self.answer({})

    def do_POST(self) -> None:
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, body: dict[str, Any]) -> None:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix("/relay")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.asked.append((path, body))
        match self.server.misdeed(path):
            case "hang":
                self.server.hang()
                self.close_connection = True
            case "close":
                self.close_connection = True
            case "trickle":
                self.send_response(200)
                self.send_header("Content-Length", str(1 << 15))
                self.end_headers()
                with suppress(OSError):
                    while not self.server.released.wait(0.02):
                        self.wfile.write(b" ")
                self.close_connection = True
            case (int() as status, bytes() as said):
                self.say(status, said)
            case late:
                if late == "late":
                    self.server.released.wait(TAKES)
                bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
                self.say(200, json.dumps(self.server.answer(path, query, body, bearer)).encode())

    def say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class WeComSite(Site):
    variable, kind = "ZHIKE_WECOM_URL", WeCom
    token_step, put_step = "/cgi-bin/gettoken", "/cgi-bin/message/send"
    stale, wrong_secret, busy = 42001, 40001, 45009

    def answer(self, path: str, query: dict[str, str], body: dict[str, Any], bearer: str) -> dict[str, Any]:
        if path == self.token_step:
            token = self.issue(query.get("corpid"), query.get("corpsecret"))
            if token is None:
                return {"errcode": 40001, "errmsg": "invalid credential"}
            return {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": self.lifetime}
        if query.get("access_token") not in self.good:
            return {"errcode": 40014, "errmsg": "invalid access_token"}
        if body["agentid"] != 1000002:
            return {"errcode": 40056, "errmsg": "invalid agentid"}
        if body["touser"] != STAFF:
            return {"errcode": 81013, "errmsg": "user & party & tag all invalid"}
        same = json.dumps(body, sort_keys=True) if body["enable_duplicate_check"] else object()
        card = body.get("textcard") or {"title": "", "description": body.get("text", {}).get("content")}
        self.put(body["touser"], same, card["description"])
        return {"errcode": 0, "errmsg": "ok", "invaliduser": "", "invalidparty": "", "invalidtag": "", "msgid": "m"}


class DingTalkSite(Site):
    variable, kind = "ZHIKE_DINGTALK_URL", DingTalk
    token_step, put_step = "/gettoken", "/topapi/message/corpconversation/asyncsend_v2"
    result_step = "/topapi/message/corpconversation/getsendresult"
    stale, wrong_secret, busy = 40014, 40096, 90018

    def __init__(self) -> None:
        super().__init__()
        self.results: dict[int, dict[str, Any]] = {}

    def answer(self, path: str, query: dict[str, str], body: dict[str, Any], bearer: str) -> dict[str, Any]:
        if path == self.token_step:
            token = self.issue(query.get("appkey"), query.get("appsecret"))
            if token is None:
                return {"errcode": 40096, "errmsg": "不合法的appKey或appSecret"}
            return {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": self.lifetime}
        if query.get("access_token") not in self.good:
            return {"errcode": 88, "sub_code": "40014", "sub_msg": "不合法的access_token", "errmsg": "ding talk error"}
        if path == self.result_step:
            return {"errcode": 0, "errmsg": "ok", "send_result": self.results[body["task_id"]]}
        to, message = body["userid_list"], body["msg"]
        task = len(self.results) + 1
        if to != STAFF:
            self.results[task] = {"invalid_user_id_list": [to]}
        elif self.put(to, json.dumps(message, sort_keys=True), json.dumps(message, ensure_ascii=False)):
            self.results[task] = {"invalid_user_id_list": [], "unread_user_id_list": [to]}
        else:
            forbidden = {"code": "143106", "count": 1, "userid": to}
            self.results[task] = {"forbidden_user_id_list": [to], "forbidden_list": [forbidden]}
        return {"errcode": 0, "errmsg": "ok", "task_id": task, "request_id": "r"}


class FeishuSite(Site):
    variable, kind = "ZHIKE_FEISHU_URL", Feishu
    token_step, put_step = "/open-apis/auth/v3/tenant_access_token/internal", "/open-apis/im/v1/messages"
    stale, wrong_secret, busy = 99991663, 10014, 99991400

    def address(self, scheme: str = "http", host: str = "127.0.0.1", secret: str = ENCODED) -> str:
        return super().address(scheme, host, secret).removesuffix("/1000002")

    def answer(self, path: str, query: dict[str, str], body: dict[str, Any], bearer: str) -> dict[str, Any]:
        if path == self.token_step:
            token = self.issue(body.get("app_id"), body.get("app_secret"))
            if token is None:
                return {"code": 10014, "msg": "app secret invalid"}
            return {"code": 0, "msg": "ok", "tenant_access_token": token, "expire": self.lifetime}
        if bearer not in self.good:
            return {"code": 99991663, "msg": "Invalid access token for authorization."}
        if (query["receive_id_type"], body["receive_id"]) != ("user_id", STAFF):
            return {"code": 230001, "msg": "Your request contains an invalid request parameter."}
        self.put(body["receive_id"], body["uuid"], json.loads(body["content"])["text"])
        return {"code": 0, "msg": "success", "data": {"message_id": "om_1"}}

    def fault(self, code: int) -> tuple[int, bytes]:
        return 400, json.dumps({"code": code, "msg": f"no, {SECRET}: 15:00 回电"}).encode()


class Post(Receiver, socketserver.ThreadingTCPServer):
    """A mail server: SMTP with AUTH, with STARTTLS where it has a certificate, or encrypted from the beginning."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, context: ssl.SSLContext | None = None, *, wrapped: bool = False) -> None:
        Receiver.__init__(self)
        socketserver.ThreadingTCPServer.__init__(self, ("127.0.0.1", 0), Counter)
        self.context = context
        self.wrapped = wrapped
        self.letters: list[bytes] = []
        self.signed_in: list[bytes] = []
        self.encrypted: list[bool] = []

    def get_request(self) -> tuple[Any, Any]:
        request, peer = super().get_request()
        if self.wrapped:
            assert self.context
            request = self.context.wrap_socket(request, server_side=True)
        return request, peer

    def address(self, scheme: str = "smtp", host: str = "127.0.0.1") -> str:
        return f"{scheme}://zhike:{ENCODED}@{host}:{self.server_address[1]}?from=zhike@bank.example"


class Counter(socketserver.StreamRequestHandler):
    """One connection to the mail server."""

    server: Post

    def handle(self) -> None:
        encrypted = self.server.wrapped
        self.recipient = ""
        if not self.say("", b"220 post.bank.example"):
            return
        while line := self.rfile.readline():
            verb = line[:4].decode("latin-1").upper().strip()
            self.server.asked.append((verb, line))
            if verb == "EHLO":
                offers = [b"250-post.bank.example", b"250-AUTH PLAIN"]
                offers += [b"250-STARTTLS"] if self.server.context and not encrypted else []
                goes_on = self.say(verb, b"\r\n".join([*offers, b"250 8BITMIME"]))
            elif verb == "STAR":
                if goes_on := self.say(verb, b"220 go on"):
                    assert self.server.context
                    try:
                        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
                    except OSError:  # it does not trust us
                        return
                    self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                    encrypted = True
            elif verb == "AUTH":
                self.server.signed_in.append(line.split()[-1])
                self.server.encrypted.append(encrypted)
                goes_on = self.say(verb, b"235 welcome")
            elif verb == "RCPT":
                self.recipient = line.decode().partition("<")[2].partition(">")[0]
                goes_on = self.say(verb, b"250 ok")
            elif verb == "DATA":
                goes_on = self.say(verb, b"354 go on") and self.letter()
            elif verb == "QUIT":
                goes_on = self.say(verb, b"221 farewell") and False
            else:
                goes_on = self.say(verb, b"250 ok")
            if not goes_on:
                return

    def finish(self) -> None:
        super().finish()
        self.connection.close()  # the encrypted one, where there is one

    def letter(self) -> bool:
        lines = b"".join(iter(self.rfile.readline, b".\r\n"))
        key = next(line for line in lines.split(b"\r\n") if line.lower().startswith(b"message-id:"))
        self.server.letters.append(lines)
        self.server.put(self.recipient, key, lines.decode())
        return self.say("letter", b"250 taken")

    def say(self, step: str, reply: bytes) -> bool:
        """Replies, or misbehaves; whether the talk goes on."""
        match self.server.misdeed(step):
            case "hang":
                self.server.hang()
                return False
            case "close":
                return False
            case (int() as code, bytes() as said):
                self.wfile.write((str(code).encode() + b" " if code else b"") + said + b"\r\n")
                return True
            case late:
                if late == "late":
                    self.server.released.wait(TAKES)
                self.wfile.write(reply + b"\r\n")
                return True


SITES: dict[str, type[Site]] = {"wecom": WeComSite, "dingtalk": DingTalkSite, "feishu": FeishuSite}
Opened = Callable[..., Channel]
