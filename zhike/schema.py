"""Are the database's tables those of this release? Asked before anything works on them, told in one sentence.

Django remembers the names of the migrations that were applied, not what stood in them. Here each of ours is kept with its
fingerprint (table ``zhike_schema``), written in front of its migration by whatever applies it. So three things are seen: a
migration that waits, one that this release does not know, and one that has another text by now.
"""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhike import embedded

TABLE = "zhike_schema"
WALLS = Path(__file__).parent / "trail" / "walls.py"  # makes a good part of what the migrations say


@dataclass(frozen=True)
class Standing:
    """How the tables stand to this release, as names of migrations (``people.0004_begin``)."""

    waiting: tuple[str, ...] = ()  # not applied yet
    unknown: tuple[str, ...] = ()  # applied, by a release that is not this one
    changed: tuple[str, ...] = ()  # applied, and other than they are now
    empty: bool = False  # nothing was ever applied

    @property
    def current(self) -> bool:
        """Nothing is to be done."""
        return not (self.waiting or self.unknown or self.changed)

    @property
    def upgradable(self) -> bool:
        """`zhike migrate` leads from these tables to those of this release."""
        return not (self.unknown or self.changed)

    @property
    def named(self) -> str:
        """The migrations that make the difference: three of them, and that there are more."""
        names = self.unknown + self.changed or self.waiting
        return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def standing(connection: Any) -> Standing:
    """Compares the database behind Django's ``connection``, in any role, with the migrations of this release."""
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection)
    applied = {f"{app}.{name}" for app, name in loader.applied_migrations or ()}
    ours = {f"{app}.{name}": fingerprint(step) for (app, name), step in loader.disk_migrations.items() if is_ours(step)}
    kept = _kept(connection)
    waiting = [f"{app}.{name}" for app, name in loader.disk_migrations if f"{app}.{name}" not in applied]
    return Standing(
        waiting=tuple(sorted(waiting)),
        unknown=tuple(sorted(name for name in kept if name in applied and name not in ours)),
        changed=tuple(sorted(name for name in ours if name in applied and kept.get(name) != ours[name])),
        empty=not applied,
    )


def is_ours(migration: Any) -> bool:
    """Those of parts by others come with their versions and are not edited."""
    return str(type(migration).__module__).startswith("zhike.")


def fingerprint(migration: Any) -> str:
    """Changes with the text of a migration and of the walls that it builds with."""
    text = Path(inspect.getfile(type(migration))).read_bytes()
    return hashlib.sha256(text + b"\0" + WALLS.read_bytes()).hexdigest()[:16]


def keep(connection: Any, migration: Any) -> None:
    """Writes a migration's fingerprint, as the role that owns the tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {TABLE} (migration text PRIMARY KEY, fingerprint text NOT NULL);"
            f"GRANT SELECT ON {TABLE} TO zhike_app, zhike_worker"
        )
        cursor.execute(
            f"INSERT INTO {TABLE} VALUES (%s, %s) ON CONFLICT (migration) DO UPDATE SET fingerprint = excluded.fingerprint",
            [f"{migration.app_label}.{migration.name}", fingerprint(migration)],
        )


def _kept(connection: Any) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"public.{TABLE}"])
        if not cursor.fetchone()[0]:
            return {}
        cursor.execute(f"SELECT migration, fingerprint FROM {TABLE}")
        return dict(cursor.fetchall())


def advice(found: Standing, *, demo: bool) -> tuple[str, str]:
    """What is the matter and what to do, in both languages; ``demo``: where a bank can be built anew."""
    if found.empty:
        return ("数据库还是空的。请先执行 zhike migrate。", "The database is empty. Run zhike migrate first.")
    if found.upgradable:
        return (
            f"数据库结构比本版本旧（缺：{found.named}）。请先执行 zhike backup 备份，再执行 zhike migrate。",
            f"The database's tables are older than this version (missing: {found.named}). "
            "Make a backup (zhike backup FILE), then run zhike migrate.",
        )
    if demo:
        home = embedded.default_home()
        return (
            f"{home} 中的演示银行由另一版本的知客建立（{found.named} 不同），本版本打不开，数据原样未动。"
            "放弃其中所做、重新建立：bin/demo --anew；保留它、另建一个：ZHIKE_HOME=另一文件夹 bin/demo。",
            f"The demonstration bank in {home} was built by another version of Zhike ({found.named} differs), and this one "
            "cannot open it; nothing in it was touched. To give up what was done there and build it anew: bin/demo --anew; "
            "to keep it and build another one: ZHIKE_HOME=another-folder bin/demo.",
        )
    if found.unknown:
        return (
            f"数据库由更新的知客版本建立（本版本没有 {found.named}）。请用那个版本启动，或执行 zhike restore 恢复本版本的备份。",
            f"The database was made by a later version of Zhike (this one does not know {found.named}). Start that version, "
            "or bring back a backup of this one with zhike restore.",
        )
    return (
        f"数据库由未发布的知客版本建立（{found.named} 与本版本不同），不能升级。请按 docs/operations/database.md 另建数据库，再重新导入。",
        f"The database was made by an unreleased version of Zhike ({found.named} differs in this one) and cannot be upgraded. "
        "Make a new database as docs/operations/database.md says, and import anew.",
    )
