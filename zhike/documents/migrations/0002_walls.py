from django.db import migrations

from zhike.trail.walls import APP, OWNER, SEES, WORKER, WRITES, open_to, wall, watch

ACTOR = "(SELECT zhike_actor())"
# Of a customer's documents it is the customer's keeper who counts; one's own of a unit stay one's own.
MINE = f"keeper = ANY ({SEES}) OR customer_id IS NULL AND by_id = {ACTOR}"
MINE_TO_CHANGE = f"keeper = ANY ({WRITES}) OR customer_id IS NULL AND by_id = {ACTOR}"
# A scalar sub-select and not EXISTS: one look by key.
ITS = "(SELECT true FROM documents_document d WHERE d.id = document_id)"
ITS_TO_CHANGE = f"""(SELECT true FROM documents_document d WHERE d.id = document_id
    AND (d.keeper = ANY ({WRITES}) OR d.customer_id IS NULL AND d.by_id = {ACTOR}))"""
COMPLIANCE = "(SELECT zhike_roles()) && '{compliance}'::text[]"
HOLDS = "(SELECT zhike_roles()) && '{compliance,leader}'::text[]"

HOLD = f"""
ALTER TABLE documents_hold ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents_hold FORCE ROW LEVEL SECURITY;
CREATE POLICY keep ON documents_hold TO {OWNER}, {WORKER} USING (true) WITH CHECK (true);
CREATE POLICY see ON documents_hold FOR SELECT TO {APP} USING ({ITS});
CREATE POLICY add ON documents_hold FOR INSERT TO {APP}
    WITH CHECK ({ITS} AND {HOLDS} AND by_id = {ACTOR} AND lifted_at IS NULL);
CREATE POLICY change ON documents_hold FOR UPDATE TO {APP}
    USING ({ITS} AND {COMPLIANCE} AND lifted_at IS NULL) WITH CHECK (lifted_by_id = {ACTOR});
GRANT SELECT, INSERT, UPDATE (lifted_by_id, lifted_at, lifted_why) ON documents_hold TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON documents_hold TO {WORKER};
"""

# Whose a document is follows its customer, so that a hand-over takes the file along.
KEEPERS = """
CREATE FUNCTION documents_keeper() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    NEW.keeper := coalesce((SELECT c.keeper FROM customers_customer c WHERE c.id = NEW.customer_id), -NEW.unit_id);
    RETURN NEW;
END $$;
CREATE TRIGGER keeper BEFORE INSERT OR UPDATE OF customer_id, unit_id, keeper ON documents_document
    FOR EACH ROW EXECUTE FUNCTION documents_keeper();

CREATE FUNCTION documents_text_keeper() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    SELECT d.keeper, CASE WHEN d.customer_id IS NULL THEN d.by_id END INTO NEW.keeper, NEW.mine
    FROM documents_document d WHERE d.id = NEW.document_id;
    RETURN NEW;
END $$;
CREATE TRIGGER keeper BEFORE INSERT OR UPDATE OF document_id, keeper, mine ON documents_text
    FOR EACH ROW EXECUTE FUNCTION documents_text_keeper();

CREATE FUNCTION documents_follow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE documents_document SET keeper = NEW.keeper WHERE customer_id = NEW.id;
    UPDATE documents_text t SET keeper = NEW.keeper FROM documents_document d WHERE d.id = t.document_id AND d.customer_id = NEW.id;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION documents_keeper, documents_text_keeper, documents_follow FROM PUBLIC;
CREATE TRIGGER documents AFTER UPDATE OF rm_id, unit_id ON customers_customer
    FOR EACH ROW WHEN (OLD.keeper IS DISTINCT FROM NEW.keeper) EXECUTE FUNCTION documents_follow();
"""

# Whatever a program thinks of it: what was promised is kept, nothing is deleted before its day or while it is held, nothing comes back.
GUARD = """
CREATE FUNCTION documents_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    until date;
BEGIN
    IF OLD.deleted_at IS NOT NULL AND (NEW.deleted_at, NEW.deleted_by_id, NEW.title) IS DISTINCT FROM (OLD.deleted_at, OLD.deleted_by_id, OLD.title) THEN
        RAISE EXCEPTION 'A document that was deleted stays as it is.';
    END IF;
    IF NEW.version < OLD.version OR NEW.years < OLD.years OR NEW.counts_from < OLD.counts_from THEN
        RAISE EXCEPTION 'A document is kept as long as was promised, with all its versions.';
    END IF;
    IF OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN
        SELECT (NEW.counts_from + make_interval(years => greatest(NEW.years, max(l.years))))::date INTO until
        FROM documents_label l WHERE l.id IN (NEW.business_id, NEW.kind_id);
        IF people_day(NEW.deleted_at) < until THEN
            RAISE EXCEPTION 'It must be kept until %.', until;
        END IF;
        IF EXISTS (SELECT FROM documents_hold h WHERE h.document_id = NEW.id AND h.lifted_at IS NULL) THEN
            RAISE EXCEPTION 'It is held.';
        END IF;
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION documents_guard FROM PUBLIC;
CREATE TRIGGER guard BEFORE UPDATE ON documents_document FOR EACH ROW EXECUTE FUNCTION documents_guard();
"""

# As customers_find: row-level security would keep GIN out of use, so ids are found as the tables' owner, with the policy's own
# condition written out, and whoever asked reads the rows under the policies.
FIND = f"""
CREATE FUNCTION documents_find(wanted bigint[], most integer)
RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    me bigint := zhike_actor();
    sees bigint[] := zhike_sees();
BEGIN
    RETURN QUERY
        (SELECT t.document_id FROM documents_text t WHERE t.keeper = me AND t.grams @> wanted ORDER BY t.document_id DESC LIMIT most)
        UNION
        (SELECT t.document_id FROM documents_text t WHERE t.mine = me AND t.grams @> wanted ORDER BY t.document_id DESC LIMIT most)
        UNION
        (SELECT t.document_id FROM documents_text t
         WHERE t.keeper = ANY (sees) AND t.grams @> wanted ORDER BY t.document_id DESC LIMIT most);
END $$;
REVOKE EXECUTE ON FUNCTION documents_find FROM PUBLIC;
GRANT EXECUTE ON FUNCTION documents_find TO {APP}, {WORKER};
"""
APPEND_ONLY = f"REVOKE UPDATE, DELETE ON documents_version FROM {APP}, {WORKER};"

# key, zh, en, years, years by law, wanted, always
BUSINESSES = (
    ("account", "开户", "Account opening", 10, 10, ("identity", "application", "agreement"), True),
    ("wealth", "理财", "Wealth products", 20, 20, ("assessment", "disclosure", "agreement"), False),
    ("insurance", "保险", "Insurance", 10, 10, ("application", "assessment", "agreement"), False),
    ("loan", "贷款", "Loan", 10, 5, ("application", "income", "agreement"), False),
    ("after_sales", "售后服务", "After-sales service", 5, 0, (), False),
    ("complaint", "投诉", "Complaint", 5, 3, ("letter", "answer"), False),
    ("delivery", "单据送达", "Deliveries", 5, 0, (), False),
    ("office", "内部工作", "The unit's own work", 5, 0, (), False),
)
KINDS = (
    ("identity", "身份证件", "Proof of identity", 10, 10),
    ("application", "申请表", "Application form", 10, 5),
    ("agreement", "合同协议", "Agreement", 10, 5),
    ("assessment", "风险测评", "Risk assessment", 20, 10),
    ("disclosure", "风险揭示书", "Risk disclosure", 20, 10),
    ("income", "收入与资产证明", "Proof of income or assets", 5, 5),
    ("statement", "对账单与回单", "Statement or slip", 5, 0),
    ("receipt", "签收单", "Receipt of a delivery", 5, 0),
    ("letter", "客户来函", "Letter from the customer", 5, 0),
    ("answer", "答复函", "Answer to the customer", 5, 0),
    ("proposal", "方案建议", "Proposal", 5, 0),
    ("minutes", "会议纪要", "Minutes", 3, 0),
    ("photo", "照片", "Photo", 3, 0),
    ("other", "其他", "Other", 3, 0),
)


def label(apps, schema_editor):
    """What a bank files under from its first day; compliance changes it."""
    Label = apps.get_model("documents", "Label")
    for place, (key, zh, en, years, least, wanted, always) in enumerate(BUSINESSES):
        Label.objects.create(
            sort="business",
            key=key,
            zh=zh,
            en=en,
            years=years,
            least=least,
            wanted=list(wanted),
            always=always,
            place=place,
        )
    for place, (key, zh, en, years, least) in enumerate(KINDS):
        Label.objects.create(sort="kind", key=key, zh=zh, en=en, years=years, least=least, place=place)


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_documents"), ("people", "0014_marketing_decides"), ("trail", "0004_on_behalf")]
    operations = [
        migrations.RunPython(label, migrations.RunPython.noop),
        wall("documents_label", sees="true", writes=COMPLIANCE),
        watch("documents_label"),
        wall("documents_document", sees=MINE, writes=MINE_TO_CHANGE),
        watch(
            "documents_document",
            changed=(
                "customer_id", "unit_id", "business_id", "kind_id", "title", "dated", "version", "counts_from", "years", "deleted_at",
                "deleted_by_id", "deleted_why",
            ),
        ),
        wall("documents_version", sees=ITS, writes=ITS_TO_CHANGE),
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
        watch("documents_version"),
        migrations.RunSQL(HOLD, migrations.RunSQL.noop),
        watch("documents_hold"),
        wall("documents_text", sees=ITS, writes=ITS_TO_CHANGE, deletes=True),
        open_to("documents_blob"),
        migrations.RunSQL(KEEPERS, "DROP TRIGGER documents ON customers_customer; DROP FUNCTION documents_keeper, documents_text_keeper, documents_follow CASCADE"),
        migrations.RunSQL(GUARD, "DROP FUNCTION documents_guard CASCADE"),
        migrations.RunSQL(FIND, "DROP FUNCTION documents_find"),
    ]  # fmt: skip
