"""The second wall: row-level security, grants and the trail's triggers, as operations for migrations.

Three database roles, made before the first migration: ``zhike_owner`` owns the tables and runs migrations, ``zhike_app``
serves people, ``zhike_worker`` works through what is due. The transaction of each request carries, set by
``people_act``: ``zhike.actor`` (who), ``zhike.sees`` and ``zhike.writes`` (keepers: staff ids, and unit ids negated for
customers who have no RM).
"""

from django.db.migrations import RunSQL

APP, WORKER, OWNER = "zhike_app", "zhike_worker", "zhike_owner"

# A scalar sub-select is evaluated once a statement, not once a row, and an index can still serve it.
SEES = "(SELECT zhike_sees())::bigint[]"
WRITES = "(SELECT zhike_writes())::bigint[]"


def wall(table: str, *, sees: str, writes: str | None = None, deletes: bool = False) -> RunSQL:
    """Row-level security for a table: ``sees`` and ``writes`` are SQL conditions over its row (writes: default as sees).

    Owner and worker pass: migrations, sweeps and imports state themselves whom they act for.
    """
    writes = writes or sees
    grants = "SELECT, INSERT, UPDATE" + (", DELETE" if deletes else "")
    delete = f"CREATE POLICY erase ON {table} FOR DELETE TO {APP} USING ({writes});" if deletes else ""
    return RunSQL(
        f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY keep ON {table} TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
        CREATE POLICY see ON {table} FOR SELECT TO {APP} USING ({sees});
        CREATE POLICY add ON {table} FOR INSERT TO {APP} WITH CHECK ({writes});
        CREATE POLICY change ON {table} FOR UPDATE TO {APP} USING ({writes}) WITH CHECK ({writes});
        {delete}
        GRANT {grants} ON {table} TO {APP};
        GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {WORKER};
        GRANT USAGE ON SEQUENCE {table}_id_seq TO {APP}, {WORKER};
        """,
        f"DROP TABLE IF EXISTS {table} CASCADE",
    )


def open_to(
    table: str, *, app: str = "SELECT, INSERT, UPDATE", worker: str = "SELECT, INSERT, UPDATE, DELETE"
) -> RunSQL:
    """A table without personal data of customers: plain grants, no row policies."""
    return RunSQL(f"GRANT {app} ON {table} TO {APP}; GRANT {worker} ON {table} TO {WORKER};", RunSQL.noop)


def watch(table: str, *, quiet: tuple[str, ...] = (), many: bool = False, changed: tuple[str, ...] = ()) -> RunSQL:
    """Writes each change of a table's rows to the trail; ``quiet`` columns are named there, never shown (ciphertext, hashes).

    ``many``: rows are added by the thousand (imports), so those of a statement are kept together; the table needs the
    columns id and customer_id. ``changed``: the columns whose changes are kept, where a machine moves the others many times a second.
    """
    columns = ", ".join(f"'{column}'" for column in quiet)
    added = (
        f"CREATE TRIGGER trail_added AFTER INSERT ON {table} REFERENCING NEW TABLE AS became"
        " FOR EACH STATEMENT EXECUTE FUNCTION trail_added();"
    )
    return RunSQL(
        f"""
        CREATE TRIGGER trail AFTER {"" if many else "INSERT OR "}UPDATE{f" OF {', '.join(changed)}" if changed else ""} OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION trail_write({columns});
        {added if many else ""}
        """,
        f"DROP TRIGGER trail ON {table}; DROP TRIGGER IF EXISTS trail_added ON {table};",
    )
