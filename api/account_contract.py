"""What the API answers and takes about accounts, sign-in and tokens."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from api.contract import Answer, Code, Mu, Share, UnitName
from api.taken import Account, Flag, Taken, Text
from api.taken import Code as TakenCode
from farmland.figures.warning import Warning
from farmland.people.roles import Action, Role

AccountName = Annotated[Account, Field(min_length=1, max_length=100, description="The account's name")]
NewPassword = Annotated[
    str, Field(max_length=1000, description="At least 10 characters, not common, without one's names")
]


class Held(Answer):
    """A role for a unit and all below it."""

    role: Role | None = Field(description="null for a program's token")
    unit_code: Code | None = Field(description="null for every unit")
    unit_name: str | None
    from_roster: bool = Field(description="By an appointment in office, not granted by hand")


class Me(Answer):
    """Who asks, and what they may do."""

    account: str | None = Field(description="null for a program's token")
    name: str = Field(description="As the records will name who does something")
    full_name: str
    rights: list[Held]
    actions: list[Action] = Field(description="What is allowed somewhere")
    everywhere: list[Action] = Field(description="What is allowed in the whole city")
    home: UnitName | None = Field(description="The highest unit that may be looked at")
    homes: list[UnitName] = Field(description="The same, and those that lie elsewhere: several rights, several units")
    whole_city: bool = Field(description="Every unit may be looked at")
    must_change_password: bool
    until: datetime | None = Field(None, description="When the sign-in ends")


class SignInBody(Taken):
    account: AccountName
    password: Annotated[str, Field(max_length=1000)]
    keep: Flag = Field(False, description="Stay signed in on this device for 30 days")


class DemonstrationBody(Taken):
    account: AccountName = Field(examples=["officer"])


class ActivationBody(Taken):
    account: AccountName
    code: Annotated[str, Field(max_length=100, description="The activation code of the slip")]
    password: NewPassword
    keep: Flag = False


class PasswordBody(Taken):
    old: Annotated[str, Field(max_length=1000)]
    new: NewPassword


class Ended(Answer):
    ended: int = Field(description="How many sign-ins ended")


class SignInRefusal(Answer):
    """Why a sign-in by the provider was refused, in words for people."""

    code: str
    detail: str


class AccountRow(Answer):
    account: str
    full_name: str
    state: Literal["invited", "active", "shut"]
    roster_number: str | None = Field(description="Of the field chief whose account it is")
    rights: list[Held]
    created_at: datetime
    code_until: datetime | None = Field(description="Until when an activation code that was given can be used")


class AccountList(Answer):
    total: int
    accounts: list[AccountRow]


class GrantBody(Taken):
    role: Role
    unit_code: TakenCode | None = Field(None, description="null for every unit")


class NewAccount(GrantBody):
    account: AccountName
    full_name: Annotated[Text, Field(max_length=100)] = ""


class Invited(Answer):
    """An activation code; it cannot be read again."""

    account: str
    code: str
    until: datetime


class ShutBody(Taken):
    shut: Flag


class TokenRow(Answer):
    id: int
    name: str
    unit_code: Code | None = Field(description="null for every unit")
    unit_name: str | None
    may: list[Action]
    created_at: datetime
    last_used_at: datetime | None = Field(description="To the minute")


class TokenList(Answer):
    tokens: list[TokenRow]


class NewToken(Taken):
    name: Annotated[Text, Field(min_length=1, max_length=100)]
    unit_code: TakenCode | None = Field(None, description="null for every unit")
    may: list[Action] = Field(description="What it may do, besides looking")


class TokenSecret(Answer):
    """A token; it cannot be read again."""

    id: int
    secret: str


class PublicTown(Answer):
    unit_code: Code
    unit_name: str
    target_mu: Mu | None
    accepted_mu: Mu
    evidenced_mu: Mu = Field(description="What of the accepted area photographs show, mu")
    evidenced_share: Share | None = Field(
        description="Evidenced ÷ accepted, fraction of 1; null where nothing is accepted"
    )
    warning: Warning


class PublicFigures(Answer):
    """What the public page shows: the city and its towns, nothing below."""

    as_of: datetime
    city: PublicTown
    towns: list[PublicTown]


class PublicBody(Taken):
    on: Flag


class PublicState(Answer):
    on: bool


class LedgerRow(Answer):
    seq: int
    at: datetime
    actor: str
    unit_code: Code | None
    unit_name: str | None
    event: str
    subject: str | None
    hash: str


class LedgerPage(Answer):
    entries: list[LedgerRow] = Field(description="The last first")
    next_before: int | None = Field(description="`before` for the page that follows; null on the last")


Rows = Annotated[
    dict[str, dict[str, list[Any]]],
    Field(description="table → column → values; of a geometry and of a secret the hash stands there; no phone numbers"),
]


class LedgerEntry(LedgerRow):
    """One entry with the rows that it changed, of each table the first fifty."""

    previous: str = Field(description="The hash of the entry before it")
    before: Rows
    after: Rows
    rows: dict[str, int] = Field(description="How many rows of each table it changed")
