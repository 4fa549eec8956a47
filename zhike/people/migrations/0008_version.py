from importlib import import_module

from django.db import migrations

QUICK: str = import_module("zhike.people.migrations.0007_quick_begin").QUICK
ENTER = QUICK[
    QUICK.index("CREATE OR REPLACE FUNCTION people_enter") : QUICK.index("CREATE OR REPLACE FUNCTION people_begin")
]
OLD = "coalesce((extract(epoch FROM settings.changed) * 1000000)::bigint, 0)"
NEW = "coalesce((extract(epoch FROM settings.changed) * 1000000)::bigint + settings.newest, 0)"
assert OLD in ENTER
assert "max(t.at) AS changed," in ENTER

# A setting may be written by a machine whose clock is behind, so that the newest moment alone would not change.
FORWARD = """
CREATE FUNCTION people_settings_version() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    SELECT coalesce((extract(epoch FROM max(at)) * 1000000)::bigint + max(id), 0) FROM people_setting
$$;
""" + ENTER.replace(OLD, NEW).replace("max(t.at) AS changed,", "max(t.at) AS changed, max(t.id) AS newest,")


class Migration(migrations.Migration):
    dependencies = [("people", "0007_quick_begin")]
    operations = [migrations.RunSQL(FORWARD, "DROP FUNCTION people_settings_version")]
