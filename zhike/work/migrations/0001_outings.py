import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from zhike.trail.walls import APP, OWNER, SEES, WORKER, WRITES, wall, watch

LENT = "(SELECT zhike_lent())::bigint[]"
ACTOR = "(SELECT zhike_actor())"
# One's own, and of whom one's posts let one see: whom one stands in for lends customers, not where they are.
SEEN = f"(staff_id = {ACTOR} OR staff_id = ANY ({SEES}) AND staff_id <> ALL ({LENT}))"
LED = f"""((SELECT zhike_roles()) && '{{leader}}'::text[] AND staff_id = ANY ({WRITES}) AND staff_id <> ALL ({LENT}))"""
# Whoever was asked for help sees what from, whatever their posts let them see.
ASKED = f"id = ANY (ARRAY(SELECT h.outing_id FROM work_help h WHERE h.leader_id = {ACTOR}))"
ITS = "(SELECT true FROM work_outing o WHERE o.id = outing_id)"
ITS_MINE = f"(SELECT true FROM work_outing o WHERE o.id = outing_id AND o.staff_id = {ACTOR})"

# Told in one's own name; who leads answers, and signs back in whoever cannot.
OUTING = f"""
ALTER TABLE work_outing ENABLE ROW LEVEL SECURITY;
ALTER TABLE work_outing FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON work_outing TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON work_outing FOR SELECT TO {APP} USING ({SEEN} OR {ASKED});
CREATE POLICY add ON work_outing FOR INSERT TO {APP} WITH CHECK (staff_id = {ACTOR});
CREATE POLICY change ON work_outing FOR UPDATE TO {APP}
    USING (staff_id = {ACTOR} OR {LED} OR {ASKED}) WITH CHECK (staff_id = {ACTOR} OR {LED} OR {ASKED});
GRANT SELECT, INSERT, UPDATE ON work_outing TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON work_outing TO {WORKER};
GRANT USAGE ON SEQUENCE work_outing_id_seq TO {APP}, {WORKER};
"""

# Asked in one's own name, answered by the leader who was asked or who leads both.
HELP = f"""
ALTER TABLE work_help ENABLE ROW LEVEL SECURITY;
ALTER TABLE work_help FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON work_help TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON work_help FOR SELECT TO {APP} USING ({SEEN} OR leader_id = {ACTOR});
CREATE POLICY add ON work_help FOR INSERT TO {APP} WITH CHECK (staff_id = {ACTOR} AND answered_at IS NULL);
CREATE POLICY change ON work_help FOR UPDATE TO {APP}
    USING (answered_at IS NULL AND (leader_id = {ACTOR} OR {LED})) WITH CHECK (answered_by_id = {ACTOR});
GRANT SELECT, INSERT, UPDATE (answer, answered_by_id, answered_at) ON work_help TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON work_help TO {WORKER};
GRANT USAGE ON SEQUENCE work_help_id_seq TO {APP}, {WORKER};
-- From one's own outing. A policy would ask the outing's, which asks for whoever was asked.
ALTER TABLE work_outing ADD CONSTRAINT work_outing_whose UNIQUE (id, staff_id);
ALTER TABLE work_help ADD CONSTRAINT work_help_from_ones_own FOREIGN KEY (outing_id, staff_id) REFERENCES work_outing (id, staff_id);
"""

# Who is asked: the nearest leader who is there, behind them those on leave, as people/leaders.py has it. Whoever is led does not see who
# of the leaders is away, so it is asked here, and of oneself alone.
LEADER = f"""
CREATE FUNCTION work_leader(day date) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE up AS (
        SELECT p.unit_id, 0 AS far FROM people_post p
        WHERE p.staff_id = zhike_actor() AND p.role IN ('rm', 'leader') AND p.from_day <= day AND (p.to_day IS NULL OR p.to_day > day)
        UNION SELECT u.parent_id, up.far + 1 FROM up JOIN people_unit u ON u.id = up.unit_id WHERE u.parent_id IS NOT NULL
    )
    SELECT p.staff_id FROM up JOIN people_post p ON p.unit_id = up.unit_id JOIN people_staff s ON s.id = p.staff_id
    CROSS JOIN LATERAL (SELECT EXISTS (
        SELECT FROM people_leave l WHERE l.staff_id = p.staff_id AND l.answer = 'accepted' AND l.ended_at IS NULL
          AND l.from_day <= day AND day < l.to_day) AS away) away
    WHERE p.role = 'leader' AND s.is_active AND p.staff_id <> zhike_actor()
      AND p.from_day <= day AND (p.to_day IS NULL OR p.to_day > day)
    ORDER BY away.away, up.far, p.id LIMIT 1
$$;
REVOKE EXECUTE ON FUNCTION work_leader(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION work_leader(date) TO {APP}, {WORKER};
"""

# What a leader owes whoever is led may not write. For a request that was just asked, in one's own name, of somebody who leads where one
# serves, the ledger is told what the engine made of it: this one fact and this one obligation.
ASK = f"""
CREATE FUNCTION work_ask_for_help(help bigint, doc jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    asked work_help;
    told bigint;
BEGIN
    SELECT h.* INTO asked FROM work_help h WHERE h.id = help AND h.staff_id = zhike_actor() AND h.answered_at IS NULL;
    IF NOT FOUND OR NOT EXISTS (
        SELECT FROM people_post leads JOIN people_unit above ON above.id = leads.unit_id
        JOIN people_post serves ON serves.staff_id = asked.staff_id JOIN people_unit u ON u.id = serves.unit_id
        WHERE leads.staff_id = asked.leader_id AND leads.role = 'leader' AND starts_with(u.path, above.path)
          AND leads.from_day <= people_day(asked.asked_at) AND (leads.to_day IS NULL OR leads.to_day > people_day(asked.asked_at))
          AND serves.from_day <= people_day(asked.asked_at) AND (serves.to_day IS NULL OR serves.to_day > people_day(asked.asked_at)))
    THEN
        RAISE insufficient_privilege USING MESSAGE = 'Help is asked in one''s own name, of who leads where one serves.';
    END IF;
    INSERT INTO obligations_fact (kind, at, known_at, grade, by_id, staff_id, subject, data, void)
    VALUES ('help_asked', asked.asked_at, asked.asked_at, 'tapped', asked.staff_id, asked.leader_id, 'help:' || help,
            doc -> 'facts' -> 0 -> 'data', false)
    RETURNING id INTO told;
    INSERT INTO obligations_obligation (fact_id, clause, clause_from, kind, force, origin, owner_id, subject, tier, what, why, detail,
        opens, due, due_counts, target, lapses, channels, state, evidence, created_at, key)
    SELECT told, d.clause, d.clause_from, 'help', d.force, d.origin, asked.leader_id, 'help:' || help, '', d.what, d.why, d.detail,
        d.opens, d.due, d.due_counts, d.target, d.lapses, d.channels, 'open', '{{}}', d.created_at, d.key
    FROM jsonb_to_recordset(doc -> 'dues') AS d (clause text, clause_from date, kind text, force text, origin text, what jsonb, why jsonb,
        detail jsonb, opens timestamptz, due timestamptz, due_counts boolean, target timestamptz, lapses boolean, channels text[],
        created_at timestamptz, key text)
    WHERE d.kind = 'help'
    ON CONFLICT (key) WHERE state <> 'withdrawn' DO NOTHING;
END $$;
REVOKE EXECUTE ON FUNCTION work_ask_for_help(bigint, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION work_ask_for_help(bigint, jsonb) TO {APP}, {WORKER};
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("customers", "0005_feeds"),
        ("obligations", "0009_lent_reminders"),
        ("people", "0014_marketing_decides"),
        ("trail", "0004_on_behalf"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Outing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("reported", "reported, not yet left"),
                            ("out", "out"),
                            ("back", "back, to be reported on"),
                            ("closed", "back and reported on"),
                            ("cancelled", "called off"),
                        ],
                        default="reported",
                    ),
                ),
                ("reported_at", models.DateTimeField()),
                (
                    "departs_at",
                    models.DateTimeField(help_text="as it was reported; earlier where somebody left earlier"),
                ),
                ("returns_at", models.DateTimeField(help_text="the return that was said last")),
                ("note", models.TextField(blank=True, default="")),
                ("left_at", models.DateTimeField(help_text="none while nobody said so", null=True)),
                ("extended_at", models.DateTimeField(help_text="when another return was said", null=True)),
                ("back_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(help_text="back, and each stop reported on", null=True)),
                ("answer", models.TextField(blank=True, default="")),
                ("not_today", models.BooleanField(default=False)),
                ("answered_at", models.DateTimeField(null=True)),
                ("cancelled_at", models.DateTimeField(null=True)),
                ("why", models.TextField(blank=True, default="", help_text="why it was called off")),
                ("version", models.IntegerField(default=1)),
                (
                    "answered_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "back_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="outings", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "work_outing",
            },
        ),
        migrations.CreateModel(
            name="Help",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("words", models.TextField()),
                ("asked_at", models.DateTimeField()),
                ("due", models.DateTimeField()),
                ("answer", models.TextField(blank=True, default="")),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "answered_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "leader",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "outing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="helps", to="work.outing"
                    ),
                ),
            ],
            options={
                "db_table": "work_help",
            },
        ),
        migrations.CreateModel(
            name="Stop",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField()),
                ("place", models.TextField(blank=True, default="")),
                ("purpose", models.TextField()),
                ("planned_for", models.DateTimeField(null=True)),
                ("visit", models.TextField(blank=True, default="")),
                ("reached_at", models.DateTimeField(help_text="checked in by a tap", null=True)),
                (
                    "result",
                    models.TextField(
                        blank=True,
                        choices=[
                            ("done", "done"),
                            ("partly", "done in part"),
                            ("not_met", "nobody met"),
                            ("put_off", "put off"),
                        ],
                        default="",
                    ),
                ),
                ("words", models.TextField(blank=True, default="")),
                ("told_at", models.DateTimeField(help_text="when it was first reported on", null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.customer",
                    ),
                ),
                (
                    "outing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="stops", to="work.outing"
                    ),
                ),
            ],
            options={
                "db_table": "work_stop",
            },
        ),
        migrations.AddIndex(
            model_name="outing",
            index=models.Index(fields=["staff", "-departs_at"], name="work_outing_of"),
        ),
        migrations.AddIndex(
            model_name="outing",
            index=models.Index(
                condition=models.Q(("state__in", ["reported", "out"])), fields=["returns_at"], name="work_outing_abroad"
            ),
        ),
        migrations.AddConstraint(
            model_name="outing",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "out")), fields=("staff",), name="work_outing_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="outing",
            constraint=models.CheckConstraint(
                condition=models.Q(("returns_at__gt", models.F("departs_at"))), name="work_outing_returns_later"
            ),
        ),
        migrations.AddConstraint(
            model_name="outing",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["back", "closed"]), _negated=True),
                    ("back_at__isnull", False),
                    _connector="OR",
                ),
                name="work_outing_back_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="outing",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "cancelled"), _negated=True), ("cancelled_at__isnull", False), _connector="OR"
                ),
                name="work_outing_cancelled_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="outing",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answered_at", None), ("answered_by", None)),
                    models.Q(("answered_at__isnull", False), ("answered_by__isnull", False)),
                    _connector="OR",
                ),
                name="work_outing_answered_by",
            ),
        ),
        migrations.AddConstraint(
            model_name="help",
            constraint=models.CheckConstraint(
                condition=models.Q(("leader", models.F("staff")), _negated=True), name="work_help_of_another"
            ),
        ),
        migrations.AddConstraint(
            model_name="help",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answer", ""), ("answered_at", None), ("answered_by", None)),
                    models.Q(
                        models.Q(("answer", ""), _negated=True),
                        ("answered_at__isnull", False),
                        ("answered_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="work_help_answered",
            ),
        ),
        migrations.AddIndex(
            model_name="stop",
            index=models.Index(
                condition=models.Q(("visit", ""), _negated=True), fields=["visit"], name="work_stop_visit"
            ),
        ),
        migrations.AddConstraint(
            model_name="stop",
            constraint=models.UniqueConstraint(fields=("outing", "number"), name="work_stop_number"),
        ),
        migrations.AddConstraint(
            model_name="stop",
            constraint=models.CheckConstraint(
                condition=models.Q(("customer", None), ("place", ""), _negated=True), name="work_stop_somewhere"
            ),
        ),
        migrations.AddConstraint(
            model_name="stop",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("result", ""), ("told_at", None)),
                    models.Q(models.Q(("result", ""), _negated=True), ("told_at__isnull", False)),
                    _connector="OR",
                ),
                name="work_stop_told",
            ),
        ),
        migrations.RunSQL(OUTING, migrations.RunSQL.noop),
        wall("work_stop", sees=ITS, writes=ITS_MINE),
        migrations.RunSQL(HELP, migrations.RunSQL.noop),
        migrations.RunSQL(LEADER, "DROP FUNCTION work_leader"),
        migrations.RunSQL(ASK, "DROP FUNCTION work_ask_for_help"),
        watch("work_outing"),
        watch("work_stop"),
        watch("work_help"),
    ]
