from django.db import migrations

# Whose second factor is taken away has lost the telephone that most likely reads the calendar as well: its address ends with it, in
# the decision's transaction.
FORWARD = """
CREATE FUNCTION notices_calendar_lost() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE notices_calendar c SET revoked_at = zhike_now()
    WHERE c.staff_id = (NEW.payload ->> 'staff')::bigint AND c.revoked_at IS NULL;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION notices_calendar_lost() FROM PUBLIC;
CREATE TRIGGER calendar_lost AFTER UPDATE OF decision ON people_approval FOR EACH ROW
    WHEN (NEW.kind = 'people.second_factor' AND NEW.decision = 'approved' AND OLD.decision <> 'approved')
    EXECUTE FUNCTION notices_calendar_lost();
"""
BACK = "DROP TRIGGER calendar_lost ON people_approval; DROP FUNCTION notices_calendar_lost;"


class Migration(migrations.Migration):
    dependencies = [("notices", "0007_lent_books"), ("people", "0010_second_factor")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
