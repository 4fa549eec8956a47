"""The embedded PostgreSQL: started, proven, attached to and stopped by Zhike itself.

For demonstration, training and tests. One folder (`ZHIKE_HOME`) holds one cluster, reached over a unix socket with
passwords only:

    with running() as server:
        psycopg.connect(server.url("zhike_app"))

What holds it together are three locks of the kernel, which vanish with their holders however these die:

`lock`     held while somebody starts or stops the server: one at a time.
`holders`  held shared by everybody who uses the server: the last one to leave stops it.
`alive`    inherited by postgres and all its children: whoever can take it knows that none of them lives. A process
           number in a file proves nothing, this does.

Everything here is standard library; psycopg is only needed to ask the server whether it answers.

    server.py      the cluster: joining, leaving, starting, stopping, the watcher that is left behind
    account.py     under whom it runs
    engine.py      where its programs lie
    locks.py       locks of the kernel
    children.py    programs that are started, recognised and reaped
    folders.py     folders and small files that are there whole or not at all
    said.py        what is told to people: sentences, patience, refusals
"""

from __future__ import annotations

from zhike.embedded.account import Account
from zhike.embedded.engine import INSTALL, VERSION, wheel_folder
from zhike.embedded.said import CannotServe, language, sentence, to_stderr, writing
from zhike.embedded.server import (
    DATABASE,
    ROLES,
    ROOT_HOME,
    SOCKET_LIMIT,
    SUPERUSER,
    Server,
    default_home,
    environment,
    running,
)

__all__ = [
    "DATABASE",
    "INSTALL",
    "ROLES",
    "ROOT_HOME",
    "SOCKET_LIMIT",
    "SUPERUSER",
    "VERSION",
    "Account",
    "CannotServe",
    "Server",
    "default_home",
    "environment",
    "language",
    "running",
    "sentence",
    "to_stderr",
    "wheel_folder",
    "writing",
]
