from django.db import models


class Answer(models.Model):
    """What a POST with an Idempotency-Key was answered, so that the same one sent again changes nothing.

    The body is sealed: it may hold what somebody was shown of a customer.
    """

    staff = models.ForeignKey("people.Staff", models.CASCADE, related_name="+")
    key = models.TextField()
    route = models.TextField(help_text="method and path")
    digest = models.TextField(help_text="of what was sent")
    at = models.DateTimeField()
    status = models.IntegerField(null=True)
    body = models.TextField(default="")
    headers = models.JSONField(default=dict)

    class Meta:
        db_table = "api_answer"
        constraints = [models.UniqueConstraint(fields=["staff", "key"], name="api_answer_once")]
        indexes = [models.Index(fields=["staff", "at"], name="api_answer_old")]

    def __str__(self) -> str:
        return f"{self.staff_id} {self.route}"
