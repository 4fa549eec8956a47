from django.db import migrations

from zhike.trail.walls import APP, WORKER

FORWARD = f"""
CREATE TABLE trail_entry (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    actor_id bigint,
    on_behalf_id bigint,
    action text NOT NULL,
    object text NOT NULL,
    row_id bigint,
    customer_id bigint,
    changes jsonb NOT NULL DEFAULT '{{}}',
    request text NOT NULL DEFAULT '',
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
-- Serves: what did this person do, who looked at this customer.
CREATE INDEX trail_entry_actor ON trail_entry (actor_id, at DESC);
CREATE INDEX trail_entry_customer ON trail_entry (customer_id, at DESC) WHERE customer_id IS NOT NULL;
-- A row that no month was made for is kept all the same.
CREATE TABLE trail_entry_other PARTITION OF trail_entry DEFAULT;

CREATE FUNCTION trail_month(day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', day)::date;
    name text := 'trail_entry_' || to_char(first, 'YYYYMM');
BEGIN
    IF to_regclass(name) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF trail_entry FOR VALUES FROM (%L) TO (%L)',
                       name, first || ' 00:00+00', (first + interval '1 month')::date || ' 00:00+00');
        -- Rows inherit the refusal of the whole, emptying a part of it does not.
        EXECUTE format('CREATE TRIGGER whole BEFORE TRUNCATE ON %I EXECUTE FUNCTION trail_refuse()', name);
    END IF;
EXCEPTION WHEN check_violation THEN
    -- Rows of that month came before the month was made, into the partition that takes the rest: it goes on taking them.
    NULL;
END $$;

CREATE FUNCTION zhike_actor() RETURNS bigint LANGUAGE sql STABLE AS
    $$ SELECT nullif(current_setting('zhike.actor', true), '')::bigint $$;
CREATE FUNCTION zhike_now() RETURNS timestamptz LANGUAGE sql STABLE AS
    $$ SELECT coalesce(nullif(current_setting('zhike.now', true), '')::timestamptz, now()) $$;
-- Without an actor nothing is seen: an empty array matches no row.
CREATE FUNCTION zhike_sees() RETURNS bigint[] LANGUAGE sql STABLE AS
    $$ SELECT coalesce(nullif(current_setting('zhike.sees', true), '')::bigint[], '{{}}') $$;
CREATE FUNCTION zhike_writes() RETURNS bigint[] LANGUAGE sql STABLE AS
    $$ SELECT coalesce(nullif(current_setting('zhike.writes', true), '')::bigint[], '{{}}') $$;

-- What differs, as column: [before, after]; a JSON object is compared key by key.
CREATE FUNCTION trail_diff(was jsonb, became jsonb, quiet text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, CASE
        WHEN key = ANY (quiet) THEN 'null'::jsonb
        WHEN jsonb_typeof(o.value) = 'object' AND jsonb_typeof(n.value) = 'object' THEN (
            SELECT jsonb_object_agg(k, jsonb_build_array(a.value, b.value))
            FROM jsonb_each(o.value) a (k, value) FULL JOIN jsonb_each(n.value) b (k, value) USING (k)
            WHERE a.value IS DISTINCT FROM b.value)
        ELSE jsonb_build_array(o.value, n.value) END), '{{}}')
    FROM jsonb_each(was) o (key, value) JOIN jsonb_each(became) n (key, value) USING (key)
    WHERE o.value IS DISTINCT FROM n.value
$$;

CREATE FUNCTION trail_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    line jsonb;
    changed jsonb := '{{}}';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW IS NOT DISTINCT FROM OLD THEN RETURN NULL; END IF;
        -- A change of keys writes the same values in other letters: the act is kept, not each row. Only whoever could take
        -- this trigger away may say so, and a row in which anything else differs is kept all the same.
        IF session_user = 'zhike_owner' AND current_setting('zhike.resealing', true) = 'on'
           AND to_jsonb(NEW) - '{{profile,theirs,sealed,mobile_index,tail_index,other_tail_index,id_index}}'::text[]
             = to_jsonb(OLD) - '{{profile,theirs,sealed,mobile_index,tail_index,other_tail_index,id_index}}'::text[] THEN
            RETURN NULL;
        END IF;
        line := to_jsonb(NEW);
        changed := trail_diff(to_jsonb(OLD), line, TG_ARGV);
    ELSIF TG_OP = 'DELETE' THEN
        line := to_jsonb(OLD);
        changed := line - coalesce(TG_ARGV::text[], '{{}}');
    ELSE
        line := to_jsonb(NEW);
    END IF;
    IF NOT line ? 'id' THEN
        -- A row without a number (a workday is its day) is told by what stands in it.
        changed := (line - coalesce(TG_ARGV::text[], '{{}}')) || changed;
    END IF;
    INSERT INTO trail_entry (at, actor_id, on_behalf_id, action, object, row_id, customer_id, changes, request)
    VALUES (zhike_now(), zhike_actor(), nullif(current_setting('zhike.on_behalf', true), '')::bigint, lower(TG_OP),
            TG_TABLE_NAME, (line ->> 'id')::bigint,
            CASE WHEN TG_TABLE_NAME = 'customers_customer' THEN (line ->> 'id')::bigint ELSE (line ->> 'customer_id')::bigint END,
            changed, coalesce(current_setting('zhike.request', true), ''));
    RETURN NULL;
END $$;

-- Rows that are added by the thousand: those of a statement are kept together.
CREATE FUNCTION trail_added() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    moment timestamptz := zhike_now();
    actor bigint := zhike_actor();
    behalf bigint := nullif(current_setting('zhike.on_behalf', true), '')::bigint;
    asked text := coalesce(current_setting('zhike.request', true), '');
BEGIN
    IF TG_TABLE_NAME = 'customers_customer' THEN
        INSERT INTO trail_entry (at, actor_id, on_behalf_id, action, object, row_id, customer_id, request)
        SELECT moment, actor, behalf, 'insert', TG_TABLE_NAME, id, id, asked FROM became;
    ELSE
        INSERT INTO trail_entry (at, actor_id, on_behalf_id, action, object, row_id, customer_id, request)
        SELECT moment, actor, behalf, 'insert', TG_TABLE_NAME, id, customer_id, asked FROM became;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION trail_note(moment timestamptz, action text, object text, row_id bigint, customer_id bigint, detail jsonb)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO trail_entry (at, actor_id, on_behalf_id, action, object, row_id, customer_id, changes, request)
    VALUES (moment, zhike_actor(), nullif(current_setting('zhike.on_behalf', true), '')::bigint, action, object, row_id,
            customer_id, detail, coalesce(current_setting('zhike.request', true), ''))
$$;

-- Nobody changes what is kept, the owner included.
CREATE FUNCTION trail_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'The trail is only added to; % is refused.', TG_OP; END $$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON trail_entry FOR EACH ROW EXECUTE FUNCTION trail_refuse();
CREATE TRIGGER whole BEFORE TRUNCATE ON trail_entry FOR EACH STATEMENT EXECUTE FUNCTION trail_refuse();
CREATE TRIGGER whole BEFORE TRUNCATE ON trail_entry_other FOR EACH STATEMENT EXECUTE FUNCTION trail_refuse();

-- Each sees what is kept about them; auditors and compliance see all (zhike.audits is set by people_act).
ALTER TABLE trail_entry ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON trail_entry FOR SELECT TO {APP}
    USING (actor_id = (SELECT zhike_actor()) OR (SELECT current_setting('zhike.audits', true)) = 'on');
CREATE POLICY see_worker ON trail_entry FOR SELECT TO {WORKER} USING (true);
GRANT SELECT ON trail_entry TO {APP}, {WORKER};
REVOKE EXECUTE ON FUNCTION trail_month(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION trail_month(date) TO {WORKER};
SELECT trail_month((current_date + make_interval(months => m))::date) FROM generate_series(-1, 12) m;
"""

BACKWARD = """
DROP TABLE trail_entry;
DROP FUNCTION trail_month, trail_write, trail_added, trail_note, trail_refuse, trail_diff, zhike_actor, zhike_now, zhike_sees, zhike_writes;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
