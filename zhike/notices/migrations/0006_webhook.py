import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from zhike.trail.walls import wall, watch

# Whoever may change units sets the robots up and tries them; who reads the books of reminders reads what became of the digests.
KEEPS = "(SELECT zhike_roles()) && '{administrator}'::text[]"
READS = "(SELECT zhike_roles()) && '{administrator,compliance,auditor,leader}'::text[]"


class Migration(migrations.Migration):
    dependencies = [
        ("notices", "0005_next_by_channel"),
        ("people", "0012_leave"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Webhook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.TextField(choices=[("wecom", "WeCom"), ("dingtalk", "DingTalk"), ("feishu", "Feishu")]),
                ),
                (
                    "address",
                    models.TextField(help_text="sealed: the address and the secret that signs, [address, secret]"),
                ),
                (
                    "tail",
                    models.TextField(help_text="the last four characters of the address: all that is shown of it"),
                ),
                ("language", models.TextField(default="zh-hans", help_text="in which the group reads")),
                ("on", models.BooleanField(default=True)),
                (
                    "since",
                    models.DateTimeField(
                        help_text="digests are due from here on: when it was set up or turned on again"
                    ),
                ),
                ("made_at", models.DateTimeField()),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "unit",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="webhook", to="people.unit"
                    ),
                ),
            ],
            options={"db_table": "notices_webhook"},
        ),
        migrations.CreateModel(
            name="Digest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("test", models.BooleanField(default=False)),
                ("at", models.DateTimeField(help_text="when it was due")),
                (
                    "state",
                    models.TextField(
                        choices=[("waiting", "to be sent"), ("sent", "sent"), ("failed", "failed")], default="waiting"
                    ),
                ),
                ("attempts", models.IntegerField(default=0)),
                ("try_at", models.DateTimeField(help_text="not before")),
                ("leased_by", models.UUIDField(null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("error", models.TextField(default="", help_text="what the last attempt met; never the address")),
                (
                    "unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="digests", to="people.unit"
                    ),
                ),
            ],
            options={
                "db_table": "notices_digest",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")), fields=["try_at"], name="notices_digest_next"
                    ),
                    models.Index(fields=["day"], name="notices_digest_day"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("test", False)), fields=("unit", "day"), name="notices_digest_one_a_day"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state", "waiting"), ("done_at__isnull", False), _connector="OR"),
                        name="notices_digest_done",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("leased_by", None), ("leased_until", None)),
                            models.Q(("leased_by__isnull", False), ("leased_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="notices_digest_lease",
                    ),
                ],
            },
        ),
        wall("notices_webhook", sees=KEEPS),
        wall("notices_digest", sees=READS, writes=KEEPS),
        watch("notices_webhook", quiet=("address",)),
    ]
