"""What `check --deploy` looks at besides Django's own list: our keys, hosts, modes, database roles and walls."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

WALLED = ("customers_", "contacts_", "obligations_")


@register(Tags.security, deploy=True)
def installation_is_for_production(app_configs: Any, **options: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.DEMO:
        found.append(
            Error(
                f"ZHIKE_MODE is {settings.MODE}: keys that everybody knows, a clock that may be set, no HTTPS.",
                hint="Unset ZHIKE_MODE, or set it to production.",
                id="zhike.E001",
            )
        )
    if len(settings.SECRET_KEY) < 50:
        found.append(
            Error("ZHIKE_SECRET_KEY is shorter than 50 characters.", hint="openssl rand -base64 48", id="zhike.E002")
        )
    if settings.SECRET_KEY in settings.DATA_KEYS or settings.DATA_KEYS in settings.SECRET_KEY:
        found.append(Error("ZHIKE_DATA_KEYS and ZHIKE_SECRET_KEY must differ.", id="zhike.E003"))
    if not set(settings.ALLOWED_HOSTS) - {"localhost", "127.0.0.1", "[::1]"} or "*" in settings.ALLOWED_HOSTS:
        found.append(
            Error(
                "ZHIKE_HOSTS does not name the addresses that people use.",
                hint="ZHIKE_HOSTS=zhike.bank.example",
                id="zhike.E004",
            )
        )
    if settings.SECURE_PROXY_SSL_HEADER is None:
        found.append(
            Warning(
                "Nothing says that HTTPS ends at a proxy in front of Zhike; granian itself speaks plain HTTP.",
                hint="Set ZHIKE_BEHIND_PROXY=1 where the proxy sets X-Forwarded-Proto and strips it from requests.",
                id="zhike.W005",
            )
        )
    return found


@register(Tags.database)
def walls_stand(app_configs: Any, databases: Any = None, **options: Any) -> list[CheckMessage]:
    """Runs with ``check --database default``: what the application's own connection may do."""
    if not databases or "default" not in databases:
        return []
    found: list[CheckMessage] = []
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        role, mighty = cursor.fetchone()
        if mighty:
            found.append(Error(f"The database role {role} passes by row-level security.", id="zhike.E010"))
        cursor.execute(
            "SELECT relname, pg_get_userbyid(relowner) = current_user, relrowsecurity AND relforcerowsecurity"
            " FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY relname"
        )
        for table, owned, walled in cursor.fetchall():
            if owned and settings.ROLE != "owner":
                found.append(
                    Error(
                        f"The role {role} owns the table {table}, so row-level security does not bind it.",
                        hint="Migrate with ZHIKE_OWNER_DATABASE_URL, serve with ZHIKE_DATABASE_URL: two roles.",
                        id="zhike.E011",
                    )
                )
            if table.startswith(WALLED) and not walled:
                found.append(Error(f"The table {table} has no forced row-level security.", id="zhike.E012"))
    return found


@register(Tags.database, deploy=True)
def second_factor_is_demanded(app_configs: Any, databases: Any = None, **options: Any) -> list[CheckMessage]:
    """Runs with ``check --deploy --database default``: the bank may take roles out of the setting, but not unnoticed."""
    from zhike import clock
    from zhike.people import bank
    from zhike.people.permissions import ROLES

    if not databases or "default" not in databases:
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT to_regclass('people_setting') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return []  # not migrated yet: the defaults stand
    demanded = bank.settings().now(clock.now()).second_factor_roles
    without = [role for role in ROLES if role not in demanded]
    if not without:
        return []
    return [
        Warning(
            f"These roles sign in with a password alone: {', '.join(without)}.",
            hint="The setting second_factor_roles says who needs a second factor.",
            id="zhike.W013",
        )
    ]
