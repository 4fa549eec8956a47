from __future__ import annotations

import json

from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.customers.reseal import simple
from zhike.customers.vault import vault


class Webhook(models.Model):
    """The robot of a unit's group (群机器人), to which the team digest goes, and nothing else ever.

    Whoever knows its address writes to the group, so it is sealed like personal data and shown to nobody again but for its end.
    """

    class Kind(models.TextChoices):
        WECOM = "wecom", _("WeCom")
        DINGTALK = "dingtalk", _("DingTalk")
        FEISHU = "feishu", _("Feishu")

    unit = models.OneToOneField("people.Unit", models.PROTECT, related_name="webhook")
    kind = models.TextField(choices=Kind)
    address = models.TextField(help_text=_("sealed: the address and the secret that signs, [address, secret]"))
    tail = models.TextField(help_text=_("the last four characters of the address: all that is shown of it"))
    language = models.TextField(default="zh-hans", help_text=_("in which the group reads"))
    on = models.BooleanField(default=True)
    since = models.DateTimeField(help_text=_("digests are due from here on: when it was set up or turned on again"))
    made_by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        db_table = "notices_webhook"

    def __str__(self) -> str:
        return f"{self.kind} {self.unit_id}"

    def lead_to(self, address: str, secret: str) -> None:
        """Keeps where it leads, sealed."""
        self.address = vault().seal(json.dumps([address, secret]), place(self.unit_id))
        self.tail = address[-4:]

    def leads_to(self) -> tuple[str, str]:
        """Address and secret, for whoever sends. Raises Unopened."""
        address, secret = json.loads(vault().open(self.address, place(self.unit_id)))
        return str(address), str(secret)


def place(unit: int) -> str:
    """What an address is sealed for."""
    return f"notices_webhook:address:{unit}"


SEALED = simple("notices_webhook", "address", lambda row: place(row["unit_id"]), "unit_id")
