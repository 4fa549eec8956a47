"""What is kept, in words: acts, things and fields of the trail, for one's own page and for those who look after it."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext, pgettext

from zhike.customers import profile
from zhike.trail.models import Entry


def acts() -> dict[str, str]:
    """What somebody did."""
    return {
        "insert": gettext("added"), "update": gettext("changed"), "delete": gettext("deleted"),
        "reveal": gettext("had shown"), "refused": gettext("was refused"), "sign_in": gettext("signed in"),
        "sign_out": gettext("signed out"), "sign_in_failed": gettext("sign-in failed"), "export": gettext("exported"),
        "look_up": gettext("looked up"), "search": gettext("looked for by a whole number"), "unlock": gettext("opened the sign-in of"),
        "end_sessions": gettext("signed out everywhere"), "revoke": gettext("revoked a token of"),
        "reseal": gettext("sealed personal data anew with other"),
        "second_factor_off": gettext("took away the second factor of"),
        "take back": gettext("took back"), "send again": gettext("had sent again"), "settle": gettext("looked into"),
        "download": gettext("was given the file"),
        "decide": gettext("decided"), "try again": gettext("tried again"), "dismiss": gettext("dismissed"),
    }  # fmt: skip


def things() -> dict[str, str]:
    """To what, by the name of its table; of what was refused, by what the capability is about."""
    return {
        "customers_customer": gettext("customer"), "contacts_contact": gettext("contact"), "customers_need": gettext("need"),
        "obligations_obligation": gettext("obligation"), "obligations_fact": gettext("fact"), "people_staff": gettext("staff"),
        "contacts_demand": gettext("demand"), "customers_relation": gettext("relation"), "people_setting": gettext("setting"),
        "contacts_draft": gettext("draft"), "obligations_finding": gettext("finding"), "people_post": gettext("post"),
        "customers_acquaintance": gettext("acquaintance"),
        "customers_book": gettext("book"), "people_unit": gettext("unit"), "people_approval": gettext("approval"),
        "people_token": gettext("token"), "customers_holding": gettext("holding"), "customers_consent": gettext("consent"),
        "customers_household": gettext("household"), "contacts_amendment": gettext("amendment"), "trail_entry": gettext("trail"),
        "customers_difference": gettext("difference"), "customers_run": gettext("import"), "customers_rating": gettext("rating"),
        "data_keys": gettext("data keys"), "notices_choice": gettext("reminder channel"), "notices_calendar": gettext("calendar on the phone"), "reminders": gettext("reminders"), "notices_webhook": gettext("the group's robot"), "people_leave": gettext("leave"), "leave": gettext("leave"), "promises": gettext("promise"),
        "customers": gettext("customer"), "contacts": gettext("contact"), "obligations": gettext("obligation"),
        "clauses": gettext("code"), "adherence": gettext("measures"), "team": gettext("team"), "staff": gettext("staff"),
        "units": gettext("unit"), "posts": gettext("post"), "settings": gettext("setting"), "workdays": gettext("workdays"),
        "people_workday": gettext("workdays"), "mfa_authenticator": gettext("second factor"),
        "approvals": gettext("approval"), "trail": gettext("trail"), "messages": gettext("SMS"), "templates": gettext("text template"),
        "sms_message": gettext("SMS"), "sms_reply": gettext("the customer's SMS"), "sms_opt_out": gettext("opt-out"),
        "sms_template": gettext("text template"), "sms_wording": gettext("wording"), "sms_greeting": gettext("greetings to many"),
        "sms_left_out": gettext("left out of a greeting or a campaign"), "sms_campaign": gettext("campaign"),
        "sms_forwarding": gettext("forwarding"), "campaigns": gettext("campaign"), "gateways": gettext("gateways"),
        "sms_pushed": gettext("what a gateway brought"), "sms_question": gettext("question how content one is"), "work_assignment": gettext("assignment"),
        "assignments": gettext("assignment"), "work_entry": gettext("said of an assignment"),
        "work_delivery": gettext("delivery"), "work_handling": gettext("handling of a delivery"), "deliveries": gettext("delivery"),
        "market_prospect": gettext("prospect"), "market_event": gettext("what happened to a prospect"), "prospects": gettext("prospect"),
        "market_note": gettext("market note"), "market_brief": gettext("brief"), "market_worked": gettext("note in a brief"),
        "market_routing": gettext("note passed on"), "notes": gettext("market note"),
        "documents": gettext("document"), "documents_document": gettext("document"), "documents_version": gettext("version of a document"),
        "work_plan": gettext("work plan"), "work_plan_line": gettext("line of a plan"), "work_plan_comment": gettext("said of a plan"), "plans": gettext("work plan"),
        "work_outing": gettext("outing"), "work_stop": gettext("stop of an outing"), "work_help": gettext("request for help"), "outings": gettext("outing"),
        "obligations_acknowledgement": gettext("acknowledgement of the code"),
        "documents_hold": gettext("hold on a document"), "documents_label": gettext("business or kind of document"),
    }  # fmt: skip


def thing(entry: Entry) -> str:
    """What it was done to."""
    known = things()
    return known.get(entry.object) or known.get(entry.object.partition(".")[0], entry.object)


# What has a page of its own, where a reader in whose scope it lies sees what the number stands for.
PAGES = {
    "market_prospect": "prospect",
    "market_note": "note",
    "market_brief": "brief",
    "market_routing": "note_routing",
    "customers_customer": "customer",
    "contacts_contact": "contact",
    "obligations_obligation": "obligation",
    "documents_document": "document",
    "work_delivery": "delivery",
    "work_plan": "work_plan",
}


def page(entry: Entry) -> str | None:
    """Where the thing itself is looked at."""
    return reverse(PAGES[entry.object], args=[entry.row_id]) if entry.object in PAGES and entry.row_id else None


# Columns that say nothing to a reader: numbers of rows, what the entry says itself (when, who, whose customer), what the
# program reckons from other columns.
TECHNICAL = frozenset({
    "id", "version", "created_at", "changed_at", "asked_at", "by_id", "asked_by_id", "decided_by_id", "settled_by_id",
    "customer_id", "contact_id", "contact", "fact_id", "settling_id", "corrects_id", "follows_id", "approval_id",
    "made_at", "made_by_id", "key", "digest", "hash", "grams", "pinyin", "sort_key", "mobile_index", "tail_index", "other_tail_index", "id_index",
    "keeper", "path", "clause_from", "due_counts", "ticks", "mapping", "checked", "last_line", "number", "last_login", "method",
    "user_id", "last_used_at",
    "answered_by_id", "ended_by_id", "prospect_id", "note_id", "brief_id",
    "document_id", "deleted_by_id", "lifted_by_id", "reading", "trouble", "message_id", "held_at",
    "done_at", "waits", "live", "look", "greeting_id", "forwarding_id", "campaign_id", "stopped_by_id", "lane", "not_after", "not_before", "obligation_id", "parts", "sent_at", "through",
    "assignment_id", "delivery_id", "outing_id", "plan_id", "about", "leader_id", "back_by_id", "run_id", "handed_over", "together", "on_day", "documents",
    "wording_id", "template_id", "number_index", "reply_id", "gateway", "sender", "sender_index",
})  # fmt: skip


def columns() -> dict[str, str]:
    """What a column holds, by its name; ``table.column`` where a name has several meanings. A test walks them all."""
    return {
        **{name: str(field.label) for name, field in profile.FIELDS.items()},
        # whose, which, in which state
        "at": gettext("when"), "kind": gettext("kind"), "state": gettext("state"), "reason": gettext("reason"),
        "name": gettext("name"), "words": gettext("words"), "note": gettext("note"), "source": gettext("source"),
        "rm_id": gettext("RM"), "unit_id": gettext("unit"), "staff_id": gettext("staff"), "owner_id": gettext("owner"),
        "held_by_id": gettext("held by"), "household_id": gettext("household"), "other_id": gettext("the other side"),
        "parent_id": gettext("unit above"), "tier": gettext("tier"), "subject": gettext("subject"),
        "from_day": gettext("from"), "to_day": gettext("until"), "closed_at": gettext("closed on"), "opened_at": gettext("opened"),
        "void": gettext("corrected"), "on": gettext("turned on"), "since": gettext("in use since"), "tail": gettext("address ends in"), "grade": gettext("how it was kept"), "clause": gettext("clause"),
        # plans
        "period": gettext("period of the plan"), "first_day": gettext("its first day"), "fixed_at": gettext("fixed"),
        "falls_on": gettext("falls on"), "carried": gettext("moved on so often"), "added_at": gettext("added"),
        "work_plan_line.place": gettext("place in the order"),
        # customers
        "core_number": gettext("core number"), "tier_since": gettext("tier since"), "assets": gettext("assets"),
        "assets_day": gettext("assets as of"), "birth_calendar": gettext("birthday"), "birth_year": gettext("birthday"),
        "birth_month": gettext("birthday"), "birth_day": gettext("birthday"), "birth_leap": gettext("birthday"),
        "deceased_on": gettext("died on"), "closed_on": gettext("account closed on"),
        "do_not_disturb": gettext("do not disturb"), "complaint_open": gettext("open complaint"),
        "met_before": gettext("met before"), "met_before_on": gettext("met before"),
        "called_before": gettext("called before"), "called_before_on": gettext("called before"),
        "last_contact_at": gettext("last contact"), "profile": gettext("profile"),
        "first_met_at": gettext("first met"), "met_source": gettext("first met"), "meetings": gettext("meetings"),
        "first_called_at": gettext("first called"), "called_source": gettext("first called"), "calls": gettext("calls"),
        "purpose": gettext("purpose"), "channel": gettext("channel"), "given": gettext("agreed or refused"),
        "evidence": gettext("evidence"), "field": gettext("field"), "theirs": gettext("as the core system has it"),
        "decided_at": gettext("decided"), "seen_at": gettext("seen on"), "read_at": gettext("last read"), "closed_why": gettext("why closed"), "age": gettext("age"), "month": gettext("month"),
        "product": gettext("product"), "amount": gettext("amount"), "currency": gettext("currency"), "rate": gettext("rate"),
        "opened_on": gettext("opened"), "matures_on": gettext("matures"), "as_of": gettext("as of"), "ended_on": gettext("ended"),
        "size": gettext("size"), "dry": gettext("trial"), "total": gettext("rows"), "loaded": gettext("rows loaded"),
        "already": gettext("rows loaded before"), "refused": gettext("rows refused"), "doubtful": gettext("rows in doubt"),
        "changed": gettext("rows changed"), "differing": gettext("rows that differ"), "error": gettext("error"),
        "finished_at": gettext("finished"),
        # contacts
        "purpose_words": gettext("purpose"), "planned_for": gettext("planned for"), "planned_minutes": gettext("length"),
        "place": gettext("place"), "invited_by_rm": gettext("invited by the RM"), "customer_asked": gettext("the customer asked"),
        "told_customer": gettext("customer told"), "incoming": gettext("incoming"), "afterwards": gettext("recorded afterwards"),
        "was_agreed": gettext("appointment"), "surprise_reason": gettext("reason for the surprise"),
        "prepared_at": gettext("prepared"), "notes": gettext("notes"), "arrived_at": gettext("at the door"),
        "started_at": gettext("began"), "ended_at": gettext("ended"), "first": gettext("first of its kind"),
        "outcome": gettext("outcome"), "call_back_at": gettext("call back at"), "met_where": gettext("met where"),
        "seen_off": gettext("seen off to"), "card_handed": gettext("card handed over"), "invitation": gettext("invitation"),
        "result": gettext("result"), "result_words": gettext("result"), "no_need": gettext("no need"),
        "cancelled_at": gettext("called off"), "cancelled_for": gettext("called off for"),
        "cancelled_why": gettext("why called off"), "before": gettext("before"), "after": gettext("after"),
        # obligations
        "known_at": gettext("known since"), "data": gettext("what happened"), "verdict": gettext("verdict"),
        "what": gettext("what"), "force": gettext("force"), "origin": gettext("whose rule"), "why": gettext("why"),
        "detail": gettext("details"), "opens": gettext("opens"), "due": gettext("due"), "target": gettext("promised for"),
        "lapses": gettext("lapses"), "channels": gettext("channels"), "settled_at": gettext("done on"),
        # messages
        "occasion": gettext("occasion"), "sent_from": gettext("sent from"), "tiers": gettext("tiers"),
        "withdrawn_at": gettext("taken back"), "attempt": gettext("how often it was sent"), "introduces": gettext("introduces the manager"),
        "sealed": gettext("words"), "stops": gettext("opt-out or not"), "retired_at": gettext("no longer in use since"),
        "variant": gettext("variant"), "text": gettext("wording"),
        "sms_campaign.code": gettext("product's code"), "risk": gettext("product's risk"), "kinds": gettext("persons or companies"),
        "deadline": gettext("to be forwarded by"), "ends_at": gettext("ends"), "stopped_at": gettext("stopped on"),
        "stop_reason": gettext("why stopped"), "line": gettext("the RM's own line"),
        # the market
        "employer": gettext("employer"), "mobile": gettext("mobile"), "email": gettext("e-mail address"), "contact_name": gettext("contact person"),
        "source_words": gettext("which occasion"), "referred_by_id": gettext("referred by"), "interest": gettext("interest"),
        "interest_words": gettext("interest"), "stage": gettext("stage"), "lost": gettext("why lost"), "lost_words": gettext("why lost"),
        "do_not_contact": gettext("does not want to be contacted"), "contacted_at": gettext("last contact"), "how": gettext("how"),
        "market_prospect.since": gettext("held since"), "market_prospect.step": gettext("next step"),
        "market_prospect.tier": gettext("tier expected"), "market_event.what": gettext("what happened"),
        "seen_on": gettext("seen on"), "tags": gettext("tags"), "for_customers": gettext("for customers"), "for_bank": gettext("for the bank"),
        "to_id": gettext("to whom"),  "answer_words": gettext("answer"),
        # records
        "business_id": gettext("business"), "kind_id": gettext("kind"), "documents_document.title": pgettext("documents", "Title"),
        "dated": gettext("day of the document"), "counts_from": gettext("kept from"), "years": gettext("years kept"),
        "deleted_at": pgettext("documents", "deleted"), "deleted_why": gettext("why deleted"), "format": gettext("format"),
        "sha256": gettext("hash"), "active": gettext("macros or scripts"), "lifted_at": gettext("hold lifted"),
        "lifted_why": gettext("why the hold was lifted"), "sort": gettext("business or kind"), "zh": gettext("name in Chinese"),
        "en": gettext("name in English"), "least": gettext("years that law asks"), "wanted": gettext("what a file is to hold"),
        "always": gettext("every customer has it"), "open": gettext("open for new documents"), "documents_label.place": gettext("order"),
        # deliveries
        "recipient": gettext("recipient"), "holder_id": gettext("in whose hand"), "offered_to_id": gettext("handed to"),
        "received_by": gettext("received by"), "receipt_id": gettext("receipt"),
        # the code
        "obligations_acknowledgement.version": gettext("version of the code"),
        # people
        "payload": gettext("what was asked"), "decision": gettext("decision"), "role": gettext("role"), "scope": gettext("scope"),
        "value": gettext("value"), "password": gettext("password"), "title": gettext("title"), "theme": gettext("look"),
        "phone": gettext("telephone"), "language": gettext("language"), "single_keys": gettext("single-letter keys"),
        "is_active": gettext("may sign in"), "must_change_password": gettext("password to be changed"),
        "label": gettext("name"), "expires_at": gettext("expires"), "used_at": gettext("last used"),
        "revoked_at": gettext("revoked"), "code": gettext("number"), "reported_at": gettext("reported"), "departs_at": gettext("leaves"), "returns_at": gettext("expected back"),
        "left_at": gettext("left"), "extended_at": gettext("another return said"), "back_at": gettext("back"),
        "not_today": gettext("not today"), "reached_at": gettext("checked in"), "told_at": gettext("reported on"), "visit": gettext("visit"),
        "counts_as_done": gettext("what counts as done"), "every": gettext("how often it comes"), "given_at": gettext("assigned"),
        "handed_in_at": gettext("handed in"), "hand_ins": gettext("how often laid before the leader"), "sent_back": gettext("how often sent back"),
        "rating": gettext("how content the leader was"),
        "answer": gettext("answer"), "answered_at": gettext("answered"), "stand_in_id": gettext("stand-in"),
        "on_behalf_id": gettext("on behalf of"),
        "people_leave.ended_at": gettext("ended early"), "people_leave.to_day": gettext("first day back"),
        "people_staff.number": gettext("staff number"),
        "obligations_obligation.evidence": gettext("how it was done"), "people_approval.kind": gettext("kind"),
        "people_unit.path": gettext("unit above"),
        "day": gettext("day"), "works": gettext("works that day"), "works_from": gettext("working hours from"), "works_to": gettext("working hours to"), "type": gettext("kind"),
        # noted with an act that changes no row
        "people_staff.address": gettext("network address"), "sessions": gettext("sessions"), "token": gettext("token"),
        "to": gettext("key"),
    }  # fmt: skip


def who(entry: Entry, names: dict[int, str]) -> str:
    """Who did it, and for whom where that was a stand-in."""
    by = names.get(entry.actor_id or 0) or ("—" if entry.action == "sign_in_failed" else gettext("the system"))
    if entry.on_behalf_id is None:
        return by
    return gettext("%(who)s for %(name)s") % {"who": by, "name": names.get(entry.on_behalf_id, "—")}


def fields(entry: Entry) -> list[str]:
    """Which fields it was about: names, never values; of what was shown, for which contact as well."""
    changes = entry.changes if isinstance(entry.changes, dict) else {}
    known = columns()
    if entry.action == "reveal" and "field" in changes:
        purpose = [gettext("for contact %(id)s") % {"id": changes["contact"]}] if "contact" in changes else []
        return [known.get(str(changes["field"]), str(changes["field"])), *purpose]
    if entry.action == "refused":
        return [str(changes["path"])] if changes.get("path") else []
    said = [word for name in _named(changes) if (word := column(entry.object, name, known))]
    return list(dict.fromkeys(said))


def column(table: str, name: str, known: dict[str, str]) -> str:
    """A column in words; empty where it says nothing to a reader."""
    own = known.get(f"{table}.{name}")
    return own or ("" if name in TECHNICAL or name.startswith("_") else known.get(name, name))


def _named(changes: dict[str, object]) -> list[str]:
    """The columns in their alphabet, the fields of a profile each by itself."""
    names: list[str] = []
    for name, change in sorted(changes.items()):
        names += sorted(change) if name == "profile" and isinstance(change, dict) else [name]
    return names


def listed(entry: Entry, most: int) -> str:
    """The first of them in one line, and that there are more."""
    said = fields(entry)
    return gettext(", ").join(said[:most]) + (pgettext("more of a list", " and more") if len(said) > most else "")
