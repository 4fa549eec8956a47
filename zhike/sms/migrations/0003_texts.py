from datetime import UTC, datetime

from django.db import migrations

# When this release was made: the texts are older than anything a bank does with them.
MADE = datetime(2026, 12, 1, tzinfo=UTC)


def enter(apps, schema_editor):
    """The texts that ship with Zhike, each as its first wording, in use: the bank replaces them by its own."""
    from zhike.sms.texts import shipped

    Template, Wording = apps.get_model("sms", "Template"), apps.get_model("sms", "Wording")
    for text in shipped():
        template, is_new = Template.objects.get_or_create(
            key=text.key,
            defaults={
                "kind": text.kind, "occasion": text.occasion, "variant": text.variant, "introduces": text.introduces,
                "title": {"zh": text.title.zh, "en": text.title.en},
            },
        )  # fmt: skip
        if is_new:
            Wording.objects.create(template=template, number=1, text=text.words, state="approved", at=MADE)


class Migration(migrations.Migration):
    dependencies = [("sms", "0002_walls")]
    operations = [migrations.RunPython(enter, migrations.RunPython.noop)]
