"""What the documents say is so."""

import re
from pathlib import Path

from api.command import app
from api.settings import Settings
from farmland.imports.rows.source import ALIASES
from farmland.people.rights import actions_of
from farmland.people.roles import ROLE_NAMES, Action, Role

ROOT = Path(__file__).parents[1]


def test_the_document_of_imports_names_every_field_and_each_of_its_names() -> None:
    text = (ROOT / "docs" / "import.md").read_text("utf-8")
    sections = dict(re.findall(r"^## (\w+):.*?\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL))
    documented = {
        noun: {
            row[0].strip(" `"): tuple(re.findall(r"`([^`]+)`", row[-1]))
            for row in (line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `"))
        }
        for noun, section in sections.items()
    }
    assert documented == ALIASES


def test_both_readmes_name_every_setting_and_only_commands_that_there_are() -> None:
    names = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    names |= {group.name for group in app.registered_groups}
    for readme in ("README.md", "README.zh-CN.md"):
        text = (ROOT / readme).read_text("utf-8")
        for setting in Settings.model_fields:
            assert f"TIANZHANG_{setting.upper()}" in text, f"{readme}: {setting}"
        assert set(re.findall(r"\btianzhang ([a-z][a-z-]*)", text)) <= names
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / link).exists(), f"{readme}: {link}"


def test_the_document_of_accounts_says_what_each_role_may_do() -> None:
    lines = (ROOT / "docs" / "accounts.md").read_text("utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("| | look"))
    columns = [Action.READ, Action.LEDGER, Action.REPORT, Action.CHECK, Action.ACCEPT, Action.ALLOCATE, Action.ACCOUNTS]
    told: dict[str, set[Action]] = {}
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        told[name] = {action for action, cell in zip([*columns, Action.OPERATE], cells, strict=True) if cell == "yes"}
    chief = " ".join(reversed(ROLE_NAMES[Role.CHIEF]))
    units = {
        "of the city, of a town": ("430582000000", "430582104000"),
        "of a village, of a group": ("430582104203", "43058210420301"),
    }
    expected = {f"{chief} {which}": actions_of(Role.CHIEF, code) for which, codes in units.items() for code in codes}
    for role in set(Role) - {Role.CHIEF}:
        expected[" ".join(reversed(ROLE_NAMES[role]))] = actions_of(role, None)
    assert told == expected
