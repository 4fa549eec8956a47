import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from zhike.trail.walls import APP, OWNER, SEES, WORKER, WRITES, watch

COVERS = "(SELECT zhike_covers())::bigint[]"
LENT = "(SELECT zhike_lent())::bigint[]"

# Whoever is away, whoever is asked to stand in, whoever asked, and whose posts let them see the one who is away.
PARTY = "staff_id = (SELECT zhike_actor()) OR stand_in_id = (SELECT zhike_actor())"
LEADS = f"""
    (SELECT zhike_roles()) && '{{leader}}'::text[] AND staff_id = ANY ({WRITES}) AND staff_id <> ALL ({LENT})
"""
# It is asked in one's own name; days and person stay as they were asked for, and nobody accepts but the stand-in.
WALL = f"""
ALTER TABLE people_leave ENABLE ROW LEVEL SECURITY;
ALTER TABLE people_leave FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON people_leave TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON people_leave FOR SELECT TO {APP}
    USING ({PARTY} OR asked_by_id = (SELECT zhike_actor()) OR staff_id = ANY ({SEES}) AND staff_id <> ALL ({LENT}));
CREATE POLICY add ON people_leave FOR INSERT TO {APP}
    WITH CHECK (asked_by_id = (SELECT zhike_actor()) AND answer = 'asked' AND (staff_id = (SELECT zhike_actor()) OR {LEADS}));
CREATE POLICY change ON people_leave FOR UPDATE TO {APP}
    USING (({PARTY} OR {LEADS}) AND ended_at IS NULL AND answer <> 'cancelled')
    WITH CHECK (CASE WHEN answer IN ('accepted', 'declined') AND ended_at IS NULL
        THEN stand_in_id = (SELECT zhike_actor()) AND answered_by_id = stand_in_id
        ELSE (staff_id = (SELECT zhike_actor()) OR {LEADS}) AND (ended_at IS NULL OR ended_by_id = (SELECT zhike_actor())) END);
GRANT SELECT, INSERT, UPDATE (stand_in_id, answer, answered_by_id, answered_at, why, ended_by_id, ended_at) ON people_leave TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON people_leave TO {WORKER};
GRANT USAGE ON SEQUENCE people_leave_id_seq TO {APP}, {WORKER};
"""

# Nobody is away twice at once. Only those who may see a leave find it, but a stand-in must be told that it collides.
ONCE = """
ALTER TABLE people_leave ADD CONSTRAINT people_leave_once EXCLUDE USING gist (
    int8range(staff_id, staff_id, '[]') WITH &&, daterange(from_day, to_day) WITH &&)
    WHERE (answer = 'accepted' AND ended_at IS NULL);
"""

# Whoever asks, or answers, sees a part of the leaves only; whether these days are free is told all the same.
TAKEN = f"""
CREATE FUNCTION people_leaves_between(whose bigint[], first date, back date)
RETURNS TABLE (id bigint, staff_id bigint, staff text, stand_in_id bigint, from_day date, to_day date, answer text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT l.id, l.staff_id, s.name, l.stand_in_id, l.from_day, l.to_day, l.answer
    FROM people_leave l JOIN people_staff s ON s.id = l.staff_id
    WHERE (l.staff_id = ANY (whose) OR l.stand_in_id = ANY (whose)) AND l.from_day < back AND first < l.to_day
      AND l.ended_at IS NULL AND l.answer IN ('asked', 'accepted')
    ORDER BY l.from_day, l.id
$$;
REVOKE EXECUTE ON FUNCTION people_leaves_between(bigint[], date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_leaves_between(bigint[], date, date) TO {APP}, {WORKER};
"""

# As 0004 has it, with whom one covers: looked up at each request, so that it begins and ends with the bank's day. Of a colleague
# on leave the customers whose keeper they are, and nothing that they see through their own posts or by standing in themselves.
ENTER = """
CREATE OR REPLACE FUNCTION people_leave() RETURNS void LANGUAGE sql AS $$
    SELECT set_config(name, '', true) FROM unnest(ARRAY['zhike.actor', 'zhike.now', 'zhike.sees', 'zhike.writes',
        'zhike.audits', 'zhike.roles', 'zhike.on_behalf', 'zhike.covers', 'zhike.lent']) name
$$;

ALTER TYPE people_begun ADD ATTRIBUTE covers bigint[], ADD ATTRIBUTE lent bigint[];

CREATE FUNCTION people_covers(staff bigint, day date) RETURNS bigint[] LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT DISTINCT l.staff_id FROM people_leave l
        WHERE l.stand_in_id = staff AND l.answer = 'accepted' AND l.ended_at IS NULL AND l.from_day <= day AND day < l.to_day
        ORDER BY l.staff_id);
END $$;
REVOKE EXECUTE ON FUNCTION people_covers(bigint, date) FROM PUBLIC;

CREATE OR REPLACE FUNCTION people_enter(staff bigint, moment timestamptz, day date, demanded text[]) RETURNS people_begun
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    begun people_begun;
    wide boolean;
BEGIN
    SELECT s.id, s.number, s.name, s.title, s.language, s.theme, s.single_keys, s.must_change_password, held.roles,
           settings.version,
           held.roles && CASE WHEN settings.asked IS NULL THEN demanded
                              ELSE ARRAY(SELECT jsonb_array_elements_text(settings.asked)) END
           AND NOT EXISTS (SELECT FROM mfa_authenticator a WHERE a.user_id = s.id AND a.type = 'totp'),
           held.wide
    INTO begun.id, begun.number, begun.name, begun.title, begun.language, begun.theme, begun.single_keys,
         begun.must_change_password, begun.roles, begun.settings, begun.second_factor, wide
    FROM people_staff s
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(DISTINCT p.role), '{}') AS roles, coalesce(bool_or(p.scope <> 'own'), false) AS wide
        FROM people_post p
        WHERE p.staff_id = s.id AND p.from_day <= day AND (p.to_day IS NULL OR day < p.to_day)) held
    CROSS JOIN (SELECT coalesce((extract(epoch FROM max(t.at)) * 1000000)::bigint + max(t.id), 0) AS version,
            (array_agg(t.value ORDER BY t.from_day DESC)
                FILTER (WHERE t.name = 'second_factor_roles' AND t.from_day <= day))[1] AS asked
        FROM people_setting t) settings
    WHERE s.id = staff AND s.is_active;
    IF NOT FOUND THEN
        PERFORM people_leave();
        RETURN begun;
    END IF;
    IF NOT wide THEN
        -- Whose posts reach no further than themselves sees and changes what is their own: no tree to walk.
        begun.sees := ARRAY[begun.id];
        begun.writes := begun.sees;
    ELSE
        begun.sees := people_keepers(begun.id, '{rm,leader,compliance,risk,auditor}', day);
        begun.writes := CASE WHEN begun.roles && '{compliance,risk,auditor}'
                             THEN people_keepers(begun.id, '{rm,leader}', day) ELSE begun.sees END;
    END IF;
    begun.covers := CASE WHEN begun.roles && '{rm,leader}' THEN people_covers(begun.id, day) ELSE '{}' END;
    begun.lent := '{}';
    IF begun.covers <> '{}' THEN
        begun.lent := ARRAY(SELECT c FROM unnest(begun.covers) c WHERE c <> ALL (begun.writes));
        begun.sees := begun.sees || ARRAY(SELECT c FROM unnest(begun.lent) c WHERE c <> ALL (begun.sees));
        begun.writes := begun.writes || begun.lent;
    END IF;
    PERFORM set_config('zhike.actor', begun.id::text, true), set_config('zhike.now', moment::text, true),
            set_config('zhike.sees', begun.sees::text, true), set_config('zhike.writes', begun.writes::text, true),
            set_config('zhike.audits', CASE WHEN begun.roles && '{auditor,compliance}' THEN 'on' ELSE 'off' END, true),
            set_config('zhike.roles', begun.roles::text, true), set_config('zhike.covers', begun.covers::text, true),
            set_config('zhike.lent', begun.lent::text, true);
    RETURN begun;
END $$;

DROP FUNCTION people_act;
CREATE FUNCTION people_act(staff bigint, moment timestamptz, OUT id bigint, OUT name text, OUT roles text[],
                           OUT sees bigint[], OUT writes bigint[], OUT covers bigint[], OUT lent bigint[])
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.id, e.name, e.roles, e.sees, e.writes, e.covers, e.lent
    FROM people_enter(staff, moment, people_day(moment), '{}') e
$$;
"""
GRANTS = f"""
REVOKE EXECUTE ON FUNCTION people_act(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_act(bigint, timestamptz) TO {APP}, {WORKER};
"""

# A request is decided neither by whom the asker stands in for, nor by who stands in for the asker.
SHOWN = f"""
    asked_by_id = (SELECT zhike_actor()) OR decided_by_id = (SELECT zhike_actor()) OR -unit_id = ANY ({SEES})
    OR unit_id IS NULL AND (SELECT zhike_roles()) && '{{administrator,compliance,auditor}}'::text[]
"""
APPROVALS = f"""
DROP POLICY change ON people_approval;
CREATE POLICY change ON people_approval FOR UPDATE TO {APP}
    USING (decision = 'open' AND ({SHOWN}) AND (asked_by_id = (SELECT zhike_actor())
        OR asked_by_id <> ALL ({COVERS}) AND coalesce(on_behalf_id <> ALL ({COVERS}), true)))
    WITH CHECK (decided_by_id = (SELECT zhike_actor()));
"""


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0011_hours"),
        ("trail", "0004_on_behalf"),
    ]

    operations = [
        migrations.CreateModel(
            name="Leave",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_day", models.DateField()),
                ("to_day", models.DateField()),
                ("note", models.TextField(blank=True, default="", help_text="what the stand-in should know")),
                ("asked_at", models.DateTimeField()),
                (
                    "answer",
                    models.TextField(
                        choices=[
                            ("asked", "asked"),
                            ("accepted", "accepted"),
                            ("declined", "declined"),
                            ("cancelled", "cancelled"),
                        ],
                        default="asked",
                    ),
                ),
                ("answered_at", models.DateTimeField(null=True)),
                ("why", models.TextField(blank=True, default="", help_text="why it was declined or cancelled")),
                ("ended_at", models.DateTimeField(help_text="back before the first day back", null=True)),
            ],
            options={
                "db_table": "people_leave",
            },
        ),
        migrations.AddField(
            model_name="approval",
            name="on_behalf",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decision__in", ["approved", "refused"]), _negated=True),
                    ("on_behalf", None),
                    models.Q(("decided_by", models.F("on_behalf")), _negated=True),
                    _connector="OR",
                ),
                name="people_approval_not_for_oneself",
            ),
        ),
        migrations.AddField(
            model_name="leave",
            name="answered_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="leave",
            name="asked_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="leave",
            name="ended_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="leave",
            name="staff",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="leaves", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="leave",
            name="stand_in",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="leave",
            index=models.Index(
                condition=models.Q(("answer", "accepted"), ("ended_at__isnull", True)),
                fields=["stand_in", "to_day"],
                name="people_leave_covers",
            ),
        ),
        migrations.AddIndex(
            model_name="leave",
            index=models.Index(fields=["staff", "to_day"], name="people_leave_of"),
        ),
        migrations.AddConstraint(
            model_name="leave",
            constraint=models.CheckConstraint(
                condition=models.Q(("to_day__gt", models.F("from_day"))), name="people_leave_days"
            ),
        ),
        migrations.AddConstraint(
            model_name="leave",
            constraint=models.CheckConstraint(
                condition=models.Q(("stand_in", models.F("staff")), _negated=True), name="people_leave_other"
            ),
        ),
        migrations.AddConstraint(
            model_name="leave",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answer", "accepted"), _negated=True),
                    ("answered_by", models.F("stand_in")),
                    _connector="OR",
                ),
                name="people_leave_accepted_by",
            ),
        ),
        migrations.AddConstraint(
            model_name="leave",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answer", "asked"), ("answered_at", None), ("answered_by", None)),
                    models.Q(
                        models.Q(("answer", "asked"), _negated=True),
                        ("answered_at__isnull", False),
                        ("answered_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="people_leave_answered",
            ),
        ),
        migrations.AddConstraint(
            model_name="leave",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at", None), ("ended_by", None)),
                    models.Q(("answer", "accepted"), ("ended_at__isnull", False), ("ended_by__isnull", False)),
                    _connector="OR",
                ),
                name="people_leave_ended",
            ),
        ),
        migrations.RunSQL(WALL, migrations.RunSQL.noop),
        migrations.RunSQL(ONCE, "ALTER TABLE people_leave DROP CONSTRAINT people_leave_once"),
        migrations.RunSQL(TAKEN, "DROP FUNCTION people_leaves_between"),
        watch("people_leave"),
        migrations.RunSQL(ENTER + GRANTS, migrations.RunSQL.noop),
        migrations.RunSQL(APPROVALS, migrations.RunSQL.noop),
    ]
