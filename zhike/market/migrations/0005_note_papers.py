import django.contrib.postgres.fields
from django.db import migrations, models

from zhike.trail.walls import APP, WORKER

# Whoever may read a note reads the papers that go with it: papers of a unit, never a customer's. Asked under the notes' own policy.
PAPERS = f"""
CREATE FUNCTION market_papers() RETURNS bigint[] LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(paper), '{{}}') FROM market_note n, unnest(n.documents) paper WHERE n.documents <> '{{}}'
$$;
REVOKE EXECUTE ON FUNCTION market_papers() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION market_papers() TO {APP}, {WORKER};
CREATE POLICY noted ON documents_document FOR SELECT TO {APP}
    USING (customer_id IS NULL AND id = ANY ((SELECT market_papers())::bigint[]));
"""


class Migration(migrations.Migration):
    dependencies = [("market", "0004_note_walls"), ("documents", "0002_walls")]

    operations = [
        migrations.AddField(
            model_name="note",
            name="documents",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                blank=True,
                default=list,
                help_text="ids of papers of the unit that go with it",
                size=None,
            ),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(fields=["id"], name="market_note_papers", condition=~models.Q(documents=[])),
        ),
        migrations.RunSQL(PAPERS, "DROP POLICY noted ON documents_document; DROP FUNCTION market_papers"),
    ]
