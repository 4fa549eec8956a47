from django.db import migrations, models


class Migration(migrations.Migration):
    """The promised minutes that have passed are found each minute, for the leader (C5)."""

    dependencies = [("obligations", "0002_walls")]

    operations = [
        migrations.AlterField(
            model_name="obligation",
            name="kind",
            field=models.TextField(
                help_text="thanks, write_up, call_back, arrival, answer, apology, find_out, birthday, rhythm, promise, look_into"
            ),
        ),
        migrations.AddIndex(
            model_name="obligation",
            index=models.Index(
                condition=models.Q(("kind", "call_back"), ("state", "open")),
                fields=["target"],
                name="obligations_call_backs",
            ),
        ),
    ]
