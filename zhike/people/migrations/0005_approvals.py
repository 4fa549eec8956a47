from django.db import migrations

from zhike.trail.walls import APP, OWNER, SEES, WORKER

SHOWN = f"""
    asked_by_id = (SELECT zhike_actor()) OR decided_by_id = (SELECT zhike_actor()) OR -unit_id = ANY ({SEES})
    OR unit_id IS NULL AND (SELECT zhike_roles()) && '{{administrator,compliance,auditor}}'::text[]
"""
# A request is made in one's own name; it is changed only by deciding it, and by no more than the decision.
WALL = f"""
CREATE FUNCTION zhike_roles() RETURNS text[] LANGUAGE sql STABLE AS
    $$ SELECT coalesce(nullif(current_setting('zhike.roles', true), '')::text[], '{{}}') $$;
ALTER TABLE people_approval ENABLE ROW LEVEL SECURITY;
ALTER TABLE people_approval FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON people_approval TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON people_approval FOR SELECT TO {APP} USING ({SHOWN});
CREATE POLICY add ON people_approval FOR INSERT TO {APP}
    WITH CHECK (asked_by_id = (SELECT zhike_actor()) AND decision = 'open');
CREATE POLICY change ON people_approval FOR UPDATE TO {APP}
    USING (decision = 'open' AND ({SHOWN})) WITH CHECK (decided_by_id = (SELECT zhike_actor()));
REVOKE UPDATE ON people_approval FROM {APP};
GRANT UPDATE (decision, decided_by_id, decided_at, note) ON people_approval TO {APP};
"""

# Of two who ask for the same at once one comes second, whether they see each other's request or not. A request waits for
# 48 hours (zhike.people.approvals.WAITS); after that it stands in nobody's way. In UTC, because a constraint may
# depend on nothing that a session can set.
ONE_WAITS = """
ALTER TABLE people_approval ADD CONSTRAINT people_approval_one_waits EXCLUDE USING gist (
    int8range(hashtextextended(kind || ' ' || subject, 0), hashtextextended(kind || ' ' || subject, 0), '[]') WITH &&,
    tsrange(asked_at AT TIME ZONE 'UTC', (asked_at AT TIME ZONE 'UTC') + interval '48 hours') WITH &&)
    WHERE (decision = 'open');
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0004_begin")]
    operations = [
        migrations.RunSQL(WALL, "DROP FUNCTION zhike_roles CASCADE"),
        migrations.RunSQL(ONE_WAITS, "ALTER TABLE people_approval DROP CONSTRAINT people_approval_one_waits"),
    ]
