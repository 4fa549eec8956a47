from django.db import migrations

from zhike.trail.walls import WRITES, wall, watch

# A scalar sub-select and not EXISTS: the planner may turn EXISTS into a scan of all customers, hashed; this stays one look by key.
HIS = "(SELECT true FROM customers_customer c WHERE c.id = customer_id)"
HIS_TO_CHANGE = f"(SELECT true FROM customers_customer c WHERE c.id = customer_id AND c.keeper = ANY ({WRITES}))"


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial"), ("customers", "0002_walls")]
    operations = [
        wall("contacts_contact", sees=HIS, writes=HIS_TO_CHANGE),
        watch("contacts_contact"),
        wall("contacts_demand", sees=HIS, writes=HIS_TO_CHANGE),
        watch("contacts_demand"),
        wall("contacts_amendment", sees=HIS, writes=HIS_TO_CHANGE),
        watch("contacts_amendment"),
        # A draft is its writer's alone.
        wall("contacts_draft", sees="staff_id = (SELECT zhike_actor())", deletes=True),
    ]
