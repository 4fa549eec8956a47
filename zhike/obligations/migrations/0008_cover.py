from django.db import migrations

from zhike.trail.walls import APP, SEES

CUSTOMER_SEEN = "(SELECT true FROM customers_customer c WHERE c.id = customer_id)"
# Whom one only covers lends their customers: what is owed to these is seen, what they owe besides (a leader's looking into
# what others missed) and what was found with them is not.
LENT = "(SELECT zhike_lent())::bigint[]"


def see(table: str, whose: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"""
        DROP POLICY see ON {table};
        CREATE POLICY see ON {table} FOR SELECT TO {APP}
            USING ({whose} = ANY ({SEES}) AND {whose} <> ALL ({LENT}) OR {CUSTOMER_SEEN});
        """,
        migrations.RunSQL.noop,
    )


class Migration(migrations.Migration):
    dependencies = [("obligations", "0007_call_backs_measured"), ("people", "0012_leave")]
    operations = [
        see("obligations_fact", "staff_id"),
        see("obligations_obligation", "owner_id"),
        see("obligations_finding", "staff_id"),
    ]
