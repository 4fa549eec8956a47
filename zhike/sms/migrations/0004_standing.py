from django.db import migrations

from zhike.trail.walls import APP

# As conduct/suitability.py has it, word by word; a test holds both against one table.
UNSUITED = r"""
CREATE OR REPLACE FUNCTION sms_day(written text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN trim(written) ~ '^[0-9]{8}$' THEN trim(written)
        ELSE (SELECT m[1] || lpad(m[2], 2, '0') || lpad(m[3], 2, '0')
            FROM regexp_match(trim(written), '^([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?([ T].*)?$') m) END
$$;
CREATE OR REPLACE FUNCTION sms_unsuited(risk text, grade text, until text, graded_on text, day date) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN risk = 'none' THEN ''
        WHEN coalesce(known.grade, '') !~ '^([1-5])\1*$' THEN 'unassessed'
        WHEN NOT coalesce(known.today <= known.until,
            known.today < (left(known.made, 4)::int + 1)::text || substr(known.made, 5), false) THEN 'unassessed'
        WHEN right(risk, 1)::int > left(known.grade, 1)::int THEN 'too_risky'
        ELSE '' END
    FROM (SELECT regexp_replace(translate(grade, '一二三四五１２３４５ⅠⅡⅢⅣⅤ', '123451234512345'), '[^0-9]', '', 'g') AS grade,
        sms_day(until) AS until, sms_day(graded_on) AS made, to_char(day, 'YYYYMMDD') AS today) known
$$;
"""

# How the customers of an audience stand, before anything is sent to them. The first that holds says it; whoever died stands nowhere. What
# waits to be sent counts against the bank's limits as well: it is about to be.
AUDIENCE = """
CREATE OR REPLACE FUNCTION sms_audience(unit bigint, tiers text[], kinds text[], risk text, day date, midnight timestamptz, week timestamptz,
    leaves_today boolean, a_day int, a_week int)
RETURNS TABLE (customer_id bigint, rm_id bigint, tier text, stands text) LANGUAGE sql STABLE AS $$
    SELECT c.id, c.rm_id, c.tier, CASE
        WHEN c.closed_on IS NOT NULL OR c.do_not_disturb OR c.complaint_open THEN 'stopped'
        WHEN c.mobile_index IS NULL THEN 'no_mobile'
        WHEN yes.given IS NOT TRUE THEN 'no_consent'
        WHEN EXISTS (SELECT FROM sms_opt_out o WHERE o.number_index = c.mobile_index AND o.at > yes.at) THEN 'opted_out'
        WHEN suits.why <> '' THEN suits.why
        WHEN sent.today >= a_day OR sent.week >= a_week THEN 'capped'
        ELSE 'open' END
    FROM people_unit top
    JOIN people_unit u ON starts_with(u.path, top.path)
    JOIN customers_customer c ON c.unit_id = u.id AND c.rm_id IS NOT NULL AND c.deceased_on IS NULL
        AND c.tier = ANY (tiers) AND c.kind = ANY (kinds)
    LEFT JOIN LATERAL (SELECT s.given, s.at FROM customers_consent s
        WHERE s.customer_id = c.id AND s.purpose = 'marketing' AND s.channel IN ('sms', 'any')
        ORDER BY s.at DESC, s.id DESC LIMIT 1) yes ON true
    CROSS JOIN LATERAL (SELECT sms_unsuited(risk, c.profile -> 'risk_grade' ->> 'v', c.profile -> 'risk_grade_until' ->> 'v',
        c.profile -> 'risk_graded_on' ->> 'v', day) AS why) suits
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE m.waits OR leaves_today AND m.sent_at >= midnight) AS today, count(*) AS week
        FROM sms_message m WHERE m.customer_id = c.id AND m.kind = 'marketing' AND (m.waits OR m.sent_at >= sms_audience.week)) sent
    WHERE top.id = sms_audience.unit
$$;

-- Marketing sees no customer, but how many of an audience stand how, and how many RMs it would be owed by.
CREATE OR REPLACE FUNCTION sms_audience_whole(unit bigint, tiers text[], kinds text[], risk text, day date, midnight timestamptz, week timestamptz,
    leaves_today boolean, a_day int, a_week int)
RETURNS TABLE (stands text, customers bigint, managers bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.stands, count(*), count(DISTINCT s.rm_id)
    FROM sms_audience(unit, tiers, kinds, risk, day, midnight, week, leaves_today, a_day, a_week) s
    WHERE zhike_roles() && '{marketing,compliance}'::text[] GROUP BY 1
$$;
"""

# How the customers of a campaign's audience stand to it.
STANDING = """
CREATE OR REPLACE FUNCTION sms_campaign_standing(campaign bigint, day date, midnight timestamptz, week timestamptz, leaves_today boolean,
    a_day int, a_week int)
RETURNS TABLE (customer_id bigint, rm_id bigint, tier text, stands text) LANGUAGE sql STABLE AS $$
    SELECT a.customer_id, a.rm_id, a.tier, CASE
        WHEN EXISTS (SELECT FROM sms_message m
            WHERE m.customer_id = a.customer_id AND m.occasion = 'campaign:' || k.key AND m.occasion <> '' AND m.live) THEN 'forwarded'
        WHEN EXISTS (SELECT FROM sms_left_out l WHERE l.customer_id = a.customer_id AND l.occasion = 'campaign:' || k.key) THEN 'left_out'
        ELSE a.stands END
    FROM sms_campaign k
    CROSS JOIN LATERAL sms_audience(k.unit_id, k.tiers, k.kinds, k.risk, day, midnight, week, leaves_today, a_day, a_week) a
    WHERE k.id = campaign
$$;
"""

# RM by RM: how the book stands, and what became of what was owed. Of those whom the actor sees.
BOARD = """
CREATE OR REPLACE FUNCTION sms_campaign_board(campaign bigint, day date, midnight timestamptz, week timestamptz, leaves_today boolean,
    a_day int, a_week int)
RETURNS TABLE (staff_id bigint, counts jsonb, owed text, due timestamptz, done_at timestamptz) LANGUAGE sql STABLE AS $$
    WITH standing AS (
        SELECT s.rm_id, jsonb_object_agg(s.stands, s.n) AS counts FROM (
            SELECT s.rm_id, s.stands, count(*) AS n
            FROM sms_campaign_standing(campaign, day, midnight, week, leaves_today, a_day, a_week) s GROUP BY 1, 2) s GROUP BY 1
    ), duty AS (
        SELECT o.owner_id, o.state, o.due, o.settled_at
        FROM sms_campaign k CROSS JOIN people_staff p
        JOIN obligations_obligation o ON o.subject = 'campaign:' || k.key || '/staff:' || p.id AND o.kind = 'forward'
            AND o.state <> 'withdrawn'
        WHERE k.id = campaign
    )
    SELECT coalesce(s.rm_id, d.owner_id), coalesce(s.counts, '{}'), coalesce(d.state, ''), d.due,
        CASE WHEN d.state = 'done' THEN d.settled_at END
    FROM standing s FULL JOIN duty d ON d.owner_id = s.rm_id
$$;

-- Marketing sees no customer, but how many of each RM's stand how.
CREATE OR REPLACE FUNCTION sms_campaign_board_whole(campaign bigint, day date, midnight timestamptz, week timestamptz, leaves_today boolean,
    a_day int, a_week int)
RETURNS TABLE (staff_id bigint, counts jsonb, owed text, due timestamptz, done_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT * FROM sms_campaign_board(campaign, day, midnight, week, leaves_today, a_day, a_week)
    WHERE zhike_roles() && '{marketing,compliance}'::text[]
$$;
"""
ARGUMENTS = "bigint, date, timestamptz, timestamptz, boolean, int, int"
OF_AUDIENCE = "bigint, text[], text[], text, date, timestamptz, timestamptz, boolean, int, int"
EXECUTE = f"""
REVOKE EXECUTE ON FUNCTION sms_audience_whole({OF_AUDIENCE}) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sms_audience_whole({OF_AUDIENCE}) TO {APP};
REVOKE EXECUTE ON FUNCTION sms_campaign_board_whole({ARGUMENTS}) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sms_campaign_board_whole({ARGUMENTS}) TO {APP};
"""


class Migration(migrations.Migration):
    dependencies = [("sms", "0003_texts"), ("people", "0005_approvals"), ("obligations", "0002_walls")]
    operations = [
        migrations.RunSQL(UNSUITED, "DROP FUNCTION sms_unsuited, sms_day"),
        migrations.RunSQL(AUDIENCE, "DROP FUNCTION sms_audience_whole, sms_audience"),
        migrations.RunSQL(STANDING, "DROP FUNCTION sms_campaign_standing"),
        migrations.RunSQL(BOARD + EXECUTE, "DROP FUNCTION sms_campaign_board_whole, sms_campaign_board"),
    ]
