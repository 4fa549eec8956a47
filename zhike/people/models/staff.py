from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _


class StaffManager(BaseUserManager["Staff"]):
    def get_by_natural_key(self, username: str | None) -> Staff:
        return self.get(number=username)

    def seat(self, *, number: str, name: str, password: str | None = None, **fields: Any) -> Staff:
        """A new staff member; without a password, sign-in waits for the administrator's invitation."""
        staff = self.model(number=number, name=name, **fields)
        staff.set_password(password)
        staff.save(using=self._db)
        return staff


class Staff(AbstractBaseUser):
    """A person who works for the bank (员工); signs in with the staff number."""

    class Theme(models.TextChoices):
        SYSTEM = "", _("as the system")
        LIGHT = "light", _("light")
        DARK = "dark", _("dark")

    number = models.TextField(unique=True, help_text=_("staff number"))
    name = models.TextField()
    title = models.TextField(default="", blank=True)
    email = models.EmailField(default="", blank=True)
    phone = models.TextField(default="", blank=True, help_text=_("the desk or mobile number that customers are told"))
    language = models.TextField(default="zh-hans", choices=[("zh-hans", "中文"), ("en", "English")])
    theme = models.TextField(default="", blank=True, choices=Theme)
    works_from = models.TimeField(null=True, blank=True, help_text=_("own working hours; else the bank's"))
    works_to = models.TimeField(null=True, blank=True)
    single_keys = models.BooleanField(default=True, help_text=_("single-letter keys work (WCAG 2.1.4)"))
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)

    USERNAME_FIELD = "number"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]
    objects = StaffManager()

    class Meta:
        db_table = "people_staff"
        constraints = [
            models.CheckConstraint(
                name="people_staff_hours",
                condition=models.Q(works_from=None, works_to=None)
                | models.Q(works_from__isnull=False, works_to__isnull=False, works_from__lt=models.F("works_to")),
            )
        ]

    def __str__(self) -> str:
        return self.name

    # Django's contrib apps ask these; permissions here are roles and scopes, never Django's.
    is_staff = False
    is_superuser = False

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False
