from django.db import migrations

from zhike.trail.walls import APP, WORKER

# A function runs with its owner's rights for whoever may execute it, and PostgreSQL lets everybody unless told otherwise: a
# role that a bank makes for its reports could have begun a session in anybody's name. Triggers ask for no such right.
EXECUTE = f"""
DO $$
DECLARE
    ours regprocedure;
BEGIN
    FOR ours IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', ours);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION people_settings_version(), trail_note(timestamptz, text, text, bigint, bigint, jsonb) TO {APP}, {WORKER};
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0008_kept"), ("trail", "0003_about_me")]
    operations = [migrations.RunSQL(EXECUTE, migrations.RunSQL.noop)]
