import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from zhike.trail.walls import APP, OWNER, SEES, WORKER, WRITES, watch

LENT = "(SELECT zhike_lent())::bigint[]"
ME = "(SELECT zhike_actor())"
# A scalar sub-select and not EXISTS: one look by key.
CUSTOMER_SEEN = "(SELECT true FROM customers_customer c WHERE c.id = customer_id)"
CUSTOMER_MINE = f"(SELECT true FROM customers_customer c WHERE c.id = customer_id AND c.keeper = ANY ({WRITES}))"
HANDS = f"holder_id = {ME} OR offered_to_id = {ME}"
CHANGED = "due, holder_id, offered_to_id, state, how, received_by, receipt_id, closed_at, why, version"
DELIVERIES = f"""
ALTER TABLE work_delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE work_delivery FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON work_delivery TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON work_delivery FOR SELECT TO {APP}
    USING ({HANDS} OR holder_id = ANY ({SEES}) AND holder_id <> ALL ({LENT}) OR {CUSTOMER_SEEN});
CREATE POLICY add ON work_delivery FOR INSERT TO {APP} WITH CHECK (by_id = {ME} AND holder_id = {ME} AND {CUSTOMER_MINE});
CREATE POLICY change ON work_delivery FOR UPDATE TO {APP} USING ({HANDS} OR {CUSTOMER_MINE});
GRANT SELECT, INSERT, UPDATE ({CHANGED}) ON work_delivery TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON work_delivery TO {WORKER};
GRANT USAGE ON SEQUENCE work_delivery_id_seq TO {APP}, {WORKER};
"""
# What happened on the way is told in one's own name, and stays.
ITS = "(SELECT true FROM work_delivery d WHERE d.id = delivery_id)"
ITS_IN_HAND = f"""(SELECT true FROM work_delivery d WHERE d.id = delivery_id AND (d.holder_id = {ME}
    OR (SELECT true FROM customers_customer c WHERE c.id = d.customer_id AND c.keeper = ANY ({WRITES}))))"""
HANDLINGS = f"""
ALTER TABLE work_handling ENABLE ROW LEVEL SECURITY;
ALTER TABLE work_handling FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON work_handling TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON work_handling FOR SELECT TO {APP} USING ({ITS});
CREATE POLICY add ON work_handling FOR INSERT TO {APP} WITH CHECK (by_id = {ME} AND {ITS_IN_HAND});
GRANT SELECT, INSERT ON work_handling TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON work_handling TO {WORKER};
GRANT USAGE ON SEQUENCE work_handling_id_seq TO {APP}, {WORKER};
"""
# What is owed goes from hand to hand with the paper: whoever has it, or has just accepted it, owes it, the customer's RM or not. CASE, so
# that the subject of nothing else is taken for a number.
ABOUT = "(SELECT true FROM work_delivery d WHERE d.id = split_part(subject, ':', 2)::bigint{hand})"
OWED = f"""
CREATE POLICY delivery_seen ON obligations_obligation FOR SELECT TO {APP}
    USING (CASE WHEN kind = 'delivery' THEN {ABOUT.format(hand="")} ELSE false END);
CREATE POLICY delivery_changed ON obligations_obligation FOR UPDATE TO {APP}
    USING (CASE WHEN kind = 'delivery' THEN {ABOUT.format(hand=f" AND d.holder_id = {ME}")} ELSE false END);
"""
# Whoever carries a paper for a colleague files its receipt with the customer, whom they do not see: their own receipts, while they carry.
RECEIPTS = f"""
CREATE FUNCTION work_carries(customer bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM work_delivery d WHERE d.customer_id = customer AND d.holder_id = zhike_actor() AND d.state = 'to_carry')
$$;
CREATE FUNCTION work_delivered_to(delivery bigint) RETURNS TABLE (id bigint, unit_id bigint, rm_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.id, c.unit_id, c.rm_id FROM work_delivery d JOIN customers_customer c ON c.id = d.customer_id
    WHERE d.id = delivery AND (d.holder_id = zhike_actor() OR c.keeper = ANY (zhike_writes()))
$$;
REVOKE EXECUTE ON FUNCTION work_carries, work_delivered_to FROM PUBLIC;
GRANT EXECUTE ON FUNCTION work_carries, work_delivered_to TO {APP}, {WORKER};
CREATE POLICY carried_seen ON documents_document FOR SELECT TO {APP}
    USING (CASE WHEN by_id = {ME} AND customer_id IS NOT NULL THEN work_carries(customer_id) ELSE false END);
CREATE POLICY carried ON documents_document FOR INSERT TO {APP}
    WITH CHECK (CASE WHEN by_id = {ME} AND customer_id IS NOT NULL THEN work_carries(customer_id) ELSE false END);
CREATE POLICY carried ON documents_version FOR INSERT TO {APP}
    WITH CHECK ((SELECT work_carries(d.customer_id) FROM documents_document d WHERE d.id = document_id AND d.by_id = {ME}));
CREATE POLICY carried ON documents_text FOR INSERT TO {APP}
    WITH CHECK ((SELECT work_carries(d.customer_id) FROM documents_document d WHERE d.id = document_id AND d.by_id = {ME}));
"""


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0005_feeds"),
        ("documents", "0002_walls"),
        ("obligations", "0010_promises"),
        ("people", "0014_marketing_decides"),
        ("work", "0002_assignments"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("recipient", models.TextField()),
                ("place", models.TextField(blank=True, default="")),
                ("what", models.TextField()),
                ("due", models.DateTimeField(help_text="the date that was said last")),
                ("made_at", models.DateTimeField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("to_carry", "to be delivered"),
                            ("offered", "being handed on"),
                            ("delivered", "delivered"),
                            ("called_off", "called off"),
                        ],
                        default="to_carry",
                    ),
                ),
                (
                    "how",
                    models.TextField(
                        blank=True,
                        choices=[("signed", "signature"), ("photo", "photo"), ("typed", "name typed by the carrier")],
                        default="",
                    ),
                ),
                ("received_by", models.TextField(blank=True, default="")),
                ("closed_at", models.DateTimeField(help_text="delivered or called off", null=True)),
                ("why", models.TextField(blank=True, default="", help_text="why it was called off")),
                ("version", models.IntegerField(default=1)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="customers.customer"
                    ),
                ),
                (
                    "holder",
                    models.ForeignKey(
                        help_text="in whose hand it is",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "offered_to",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "receipt",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="documents.document",
                    ),
                ),
            ],
            options={
                "db_table": "work_delivery",
            },
        ),
        migrations.CreateModel(
            name="Handling",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.TextField(
                        choices=[("taken", "in hand"), ("refused", "refused by the receiver"), ("nobody", "nobody met")]
                    ),
                ),
                ("at", models.DateTimeField()),
                ("words", models.TextField(blank=True, default="")),
                ("due", models.DateTimeField(help_text="the new date", null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="handlings", to="work.delivery"
                    ),
                ),
            ],
            options={
                "db_table": "work_handling",
            },
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["holder", "due"], name="work_delivery_of"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["customer"], name="work_delivery_to"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("closed_at", None), ("state__in", ["delivered", "called_off"]), _connector="XOR"),
                name="work_delivery_closed",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("offered_to", None), ("state", "offered"), _connector="XOR"),
                name="work_delivery_offered",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("offered_to", None), models.Q(("offered_to", models.F("holder")), _negated=True), _connector="OR"
                ),
                name="work_delivery_of_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "delivered"), _negated=True),
                    models.Q(
                        models.Q(("received_by", ""), _negated=True),
                        models.Q(("how", ""), _negated=True),
                        models.Q(("how", "typed"), ("receipt__isnull", False), _connector="XOR"),
                    ),
                    _connector="OR",
                ),
                name="work_delivery_received",
            ),
        ),
        migrations.AddIndex(
            model_name="handling",
            index=models.Index(fields=["delivery", "at"], name="work_handling_of"),
        ),
        migrations.AddConstraint(
            model_name="handling",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind", "taken"),
                    models.Q(models.Q(("words", ""), _negated=True), ("due__isnull", False)),
                    _connector="OR",
                ),
                name="work_handling_why",
            ),
        ),
        migrations.RunSQL(DELIVERIES, migrations.RunSQL.noop),
        migrations.RunSQL(HANDLINGS, migrations.RunSQL.noop),
        migrations.RunSQL(OWED, migrations.RunSQL.noop),
        migrations.RunSQL(RECEIPTS, migrations.RunSQL.noop),
        watch("work_delivery"),
        watch("work_handling"),
    ]
