from django.db import migrations

from zhike.trail.walls import APP, WORKER

# The books over many people: counts, and nobody's name. Whoever watches over the bank reads all of it, a leader the team's, everybody
# their own; what no person may be told of (a scraper of figures) is the day's sums. ``slot``: how late, in steps of notices/books.py.
BOOKS = f"""
CREATE FUNCTION notices_slot(late interval) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN late <= interval '1 second' THEN 0 WHEN late <= interval '5 seconds' THEN 1
                WHEN late <= interval '1 minute' THEN 2 WHEN late <= interval '5 minutes' THEN 3
                WHEN late <= interval '30 minutes' THEN 4 ELSE 5 END
$$;

CREATE FUNCTION notices_lines(of_staff bigint[], begins timestamptz, ends timestamptz, zone text)
RETURNS TABLE (day date, channel text, outcome text, reason text, slot int, number bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT (d.at AT TIME ZONE zone)::date, d.channel, d.outcome, d.reason,
           CASE WHEN d.outcome = 'delivered' THEN notices_slot(d.done_at - d.at) END, count(*)
    FROM notices_delivery d JOIN obligations_reminder r ON r.id = d.reminder_id
    WHERE d.at >= begins AND d.at < ends AND (of_staff IS NULL OR r.staff_id = ANY (of_staff))
    GROUP BY 1, 2, 3, 4, 5
$$;
REVOKE EXECUTE ON FUNCTION notices_lines(bigint[], timestamptz, timestamptz, text) FROM PUBLIC;

CREATE FUNCTION notices_rung(of_staff bigint[], begins timestamptz, ends timestamptz, zone text)
RETURNS TABLE (day date, number bigint) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT (r.at AT TIME ZONE zone)::date, count(*) FROM obligations_reminder r
    WHERE r.at >= begins AND r.at < ends AND (of_staff IS NULL OR r.staff_id = ANY (of_staff))
    GROUP BY 1
$$;
REVOKE EXECUTE ON FUNCTION notices_rung(bigint[], timestamptz, timestamptz, text) FROM PUBLIC;

CREATE FUNCTION notices_unrung(of_staff bigint[], moment timestamptz)
RETURNS TABLE (waiting bigint, unlooked bigint, aside bigint, reasons text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*) FILTER (WHERE a.aside = '' AND a.step <> '' AND a.rings_at <= moment),
           count(*) FILTER (WHERE a.aside = '' AND a.step = '' AND a.rings_at <= moment),
           count(*) FILTER (WHERE a.aside <> ''), (array_agg(DISTINCT a.aside) FILTER (WHERE a.aside <> ''))[1:5]
    FROM obligations_alarm a JOIN obligations_obligation o ON o.id = a.obligation_id
    WHERE (a.aside <> '' OR a.rings_at <= moment) AND (of_staff IS NULL OR o.owner_id = ANY (of_staff))
$$;
REVOKE EXECUTE ON FUNCTION notices_unrung(bigint[], timestamptz) FROM PUBLIC;

-- Whose books somebody may read: their own (whole false), or as far as their roles reach.
CREATE FUNCTION notices_whose(whole boolean) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT whole THEN ARRAY[zhike_actor()]
                WHEN coalesce(nullif(current_setting('zhike.roles', true), '')::text[], '{{}}') && '{{administrator,compliance,auditor}}'
                THEN NULL ELSE zhike_sees() END
$$;

CREATE FUNCTION notices_books(whole boolean, begins timestamptz, ends timestamptz, zone text)
RETURNS TABLE (day date, channel text, outcome text, reason text, slot int, number bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT * FROM notices_lines(notices_whose(whole), begins, ends, zone) WHERE zhike_actor() IS NOT NULL
$$;
CREATE FUNCTION notices_days(whole boolean, begins timestamptz, ends timestamptz, zone text)
RETURNS TABLE (day date, number bigint) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT * FROM notices_rung(notices_whose(whole), begins, ends, zone) WHERE zhike_actor() IS NOT NULL
$$;
CREATE FUNCTION notices_left(whole boolean, moment timestamptz)
RETURNS TABLE (waiting bigint, unlooked bigint, aside bigint, reasons text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT * FROM notices_unrung(notices_whose(whole), moment) WHERE zhike_actor() IS NOT NULL
$$;
-- For figures that a machine fetches (/metrics): the whole bank's sums, nobody acting.
CREATE FUNCTION notices_sums(begins timestamptz, ends timestamptz, zone text, moment timestamptz)
RETURNS TABLE (channel text, outcome text, slot int, number bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT l.channel, l.outcome, l.slot, sum(l.number)::bigint FROM notices_lines(NULL, begins, ends, zone) l GROUP BY 1, 2, 3
    UNION ALL SELECT '', 'unrung', NULL, u.waiting + u.unlooked FROM notices_unrung(NULL, moment) u
    UNION ALL SELECT '', 'aside', NULL, u.aside FROM notices_unrung(NULL, moment) u
$$;
REVOKE EXECUTE ON FUNCTION notices_books(boolean, timestamptz, timestamptz, text), notices_days(boolean, timestamptz, timestamptz, text),
    notices_left(boolean, timestamptz), notices_sums(timestamptz, timestamptz, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION notices_sums(timestamptz, timestamptz, text, timestamptz) TO {APP};
GRANT EXECUTE ON FUNCTION notices_lines(bigint[], timestamptz, timestamptz, text), notices_rung(bigint[], timestamptz, timestamptz, text),
    notices_unrung(bigint[], timestamptz) TO {WORKER};
GRANT EXECUTE ON FUNCTION notices_books(boolean, timestamptz, timestamptz, text), notices_days(boolean, timestamptz, timestamptz, text),
    notices_left(boolean, timestamptz) TO {APP};
"""

BACK = """
DROP FUNCTION notices_sums, notices_left, notices_days, notices_books, notices_whose, notices_unrung, notices_rung, notices_lines, notices_slot;
"""


class Migration(migrations.Migration):
    dependencies = [("notices", "0002_walls"), ("people", "0004_begin")]
    operations = [migrations.RunSQL(BOOKS, BACK)]
