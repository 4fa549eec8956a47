from django.db import migrations

# What was missed was not settled: that its reminder was not seen before is the one thing that the books must not hide.
MOOT = """
CREATE OR REPLACE FUNCTION notices_moot() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
    SET outcome = 'suppressed', done_at = moment, reason = __REASON__
    FROM obligations_reminder r
    WHERE r.obligation_id = NEW.id AND d.reminder_id = r.id AND d.notice_id = ANY (held) AND d.outcome = 'waiting';
    UPDATE notices_notice n SET state = 'moot', done_at = moment, leased_by = NULL, leased_until = NULL
    WHERE n.id = ANY (held) AND NOT EXISTS (SELECT FROM notices_delivery d WHERE d.notice_id = n.id AND d.outcome = 'waiting');
    RETURN NULL;
END $$;
"""
SAYS = "CASE NEW.state WHEN 'open' THEN 'moved' WHEN 'missed' THEN 'lapsed' ELSE 'settled' END"
SAID = "CASE WHEN NEW.state = 'open' THEN 'moved' ELSE 'settled' END"


class Migration(migrations.Migration):
    dependencies = [("notices", "0008_lost_telephone")]
    operations = [migrations.RunSQL(MOOT.replace("__REASON__", SAYS), MOOT.replace("__REASON__", SAID))]
