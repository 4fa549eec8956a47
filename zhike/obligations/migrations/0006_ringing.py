from django.db import migrations

from zhike.trail.walls import APP, OWNER, SEES, WORKER, wall

# An obligation's alarm follows it in the same transaction, whoever changes it and however: a new, moved or reopened one asks to be
# looked at, one that is no longer open is silent. What rang already stays on record.
FOLLOW = """
CREATE FUNCTION obligations_alarm_follow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    moment timestamptz := CASE WHEN TG_OP = 'INSERT' THEN NEW.created_at ELSE zhike_now() END;
BEGIN
    IF NEW.state = 'open' AND NEW.due IS NOT NULL THEN
        INSERT INTO obligations_alarm (obligation_id, rings_at, since, step, turn, aside)
        VALUES (NEW.id, moment, moment - interval '1 microsecond', '', 0, '')
        ON CONFLICT (obligation_id) DO UPDATE
            SET rings_at = excluded.rings_at, since = excluded.since, step = '', aside = '';
    ELSIF TG_OP = 'UPDATE' THEN
        DELETE FROM obligations_alarm a WHERE a.obligation_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION obligations_alarm_follow() FROM PUBLIC;
CREATE TRIGGER alarm_added AFTER INSERT ON obligations_obligation FOR EACH ROW EXECUTE FUNCTION obligations_alarm_follow();
CREATE TRIGGER alarm_moved AFTER UPDATE OF state, opens, due, target, owner_id ON obligations_obligation FOR EACH ROW
    WHEN ((OLD.state, OLD.opens, OLD.due, OLD.target, OLD.owner_id)
          IS DISTINCT FROM (NEW.state, NEW.opens, NEW.due, NEW.target, NEW.owner_id))
    EXECUTE FUNCTION obligations_alarm_follow();

-- What is owed when this release comes: looked at once, what lies behind is not made up for.
INSERT INTO obligations_alarm (obligation_id, rings_at, since, step, turn, aside)
SELECT o.id, zhike_now(), zhike_now(), '', 0, '' FROM obligations_obligation o WHERE o.state = 'open' AND o.due IS NOT NULL;
"""

BACK = """
DROP TRIGGER alarm_added ON obligations_obligation;
DROP TRIGGER alarm_moved ON obligations_obligation;
DROP FUNCTION obligations_alarm_follow;
"""

ALARM_WALL = f"""
ALTER TABLE obligations_alarm ENABLE ROW LEVEL SECURITY;
ALTER TABLE obligations_alarm FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON obligations_alarm TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON obligations_alarm FOR SELECT TO {APP}
    USING ((SELECT true FROM obligations_obligation o WHERE o.id = obligation_id));
GRANT SELECT ON obligations_alarm TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON obligations_alarm TO {WORKER};
"""


class Migration(migrations.Migration):
    dependencies = [("obligations", "0005_reminders"), ("people", "0011_hours")]
    operations = [
        # Whoever asks for a test reminder asks for their own; all others are the worker's.
        wall(
            "obligations_reminder",
            sees=f"staff_id = ANY ({SEES}) OR staff_id = (SELECT zhike_actor())",
            writes="staff_id = (SELECT zhike_actor()) AND step = 'test'",
        ),
        migrations.RunSQL(ALARM_WALL, migrations.RunSQL.noop),
        migrations.RunSQL(FOLLOW, BACK),
    ]
