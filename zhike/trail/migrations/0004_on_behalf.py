from django.db import migrations

from zhike.trail.walls import APP

# For whom something was done is not left to whoever writes it: where the customer, or what is owed, is a colleague's whom the
# actor covers today, it was done for that colleague.
FORWARD = f"""
-- What a stand-in did for somebody is theirs to see.
CREATE INDEX trail_entry_behalf ON trail_entry (on_behalf_id, at DESC) WHERE on_behalf_id IS NOT NULL;
DROP POLICY see ON trail_entry;
CREATE POLICY see ON trail_entry FOR SELECT TO {APP}
    USING (actor_id = (SELECT zhike_actor()) OR on_behalf_id = (SELECT zhike_actor())
           OR object = 'people_staff' AND row_id = (SELECT zhike_actor())
           OR (SELECT current_setting('zhike.audits', true)) = 'on');
"""
FUNCTIONS = """
CREATE FUNCTION zhike_covers() RETURNS bigint[] LANGUAGE sql STABLE AS
    $$ SELECT coalesce(nullif(current_setting('zhike.covers', true), '')::bigint[], '{}') $$;
-- Of those the ones whom the actor's own posts do not reach: their customers are lent, their own affairs are not.
CREATE FUNCTION zhike_lent() RETURNS bigint[] LANGUAGE sql STABLE AS
    $$ SELECT coalesce(nullif(current_setting('zhike.lent', true), '')::bigint[], '{}') $$;

CREATE FUNCTION trail_behalf(of_customer bigint, otherwise bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    behalf bigint := nullif(current_setting('zhike.on_behalf', true), '')::bigint;
    covers bigint[] := zhike_covers();
BEGIN
    IF behalf IS NOT NULL OR covers = '{}' THEN
        RETURN behalf;
    END IF;
    IF otherwise = ANY (covers) THEN
        RETURN otherwise;
    END IF;
    RETURN (SELECT c.keeper FROM customers_customer c WHERE c.id = of_customer AND c.keeper = ANY (covers));
END $$;
REVOKE EXECUTE ON FUNCTION trail_behalf(bigint, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION trail_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    line jsonb;
    changed jsonb := '{}';
    customer bigint;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW IS NOT DISTINCT FROM OLD THEN RETURN NULL; END IF;
        -- A change of keys writes the same values in other letters: the act is kept, not each row. Only whoever could take
        -- this trigger away may say so, and a row in which anything else differs is kept all the same.
        IF session_user = 'zhike_owner' AND current_setting('zhike.resealing', true) = 'on'
           AND to_jsonb(NEW) - '{profile,theirs,sealed,mobile_index,tail_index,other_tail_index,id_index}'::text[]
             = to_jsonb(OLD) - '{profile,theirs,sealed,mobile_index,tail_index,other_tail_index,id_index}'::text[] THEN
            RETURN NULL;
        END IF;
        line := to_jsonb(NEW);
        changed := trail_diff(to_jsonb(OLD), line, TG_ARGV);
    ELSIF TG_OP = 'DELETE' THEN
        line := to_jsonb(OLD);
        changed := line - coalesce(TG_ARGV::text[], '{}');
    ELSE
        line := to_jsonb(NEW);
    END IF;
    IF NOT line ? 'id' THEN
        -- A row without a number (a workday is its day) is told by what stands in it.
        changed := (line - coalesce(TG_ARGV::text[], '{}')) || changed;
    END IF;
    customer := CASE WHEN TG_TABLE_NAME = 'customers_customer' THEN line ->> 'id' ELSE line ->> 'customer_id' END;
    INSERT INTO trail_entry (at, actor_id, on_behalf_id, action, object, row_id, customer_id, changes, request)
    VALUES (zhike_now(), zhike_actor(), trail_behalf(customer, (line ->> 'owner_id')::bigint), lower(TG_OP),
            TG_TABLE_NAME, (line ->> 'id')::bigint, customer, changed, coalesce(current_setting('zhike.request', true), ''));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION trail_added() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    moment timestamptz := zhike_now();
    actor bigint := zhike_actor();
    behalf bigint := trail_behalf(NULL, NULL);
    by_row boolean := behalf IS NULL AND zhike_covers() <> '{}';
    asked text := coalesce(current_setting('zhike.request', true), '');
BEGIN
    IF TG_TABLE_NAME = 'customers_customer' THEN
        INSERT INTO trail_entry (at, actor_id, on_behalf_id, action, object, row_id, customer_id, request)
        SELECT moment, actor, CASE WHEN by_row THEN trail_behalf(id, NULL) ELSE behalf END, 'insert', TG_TABLE_NAME, id, id, asked FROM became;
    ELSE
        INSERT INTO trail_entry (at, actor_id, on_behalf_id, action, object, row_id, customer_id, request)
        SELECT moment, actor, CASE WHEN by_row THEN trail_behalf(customer_id, NULL) ELSE behalf END, 'insert', TG_TABLE_NAME, id, customer_id, asked FROM became;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION trail_note(moment timestamptz, action text, object text, row_id bigint, customer_id bigint, detail jsonb)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO trail_entry (at, actor_id, on_behalf_id, action, object, row_id, customer_id, changes, request)
    VALUES (moment, zhike_actor(), trail_behalf(customer_id, NULL), action, object, row_id,
            customer_id, detail, coalesce(current_setting('zhike.request', true), ''))
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("trail", "0003_about_me")]
    operations = [migrations.RunSQL(FORWARD + FUNCTIONS, migrations.RunSQL.noop)]
