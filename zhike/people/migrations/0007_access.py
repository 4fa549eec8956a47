from django.db import migrations

from zhike.trail.walls import APP, WORKER

# One's own tokens and sessions, and for the administrator everybody's: to be looked at and ended, never to be had.
HELD = "staff_id = (SELECT zhike_actor()) OR (SELECT zhike_roles()) && '{administrator}'::text[]"
FORWARD = f"""
CREATE POLICY see ON people_token FOR SELECT TO {APP} USING ({HELD});
CREATE POLICY add ON people_token FOR INSERT TO {APP} WITH CHECK (staff_id = (SELECT zhike_actor()));
CREATE POLICY change ON people_token FOR UPDATE TO {APP} USING ({HELD}) WITH CHECK ({HELD});
GRANT SELECT (id, staff_id, label, created_at, expires_at, used_at, revoked_at),
    INSERT (staff_id, hash, label, created_at, expires_at, used_at, revoked_at), UPDATE (revoked_at) ON people_token TO {APP};
GRANT USAGE ON SEQUENCE people_token_id_seq TO {APP}, {WORKER};

-- A session is named by the beginning of its key, which is a hash: enough to tell one from another, of no use to anybody.
CREATE FUNCTION people_sessions(whose bigint)
RETURNS TABLE (handle text, agent text, begun_at timestamptz, seen_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT left(s.key, 16), s.agent, s.begun_at, s.seen_at FROM people_session s
    WHERE s.staff_id = whose AND (whose = zhike_actor() OR zhike_roles() && '{{administrator}}')
    ORDER BY s.seen_at DESC, s.key
$$;

-- Ends one session of somebody, or all of them; how many there were.
CREATE FUNCTION people_sessions_end(whose bigint, one text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    ended integer;
BEGIN
    DELETE FROM people_session s
    WHERE s.staff_id = whose AND (whose = zhike_actor() OR zhike_roles() && '{{administrator}}')
      AND (one IS NULL OR left(s.key, 16) = one);
    GET DIAGNOSTICS ended = ROW_COUNT;
    RETURN ended;
END $$;
REVOKE EXECUTE ON FUNCTION people_sessions(bigint), people_sessions_end(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_sessions(bigint), people_sessions_end(bigint, text) TO {APP};
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0006_workdays")]
    operations = [migrations.RunSQL(FORWARD, "DROP FUNCTION people_sessions, people_sessions_end")]
