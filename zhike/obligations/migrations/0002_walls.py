from django.db import migrations

from zhike.trail.walls import SEES, WRITES, wall, watch

CUSTOMER_SEEN = "EXISTS (SELECT FROM customers_customer c WHERE c.id = customer_id)"
CUSTOMER_MINE = f"EXISTS (SELECT FROM customers_customer c WHERE c.id = customer_id AND c.keeper = ANY ({WRITES}))"


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
