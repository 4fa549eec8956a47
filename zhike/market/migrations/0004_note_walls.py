from django.db import migrations

from zhike.obligations.ledger import LEDGER
from zhike.trail.walls import APP, SEES, WORKER, WRITES, wall, watch

LENT = "(SELECT zhike_lent())::bigint[]"
ME = "(SELECT zhike_actor())"
WHOLE = "(SELECT zhike_roles()) && '{marketing}'::text[]"
OVERSEEN = f"by_id = ANY ({SEES}) AND by_id <> ALL ({LENT})"

# At which departments' desks somebody sits today, and what was passed to them.
ROUTED = """
CREATE FUNCTION market_desks(staff bigint) RETURNS bigint[] LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT p.unit_id), '{}') FROM people_post p
    WHERE p.staff_id = staff AND p.role IN ('leader', 'marketing') AND p.from_day <= people_day(zhike_now())
      AND (p.to_day IS NULL OR people_day(zhike_now()) < p.to_day)
$$;
CREATE FUNCTION market_routed_briefs(staff bigint) RETURNS bigint[] LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT r.brief_id), '{}') FROM market_routing r
    WHERE r.brief_id IS NOT NULL AND (r.to_id = staff OR r.unit_id = ANY (market_desks(staff)))
$$;
CREATE FUNCTION market_routed_notes(staff bigint) RETURNS bigint[] LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT note), '{}') FROM (
        SELECT r.note_id AS note FROM market_routing r
        WHERE r.note_id IS NOT NULL AND (r.to_id = staff OR r.unit_id = ANY (market_desks(staff)))
        UNION ALL SELECT w.note_id FROM market_worked w WHERE w.brief_id = ANY (market_routed_briefs(staff))) n
$$;
"""
NAMES = ("market_desks", "market_routed_briefs", "market_routed_notes")
RIGHTS = "".join(
    f"REVOKE EXECUTE ON FUNCTION {name}(bigint) FROM PUBLIC; GRANT EXECUTE ON FUNCTION {name}(bigint) TO {APP}, {WORKER};"
    for name in NAMES
)

# Whoever passes something on makes another owe an answer, and whoever answers tells the sender: that and nothing else.
TELL = f"""
CREATE FUNCTION market_tell(doc jsonb) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    many bigint;
BEGIN
    IF jsonb_array_length(doc -> 'settlements') > 0 OR jsonb_array_length(doc -> 'facts') <> 1 OR NOT EXISTS (
        SELECT FROM jsonb_to_recordset(doc -> 'facts') AS f (kind text, by_id bigint, staff_id bigint, customer_id bigint, subject text)
        JOIN market_routing r ON 'routing:' || r.id = split_part(f.subject, '/', 1)
        WHERE f.by_id = zhike_actor() AND f.customer_id IS NULL AND CASE f.kind
            WHEN 'note_routed' THEN r.by_id = f.by_id AND r.to_id = f.staff_id
            WHEN 'note_answer_came' THEN r.answered_by_id = f.by_id AND r.by_id = f.staff_id ELSE false END)
    OR EXISTS (SELECT FROM jsonb_to_recordset(doc -> 'dues') AS o (kind text, owner_id bigint, customer_id bigint)
        WHERE o.kind NOT IN ('note_answer', 'answer_back') OR o.customer_id IS NOT NULL
           OR o.owner_id <> (doc -> 'facts' -> 0 ->> 'staff_id')::bigint) THEN
        RAISE insufficient_privilege USING MESSAGE = 'market_tell tells of notes that were passed on, and of their answers';
    END IF;
    WITH doc AS (SELECT market_tell.doc AS d), {LEDGER} SELECT count(*) INTO many FROM owed;
    RETURN many;
END $$;
REVOKE EXECUTE ON FUNCTION market_tell(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION market_tell(jsonb) TO {APP}, {WORKER};
"""


class Migration(migrations.Migration):
    dependencies = [("market", "0003_notes"), ("market", "0002_prospect_walls")]
    operations = [
        migrations.RunSQL(ROUTED + RIGHTS, "DROP FUNCTION market_routed_notes, market_routed_briefs, market_desks"),
        wall(
            "market_note",
            sees=f"{OVERSEEN} OR {WHOLE} OR id = ANY ((SELECT market_routed_notes({ME}))::bigint[])",
            writes=f"by_id = {ME}",
        ),
        wall(
            "market_brief",
            sees=f"{OVERSEEN} OR {WHOLE} OR id = ANY ((SELECT market_routed_briefs({ME}))::bigint[])",
            writes=f"by_id = {ME}",
        ),
        wall(
            "market_worked",
            sees="(SELECT true FROM market_brief b WHERE b.id = brief_id)",
            writes=f"(SELECT true FROM market_brief b WHERE b.id = brief_id AND b.by_id = {ME})"
            " AND (SELECT true FROM market_note n WHERE n.id = note_id)",
        ),
        wall(
            "market_routing",
            sees=f"{OVERSEEN} OR to_id = ANY ({SEES}) AND to_id <> ALL ({LENT})"
            f" OR unit_id = ANY ((SELECT market_desks({ME}))::bigint[])",
            writes=f"by_id = {ME} AND answer = '' OR to_id = ANY ({WRITES}) AND answered_by_id = {ME}",
        ),
        # An answer is given to what has none yet, by whoever may write for the one who owes it.
        migrations.RunSQL(
            f"DROP POLICY change ON market_routing; CREATE POLICY change ON market_routing FOR UPDATE TO {APP}"
            f" USING (to_id = ANY ({WRITES}) AND answer = '') WITH CHECK (to_id = ANY ({WRITES}) AND answered_by_id = {ME});"
            f" REVOKE UPDATE ON market_routing FROM {APP};"
            f" GRANT UPDATE (answer, answer_words, answered_by_id, answered_at) ON market_routing TO {APP};",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(TELL, "DROP FUNCTION market_tell"),
        watch("market_note", quiet=("grams",)),
        watch("market_brief"),
        watch("market_worked"),
        watch("market_routing"),
    ]
