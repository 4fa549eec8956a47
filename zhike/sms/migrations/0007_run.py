import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sms", "0006_handed_over"), ("customers", "0001_initial")]
    operations = [
        migrations.AddField(
            "message",
            "run",
            models.ForeignKey(
                "customers.Run",
                django.db.models.deletion.PROTECT,
                null=True,
                related_name="+",
                db_constraint=False,
                db_index=False,
                help_text="the file that brought it, of what another platform sent",
            ),
        ),
        migrations.AddIndex(
            "message",
            models.Index(fields=["run"], name="sms_message_run", condition=models.Q(run__isnull=False)),
        ),
    ]
