from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    """A post that is taken back before it begins stays, without a day."""

    dependencies = [("people", "0012_leave")]
    operations = [
        migrations.RemoveConstraint("post", "people_post_days"),
        migrations.AddConstraint(
            "post",
            models.CheckConstraint(condition=Q(to_day=None) | Q(to_day__gte=F("from_day")), name="people_post_days"),
        ),
    ]
