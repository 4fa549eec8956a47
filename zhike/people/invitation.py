"""How somebody gets in the first time, or again after forgetting: a one-time password, changed at the first sign-in."""

from __future__ import annotations

import secrets

from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password

from zhike.people.models import Staff

# Read aloud and typed without mistakes: no l, o, i, 0, 1. 31 letters to the power of 12: 59 bits.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class InvitationHasher(PBKDF2PasswordHasher):
    """For passwords that a machine drew and that live for one sign-in: few rounds do, and fifty people are seated at once.

    At the first sign-in Django hashes it anew with the bank's ordinary hasher.
    """

    algorithm = "invitation"
    iterations = 5_000


def draw() -> tuple[str, str]:
    """A one-time password, and what is kept of it."""
    password = "-".join("".join(secrets.choice(LETTERS) for _letter in range(4)) for _group in range(3))
    return password, make_password(password, hasher=InvitationHasher.algorithm)


def invite(staff: Staff) -> str:
    """Gives the staff member a new one-time password and ends every session of theirs; the text is nowhere kept."""
    password, staff.password = draw()
    staff.must_change_password = True
    staff.save(update_fields=["password", "must_change_password"])
    return password
