from django.db import migrations

from zhike.trail.walls import APP

# Whether somebody has set one up: for those who help and those who agree to it.
# Taking it away rests on a request that another has agreed to at this very moment, so that it cannot be carried out twice; who
# is signed in with the lost telephone is signed out.
FORWARD = f"""
CREATE FUNCTION people_second_factor(whose bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT zhike_roles() && '{{administrator,compliance}}'::text[]
        AND EXISTS (SELECT FROM mfa_authenticator a WHERE a.user_id = whose)
$$;

CREATE FUNCTION people_second_factor_off(asked bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    whose bigint;
    gone integer;
BEGIN
    SELECT (a.payload ->> 'staff')::bigint INTO whose FROM people_approval a
    WHERE a.id = asked AND a.kind = 'people.second_factor' AND a.decision = 'approved'
      AND a.decided_by_id = zhike_actor() AND a.decided_at = zhike_now();
    DELETE FROM mfa_authenticator m WHERE m.user_id = whose AND whose <> zhike_actor();
    GET DIAGNOSTICS gone = ROW_COUNT;
    IF gone > 0 THEN
        DELETE FROM people_session s WHERE s.staff_id = whose;
    END IF;
    RETURN gone > 0;
END $$;
REVOKE EXECUTE ON FUNCTION people_second_factor(bigint), people_second_factor_off(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_second_factor(bigint), people_second_factor_off(bigint) TO {APP};
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0009_execute")]
    operations = [migrations.RunSQL(FORWARD, "DROP FUNCTION people_second_factor, people_second_factor_off")]
