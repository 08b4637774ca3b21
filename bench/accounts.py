"""Accounts for the whole roster, and what asking for a right adds to a request."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx
from sqlalchemy import func, select

from bench.city import copied
from bench.measure import Contender, Timings, in_turns
from bench.program import DATABASE, served, tianzhang, token
from bench.report import Section
from farmland.accounts.accounts import Account, get_account
from farmland.accounts.sign_in import begin
from farmland.records.database import Database

TITLE = "Accounts"
LONGEST_S, LONGEST_MS = 30.0, 1.0
ROUNDS, TURNS, IN_A_ROW = 3, 101, 20
CHIEF, OFFICER = "the field chief of a village", "an officer"
PERSONS = {CHIEF: "tz430582104203", OFFICER: "officer"}


def measure(sizes: Sequence[int]) -> Section:
    """The roster has one size: `sizes` does not matter."""
    with tempfile.TemporaryDirectory(prefix="tianzhang-bench-") as name:
        city = Path(name) / "city"
        city.mkdir()
        tianzhang(city, "demo", "--no-serve")
        homes = [copied(city, Path(name) / str(turn)) for turn in range(ROUNDS)]
        fresh = iter(homes)
        roster = in_turns([Contender("roster", lambda: _invite(next(fresh)))], ROUNDS)
        made, slips = _count(homes[-1])
        asked = _ask(homes[-1])
    seconds = roster.median("roster")
    added = {who: (asked.median(who) - asked.median("nothing")) * 1e3 for who in ("a program", *PERSONS)}
    rows = [
        ["`tianzhang users roster -o slips`", f"{made:,} accounts, {slips:,} PDF files", f"{seconds:.1f} s"],
        ["a request that asks for nothing", "", f"{asked.median('nothing') * 1e3:.2f} ms"],
        *([f"a right of {who}", "adds", f"{ms:.2f} ms"] for who, ms in added.items()),
    ]
    return Section(
        TITLE,
        "An account with an activation code for every field chief of the demonstration city in office who has none, and the "
        f"slips to print; the median of {ROUNDS} runs on SQLite. Then two routes that are alike but for the right to look at a "
        f"village, on a server with all these accounts: the time of one of {IN_A_ROW} requests in a row on loopback, the "
        f"medians of {TURNS} such rows, in turns.",
        ("what", "how much", "median"),
        rows,
        {
            f"at most {LONGEST_S:.0f} s for the roster": {"": seconds <= LONGEST_S},
            f"at most {LONGEST_MS:.0f} ms for a right": {who: ms <= LONGEST_MS for who, ms in added.items()},
        },
    )


def _invite(home: Path) -> None:
    tianzhang(home, "users", "roster", "-o", home / "slips")


def _count(home: Path) -> tuple[int, int]:
    database = Database(f"sqlite:///{home / DATABASE}")
    with database.reading() as session:
        invited = session.scalar(select(func.count(Account.id)).where(Account.code.is_not(None))) or 0
    database.close()
    return invited, len(list((home / "slips").glob("*.pdf")))


def _ask(home: Path) -> Timings:
    secret = token(home)
    database = Database(f"sqlite:///{home / DATABASE}")
    with database.writing() as session:
        day = timedelta(days=1)
        kept = {
            who: begin(session, get_account(session, name), day, "account.signed_in")[0]
            for who, name in PERSONS.items()
        }
    database.close()
    callers = {"a program": {"Authorization": f"Bearer {secret}"}}
    callers |= {who: {"Cookie": f"tianzhang={one}"} for who, one in kept.items()}
    with ExitStack() as open_until_the_end:
        address = open_until_the_end.enter_context(served(home, "bench.asking:application"))
        client = open_until_the_end.enter_context(httpx.Client(base_url=address))
        for headers in callers.values():
            client.get("/asked", headers=headers).raise_for_status()
        contenders = [Contender("nothing", partial(_in_a_row, client, "/open", callers[OFFICER]))]
        contenders += [
            Contender(who, partial(_in_a_row, client, "/asked", headers)) for who, headers in callers.items()
        ]
        in_turns(contenders, 5)
        timings = in_turns(contenders, TURNS)
        return Timings({name: seconds / IN_A_ROW for name, seconds in timings.seconds.items()})


def _in_a_row(client: httpx.Client, path: str, headers: dict[str, str]) -> None:
    for _ in range(IN_A_ROW):
        client.get(path, headers=headers)
