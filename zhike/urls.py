"""Every address of Zhike. Each view states its policy (zhike.people.permissions); for others' views it is said here."""

from allauth.account import views as account
from allauth.mfa.base import views as second_factor
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from django.urls import URLPattern, URLResolver, include, path

from zhike.pages.sign_in import SetUp
from zhike.people.permissions import PUBLIC, SIGNED_IN, policy

anybody, signed_in = policy(PUBLIC), policy(SIGNED_IN)

SIGN_IN: list[URLPattern | URLResolver] = [
    path("sign-in/", anybody(account.login), name="account_login"),
    path("sign-in/code/", anybody(second_factor.authenticate), name="mfa_authenticate"),
    path("sign-in/closed/", anybody(account.account_inactive), name="account_inactive"),
    path("sign-out/", anybody(account.logout), name="account_logout"),
    path("me/password/", signed_in(account.password_change), name="account_change_password"),
    path("me/again/", signed_in(account.reauthenticate), name="account_reauthenticate"),
    path("me/again/code/", signed_in(second_factor.reauthenticate), name="mfa_reauthenticate"),
    path("me/second-factor/", signed_in(second_factor.index), name="mfa_index"),
    path("me/second-factor/on/", signed_in(SetUp.as_view()), name="mfa_activate_totp"),
    path("me/second-factor/off/", signed_in(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("me/recovery-codes/", signed_in(recovery_codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path(
        "me/recovery-codes/new/", signed_in(recovery_codes.generate_recovery_codes), name="mfa_generate_recovery_codes"
    ),
]

urlpatterns: list[URLPattern | URLResolver] = [
    *SIGN_IN,
    path("", include("zhike.api.urls")),
    path("", include("zhike.pages.urls")),
]
