"""The accounts of the demonstration city, one for each who uses the system: whoever looks at it enters them without password."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.accounts.accounts import Account, grant, next_account_id
from farmland.demonstration.records import CITY, QINGJIANG, XIANCHAQIAO
from farmland.people.chiefs import Chief
from farmland.people.roles import Role
from farmland.records import city
from farmland.records.clock import present
from farmland.records.ledger import contents, note

_ACTOR = "演示"
_PERSONS = (
    ("leader", "市领导", Role.LEADER, CITY),
    ("officer", "市自然资源局耕保股", Role.OFFICER, CITY),
    ("auditor", "审计组", Role.AUDITOR, CITY),
    ("inspector", "清江村巡查员", Role.INSPECTOR, QINGJIANG),
    ("administrator", "系统管理员", Role.ADMINISTRATOR, None),
)
_CHIEFS = (XIANCHAQIAO, QINGJIANG, f"{QINGJIANG}09")


def make_accounts(session: Session) -> None:
    """Write an account for each role, and for the field chiefs of a town, a village and a group; none has a password."""
    chiefs = {chief.code: chief for chief in session.scalars(select(Chief).where(Chief.code.in_(_numbers())))}
    wanted: list[tuple[str, str, int | None]] = [(name, full_name, None) for name, full_name, _, _ in _PERSONS]
    wanted[2:2] = [(code.lower(), chiefs[code].name, chiefs[code].id) for code in _numbers()]
    now, first = present(), next_account_id(session)
    made = [
        Account(id=number, name=name, full_name=full_name, chief_id=chief, must_change=False, created_at=now)
        for number, (name, full_name, chief) in enumerate(wanted, first)
    ]
    session.add_all(made)
    session.flush()
    at = city.next_moment(session)
    note(session, "account.added", "@demonstration", None, actor=_ACTOR, at=at, after=contents(*made))
    by_name = {account.name: account for account in made}
    for name, _, role, unit_code in _PERSONS:
        grant(session, by_name[name], role, unit_code, actor=_ACTOR)


def _numbers() -> list[str]:
    return [f"TZ{code}" for code in _CHIEFS]
