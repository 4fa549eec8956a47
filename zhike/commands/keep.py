"""Keeping the database: looked into, backed up, restored."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from zhike import embedded
from zhike.commands.frame import (
    DONE,
    FAILED,
    FILE,
    JSON,
    Failure,
    Options,
    argument,
    child,
    command,
    database,
    ready,
    unreachable,
    words,
)


@command("doctor", "检查数据库、结构、权限、磁盘与时钟", "check database, tables, roles, disk and clock", JSON)
def doctor(options: Options) -> int:
    """What stands between this installation and a working day, each with what to do; exit 1 if anything does."""
    with ready("worker", any_tables=True) as server:
        from zhike import health

        findings = health.examine(server)
    if options.json:
        print(json.dumps([finding.as_dict() for finding in findings], ensure_ascii=False, indent=1))
    else:
        for finding in findings:
            print("✓" if finding.good else "✗", words(*finding.title), finding.detail)
            if not finding.good:
                print("  ", words(*finding.advice))
    return DONE if all(finding.good for finding in findings) else FAILED


@command("backup", "将数据库备份到一个文件", "write the database into one file", FILE)
def backup(options: Options) -> int:
    """A consistent copy of everything, by pg_dump. It is not encrypted: whoever can read it can read all but profiles."""
    target: Path = options.file.absolute()
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    with database() as server, embedded.writing(target):
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(handle, "wb") as file:
                # Row-level security stays on: as the owner we pass its policies, which is not the same as having none.
                dump = [tool("pg_dump", server), "--format=custom", "--enable-row-security"]
                finish(subprocess.run(dump, stdout=file, stderr=subprocess.PIPE, env=as_owner(), check=False))
                file.flush()
                os.fsync(handle)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    size = target.stat().st_size / (1 << 20)
    print(
        words(
            f"已备份到 {target}（{size:.1f} MB，未加密，仅本账户可读）。数据密钥 ZHIKE_DATA_KEYS 不在其中，请另行保管。",
            f"Backed up to {target} ({size:.1f} MB, not encrypted, readable by this account alone). The keys in "
            "ZHIKE_DATA_KEYS are not in it: keep them elsewhere.",
        )
    )
    return DONE


@command("restore", "从备份文件恢复数据库", "restore the database from a backup", FILE,
         argument("--replace", "替换现有数据", "replace the data that is there", action="store_true"))  # fmt: skip
def restore(options: Options) -> int:
    """All or nothing: the old content goes in the transaction that brings the new."""
    source: Path = options.file.absolute()
    if not source.is_file():
        raise Failure(words(f"找不到备份文件 {source}。", f"There is no backup file {source}."))
    with database() as server:
        if not options.replace and has_tables():
            raise Failure(
                words(
                    "数据库中已有数据。确认要替换时，请先停止 zhike 并加 --replace。",
                    "The database holds data already. To replace it, stop zhike first and add --replace.",
                )
            )
        pour(source, tool("pg_restore", server), tool("psql", server))
        child("migrate", "--quiet")
    print(words(f"已从 {source} 恢复。", f"Restored from {source}."))
    return DONE


def owner_url() -> str:
    """The address for the role that owns the tables."""
    return os.environ.get("ZHIKE_OWNER_DATABASE_URL") or os.environ["ZHIKE_DATABASE_URL"]


def as_owner() -> dict[str, str]:
    """How PostgreSQL's programs are told where to go; a command line could be read by everybody on the machine."""
    from psycopg.conninfo import conninfo_to_dict

    names = {"user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE", "host": "PGHOST", "port": "PGPORT"}
    names |= {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
    given = conninfo_to_dict(owner_url())
    return {**os.environ, **{variable: str(given[name]) for name, variable in names.items() if name in given}}


def clear() -> None:
    """Empty the database, where nobody else is at work in it. Raises Failure."""
    if asked(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND usename IS NOT NULL"
    ):
        raise Failure(
            words(
                "另有 zhike 正在使用这个数据库，未作改动。请先停止它，再重试。",
                "Another zhike is at work in this database; nothing was changed. Stop that one, then try again.",
            )
        )
    import psycopg

    with psycopg.connect(owner_url(), connect_timeout=10) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC")


def has_tables() -> bool:
    """Is there anything that a restore would replace?"""
    return bool(asked("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))


def major_version() -> int:
    """Of the PostgreSQL that we are connected to."""
    return asked("SELECT current_setting('server_version_num')::int / 10000")


def asked(question: str) -> int:
    """One number from the database, without Django."""
    import psycopg

    try:
        with psycopg.connect(owner_url(), connect_timeout=10) as connection:
            ((answer,),) = connection.execute(question).fetchall()
    except psycopg.OperationalError as error:
        raise Failure(unreachable(error)) from error
    return int(answer)


def pour(source: Path, reader: str, loader: str) -> None:
    """Bring a backup's content in, in one transaction that is confirmed only when all of it has been read."""
    reading = [reader, "--no-owner", "--file=-", str(source)]
    loading = [loader, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(reading, stdout=pipe, stderr=pipe) as read,
        subprocess.Popen(loading, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe, env=as_owner()) as loaded,
    ):
        assert read.stdout
        assert read.stderr
        assert loaded.stdin
        assert loaded.stderr
        with contextlib.suppress(BrokenPipeError):  # it refused something; what, it says itself
            loaded.stdin.write(b"BEGIN; DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n")
            loaded.stdin.write(b"GRANT USAGE ON SCHEMA public TO PUBLIC;\n")
            shutil.copyfileobj(read.stdout, loaded.stdin)
            if read.wait() == 0:
                loaded.stdin.write(b"\nCOMMIT;\n")
        with contextlib.suppress(BrokenPipeError):
            loaded.stdin.close()
        read.stdout.close()
        loaded.wait()
        complaints = loaded.stderr.read(), read.stderr.read()
    finish(subprocess.CompletedProcess(loading, loaded.returncode, stderr=complaints[0]))
    finish(subprocess.CompletedProcess(reading, read.returncode, stderr=complaints[1]))


def tool(name: str, server: embedded.Server | None) -> str:
    """One of PostgreSQL's programs: of the server's own version where there is one, else the wheel's."""
    if server:
        return str(server.programs / name)
    of_its_version = Path(f"/usr/lib/postgresql/{major_version()}/bin/{name}")
    if of_its_version.exists():
        return str(of_its_version)
    with contextlib.suppress(embedded.CannotServe):
        return str(embedded.wheel_folder() / embedded.INSTALL / "bin" / name)
    if found := shutil.which(name):
        return found
    raise Failure(
        words(f"找不到 {name}，请安装 postgresql-client。", f"{name} is not here; install postgresql-client.")
    )


def finish(done: subprocess.CompletedProcess[bytes]) -> None:
    """What a program complained about becomes our sentence."""
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["?"]
        raise Failure(words(f"未完成：{said[0]}", f"Not done: {said[0]}"))
