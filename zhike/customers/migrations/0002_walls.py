from django.db import migrations

from zhike.trail.walls import SEES, WRITES, wall, watch

MINE = f"keeper = ANY ({SEES})"
# A scalar sub-select and not EXISTS: the planner may turn EXISTS into a scan of all customers, hashed; this stays one look by key.
HIS = "(SELECT true FROM customers_customer c WHERE c.id = customer_id)"
HIS_TO_CHANGE = f"(SELECT true FROM customers_customer c WHERE c.id = customer_id AND c.keeper = ANY ({WRITES}))"
BELOW = ("need", "rating", "consent", "book", "acquaintance", "holding")
# Who is related to whom is told to those who may see both, and changed by who looks after either.
OTHER = "(other_id IS NULL OR (SELECT true FROM customers_customer c WHERE c.id = other_id))"
OTHERS_TO_CHANGE = f"(SELECT true FROM customers_customer c WHERE c.id = other_id AND c.keeper = ANY ({WRITES}))"

# A customer's days with an RM as a line in a plane: customer across, days up, ending half a day before the next one begins.
# Said with ranges it means the same and takes five times as long (docs/decisions/import-speed.md).
ONE_RM = """
ALTER TABLE customers_book ADD CONSTRAINT customers_book_one_rm EXCLUDE USING gist (
    box(point(customer_id, from_day - date '1900-01-01'),
        point(customer_id, coalesce(to_day - date '1900-01-01', 4000000) - 0.5)) WITH &&)
    WHERE (to_day IS NULL OR to_day > from_day);
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial"), ("people", "0002_acting")]
    operations = [
        migrations.RunSQL(ONE_RM, "ALTER TABLE customers_book DROP CONSTRAINT customers_book_one_rm"),
        wall("customers_customer", sees=MINE, writes=f"keeper = ANY ({WRITES})"),
        watch(
            "customers_customer",
            quiet=("grams", "pinyin", "sort_key", "mobile_index", "tail_index", "other_tail_index", "id_index"),
            many=True,
        ),
        wall(
            "customers_household",
            sees="EXISTS (SELECT FROM customers_customer c WHERE c.household_id = customers_household.id)"
            f" OR -unit_id = ANY ({SEES})",
            # Made by who leads its unit or looks after a customer there; who belongs to it stands with the customers.
            writes=f"-unit_id = ANY ({WRITES}) OR (SELECT true FROM customers_customer c"
            f" WHERE c.keeper = ANY ({WRITES}) AND c.unit_id = customers_household.unit_id LIMIT 1)",
        ),
        watch("customers_household"),
        wall(
            "customers_relation",
            sees=f"{HIS} AND {OTHER}",
            writes=f"({HIS_TO_CHANGE} OR {OTHERS_TO_CHANGE}) AND {OTHER}",
            deletes=True,
        ),
        watch("customers_relation"),
        *[
            operation
            for name in BELOW
            for operation in (
                wall(f"customers_{name}", sees=HIS, writes=HIS_TO_CHANGE),
                watch(f"customers_{name}", many=name in ("book", "acquaintance")),
            )
        ],
    ]
