from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sms", "0005_figures")]
    operations = [
        migrations.AddField(
            "forwarding",
            "handed_over",
            models.IntegerField(
                default=0, db_default=0, help_text="how many were taken back because their customers changed hands"
            ),
        )
    ]
