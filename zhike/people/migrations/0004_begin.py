from django.db import migrations

from zhike.trail.walls import APP, OWNER, WORKER

# Changes whenever a setting does; a setting may be written by a machine whose clock is behind, so the newest moment alone
# would not do.
VERSION = "coalesce((extract(epoch FROM max(t.at)) * 1000000)::bigint + max(t.id), 0)"


def setting(name: str) -> str:
    """A setting as it stands on ``day``, out of the rows ``t`` of people_setting; null where the default counts."""
    return f"(array_agg(t.value ORDER BY t.from_day DESC) FILTER (WHERE t.name = '{name}' AND t.from_day <= day))[1]"


# Every request begins here: few statements, each table looked at once.
ENTER = f"""
CREATE FUNCTION people_settings_version() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    SELECT {VERSION} FROM people_setting t
$$;

CREATE FUNCTION people_leave() RETURNS void LANGUAGE sql AS $$
    SELECT set_config(name, '', true) FROM unnest(ARRAY['zhike.actor', 'zhike.now', 'zhike.sees', 'zhike.writes',
        'zhike.audits', 'zhike.roles', 'zhike.on_behalf']) name
$$;

CREATE TYPE people_begun AS (
    id bigint, number text, name text, title text, language text, theme text, single_keys boolean,
    must_change_password boolean, roles text[], sees bigint[], writes bigint[], settings bigint, second_factor boolean,
    session text
);

-- The tail of every way in: who it is, what the roles are, what may be seen; told to PostgreSQL for this transaction.
-- Whose rows may be changed differs from whose may be seen only for roles that look on. settings: their version;
-- second_factor: demanded by a role, and not set up yet. Nobody where the account is closed.
CREATE FUNCTION people_enter(staff bigint, moment timestamptz, day date, demanded text[]) RETURNS people_begun
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    begun people_begun;
    wide boolean;
BEGIN
    SELECT s.id, s.number, s.name, s.title, s.language, s.theme, s.single_keys, s.must_change_password, held.roles,
           settings.version,
           held.roles && CASE WHEN settings.asked IS NULL THEN demanded
                              ELSE ARRAY(SELECT jsonb_array_elements_text(settings.asked)) END
           AND NOT EXISTS (SELECT FROM mfa_authenticator a WHERE a.user_id = s.id AND a.type = 'totp'),
           held.wide
    INTO begun.id, begun.number, begun.name, begun.title, begun.language, begun.theme, begun.single_keys,
         begun.must_change_password, begun.roles, begun.settings, begun.second_factor, wide
    FROM people_staff s
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(DISTINCT p.role), '{{}}') AS roles, coalesce(bool_or(p.scope <> 'own'), false) AS wide
        FROM people_post p
        WHERE p.staff_id = s.id AND p.from_day <= day AND (p.to_day IS NULL OR day < p.to_day)) held
    CROSS JOIN (SELECT {VERSION} AS version, {setting("second_factor_roles")} AS asked FROM people_setting t) settings
    WHERE s.id = staff AND s.is_active;
    IF NOT FOUND THEN
        PERFORM people_leave();
        RETURN begun;
    END IF;
    IF NOT wide THEN
        -- Whose posts reach no further than themselves sees and changes what is their own: no tree to walk.
        begun.sees := ARRAY[begun.id];
        begun.writes := begun.sees;
    ELSE
        begun.sees := people_keepers(begun.id, '{{rm,leader,compliance,risk,auditor}}', day);
        begun.writes := CASE WHEN begun.roles && '{{compliance,risk,auditor}}'
                             THEN people_keepers(begun.id, '{{rm,leader}}', day) ELSE begun.sees END;
    END IF;
    PERFORM set_config('zhike.actor', begun.id::text, true), set_config('zhike.now', moment::text, true),
            set_config('zhike.sees', begun.sees::text, true), set_config('zhike.writes', begun.writes::text, true),
            set_config('zhike.audits', CASE WHEN begun.roles && '{{auditor,compliance}}' THEN 'on' ELSE 'off' END, true),
            set_config('zhike.roles', begun.roles::text, true);
    RETURN begun;
END $$;
REVOKE EXECUTE ON FUNCTION people_enter(bigint, timestamptz, date, text[]) FROM PUBLIC;

-- For commands and jobs, which know whom they act for.
CREATE FUNCTION people_act(staff bigint, moment timestamptz, OUT id bigint, OUT name text, OUT roles text[],
                           OUT sees bigint[], OUT writes bigint[])
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.id, e.name, e.roles, e.sees, e.writes FROM people_enter(staff, moment, people_day(moment), '{{}}') e
$$;

-- Finds the session, ends it when idle or too old, and lets its staff member act. The moment that it was seen is written
-- once a minute at most: a read stays a read. What a page asks by itself (renews: false) does not count as work.
CREATE FUNCTION people_begin(session_key text, moment timestamptz, idle int, hours int, demanded text[],
                             renews boolean DEFAULT true) RETURNS people_begun
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    begun people_begun;
    day date := people_day(moment);
    content text;
    whose bigint;
    began timestamptz;
    seen timestamptz;
BEGIN
    SELECT s.data, s.staff_id, s.begun_at, s.seen_at,
           coalesce((settings.idle #>> '{{}}')::int, $3), coalesce((settings.hours #>> '{{}}')::int, $4)
    INTO content, whose, began, seen, idle, hours
    FROM people_session s
    CROSS JOIN (SELECT {setting("idle_minutes")} AS idle, {setting("session_hours")} AS hours FROM people_setting t) settings
    WHERE s.key = session_key;
    IF NOT FOUND THEN
        PERFORM people_leave();
        RETURN begun;
    END IF;
    IF seen + make_interval(mins => idle) < moment OR began + make_interval(hours => hours) < moment THEN
        DELETE FROM people_session s WHERE s.key = session_key;
        PERFORM people_leave();
        RETURN begun;
    END IF;
    IF whose IS NULL THEN
        PERFORM people_leave();
    ELSE
        begun := people_enter(whose, moment, day, demanded);
    END IF;
    begun.session := content;
    IF renews AND seen < moment - interval '1 minute' THEN
        UPDATE people_session s SET seen_at = moment WHERE s.key = session_key;
    END IF;
    RETURN begun;
END $$;

-- When it was last used is written once a minute at most, and by one of those that use it at once: the others do not wait.
CREATE FUNCTION people_begin_token(token_hash text, moment timestamptz) RETURNS people_begun
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    whose bigint;
    last timestamptz;
    begun people_begun;
BEGIN
    SELECT t.staff_id, t.used_at INTO whose, last FROM people_token t
        WHERE t.hash = token_hash AND t.revoked_at IS NULL AND moment < t.expires_at;
    IF whose IS NULL THEN
        PERFORM people_leave();
        RETURN begun;
    END IF;
    begun := people_enter(whose, moment, people_day(moment), '{{}}');
    -- Whatever roles the bank names: nobody types a code for a program.
    begun.second_factor := false;
    IF last IS NULL OR last < moment - interval '1 minute' THEN
        UPDATE people_token SET used_at = moment
            WHERE id = (SELECT t.id FROM people_token t WHERE t.hash = token_hash FOR UPDATE SKIP LOCKED);
    END IF;
    RETURN begun;
END $$;

CREATE FUNCTION people_session_save(session_key text, content text, whose bigint, moment timestamptz, is_new boolean,
                                    browser text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    moment := coalesce(moment, zhike_now());
    IF is_new THEN
        INSERT INTO people_session (key, data, staff_id, begun_at, seen_at, agent)
            VALUES (session_key, content, whose, moment, moment, browser) ON CONFLICT DO NOTHING;
    ELSE
        UPDATE people_session s SET data = content, staff_id = whose WHERE s.key = session_key;
    END IF;
    RETURN FOUND;
END $$;

CREATE FUNCTION people_session_drop(session_key text) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp AS $$ DELETE FROM people_session s WHERE s.key = session_key $$;

-- A changed password and a closed account end every session of that person at once.
CREATE FUNCTION people_end_sessions() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM people_session s WHERE s.staff_id = NEW.id;
    IF NOT NEW.is_active THEN
        UPDATE people_token t SET revoked_at = zhike_now() WHERE t.staff_id = NEW.id AND t.revoked_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER end_sessions AFTER UPDATE ON people_staff FOR EACH ROW
    WHEN (OLD.password IS DISTINCT FROM NEW.password OR OLD.is_active AND NOT NEW.is_active)
    EXECUTE FUNCTION people_end_sessions();
"""

WALLS = f"""
ALTER TABLE people_session ENABLE ROW LEVEL SECURITY;
ALTER TABLE people_session FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON people_session TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
GRANT SELECT, DELETE ON people_session TO {WORKER};

ALTER TABLE people_token ENABLE ROW LEVEL SECURITY;
ALTER TABLE people_token FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON people_token TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON people_token TO {WORKER};
CREATE TRIGGER trail AFTER INSERT OR UPDATE OF staff_id, hash, label, expires_at, revoked_at OR DELETE ON people_token FOR EACH ROW EXECUTE FUNCTION trail_write('hash');
"""

# Tables of others that we stand on: each role gets what its work needs, nothing by default.
OTHERS = f"""
-- The second factor is asked for before anybody is signed in; once somebody is, they reach their own alone.
ALTER TABLE mfa_authenticator ENABLE ROW LEVEL SECURITY;
ALTER TABLE mfa_authenticator FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON mfa_authenticator TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY own ON mfa_authenticator TO {APP}
    USING (coalesce(user_id = (SELECT zhike_actor()), true)) WITH CHECK (user_id = (SELECT zhike_actor()));
GRANT SELECT, INSERT, UPDATE, DELETE ON mfa_authenticator TO {APP};
GRANT SELECT, DELETE ON mfa_authenticator TO {WORKER};
GRANT SELECT ON account_emailaddress TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON axes_accessattempt, axes_accessattemptexpiration TO {APP}, {WORKER};
GRANT SELECT, INSERT, UPDATE ON axes_accesslog, axes_accessfailurelog TO {APP}, {WORKER};
-- A job is put in the queue with the fact that causes it; only the worker takes it out.
GRANT SELECT, INSERT ON procrastinate_jobs, procrastinate_events TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers,
    procrastinate_workers TO {WORKER};
GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq TO {APP}, {WORKER};
GRANT USAGE ON SEQUENCE procrastinate_periodic_defers_id_seq TO {WORKER};
GRANT SELECT ON django_migrations, django_content_type TO {APP}, {WORKER};
"""

GRANTS = f"""
GRANT EXECUTE ON FUNCTION people_act(bigint, timestamptz), people_begin(text, timestamptz, int, int, text[], boolean), people_begin_token(text, timestamptz),
    people_session_save(text, text, bigint, timestamptz, boolean, text), people_session_drop(text) TO {APP}, {WORKER};
"""

BACK = """
DROP TRIGGER end_sessions ON people_staff;
DROP FUNCTION people_end_sessions, people_session_drop, people_session_save, people_begin_token, people_begin, people_act,
    people_enter, people_leave, people_settings_version;
DROP TYPE people_begun;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0003_session_token"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("axes", "0010_accessattemptexpiration"),
        ("procrastinate", "0041_post_retry_failed_job"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [
        migrations.RunSQL(ENTER + GRANTS, BACK),
        migrations.RunSQL(WALLS, migrations.RunSQL.noop),
        migrations.RunSQL(OTHERS, migrations.RunSQL.noop),
    ]
