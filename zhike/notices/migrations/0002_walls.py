from django.db import migrations

from zhike.trail.walls import APP, OWNER, WORKER, wall, watch

OWN = "staff_id = (SELECT zhike_actor())"

HEARTBEAT_WALL = f"""
ALTER TABLE notices_heartbeat ENABLE ROW LEVEL SECURITY;
ALTER TABLE notices_heartbeat FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON notices_heartbeat TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON notices_heartbeat FOR SELECT TO {APP} USING (true);
GRANT SELECT ON notices_heartbeat TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON notices_heartbeat TO {WORKER};
"""

# What nobody needs to be told any more is not sent: settled or moved in the same transaction, its notices that no worker holds are
# moot. The notices are locked first, as whoever confirms one does; one that is on its way goes on.
MOOT = """
CREATE FUNCTION notices_moot() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    moment timestamptz := zhike_now();
    held bigint[];
BEGIN
    SELECT array_agg(n.id) INTO held FROM (
        SELECT n.id FROM notices_notice n
        WHERE n.state = 'waiting' AND (n.leased_until IS NULL OR n.leased_until < moment)
          AND n.id IN (SELECT d.notice_id FROM obligations_reminder r JOIN notices_delivery d ON d.reminder_id = r.id
                       WHERE r.obligation_id = NEW.id AND d.outcome = 'waiting')
        ORDER BY n.id FOR UPDATE SKIP LOCKED) n;
    IF held IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE notices_delivery d
    SET outcome = 'suppressed', done_at = moment, reason = CASE WHEN NEW.state = 'open' THEN 'moved' ELSE 'settled' END
    FROM obligations_reminder r
    WHERE r.obligation_id = NEW.id AND d.reminder_id = r.id AND d.notice_id = ANY (held) AND d.outcome = 'waiting';
    UPDATE notices_notice n SET state = 'moot', done_at = moment, leased_by = NULL, leased_until = NULL
    WHERE n.id = ANY (held) AND NOT EXISTS (SELECT FROM notices_delivery d WHERE d.notice_id = n.id AND d.outcome = 'waiting');
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION notices_moot() FROM PUBLIC;
CREATE TRIGGER moot AFTER UPDATE OF state, opens, due, target, owner_id ON obligations_obligation FOR EACH ROW
    WHEN ((OLD.state, OLD.opens, OLD.due, OLD.target, OLD.owner_id)
          IS DISTINCT FROM (NEW.state, NEW.opens, NEW.due, NEW.target, NEW.owner_id))
    EXECUTE FUNCTION notices_moot();
"""


class Migration(migrations.Migration):
    dependencies = [("notices", "0001_initial"), ("people", "0011_hours")]
    operations = [
        wall("notices_choice", sees=OWN),
        wall("notices_notice", sees=OWN),
        wall(
            "notices_delivery",
            sees=f"(SELECT true FROM obligations_reminder r WHERE r.id = reminder_id AND r.{OWN})",
        ),
        migrations.RunSQL(HEARTBEAT_WALL, migrations.RunSQL.noop),
        migrations.RunSQL(MOOT, "DROP TRIGGER moot ON obligations_obligation; DROP FUNCTION notices_moot;"),
        watch("notices_choice", quiet=("address",)),
    ]
