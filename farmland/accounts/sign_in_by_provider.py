"""Signing in by a provider, which vouches for who somebody is: what of it is a rule of ours.

The provider says a name; whether there is an account of that name is for the administrator alone. No account is made here, none
is changed: one that is invited is entered without its code, which goes on holding; one that is shut is not; a password that
somebody else set is still to be changed first.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from farmland.accounts.accounts import find_account
from farmland.accounts.sign_in import begin, count_attempt, note_refusal
from farmland.records.database import Database
from geodata.problems import Kind, Problem

PROVIDER_ACCOUNT_REFUSED = Kind(
    "provider_account_refused",
    "“{provider}”认得您，但本系统没有与您的用户名同名的账号，或账号已停用。请向管理员申请，或改用另一个用户登录。",
    "“{provider}” knows you, but there is no account of your name here, or it was shut. Ask the administrator for one, or sign "
    "in as somebody else.",
    "unauthenticated",
)


def set_out(database: Database, address: str) -> None:
    """Count that somebody sets out for the provider: apart from the attempts, of which coming back is one.

    Raises TOO_MANY_ATTEMPTS.
    """
    with database.writing() as session:
        count_attempt(session, None, f"to the provider\n{address}")


def enter_by_provider(
    database: Database, provider: str, vouched: Callable[[], str], *, address: str, lasts: timedelta
) -> tuple[str, datetime]:
    """Sign in to the account whose name the provider vouches for: the secret, and until when it lasts.

    `vouched` asks for that name, and raises a Problem where there is none to be believed; such a refusal is written down.
    Raises that Problem, PROVIDER_ACCOUNT_REFUSED, TOO_MANY_ATTEMPTS.
    """
    with database.writing() as session:
        count_attempt(session, None, address)
    try:
        name = vouched()  # takes its time: not while others wait to write
    except Problem as refusal:
        if refusal.kind.answer == "unauthenticated":
            with database.writing() as session:
                note_refusal(session, None, "provider_refused")
        raise
    with database.writing() as session:
        account = find_account(session, name)
        if account is not None and account.disabled_at is None:
            return begin(session, account, lasts, "account.signed_in_by_provider")
        note_refusal(session, account, "provider_refused")
    raise Problem(PROVIDER_ACCOUNT_REFUSED, provider=provider)
