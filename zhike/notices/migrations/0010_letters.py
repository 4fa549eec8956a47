import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from zhike.trail.walls import SEES, wall

READS = "(SELECT zhike_roles()) && '{administrator,compliance,auditor}'::text[]"


class Migration(migrations.Migration):
    dependencies = [
        ("notices", "0009_lapsed"),
        ("people", "0012_leave"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Letter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("monday", models.DateField(help_text="the first day of the week that it tells of")),
                ("key", models.UUIDField(default=uuid.uuid4, unique=True)),
                (
                    "state",
                    models.TextField(
                        choices=[("waiting", "to be sent"), ("sent", "sent"), ("failed", "failed")], default="waiting"
                    ),
                ),
                ("attempts", models.IntegerField(default=0)),
                ("try_at", models.DateTimeField(help_text="not before")),
                ("done_at", models.DateTimeField(null=True)),
                (
                    "error",
                    models.TextField(blank=True, default="", help_text="what the last attempt met; never the address"),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.unit"),
                ),
            ],
            options={
                "db_table": "notices_letter",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")), fields=["try_at"], name="notices_letter_next"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("staff", "unit", "monday"), name="notices_letter_one_a_week"),
                    models.CheckConstraint(
                        condition=models.Q(("state", "waiting"), ("done_at__isnull", False), _connector="OR"),
                        name="notices_letter_done",
                    ),
                ],
            },
        ),
        wall("notices_letter", sees=f"staff_id = ANY ({SEES}) OR {READS}", writes="false"),
    ]
