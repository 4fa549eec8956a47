from django.db import migrations

# Whom one only covers lends their customers: how they were reminded is their own affair, and that of who leads them.
WHOSE = """
CREATE OR REPLACE FUNCTION notices_whose(whole boolean) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT whole THEN ARRAY[zhike_actor()]
                WHEN coalesce(nullif(current_setting('zhike.roles', true), '')::text[], '{}') && '{administrator,compliance,auditor}'
                THEN NULL ELSE ARRAY(SELECT keeper FROM unnest(zhike_sees()) keeper WHERE keeper <> ALL (zhike_lent())) END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("notices", "0006_webhook"), ("trail", "0004_on_behalf")]
    operations = [migrations.RunSQL(WHOSE, migrations.RunSQL.noop)]
