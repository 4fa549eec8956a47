from django.db import migrations

from zhike.trail.walls import APP, OWNER, SEES, WORKER, WRITES, open_to, wall, watch

# As contacts have it (contacts/0002_walls): one look by key, never a scan.
HIS = "(SELECT true FROM customers_customer c WHERE c.id = customer_id)"
HIS_TO_CHANGE = f"(SELECT true FROM customers_customer c WHERE c.id = customer_id AND c.keeper = ANY ({WRITES}))"
ADMINISTRATES = "'administrator' = ANY ((SELECT zhike_roles())::text[])"
ITS = "(SELECT true FROM sms_message m WHERE m.id = message_id)"

# That a message has a customer: asked once a statement on either side. A foreign key asks it of each row, and marks each customer's own
# row for it: a third of what a greeting to everybody cost (docs/decisions/messages-speed.md). Whoever adds messages holds the lock
# beside others who do; whoever deletes customers waits for them, and they for whoever deletes; each looks when it has the lock.
CUSTOMERS = """
CREATE FUNCTION sms_has_customer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared('sms_message'::regclass::oid::bigint);
    IF EXISTS (SELECT FROM became m WHERE NOT EXISTS (SELECT FROM customers_customer c WHERE c.id = m.customer_id)) THEN
        RAISE foreign_key_violation USING MESSAGE = 'A message is to a customer who is not there.', CONSTRAINT = 'sms_message_customer';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER customer AFTER INSERT ON sms_message REFERENCING NEW TABLE AS became
    FOR EACH STATEMENT EXECUTE FUNCTION sms_has_customer();

CREATE FUNCTION sms_keeps_customer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('sms_message'::regclass::oid::bigint);
    IF EXISTS (SELECT FROM gone c JOIN sms_message m ON m.customer_id = c.id) THEN
        RAISE foreign_key_violation USING MESSAGE = 'A customer has messages and stays.', CONSTRAINT = 'sms_message_customer';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sms_message AFTER DELETE ON customers_customer REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION sms_keeps_customer();
REVOKE EXECUTE ON FUNCTION sms_has_customer(), sms_keeps_customer() FROM PUBLIC;
"""

PUSHED = f"""
ALTER TABLE sms_pushed ENABLE ROW LEVEL SECURITY;
ALTER TABLE sms_pushed FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON sms_pushed TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY bring ON sms_pushed FOR INSERT TO {APP} WITH CHECK (NOT aside);
CREATE POLICY look ON sms_pushed FOR SELECT TO {APP} USING ({ADMINISTRATES});
CREATE POLICY decide ON sms_pushed FOR UPDATE TO {APP} USING (aside AND {ADMINISTRATES}) WITH CHECK ({ADMINISTRATES});
GRANT SELECT, INSERT ON sms_pushed TO {APP};
GRANT UPDATE (aside, why, tries, dismissed_by_id, dismissed_at, reason) ON sms_pushed TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON sms_pushed TO {WORKER};
GRANT USAGE ON SEQUENCE sms_pushed_id_seq TO {APP}, {WORKER};
"""

# The units in which these people serve, or served and have customers still, and all above them: what is said to a unit is said to its
# whole tree.
UNITS_ABOVE = f"""
CREATE FUNCTION sms_units_above(keepers bigint[]) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(DISTINCT above.id::bigint), '{{}}')
    FROM people_post p JOIN people_unit u ON u.id = p.unit_id
    CROSS JOIN LATERAL unnest(string_to_array(trim('/' FROM u.path), '/')) above (id)
    WHERE p.staff_id = ANY (keepers) AND p.from_day <= people_day(zhike_now())
        AND (p.to_day IS NULL OR p.to_day > people_day(zhike_now())
            OR EXISTS (SELECT FROM customers_customer c WHERE c.rm_id = p.staff_id AND c.unit_id = p.unit_id))
$$;
GRANT EXECUTE ON FUNCTION sms_units_above(bigint[]) TO {APP}, {WORKER};
"""
BANK_WIDE = "(SELECT zhike_roles()) && '{marketing,compliance}'::text[]"


class Migration(migrations.Migration):
    dependencies = [("sms", "0001_initial"), ("customers", "0002_walls"), ("trail", "0004_on_behalf")]
    operations = [
        wall("sms_message", sees=HIS, writes=HIS_TO_CHANGE, deletes=True),
        # Where it stands is what the row and its segments are; what somebody wrote and had sent is kept.
        watch("sms_message", quiet=("sealed",), many=True, changed=("staff_id", "by_id", "attempt", "obligation_id")),
        # Room in each page for what a row becomes: from one state to the next it stays in its page, and no index is touched.
        migrations.RunSQL(
            "ALTER TABLE sms_message SET (fillfactor = 70); ALTER TABLE sms_segment SET (fillfactor = 70);",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            CUSTOMERS,
            "DROP TRIGGER sms_message ON customers_customer; DROP FUNCTION sms_keeps_customer, sms_has_customer CASCADE",
        ),
        # The journal: written by the sender alone.
        wall("sms_segment", sees=ITS, writes="false"),
        wall("sms_reply", sees=HIS, writes=HIS_TO_CHANGE),
        watch(
            "sms_reply", quiet=("sealed", "sender", "sender_index"), changed=("customer_id", "stops", "decided_by_id")
        ),
        # A number's no counts for everybody, whoever may see whose number it is; no row says that.
        wall("sms_opt_out", sees="true", writes="by_id = (SELECT zhike_actor())"),
        watch("sms_opt_out", quiet=("number", "number_index"), changed=("evidence", "at", "by_id")),
        wall("sms_left_out", sees=HIS, writes=HIS_TO_CHANGE, deletes=True),
        watch("sms_left_out"),
        # A campaign is read by whoever serves in its scope or leads there; two of marketing and compliance let it run.
        migrations.RunSQL(UNITS_ABOVE, "DROP FUNCTION sms_units_above CASCADE"),
        wall(
            "sms_campaign",
            sees=f"{BANK_WIDE} OR -unit_id = ANY ({SEES}) OR unit_id = ANY ((SELECT sms_units_above({SEES}))::bigint[])",
            writes=BANK_WIDE,
        ),
        watch("sms_campaign"),
        wall("sms_forwarding", sees=f"staff_id = ANY ({SEES})", writes=f"staff_id = ANY ({WRITES})"),
        watch("sms_forwarding"),
        open_to("sms_greeting"),
        watch("sms_greeting"),
        open_to("sms_connection", app="SELECT"),
        open_to("sms_receipt", app="SELECT"),
        open_to("sms_reply_part", app="SELECT"),
        # Whoever serves the door puts down what was brought, and reads none of it; administrators look at what nobody understood.
        migrations.RunSQL(PUSHED, migrations.RunSQL.noop),
        open_to("sms_typed", app="SELECT, INSERT"),
        open_to("sms_template"),
        watch("sms_template"),
        open_to("sms_wording"),
        watch("sms_wording"),
    ]
