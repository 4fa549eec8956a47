from django.db import migrations

from zhike.trail.walls import APP

# What others did to somebody's account is kept about that person too, so it is theirs to see.
FORWARD = f"""
CREATE INDEX trail_entry_staff ON trail_entry (row_id, at DESC) WHERE object = 'people_staff';
DROP POLICY see ON trail_entry;
CREATE POLICY see ON trail_entry FOR SELECT TO {APP}
    USING (actor_id = (SELECT zhike_actor()) OR object = 'people_staff' AND row_id = (SELECT zhike_actor())
           OR (SELECT current_setting('zhike.audits', true)) = 'on');
"""


class Migration(migrations.Migration):
    dependencies = [("trail", "0002_entry")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
