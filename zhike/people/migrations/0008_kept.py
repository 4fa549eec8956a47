from django.db import migrations

from zhike.trail.walls import watch

# What decides how somebody signs in leaves a trace as well. Its use does not: that is the sign-in, which is kept already.
SECOND_FACTOR = """
CREATE TRIGGER trail AFTER INSERT OR UPDATE OF user_id, type OR DELETE ON mfa_authenticator
    FOR EACH ROW EXECUTE FUNCTION trail_write('data');
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0007_access")]
    operations = [
        watch("people_workday"),
        migrations.RunSQL(SECOND_FACTOR, "DROP TRIGGER trail ON mfa_authenticator"),
    ]
