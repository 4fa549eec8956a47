from django.db import migrations

from zhike.trail.walls import APP, SEES, WORKER, WRITES, wall, watch

# In which units somebody serves customers today: their pools are open to claims. Whoever stands in for a colleague claims for nobody.
POOLS = f"""
CREATE FUNCTION market_pools(staff bigint) RETURNS bigint[] LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT p.unit_id), '{{}}') FROM people_post p
    WHERE p.staff_id = staff AND p.role IN ('rm', 'leader') AND p.from_day <= people_day(zhike_now())
      AND (p.to_day IS NULL OR people_day(zhike_now()) < p.to_day)
$$;
REVOKE EXECUTE ON FUNCTION market_pools(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION market_pools(bigint) TO {APP}, {WORKER};
"""
MINE = "(SELECT market_pools((SELECT zhike_actor())))::bigint[]"
POOL = f"rm_id IS NULL AND unit_id = ANY ({MINE})"
# Whoever sees the customer sees where the customer came from, whoever keeps them by now.
CUSTOMER_SEEN = "(SELECT true FROM customers_customer c WHERE c.id = customer_id)"
OF = "(SELECT true FROM market_prospect p WHERE p.id = prospect_id)"
OF_MINE = (
    f"(SELECT true FROM market_prospect p WHERE p.id = prospect_id"
    f" AND (p.keeper = ANY ({WRITES}) OR p.rm_id IS NULL AND p.unit_id = ANY ({MINE})))"
)

# Whether somebody is known already, of whoever in the bank: what cannot be seen is told to exist and nothing more.
KNOWN = f"""
CREATE FUNCTION market_known(mobiles bytea[], named text, works_at text, unit bigint, but bigint, staff bigint)
RETURNS TABLE (what text, by_mobile boolean, id bigint, name text, seen boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT found.* FROM (
        SELECT 'customer', coalesce(c.mobile_index = ANY (mobiles), false) AS by_mobile, c.id, c.name, c.keeper = ANY (zhike_sees())
        FROM customers_customer c
        WHERE c.mobile_index = ANY (mobiles) OR named <> '' AND c.name = named AND (
            works_at <> '' AND c.profile -> 'employer' ->> 'v' = works_at
            OR (works_at = '' OR NOT c.profile ? 'employer') AND c.unit_id = unit)
        UNION ALL
        SELECT 'prospect', coalesce(p.mobile_index = ANY (mobiles), false), p.id, p.name,
            p.keeper = ANY (zhike_sees()) OR p.rm_id IS NULL AND p.unit_id = ANY (market_pools(staff))
        FROM market_prospect p
        WHERE p.id <> but AND p.customer_id IS NULL AND (p.mobile_index = ANY (mobiles) OR named <> '' AND p.name = named AND (
            works_at <> '' AND p.employer = works_at OR (works_at = '' OR p.employer = '') AND p.unit_id = unit))
    ) AS found (what, by_mobile, id, name, seen)
    ORDER BY by_mobile DESC, what, id LIMIT 20
$$;
REVOKE EXECUTE ON FUNCTION market_known(bytea[], text, text, bigint, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION market_known(bytea[], text, text, bigint, bigint, bigint) TO {APP}, {WORKER};
"""


class Migration(migrations.Migration):
    dependencies = [("market", "0001_prospects"), ("obligations", "0009_lent_reminders"), ("trail", "0004_on_behalf")]
    operations = [
        migrations.RunSQL(POOLS, "DROP FUNCTION market_pools"),
        wall(
            "market_prospect",
            sees=f"keeper = ANY ({SEES}) OR {POOL} OR {CUSTOMER_SEEN}",
            writes=f"keeper = ANY ({WRITES}) OR {POOL}",
        ),
        wall("market_event", sees=OF, writes=OF_MINE),
        migrations.RunSQL(KNOWN, "DROP FUNCTION market_known"),
        watch("market_prospect", quiet=("mobile", "email", "contact_name", "mobile_index")),
        watch("market_event"),
    ]
