from django.db import migrations

from zhike.trail.walls import SEES, WRITES, wall, watch

# A scalar sub-select and not EXISTS: the planner may turn EXISTS into a scan of all customers, hashed; this stays one look by key.
CUSTOMER_SEEN = "(SELECT true FROM customers_customer c WHERE c.id = customer_id)"
CUSTOMER_MINE = f"(SELECT true FROM customers_customer c WHERE c.id = customer_id AND c.keeper = ANY ({WRITES}))"


class Migration(migrations.Migration):
    dependencies = [("obligations", "0001_initial"), ("customers", "0002_walls")]
    operations = [
        wall(
            "obligations_fact",
            sees=f"staff_id = ANY ({SEES}) OR {CUSTOMER_SEEN}",
            writes=f"staff_id = ANY ({WRITES}) OR {CUSTOMER_MINE}",
        ),
        wall(
            "obligations_obligation",
            sees=f"owner_id = ANY ({SEES}) OR {CUSTOMER_SEEN}",
            writes=f"owner_id = ANY ({WRITES}) OR {CUSTOMER_MINE}",
        ),
        wall(
            "obligations_finding",
            sees=f"staff_id = ANY ({SEES}) OR {CUSTOMER_SEEN}",
            writes=f"staff_id = ANY ({WRITES})",
        ),
        watch("obligations_fact"),
        watch("obligations_obligation"),
        watch("obligations_finding"),
    ]
