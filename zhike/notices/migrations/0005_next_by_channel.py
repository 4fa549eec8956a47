from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notices", "0004_calendar")]
    operations = [
        migrations.RemoveIndex(model_name="notice", name="notices_notice_next"),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                fields=["channel", "try_at"],
                name="notices_notice_next",
                condition=models.Q(("state", "waiting"), models.Q(("channel", "page"), _negated=True)),
            ),
        ),
    ]
