from django.db import migrations

# The same answers as 0004, in four statements instead of a dozen: every request begins here.
QUICK = """
CREATE OR REPLACE FUNCTION people_act(staff bigint, moment timestamptz, OUT id bigint, OUT name text, OUT roles text[],
                                      OUT sees bigint[], OUT writes bigint[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    day date := (moment AT TIME ZONE 'Asia/Shanghai')::date;
    wide boolean;
BEGIN
    SELECT s.id, s.name, held.roles, held.wide INTO id, name, roles, wide
    FROM people_staff s CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(DISTINCT p.role), '{}') AS roles, coalesce(bool_or(p.scope <> 'own'), false) AS wide
        FROM people_post p
        WHERE p.staff_id = s.id AND p.from_day <= day AND (p.to_day IS NULL OR day < p.to_day)) held
    WHERE s.id = staff AND s.is_active;
    IF NOT FOUND THEN
        PERFORM people_leave();
        RETURN;
    END IF;
    IF NOT wide THEN
        -- Whose posts reach no further than themselves sees and changes what is their own: no tree to walk.
        sees := ARRAY[id];
        writes := sees;
    ELSE
        sees := people_keepers(staff, '{rm,leader,compliance,risk,auditor}', day);
        writes := CASE WHEN roles && '{compliance,risk,auditor}' THEN people_keepers(staff, '{rm,leader}', day) ELSE sees END;
    END IF;
    PERFORM set_config('zhike.actor', id::text, true), set_config('zhike.now', moment::text, true),
            set_config('zhike.sees', sees::text, true), set_config('zhike.writes', writes::text, true),
            set_config('zhike.audits', CASE WHEN roles && '{auditor,compliance}' THEN 'on' ELSE 'off' END, true),
            set_config('zhike.roles', roles::text, true);
END $$;

CREATE OR REPLACE FUNCTION people_enter(staff bigint, moment timestamptz, demanded text[]) RETURNS people_begun
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    begun people_begun;
    day date := (moment AT TIME ZONE 'Asia/Shanghai')::date;
BEGIN
    SELECT acted.id, s.number, s.name, s.title, s.language, s.theme, s.single_keys, s.must_change_password, acted.roles,
           acted.sees, acted.writes, coalesce((extract(epoch FROM settings.changed) * 1000000)::bigint, 0),
           acted.roles && CASE WHEN settings.asked IS NULL THEN demanded
                               ELSE ARRAY(SELECT jsonb_array_elements_text(settings.asked)) END
           AND NOT EXISTS (SELECT FROM mfa_authenticator a WHERE a.user_id = staff AND a.type = 'totp'),
           NULL::text
    INTO begun
    FROM people_act(staff, moment) acted
    JOIN people_staff s ON s.id = acted.id
    CROSS JOIN (
        SELECT max(t.at) AS changed,
               (array_agg(t.value ORDER BY t.from_day DESC)
                FILTER (WHERE t.name = 'second_factor_roles' AND t.from_day <= day))[1] AS asked
        FROM people_setting t) settings;
    RETURN begun;
END $$;

CREATE OR REPLACE FUNCTION people_begin(session_key text, moment timestamptz, idle int, hours int, demanded text[])
RETURNS people_begun LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    begun people_begun;
    found_session people_session;
    day date := (moment AT TIME ZONE 'Asia/Shanghai')::date;
BEGIN
    SELECT s.key, s.data, s.begun_at, s.seen_at, s.staff_id,
           coalesce((people_settings.idle #>> '{}')::int, $3), coalesce((people_settings.hours #>> '{}')::int, $4)
    INTO found_session.key, found_session.data, found_session.begun_at, found_session.seen_at, found_session.staff_id,
         idle, hours
    FROM people_session s CROSS JOIN (
        SELECT (array_agg(t.value ORDER BY t.from_day DESC) FILTER (WHERE t.name = 'idle_minutes'))[1] AS idle,
               (array_agg(t.value ORDER BY t.from_day DESC) FILTER (WHERE t.name = 'session_hours'))[1] AS hours
        FROM people_setting t WHERE t.name IN ('idle_minutes', 'session_hours') AND t.from_day <= day) people_settings
    WHERE s.key = session_key;
    IF NOT FOUND THEN
        PERFORM people_leave();
        RETURN begun;
    END IF;
    IF found_session.seen_at + make_interval(mins => idle) < moment
       OR found_session.begun_at + make_interval(hours => hours) < moment THEN
        DELETE FROM people_session s WHERE s.key = session_key;
        PERFORM people_leave();
        RETURN begun;
    END IF;
    IF found_session.staff_id IS NULL THEN
        PERFORM people_leave();
    ELSE
        begun := people_enter(found_session.staff_id, moment, demanded);
    END IF;
    begun.session := found_session.data;
    IF found_session.seen_at < moment - interval '1 minute' THEN
        UPDATE people_session s SET seen_at = moment WHERE s.key = session_key;
    END IF;
    RETURN begun;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0006_workdays")]
    operations = [migrations.RunSQL(QUICK, migrations.RunSQL.noop)]
