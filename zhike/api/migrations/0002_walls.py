from django.db import migrations

from zhike.trail.walls import APP, WORKER, wall


class Migration(migrations.Migration):
    dependencies = [("api", "0001_initial"), ("people", "0004_begin"), ("procrastinate", "0041_post_retry_failed_job")]
    operations = [
        # An answer is for whoever asked alone. It goes to no trail: what it tells of is there already.
        wall("api_answer", sees="staff_id = (SELECT zhike_actor())", deletes=True),
        # Readiness asks whether a worker lives.
        migrations.RunSQL(
            f"GRANT SELECT ON procrastinate_workers TO {APP}, {WORKER}",
            f"REVOKE SELECT ON procrastinate_workers FROM {APP}",
        ),
    ]
