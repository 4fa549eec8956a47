from django.db import models


class Session(models.Model):
    """A signed-in browser, or one that is signing in. The cookie's value itself is never kept, only its hash.

    The web role has no right to this table: it reaches a row only through ``people_begin``, ``people_session_save`` and
    ``people_session_drop``, and only by knowing the cookie.
    """

    key = models.TextField(primary_key=True)
    data = models.TextField()
    staff = models.ForeignKey("people.Staff", models.CASCADE, null=True, related_name="sessions")
    agent = models.TextField(default="", help_text="what the browser said it is")
    begun_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "people_session"

    def __str__(self) -> str:
        return f"{self.staff_id} {self.seen_at}"


class Token(models.Model):
    """A program's right to act as a staff member (令牌). Only a hash is kept; the token itself is printed once."""

    staff = models.ForeignKey("people.Staff", models.CASCADE, related_name="tokens")
    hash = models.TextField(unique=True)
    label = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, help_text="to the minute")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "people_token"

    def __str__(self) -> str:
        return f"{self.staff_id} {self.label}"
