from django.db import migrations

from zhike.conduct.calendars import published_workdays


def seed(apps, schema_editor):
    """What the State Council has published; the bank enters what it does otherwise and what comes later."""
    Workday = apps.get_model("people", "Workday")
    Workday.objects.bulk_create(
        [
            Workday(day=day, works=works, source="国务院办公厅通知")
            for day, works in sorted(published_workdays().days.items())
            if day.year >= 2024
        ],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("people", "0005_approvals")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
