from django.db import migrations

# Held and deleted at the same moment, one waits for the other: what is held stays, and what is deleted is not held any more. Compliance
# may not write the document, so it is the table's owner who holds its row.
TURN = """
CREATE FUNCTION documents_hold_turn() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM documents_document d WHERE d.id = NEW.document_id AND d.deleted_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE check_violation USING MESSAGE = 'A document that was deleted is not held.';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION documents_hold_turn FROM PUBLIC;
CREATE TRIGGER turn BEFORE INSERT ON documents_hold FOR EACH ROW EXECUTE FUNCTION documents_hold_turn();
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0002_walls")]
    operations = [migrations.RunSQL(TURN, "DROP FUNCTION documents_hold_turn CASCADE")]
