from django.db import migrations

from zhike.trail.walls import APP, WORKER

# What stands at the gateways, in one value: for the administrators' page, for the doctor, for a machine that fetches figures. Counts and names of
# gateways alone; whose messages they are it does not say.
FIGURES = f"""
CREATE OR REPLACE FUNCTION sms_figures(moment timestamptz) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object(
        'gateways', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'name', g.gateway, 'opened', g.opened_at, 'seen', g.seen_at, 'closed', g.closed_at, 'why', g.why) ORDER BY g.gateway), '[]')
            FROM (SELECT DISTINCT ON (gateway) * FROM sms_connection WHERE seen_at > moment - interval '30 days'
                ORDER BY gateway, closed_at IS NOT NULL, seen_at DESC) g),
        'lanes', (SELECT coalesce(jsonb_agg(to_jsonb(l) ORDER BY l.lane), '[]') FROM (
            SELECT lane, count(*) FILTER (WHERE not_before <= moment) AS due, count(*) FILTER (WHERE not_before > moment) AS later,
                min(not_before) FILTER (WHERE not_before <= moment) AS oldest
            FROM sms_message WHERE waits GROUP BY lane) l),
        'unknown', (SELECT count(*) FROM sms_message WHERE look AND state = 'unknown' AND through = 'platform'
            AND created_at > moment - interval '30 days'),
        'aside', (SELECT count(*) FROM sms_pushed WHERE aside AND dismissed_at IS NULL))
$$;
REVOKE EXECUTE ON FUNCTION sms_figures(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sms_figures(timestamptz) TO {APP}, {WORKER};
"""


class Migration(migrations.Migration):
    dependencies = [("sms", "0004_standing")]
    operations = [migrations.RunSQL(FIGURES, "DROP FUNCTION sms_figures(timestamptz)")]
