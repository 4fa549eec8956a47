import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from zhike.trail.walls import APP, OWNER, SEES, WORKER, WRITES, watch

LENT = "(SELECT zhike_lent())::bigint[]"
ME = "(SELECT zhike_actor())"
LED = f"(SELECT zhike_roles()) && '{{leader}}'::text[] AND staff_id = ANY ({WRITES}) AND staff_id <> ALL ({LENT}) AND staff_id <> {ME}"
# One's own, and of those whom one's posts let one see: whoever stands in has their own day, and no other's plan. Of a plan nothing
# changes but how often it was changed; a leader's word is such a change.
PLANS = f"""
ALTER TABLE work_plan ENABLE ROW LEVEL SECURITY;
ALTER TABLE work_plan FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON work_plan TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON work_plan FOR SELECT TO {APP} USING (staff_id = {ME} OR staff_id = ANY ({SEES}) AND staff_id <> ALL ({LENT}));
CREATE POLICY add ON work_plan FOR INSERT TO {APP} WITH CHECK (staff_id = {ME});
CREATE POLICY change ON work_plan FOR UPDATE TO {APP} USING (staff_id = {ME} OR {LED});
GRANT SELECT, INSERT, UPDATE (version) ON work_plan TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON work_plan TO {WORKER};
GRANT USAGE ON SEQUENCE work_plan_id_seq TO {APP}, {WORKER};
"""
# What was planned stays: its place alone changes.
ITS = "(SELECT true FROM work_plan p WHERE p.id = plan_id)"
OWN = f"(SELECT true FROM work_plan p WHERE p.id = plan_id AND p.staff_id = {ME})"
LINES = f"""
ALTER TABLE work_plan_line ENABLE ROW LEVEL SECURITY;
ALTER TABLE work_plan_line FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON work_plan_line TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON work_plan_line FOR SELECT TO {APP} USING ({ITS});
CREATE POLICY add ON work_plan_line FOR INSERT TO {APP} WITH CHECK ({OWN});
CREATE POLICY change ON work_plan_line FOR UPDATE TO {APP} USING ({OWN});
GRANT SELECT, INSERT, UPDATE (place) ON work_plan_line TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON work_plan_line TO {WORKER};
GRANT USAGE ON SEQUENCE work_plan_line_id_seq TO {APP}, {WORKER};
"""
# Said in one's own name by who leads whoever made the plan, or by themselves, and it stays.
COMMENTS = f"""
ALTER TABLE work_plan_comment ENABLE ROW LEVEL SECURITY;
ALTER TABLE work_plan_comment FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON work_plan_comment TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON work_plan_comment FOR SELECT TO {APP} USING ({ITS});
CREATE POLICY add ON work_plan_comment FOR INSERT TO {APP}
    WITH CHECK (by_id = {ME} AND (SELECT staff_id = {ME} OR {LED} FROM work_plan p WHERE p.id = plan_id));
GRANT SELECT, INSERT ON work_plan_comment TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON work_plan_comment TO {WORKER};
GRANT USAGE ON SEQUENCE work_plan_comment_id_seq TO {APP}, {WORKER};
"""


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0005_feeds"),
        ("obligations", "0011_acknowledgements"),
        ("people", "0014_marketing_decides"),
        ("work", "0003_deliveries"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Plan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period", models.TextField(choices=[("day", "day"), ("week", "week"), ("month", "month")])),
                ("first_day", models.DateField(help_text="the first day of the period")),
                ("fixed_at", models.DateTimeField(help_text="when it was fixed")),
                ("version", models.IntegerField(default=1)),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={"db_table": "work_plan"},
        ),
        migrations.CreateModel(
            name="PlanComment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("words", models.TextField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="comments", to="work.plan"
                    ),
                ),
            ],
            options={"db_table": "work_plan_comment"},
        ),
        migrations.CreateModel(
            name="PlanLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.IntegerField(help_text="its place in the order")),
                ("about", models.TextField()),
                ("falls_on", models.DateField(help_text="the day of what is not owed yet", null=True)),
                (
                    "carried",
                    models.SmallIntegerField(default=0, help_text="how often it has moved on to the next plan"),
                ),
                ("added_at", models.DateTimeField(help_text="when it was added to the fixed plan", null=True)),
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
                    "obligation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="obligations.obligation",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="work.plan"
                    ),
                ),
            ],
            options={"db_table": "work_plan_line"},
        ),
        migrations.AddIndex(model_name="plan", index=models.Index(fields=["first_day", "period"], name="work_plan_on")),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.UniqueConstraint(fields=("staff", "period", "first_day"), name="work_plan_one"),
        ),
        migrations.AddIndex(
            model_name="plancomment", index=models.Index(fields=["plan", "at"], name="work_plan_comment_of")
        ),
        migrations.AddConstraint(
            model_name="planline",
            constraint=models.UniqueConstraint(fields=("plan", "about"), name="work_plan_line_once"),
        ),
        migrations.AddConstraint(
            model_name="planline",
            constraint=models.CheckConstraint(condition=models.Q(("carried__gte", 0)), name="work_plan_line_carried"),
        ),
        migrations.RunSQL(PLANS, migrations.RunSQL.noop),
        migrations.RunSQL(LINES, migrations.RunSQL.noop),
        migrations.RunSQL(COMMENTS, migrations.RunSQL.noop),
        watch("work_plan"),
        watch("work_plan_line"),
        watch("work_plan_comment"),
    ]
