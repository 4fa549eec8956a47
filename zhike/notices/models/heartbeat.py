from django.db import models


class Heartbeat(models.Model):
    """One worker process, while it lives and for a day after: when it was last seen. Silence for a minute is told to everybody."""

    worker = models.UUIDField(primary_key=True)
    name = models.TextField(help_text="host and process number, for whoever looks for it")
    begun_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "notices_heartbeat"

    def __str__(self) -> str:
        return f"{self.name} {self.seen_at}"
