import uuid
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.customers.reseal import Row, Store, renewed
from zhike.customers.vault import Vault


class OptOut(models.Model):
    """A number that wants no marketing any more (退订): across the bank, whoever has it, until a newer express consent.

    It is found by the number's keyed hash; the number stands sealed beside it, so that a change of keys loses nobody's no.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number_index = models.BinaryField()
    number = models.TextField(help_text="sealed")
    reply = models.ForeignKey("sms.Reply", models.SET_NULL, null=True, related_name="+")
    by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    evidence = models.TextField(help_text=_("what the customer said"))
    at = models.DateTimeField()

    class Meta:
        db_table = "sms_opt_out"
        indexes = [models.Index(fields=["number_index", "-at"], name="sms_opt_out_number")]

    def __str__(self) -> str:
        return f"{self.at}"


def _renew(keys: Vault, row: Row) -> dict[str, Any]:
    """A change of keys loses nobody's no."""
    where = f"sms_opt_out:number:{row['key']}"
    number = renewed(keys, row["number"], where)
    index = keys.index("mobile", keys.open(number, where))
    changed: dict[str, Any] = {"number": number} if number != row["number"] else {}
    return changed | ({"number_index": index} if index != bytes(row["number_index"]) else {})


SEALED = Store("sms_opt_out", {"number": "text", "number_index": "bytea"}, _renew, ("key",))
