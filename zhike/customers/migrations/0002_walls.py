from django.db import migrations

from zhike.trail.walls import SEES, WRITES, wall, watch

MINE = f"keeper = ANY ({SEES})"
# A scalar sub-select and not EXISTS: the planner may turn EXISTS into a scan of all customers, hashed; this stays one look by key.
HIS = "(SELECT true FROM customers_customer c WHERE c.id = customer_id)"
HIS_TO_CHANGE = f"(SELECT true FROM customers_customer c WHERE c.id = customer_id AND c.keeper = ANY ({WRITES}))"
BELOW = ("need", "rating", "relation", "consent", "book", "acquaintance", "holding")

ONE_RM = """
ALTER TABLE customers_book ADD CONSTRAINT customers_book_one_rm EXCLUDE USING gist (
    int8range(customer_id, customer_id, '[]') WITH &&, daterange(from_day, to_day) WITH &&);
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial"), ("people", "0002_acting")]
    operations = [
        migrations.RunSQL(ONE_RM, "ALTER TABLE customers_book DROP CONSTRAINT customers_book_one_rm"),
        wall("customers_customer", sees=MINE, writes=f"keeper = ANY ({WRITES})"),
        watch("customers_customer", quiet=("grams", "pinyin", "sort_key", "mobile_index", "tail_index", "id_index")),
        wall(
            "customers_household",
            sees="EXISTS (SELECT FROM customers_customer c WHERE c.household_id = customers_household.id)"
            f" OR -unit_id = ANY ({SEES})",
            # A family's name is a customer's: made and changed by whoever leads its unit, and by imports.
            writes=f"-unit_id = ANY ({WRITES})",
        ),
        watch("customers_household"),
        *[
            operation
            for name in BELOW
            for operation in (
                wall(f"customers_{name}", sees=HIS, writes=HIS_TO_CHANGE),
                watch(f"customers_{name}"),
            )
        ],
    ]
