from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("obligations", "0009_lent_reminders")]
    operations = [
        migrations.AddIndex(
            model_name="obligation",
            index=models.Index(
                condition=models.Q(("kind__in", ["promise", "assignment"])),
                fields=["owner", "due"],
                name="obligations_promises",
            ),
        ),
        migrations.AddIndex(
            model_name="fact",
            index=models.Index(
                condition=models.Q(("kind", "request_refused")), fields=["staff", "at"], name="obligations_fact_refused"
            ),
        ),
    ]
