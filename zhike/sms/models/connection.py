from django.db import models


class Connection(models.Model):
    """One time that a worker was signed in to a gateway: the epoch of what it submitted.

    ``seen_at``: when it last said that it lives. Whatever it had submitted and not heard of when it ended is unknown.
    """

    id = models.UUIDField(primary_key=True)
    gateway = models.TextField()
    worker = models.TextField(help_text="machine and process")
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    why = models.JSONField(default=dict, help_text="how it ended, in both languages")

    class Meta:
        db_table = "sms_connection"
        indexes = [models.Index(fields=["seen_at"], name="sms_connection_open", condition=models.Q(closed_at=None))]

    def __str__(self) -> str:
        return f"{self.gateway} {self.opened_at}"
