import uuid

from django.db import migrations, models

from zhike.trail.walls import open_to


class Migration(migrations.Migration):
    dependencies = [("sms", "0003_texts")]
    operations = [
        migrations.CreateModel(
            name="Pushed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("what", models.TextField(help_text="receipts or replies")),
                ("platform", models.TextField(help_text="whose it is: the file that describes the platform")),
                ("sealed", models.TextField()),
                ("at", models.DateTimeField()),
                ("aside", models.BooleanField(default=False)),
            ],
            options={
                "db_table": "sms_pushed",
                "indexes": [
                    models.Index(
                        condition=models.Q(("aside", False)), fields=["platform", "id"], name="sms_pushed_waiting"
                    )
                ],
            },
        ),
        # Whoever serves the door puts down what was brought, and reads none of it.
        open_to("sms_pushed", app="INSERT, SELECT (id)"),
    ]
