from django.db import migrations

from zhike.trail.walls import APP, WORKER

# An agreed waiver is carried out in the name of who agreed, who may be of compliance and change no row of the ledger
# otherwise: the decided request is what gives the right, and it holds for this one obligation. Returns its id, or null
# where it does not stand any more.
WAIVE = f"""
CREATE FUNCTION obligations_waive(asked bigint, moment timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE obligations_obligation o
    SET state = 'waived', settled_at = moment, settled_by_id = zhike_actor(), approval_id = a.id,
        evidence = jsonb_build_object('reason', a.reason, 'by', s.name)
    FROM people_approval a JOIN people_staff s ON s.id = a.asked_by_id
    WHERE a.id = asked AND a.kind LIKE 'obligations.waive%' AND a.decision = 'approved' AND a.decided_by_id = zhike_actor()
      AND o.id = (a.payload ->> 'obligation')::bigint AND o.state IN ('open', 'cannot')
    RETURNING o.id
$$;
REVOKE EXECUTE ON FUNCTION obligations_waive(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION obligations_waive(bigint, timestamptz) TO {APP}, {WORKER};
"""


class Migration(migrations.Migration):
    dependencies = [("obligations", "0003_call_backs"), ("people", "0005_approvals")]
    operations = [migrations.RunSQL(WAIVE, "DROP FUNCTION obligations_waive")]
