import django.db.models.deletion
from django.db import migrations, models

from zhike.trail.walls import APP, SEES, wall, watch

LENT = "(SELECT zhike_lent())::bigint[]"
ME = "(SELECT zhike_actor())"


class Migration(migrations.Migration):
    dependencies = [("obligations", "0010_promises"), ("people", "0014_marketing_decides")]
    operations = [
        migrations.CreateModel(
            name="Acknowledgement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "version",
                    models.DateField(help_text="the day from which this version of the code is in force"),
                ),
                ("at", models.DateTimeField()),
                (
                    "staff",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.staff"),
                ),
            ],
            options={"db_table": "obligations_acknowledgement"},
        ),
        migrations.AddConstraint(
            model_name="acknowledgement",
            constraint=models.UniqueConstraint(fields=["staff", "version"], name="obligations_acknowledgement_once"),
        ),
        wall(
            "obligations_acknowledgement",
            sees=f"staff_id = ANY ({SEES}) AND staff_id <> ALL ({LENT})",
            writes=f"staff_id = {ME}",
        ),
        # Read is read: nobody changes it afterwards.
        migrations.RunSQL(
            f"DROP POLICY change ON obligations_acknowledgement; REVOKE UPDATE ON obligations_acknowledgement FROM {APP};",
            migrations.RunSQL.noop,
        ),
        watch("obligations_acknowledgement"),
    ]
