import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from zhike.trail.walls import APP, OWNER, WORKER

OWN = "staff_id = (SELECT zhike_actor())"

# As with tokens: one's own are seen, made and ended; what lets a phone in is given to nobody.
WALLS = f"""
ALTER TABLE notices_calendar ENABLE ROW LEVEL SECURITY;
ALTER TABLE notices_calendar FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON notices_calendar TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON notices_calendar FOR SELECT TO {APP} USING ({OWN});
CREATE POLICY add ON notices_calendar FOR INSERT TO {APP} WITH CHECK ({OWN});
CREATE POLICY change ON notices_calendar FOR UPDATE TO {APP} USING ({OWN}) WITH CHECK ({OWN});
GRANT SELECT (id, staff_id, made_at, read_at, revoked_at), INSERT (staff_id, hash, made_at, read_at, revoked_at),
    UPDATE (revoked_at) ON notices_calendar TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON notices_calendar TO {WORKER};
GRANT USAGE ON SEQUENCE notices_calendar_id_seq TO {APP}, {WORKER};

ALTER TABLE notices_revision ENABLE ROW LEVEL SECURITY;
ALTER TABLE notices_revision FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON notices_revision TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON notices_revision FOR SELECT TO {APP}
    USING ((SELECT true FROM contacts_contact c WHERE c.id = contact_id)
           OR (SELECT true FROM obligations_obligation o WHERE o.id = obligation_id));
GRANT SELECT ON notices_revision TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON notices_revision TO {WORKER};
"""

# A phone knocks with its address and nothing else. When it was last read is written once a minute at most, and by one of those that
# read at once: the others do not wait.
READ = f"""
CREATE FUNCTION notices_calendar_of(secret_hash text, moment timestamptz, OUT staff bigint, OUT made_at timestamptz, OUT language text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last timestamptz;
BEGIN
    SELECT s.id, c.made_at, s.language, c.read_at INTO staff, notices_calendar_of.made_at, language, last
    FROM notices_calendar c JOIN people_staff s ON s.id = c.staff_id AND s.is_active
    WHERE c.hash = secret_hash AND c.revoked_at IS NULL;
    IF FOUND AND (last IS NULL OR last < moment - interval '1 minute') THEN
        UPDATE notices_calendar u SET read_at = moment
            WHERE u.id = (SELECT c.id FROM notices_calendar c WHERE c.hash = secret_hash FOR UPDATE SKIP LOCKED);
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION notices_calendar_of(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION notices_calendar_of(text, timestamptz) TO {APP};

-- Whoever leaves takes no calendar along, and who comes back finds none.
CREATE FUNCTION notices_calendar_ends() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE notices_calendar c SET revoked_at = zhike_now() WHERE c.staff_id = NEW.id AND c.revoked_at IS NULL;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION notices_calendar_ends() FROM PUBLIC;
CREATE TRIGGER calendar_ends AFTER UPDATE OF is_active ON people_staff FOR EACH ROW
    WHEN (OLD.is_active AND NOT NEW.is_active) EXECUTE FUNCTION notices_calendar_ends();

-- A contact that lies ahead, a promised minute, an arrival: what a calendar shows of them has changed.
CREATE FUNCTION notices_revised() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'contacts_contact' THEN
        INSERT INTO notices_revision AS r (contact_id, staff_id, number, at) VALUES (NEW.id, NEW.rm_id, 1, zhike_now())
        ON CONFLICT (contact_id) DO UPDATE SET staff_id = excluded.staff_id, number = r.number + 1, at = excluded.at;
    ELSE
        INSERT INTO notices_revision AS r (obligation_id, staff_id, number, at) VALUES (NEW.id, NEW.owner_id, 1, zhike_now())
        ON CONFLICT (obligation_id) DO UPDATE SET staff_id = excluded.staff_id, number = r.number + 1, at = excluded.at;
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION notices_revised() FROM PUBLIC;
CREATE TRIGGER revised AFTER UPDATE OF state, planned_for, planned_minutes, place, rm_id ON contacts_contact FOR EACH ROW
    WHEN ((OLD.state IN ('planned', 'agreed', 'cancelled') OR NEW.state IN ('planned', 'agreed', 'cancelled', 'struck'))
          AND (OLD.planned_for IS NOT NULL OR NEW.planned_for IS NOT NULL)
          AND (OLD.state, OLD.planned_for, OLD.planned_minutes, OLD.place, OLD.rm_id)
              IS DISTINCT FROM (NEW.state, NEW.planned_for, NEW.planned_minutes, NEW.place, NEW.rm_id))
    EXECUTE FUNCTION notices_revised();
CREATE TRIGGER revised AFTER UPDATE OF state, opens, due, target, owner_id ON obligations_obligation FOR EACH ROW
    WHEN (NEW.kind IN ('call_back', 'arrival')
          AND (OLD.state, OLD.opens, OLD.due, OLD.target, OLD.owner_id)
              IS DISTINCT FROM (NEW.state, NEW.opens, NEW.due, NEW.target, NEW.owner_id))
    EXECUTE FUNCTION notices_revised();
"""

BACK = """
DROP TRIGGER revised ON obligations_obligation;
DROP TRIGGER revised ON contacts_contact;
DROP TRIGGER calendar_ends ON people_staff;
DROP FUNCTION notices_revised, notices_calendar_ends, notices_calendar_of;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0002_walls"),
        ("notices", "0003_books"),
        ("obligations", "0006_ringing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Calendar",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hash", models.TextField(unique=True)),
                ("made_at", models.DateTimeField()),
                ("read_at", models.DateTimeField(help_text="when a phone last read it, to the minute", null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="calendars",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "notices_calendar",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at", None)), fields=("staff",), name="notices_calendar_one"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField(default=1)),
                ("at", models.DateTimeField()),
                (
                    "contact",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revision",
                        to="contacts.contact",
                    ),
                ),
                (
                    "obligation",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revision",
                        to="obligations.obligation",
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        help_text="whose it is since then",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "notices_revision",
                "indexes": [models.Index(fields=["staff", "at"], name="notices_revision_staff")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("contact", None), ("obligation__isnull", False)),
                            models.Q(("contact__isnull", False), ("obligation", None)),
                            _connector="OR",
                        ),
                        name="notices_revision_of_one",
                    )
                ],
            },
        ),
        migrations.RunSQL(WALLS, migrations.RunSQL.noop),
        migrations.RunSQL(READ, BACK),
        migrations.RunSQL(
            "CREATE TRIGGER trail AFTER INSERT OR UPDATE OF staff_id, hash, made_at, revoked_at OR DELETE ON notices_calendar"
            " FOR EACH ROW EXECUTE FUNCTION trail_write('hash')",
            "DROP TRIGGER trail ON notices_calendar",
        ),
    ]
