from django.db import migrations

from zhike.trail.walls import APP, SEES

COVERS = "(SELECT zhike_covers())::bigint[]"
BEFORE = f"""
    asked_by_id = (SELECT zhike_actor()) OR decided_by_id = (SELECT zhike_actor()) OR -unit_id = ANY ({SEES})
    OR unit_id IS NULL AND (SELECT zhike_roles()) && '{{administrator,compliance,auditor}}'::text[]
"""
# Marketing decides about the texts of messages, and sees no other request that concerns the whole bank.
SHOWN = f"""{BEFORE}
    OR unit_id IS NULL AND kind LIKE 'sms.%' AND (SELECT zhike_roles()) && '{{marketing}}'::text[]
"""


def show(shown: str) -> str:
    return f"""
    DROP POLICY see ON people_approval;
    DROP POLICY change ON people_approval;
    CREATE POLICY see ON people_approval FOR SELECT TO {APP} USING ({shown});
    CREATE POLICY change ON people_approval FOR UPDATE TO {APP}
        USING (decision = 'open' AND ({shown}) AND (asked_by_id = (SELECT zhike_actor())
            OR asked_by_id <> ALL ({COVERS}) AND coalesce(on_behalf_id <> ALL ({COVERS}), true)))
        WITH CHECK (decided_by_id = (SELECT zhike_actor()));
    """


class Migration(migrations.Migration):
    dependencies = [("people", "0013_post_taken_back")]
    operations = [migrations.RunSQL(show(SHOWN), show(BEFORE))]
