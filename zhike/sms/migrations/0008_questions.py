import uuid
from datetime import UTC, datetime

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from zhike.trail.walls import APP, OWNER, SEES, WORKER, watch

# Of whom one's posts let one see, of oneself, and of a customer whom one sees: standing in shows the thread, and no colleague's figure
# (Question.visible_to). Asked and rated by the worker alone: nobody makes up an answer.
HIS = "(SELECT true FROM customers_customer c WHERE c.id = customer_id)"
QUESTIONS = f"""
ALTER TABLE sms_question ENABLE ROW LEVEL SECURITY;
ALTER TABLE sms_question FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON sms_question TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON sms_question FOR SELECT TO {APP}
    USING (staff_id = (SELECT zhike_actor()) OR staff_id = ANY ({SEES}) AND staff_id <> ALL ((SELECT zhike_lent())::bigint[]) OR {HIS});
GRANT SELECT ON sms_question TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON sms_question TO {WORKER};
GRANT USAGE ON SEQUENCE sms_question_id_seq TO {WORKER};
"""
# As with the texts before it (0003_texts): older than anything a bank does with them.
MADE = datetime(2025, 7, 1, tzinfo=UTC)


def enter(apps, schema_editor):
    """The question's texts, for a bank whose other texts are there already."""
    from zhike.sms.texts import shipped

    tables = ("sms_template", "sms_wording")
    for table in tables:
        schema_editor.execute(f"ALTER TABLE {table} DISABLE TRIGGER trail")
    Template, Wording = apps.get_model("sms", "Template"), apps.get_model("sms", "Wording")
    for text in shipped():
        if text.kind != "question":
            continue
        title = {"zh": text.title.zh, "en": text.title.en}
        template, is_new = Template.objects.get_or_create(
            key=text.key, defaults={"kind": text.kind, "language": text.language, "title": title}
        )
        if is_new:
            Wording.objects.create(template=template, number=1, text=text.words, state="approved", at=MADE)
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in tables:
        schema_editor.execute(f"ALTER TABLE {table} ENABLE TRIGGER trail")


KINDS = [
    ("thanks", "thanks"),
    ("call_back", "call-back"),
    ("answer", "answer"),
    ("service", "service"),
    ("question", "question how content one is"),
    ("greeting", "greeting"),
    ("marketing", "marketing"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0005_feeds"),
        ("people", "0014_marketing_decides"),
        ("sms", "0007_run"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AlterField("message", "kind", models.TextField(choices=KINDS)),
        migrations.AlterField(
            "message",
            "lane",
            models.SmallIntegerField(
                choices=[
                    (0, "to one customer"),
                    (1, "greetings"),
                    (2, "marketing"),
                    (3, "questions how content one is"),
                ],
                default=0,
            ),
        ),
        migrations.AlterField("template", "kind", models.TextField(choices=KINDS)),
        migrations.CreateModel(
            name="Question",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("subject", models.TextField(unique=True)),
                (
                    "about",
                    models.TextField(choices=[("reception", "reception"), ("visit", "visit"), ("call", "call")]),
                ),
                ("number_index", models.BinaryField()),
                ("number", models.TextField(help_text="sealed")),
                ("held_at", models.DateTimeField(help_text="when the contact ended")),
                ("asked_at", models.DateTimeField(help_text="when it was put into the queue")),
                ("rating", models.SmallIntegerField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="customers.customer"
                    ),
                ),
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="question", to="sms.message"
                    ),
                ),
                (
                    "reply",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="sms.reply"
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        help_text="who held the contact",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"db_table": "sms_question"},
        ),
        migrations.AddIndex("question", models.Index(fields=["number_index", "-asked_at"], name="sms_question_number")),
        migrations.AddIndex("question", models.Index(fields=["customer", "-asked_at"], name="sms_question_customer")),
        migrations.AddIndex("question", models.Index(fields=["staff", "held_at"], name="sms_question_of")),
        migrations.AddConstraint(
            "question",
            models.CheckConstraint(
                condition=models.Q(("answered_at", None), ("rating", None), ("reply", None))
                | models.Q(("answered_at__isnull", False), ("rating__range", (1, 5)), ("reply__isnull", False)),
                name="sms_question_rated",
            ),
        ),
        migrations.RunSQL(QUESTIONS, migrations.RunSQL.noop),
        watch("sms_question", quiet=("number", "number_index")),
        migrations.RunPython(enter, migrations.RunPython.noop),
    ]
