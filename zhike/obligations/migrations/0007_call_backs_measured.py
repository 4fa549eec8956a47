from django.db import migrations, models


class Migration(migrations.Migration):
    """How the promised minutes of a period were kept is looked up by owner and minute, whatever became of them (C5)."""

    dependencies = [("obligations", "0006_ringing")]

    operations = [
        migrations.AddIndex(
            model_name="obligation",
            index=models.Index(
                condition=models.Q(("kind", "call_back")),
                fields=["owner", "target"],
                name="obligations_called_back",
            ),
        ),
    ]
