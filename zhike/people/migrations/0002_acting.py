from django.db import migrations

from zhike.conduct.bank import Bank
from zhike.trail.walls import open_to, watch

# What day it is at the bank: its zone is a setting, told by the day in UTC. ``Settings.today`` says the same in Python.
DAY = f"""
CREATE FUNCTION people_zone(moment timestamptz) RETURNS text LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT t.value #>> '{{}}' FROM people_setting t
        WHERE t.name = 'zone' AND t.from_day <= (moment AT TIME ZONE 'UTC')::date ORDER BY t.from_day DESC LIMIT 1),
        '{Bank().zone.key}');
END $$;

CREATE FUNCTION people_day(moment timestamptz) RETURNS date LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (moment AT TIME ZONE public.people_zone(moment))::date;
END $$;
"""

# Who may see whose customers. own: oneself; team: who serves in the same unit; tree: in it or below; all: everybody.
# Somebody who left still counts where the last post was, so that a leaver's customers do not vanish from the leader; somebody
# who is to come counts from the first day on.
KEEPERS = """
CREATE FUNCTION people_keepers(of_staff bigint, of_roles text[], day date) RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH mine AS (
        SELECT p.role, p.scope, p.unit_id, u.path FROM people_post p JOIN people_unit u ON u.id = p.unit_id
        WHERE p.staff_id = of_staff AND p.role = ANY (of_roles)
          AND p.from_day <= day AND (p.to_day IS NULL OR day < p.to_day)
    ), units AS (
        SELECT DISTINCT u.id FROM mine m JOIN people_unit u ON CASE m.scope
            WHEN 'all' THEN true
            WHEN 'tree' THEN starts_with(u.path, m.path)
            WHEN 'team' THEN u.id = m.unit_id
            ELSE false END
    ), colleagues AS (
        SELECT DISTINCT p.staff_id FROM people_post p JOIN units ON units.id = p.unit_id
        WHERE p.from_day <= day AND (p.to_day IS NULL OR day < p.to_day
           OR NOT EXISTS (SELECT FROM people_post q WHERE q.staff_id = p.staff_id AND q.from_day <= day
                          AND (q.to_day IS NULL OR q.to_day > p.to_day)))
    )
    SELECT array_agg(keeper ORDER BY keeper) FROM (
        SELECT of_staff AS keeper UNION SELECT staff_id FROM colleagues UNION SELECT -id FROM units
    ) keepers
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial"), ("trail", "0001_trail")]
    operations = [
        migrations.RunSQL(DAY, "DROP FUNCTION people_day, people_zone"),
        migrations.RunSQL(KEEPERS, "DROP FUNCTION people_keepers"),
        *[
            operation
            for table in ("people_unit", "people_staff", "people_post", "people_approval", "people_setting")
            for operation in (open_to(table), watch(table, quiet=("password",)))
        ],
        open_to("people_workday", app="SELECT, INSERT, UPDATE, DELETE"),
    ]
