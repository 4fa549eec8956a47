from django.db import migrations

from zhike.trail.walls import APP, SEES

# As with facts and findings (0008): whom one only covers lends their customers, and not of what they were reminded.
POLICY = f"""
DROP POLICY see ON obligations_reminder;
CREATE POLICY see ON obligations_reminder FOR SELECT TO {APP}
    USING (staff_id = ANY ({SEES}) AND staff_id <> ALL ((SELECT zhike_lent())::bigint[]) OR staff_id = (SELECT zhike_actor()));
"""


class Migration(migrations.Migration):
    dependencies = [("obligations", "0008_cover")]
    operations = [migrations.RunSQL(POLICY, migrations.RunSQL.noop)]
