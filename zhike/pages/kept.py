"""What is kept, in words: acts and things of the trail, for one's own page and for those who look after it."""

from __future__ import annotations

from django.utils.translation import gettext

from zhike.trail.models import Entry


def acts() -> dict[str, str]:
    """What somebody did."""
    return {
        "insert": gettext("added"), "update": gettext("changed"), "delete": gettext("deleted"),
        "reveal": gettext("had shown"), "refused": gettext("was refused"), "sign_in": gettext("signed in"),
        "sign_out": gettext("signed out"), "sign_in_failed": gettext("sign-in failed"), "export": gettext("exported"),
        "look_up": gettext("looked up"), "unlock": gettext("opened the sign-in of"),
        "end_sessions": gettext("signed out everywhere"), "revoke": gettext("revoked a token of"),
        "reseal": gettext("sealed personal data anew with other"),
    }  # fmt: skip


def things() -> dict[str, str]:
    """To what, by the name of its table."""
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
        "data_keys": gettext("data keys"),
    }  # fmt: skip


def fields(entry: Entry) -> list[str]:
    """Which fields it was about: names, never values; of what was shown, for which contact as well."""
    changes = entry.changes if isinstance(entry.changes, dict) else {}
    if entry.action == "reveal" and "field" in changes:
        purpose = [gettext("for contact %(id)s") % {"id": changes["contact"]}] if "contact" in changes else []
        return [str(changes["field"]), *purpose]
    return sorted(name for name in changes if not name.startswith("_"))
