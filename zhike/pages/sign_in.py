"""Sign-in through allauth and axes: what the bank's settings ask of it, and what the trail keeps of it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.forms import ChangePasswordForm, LoginForm
from allauth.account.forms import ReauthenticateForm as AccountReauthenticateForm
from allauth.core import context
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import (
    SECRET_SESSION_KEY,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.mfa.totp.views import ActivateTOTPView
from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import connection
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike import clock
from zhike.customers.reseal import Row, Store, renewed
from zhike.customers.vault import Unopened, Vault, vault
from zhike.people import actor, bank
from zhike.people.models import Staff
from zhike.people.turn import take_turn
from zhike.trail.models import note

PLACE = "mfa_authenticator:data"  # what the secrets of authenticators are sealed for
LONGEST_NUMBER = 32  # letters; longer is nobody's
TRIES = "tries to sign in as"  # a number, a password or a code: all of them are counted together


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up: the administrator seats staff. What allauth would tell by e-mail or message is on the page."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": gettext_lazy("Staff number or password is wrong."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        return None

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        return None

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Who has a second factor shows it: a password seen over a shoulder must not take the other half away."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [each for each in methods if each["id"] == "mfa_reauthenticate"] or methods

    def set_password(self, user: Any, password: str) -> None:
        """A password that its owner has chosen is no longer the one on the invitation."""
        user.must_change_password = False
        user.set_password(password)
        user.save(update_fields=["password", "must_change_password"])


class SignInForm(LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        number = self.fields["login"]
        number.label = gettext_lazy("Staff number")
        number.widget.attrs = {
            "autocomplete": "username",
            "autocapitalize": "none",
            "spellcheck": "false",
            "autofocus": "",
        }
        self.fields["password"].help_text = ""
        self.fields["password"].widget.attrs.pop("placeholder", None)

    def clean_login(self) -> str:
        """The number as it is kept: capitals do not matter at sign-in, so they are no new tries either."""
        said = str(super().clean_login())
        if len(said) > LONGEST_NUMBER:
            raise get_account_adapter().validation_error("username_password_mismatch")
        kept = Staff.objects.filter(number__iexact=said).values_list("number", flat=True)[:2]
        number = kept[0] if len(kept) == 1 else said
        take_turn(TRIES, number)
        return number


class PasswordForm(ChangePasswordForm):
    """The new password must differ: an invitation's one-time password stays nobody's password.

    A wrong present password counts like one at sign-in: an unattended desk is no place to try them through.
    """

    def clean_oldpassword(self) -> str:
        refuse_locked(self.user)
        try:
            return str(super().clean_oldpassword())
        except forms.ValidationError:
            count_failure(self.user)
            raise

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("password1") and cleaned.get("password1") == cleaned.get("oldpassword"):
            self.add_error(
                "password1", forms.ValidationError(_("Choose a password that differs from the present one."))
            )
        return cleaned


def refuse_locked(user: Any) -> None:
    """Raises ValidationError, answered 429, where too many tries have locked the account."""
    request, credentials = context.request, {"username": user.number}
    take_turn(TRIES, user.number)
    if not AxesProxyHandler.is_allowed(request, credentials):
        request.axes_locked_out = True
        request.axes_credentials = credentials
        raise forms.ValidationError(locked_sentence())


def count_failure(user: Any) -> None:
    """One more try that failed; the one that is too many locks the account."""
    user_login_failed.send(sender=__name__, credentials={"username": user.number}, request=context.request)


class PasswordAgainForm(AccountReauthenticateForm):
    """Somebody who is signed in shows the password once more; tries that come at once are counted one by one here, too."""

    def clean_password(self) -> str:
        refuse_locked(self.user)
        return str(super().clean_password())


class Code:
    """A wrong code counts like a wrong password, a locked account takes none: six digits are soon tried through.

    A right one counts once, whichever process it reaches first: who looked over a shoulder comes too late.
    """

    def clean_code(self) -> str:
        request, user = context.request, self.user  # type: ignore[attr-defined]
        refuse_locked(user)
        signed_in = request.actor is not None
        # Whoever has shown the password may use up that person's codes, and nobody else's.
        actor.act(user.pk, request.now)
        try:
            code = str(super().clean_code())  # type: ignore[misc]
            if not use_up(self.authenticator, code):  # type: ignore[attr-defined]
                raise forms.ValidationError(_("This code has been used already. Wait for the next one."))
        except forms.ValidationError:
            if not signed_in:
                actor.leave()
            count_failure(user)
            raise
        return code


class CodeForm(Code, AuthenticateForm):
    """The second step of signing in."""


class CodeAgainForm(Code, ReauthenticateForm):
    """Somebody who is signed in shows once more that it is them."""


class SetUpForm(ActivateTOTPForm):
    """The secret that an authenticator is given waits in the session until its first code: sealed, like afterwards."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.user = kwargs.pop("user")
        forms.Form.__init__(self, *args, **kwargs)  # allauth's own would put it there in clear
        waits, where = context.request.session, f"people_session:totp:{self.user.pk}"
        self.secret = ""
        if self.is_bound and SECRET_SESSION_KEY in waits:
            with suppress(Unopened):  # its key was taken out meanwhile: another secret, another photograph
                self.secret = vault().open(waits[SECRET_SESSION_KEY], where)
        if not self.secret:
            self.secret = generate_totp_secret()
            waits[SECRET_SESSION_KEY] = vault().seal(self.secret, where)


# The later of two that come at once waits for the first, and finds its step taken.
USE_UP = """
UPDATE mfa_authenticator SET data = jsonb_set(data, '{step}', to_jsonb(%s::bigint))
WHERE id = %s AND coalesce((data ->> 'step')::bigint, 0) < %s
"""


def use_up(authenticator: Authenticator, code: str) -> bool:
    """Takes the half minute that ``code`` belongs to, and all before it, out of use; False if it was already.

    allauth remembers used codes in each process's own memory. Recovery codes it crosses out in the database itself.
    """
    if authenticator.type != Authenticator.Type.TOTP:
        return True
    secret = get_adapter().decrypt(authenticator.data["secret"])
    steps = [
        step for step in yield_hotp_counters_from_time()
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step)))
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(USE_UP, [max(steps, default=0), authenticator.pk, max(steps, default=0)])
        return bool(cursor.rowcount)


class SetUp(ActivateTOTPView):
    """The code that sets an authenticator up has been shown, and opens nothing afterwards."""

    def form_valid(self, form: SetUpForm) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        made = Authenticator.objects.get(user=self.request.user, type=Authenticator.Type.TOTP)
        use_up(made, form.cleaned_data["code"])
        return answer


class SecondFactor(DefaultMFAAdapter):
    """Secrets of authenticators are sealed at rest like customers' personal data."""

    def encrypt(self, text: str) -> str:
        return vault().seal(text, PLACE)

    def decrypt(self, encrypted_text: str) -> str:
        return vault().open(encrypted_text, PLACE)

    def get_totp_label(self, user: Any) -> str:
        return str(user.number)


def _resealed(keys: Vault, row: Row) -> dict[str, Any]:
    data: dict[str, Any] = row["data"]
    fresh = {name: renewed(keys, data[name], PLACE) for name in ("secret", "seed") if name in data}
    return {"data": {**data, **fresh}} if any(fresh[name] != data[name] for name in fresh) else {}


SEALED = Store("mfa_authenticator", {"data": "jsonb"}, _resealed)


def failures_allowed(request: Any, credentials: Any) -> int:
    return bank.settings().now(clock.now()).lockout_failures


def locked_for(request: Any) -> timedelta:
    return timedelta(minutes=bank.settings().now(clock.now()).lockout_minutes)


def locked_sentence() -> str:
    minutes = int(locked_for(None).total_seconds() // 60)
    return _("Too many failed attempts. Sign-in with this staff number is locked for %(minutes)d minutes.") % {
        "minutes": minutes
    }


def locked_out(request: Any, original_response: Any = None, credentials: Any = None) -> HttpResponse:
    """429 with a sentence; the count of failures is kept although the answer reports a failure."""
    request.keeps = True
    return render(request, "lockout.html", {"sentence": locked_sentence()}, status=429)


# When somebody last signed in the trail says; Django would write it to the account too, as a change that nobody made.
user_logged_in.disconnect(dispatch_uid="update_last_login")


@receiver(user_logged_in)
def keep_sign_in(sender: Any, request: Any, user: Staff, **kwargs: Any) -> None:
    actor.act(user.pk, request.now)
    note(
        action="sign_in",
        object="people_staff",
        row_id=user.pk,
        now=request.now,
        address=request.META.get("REMOTE_ADDR", ""),
    )


@receiver(user_logged_out)
def keep_sign_out(sender: Any, request: Any, user: Staff | None, **kwargs: Any) -> None:
    if user is not None and user.pk:
        note(action="sign_out", object="people_staff", row_id=user.pk, now=request.now)


@receiver(user_login_failed)
def keep_failure(sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
    """Kept with the number that was tried if it is somebody's, so that a password typed into the wrong field is not."""
    number = str(credentials.get("username") or "")
    whose = Staff.objects.filter(number=number).values_list("pk", flat=True).first()
    note(
        action="sign_in_failed",
        object="people_staff",
        row_id=whose,
        now=request.now if request is not None else clock.now(),
        address=request.META.get("REMOTE_ADDR", "") if request is not None else "",
    )
