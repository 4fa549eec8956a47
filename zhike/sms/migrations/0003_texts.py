from datetime import UTC, datetime

from django.db import migrations

# The day from which the code that ships is in force: the texts are older than anything a bank does with them.
MADE = datetime(2025, 7, 1, tzinfo=UTC)


def enter(apps, schema_editor):
    """The texts that ship with Zhike, each as its first wording, in use: the bank replaces them by its own.

    Nobody did this, and at no moment of the bank's: the trail does not speak of it.
    """
    from zhike.sms.texts import shipped

    for table in ("sms_template", "sms_wording"):
        schema_editor.execute(f"ALTER TABLE {table} DISABLE TRIGGER trail")

    Template, Wording = apps.get_model("sms", "Template"), apps.get_model("sms", "Wording")
    for text in shipped():
        template, is_new = Template.objects.get_or_create(
            key=text.key,
            defaults={
                "kind": text.kind, "occasion": text.occasion, "variant": text.variant, "introduces": text.introduces,
                "language": text.language,
                "title": {"zh": text.title.zh, "en": text.title.en},
            },
        )  # fmt: skip
        if is_new:
            Wording.objects.create(template=template, number=1, text=text.words, state="approved", at=MADE)
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in ("sms_template", "sms_wording"):
        schema_editor.execute(f"ALTER TABLE {table} ENABLE TRIGGER trail")


class Migration(migrations.Migration):
    dependencies = [("sms", "0002_walls")]
    operations = [migrations.RunPython(enter, migrations.RunPython.noop)]
