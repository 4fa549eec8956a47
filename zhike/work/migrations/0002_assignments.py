import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from zhike.trail.walls import APP, OWNER, SEES, WORKER, WRITES, watch

LENT = "(SELECT zhike_lent())::bigint[]"
ME = "(SELECT zhike_actor())"
# Whoever was given it, whoever gave it, and whose posts let them see the one who was given it; standing in is for customers alone.
SEEN = f"staff_id = {ME} OR by_id = {ME} OR staff_id = ANY ({SEES}) AND staff_id <> ALL ({LENT})"
LED = f"(SELECT zhike_roles()) && '{{leader}}'::text[] AND staff_id = ANY ({WRITES}) AND staff_id <> ALL ({LENT}) AND staff_id <> {ME}"
CHANGED = "due, every, state, handed_in_at, hand_ins, sent_back, closed_at, rating, version"
ASSIGNMENTS = f"""
ALTER TABLE work_assignment ENABLE ROW LEVEL SECURITY;
ALTER TABLE work_assignment FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON work_assignment TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON work_assignment FOR SELECT TO {APP} USING ({SEEN});
CREATE POLICY add ON work_assignment FOR INSERT TO {APP} WITH CHECK (by_id = {ME} AND {LED});
CREATE POLICY change ON work_assignment FOR UPDATE TO {APP} USING (staff_id = {ME} OR by_id = {ME} OR {LED});
GRANT SELECT, INSERT, UPDATE ({CHANGED}) ON work_assignment TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON work_assignment TO {WORKER};
GRANT USAGE ON SEQUENCE work_assignment_id_seq TO {APP}, {WORKER};
"""
# What was said is said in one's own name, and stays.
ENTRIES = f"""
ALTER TABLE work_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE work_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON work_entry TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON work_entry FOR SELECT TO {APP} USING ((SELECT true FROM work_assignment a WHERE a.id = assignment_id));
CREATE POLICY add ON work_entry FOR INSERT TO {APP}
    WITH CHECK (by_id = {ME} AND (SELECT true FROM work_assignment a WHERE a.id = assignment_id));
GRANT SELECT, INSERT ON work_entry TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON work_entry TO {WORKER};
GRANT USAGE ON SEQUENCE work_entry_id_seq TO {APP}, {WORKER};
"""
# Whoever hands something in, or asks, makes their leader owe a look at it, whose rows they do not see otherwise: of this kind, about
# an assignment of their own. CASE, so that the subject of nothing else is taken for a number.
ABOUT = "(SELECT {what} FROM work_assignment a WHERE a.id = split_part(split_part(subject, ':', 2), '/', 1)::bigint)"
LOOKS = f"""
CREATE POLICY laid_before ON obligations_fact FOR INSERT TO {APP}
    WITH CHECK (CASE WHEN kind = 'assignment_laid_before' THEN by_id = {ME} AND staff_id = {ABOUT.format(what="a.by_id")} ELSE false END);
CREATE POLICY look_over ON obligations_obligation FOR INSERT TO {APP}
    WITH CHECK (CASE WHEN kind = 'look_over' THEN owner_id = {ABOUT.format(what="a.by_id")} ELSE false END);
CREATE POLICY look_over_seen ON obligations_obligation FOR SELECT TO {APP}
    USING (CASE WHEN kind = 'look_over' THEN {ABOUT.format(what="true")} ELSE false END);
CREATE POLICY looked_over ON obligations_obligation FOR UPDATE TO {APP}
    USING (CASE WHEN kind = 'look_over' THEN {ABOUT.format(what="true")} ELSE false END);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("obligations", "0010_promises"),
        ("people", "0014_marketing_decides"),
        ("work", "0001_outings"),
    ]

    operations = [
        migrations.CreateModel(
            name="Assignment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("together", models.UUIDField(db_index=True, default=uuid.uuid4)),
                ("what", models.TextField()),
                ("counts_as_done", models.TextField(help_text="what counts as done")),
                ("due", models.DateTimeField()),
                (
                    "every",
                    models.TextField(
                        blank=True, choices=[("", "once"), ("week", "every week"), ("month", "every month")], default=""
                    ),
                ),
                (
                    "on_day",
                    models.SmallIntegerField(
                        help_text="of what comes again: on which day of the month, or of the week from Monday, 0",
                        null=True,
                    ),
                ),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("given", "not yet taken on"),
                            ("asked", "asked back"),
                            ("taken_on", "taken on"),
                            ("handed_in", "handed in"),
                            ("sent_back", "sent back"),
                            ("done", "accepted"),
                            ("called_off", "called off"),
                        ],
                        default="given",
                    ),
                ),
                ("given_at", models.DateTimeField()),
                ("handed_in_at", models.DateTimeField(null=True)),
                ("hand_ins", models.SmallIntegerField(default=0)),
                ("sent_back", models.SmallIntegerField(default=0)),
                ("closed_at", models.DateTimeField(null=True)),
                ("rating", models.SmallIntegerField(null=True)),
                ("version", models.IntegerField(default=1)),
                (
                    "by",
                    models.ForeignKey(
                        help_text="the leader",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "follows",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="followed_by",
                        to="work.assignment",
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "work_assignment",
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("question", "asked back"),
                            ("answer", "answered"),
                            ("report", "reported"),
                            ("hand_in", "handed in"),
                            ("sent_back", "sent back"),
                            ("accepted", "accepted"),
                            ("called_off", "called off"),
                        ]
                    ),
                ),
                ("at", models.DateTimeField()),
                ("words", models.TextField(blank=True, default="")),
                ("due", models.DateTimeField(help_text="the new date", null=True)),
                (
                    "documents",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        default=list,
                        help_text="ids of documents that go with it",
                        size=None,
                    ),
                ),
                (
                    "assignment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="entries", to="work.assignment"
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "work_entry",
            },
        ),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(fields=["staff", "due"], name="work_assignment_of"),
        ),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(fields=["by", "due"], name="work_assignment_by"),
        ),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(
                condition=models.Q(("every", ""), _negated=True), fields=["due"], name="work_assignment_recurs"
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("rating", None),
                    models.Q(("rating__gte", 1), ("rating__lte", 5), ("state", "done")),
                    _connector="OR",
                ),
                name="work_assignment_rated",
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(("closed_at", None), ("state__in", ["done", "called_off"]), _connector="XOR"),
                name="work_assignment_closed",
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("handed_in_at__isnull", False),
                    models.Q(("state__in", ["handed_in", "done"]), _negated=True),
                    _connector="OR",
                ),
                name="work_assignment_handed_in",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["assignment", "at"], name="work_entry_of"),
        ),
        migrations.RunSQL(ASSIGNMENTS, migrations.RunSQL.noop),
        migrations.RunSQL(ENTRIES, migrations.RunSQL.noop),
        migrations.RunSQL(LOOKS, migrations.RunSQL.noop),
        watch("work_assignment"),
        watch("work_entry"),
    ]
