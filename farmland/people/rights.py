"""Who may do what, and where: the one module that decides. Every right is for a unit and all that lies below it.

A person holds rights by roles, a program by its token; whoever asks for something is a :class:`Holder`. What is refused says
why: the role does not extend to it, or the unit is another's.
"""

from dataclasses import dataclass
from datetime import datetime

from farmland.land.units import LEVELS, Level, is_within, level_of
from farmland.people.people import Actor
from farmland.people.roles import ACTION_NAMES, ROLE_NAMES, Action, Role
from geodata.problems import Kind, Language, Problem

NOT_YOUR_UNIT = Kind(
    "not_your_unit",
    "“{name}”只能在 {own} 及其下级{action_zh}，不能在 {code}。请由该单位或其上级办理，或请管理员授权。",
    "“{name}” may {action_en} in {own} and what lies below it, not in {code}. Let that unit or one above it do this, or ask "
    "the administrator for the right.",
    "forbidden",
)
NOT_YOUR_ROLE = Kind(
    "not_your_role",
    "“{name}”（{roles_zh}）不能{action_zh}；可以{action_zh}的是：{who_zh}。如确需办理，请管理员授权。",
    "“{name}” ({roles_en}) may not {action_en}; those who may: {who_en}. Ask the administrator if you need this right.",
    "forbidden",
)


_MAY: dict[Role, frozenset[Action]] = {
    Role.ADMINISTRATOR: frozenset({Action.READ, Action.LEDGER, Action.ACCOUNTS, Action.OPERATE}),
    Role.OFFICER: frozenset({Action.READ, Action.LEDGER, Action.REPORT, Action.CHECK, Action.ACCEPT, Action.ALLOCATE}),
    Role.INSPECTOR: frozenset({Action.READ, Action.REPORT}),
    Role.LEADER: frozenset({Action.READ}),
    Role.AUDITOR: frozenset({Action.READ, Action.LEDGER}),
}
_CHIEF_MAY: dict[Level, frozenset[Action]] = {
    Level.CITY: frozenset({Action.READ, Action.REPORT, Action.CHECK, Action.ALLOCATE}),
    Level.TOWN: frozenset({Action.READ, Action.REPORT, Action.CHECK, Action.ALLOCATE}),
    Level.VILLAGE: frozenset({Action.READ, Action.REPORT}),
    Level.GROUP: frozenset({Action.READ, Action.REPORT}),
}


def actions_of(role: Role, unit_code: str | None) -> frozenset[Action]:
    """What a role may do; a field chief's depends on the level of the unit (None: every unit, as the city's)."""
    if role is Role.CHIEF:
        return _CHIEF_MAY[level_of(unit_code) if unit_code else Level.CITY]
    return _MAY[role]


@dataclass(frozen=True)
class Right:
    """Actions for a unit and all below it (None: for every unit), by a role, or by a token (role None).

    By an appointment of the roster, or by a grant.
    """

    actions: frozenset[Action]
    unit_code: str | None
    role: Role | None = None
    from_roster: bool = False

    def covers(self, unit_code: str | None) -> bool:
        """Whether it extends to a unit; to None, which is the whole city's, only where it is for every unit or a city's."""
        if self.unit_code is None:
            return True
        if unit_code is None:
            return level_of(self.unit_code) is Level.CITY
        return is_within(unit_code, self.unit_code)


@dataclass(frozen=True)
class Holder:
    """Whoever asks for something: a signed-in person or a program, by the name that the records will hold.

    `subject` is what the ledger calls it, where something is said of it.
    """

    name: str
    subject: str
    rights: tuple[Right, ...]
    account_id: int | None = None
    token_id: int | None = None
    must_change_password: bool = False

    def may(self, action: Action, unit_code: str | None) -> bool:
        return any(action in right.actions and right.covers(unit_code) for right in self.rights)

    def require(self, action: Action, unit_code: str | None) -> Right:
        """The right by which the action is allowed in a unit. Raises NOT_YOUR_ROLE, NOT_YOUR_UNIT."""
        able = self.require_somewhere(action)
        found = next((right for right in able if right.covers(unit_code)), None)
        if found is None:
            own = ", ".join(right.unit_code or "*" for right in able)
            raise Problem(NOT_YOUR_UNIT, name=self.name, own=own, code=unit_code or "*", **_named(action))
        return found

    def require_somewhere(self, action: Action) -> list[Right]:
        """The rights with an action, the widest first. Raises NOT_YOUR_ROLE where there is none."""
        able = [right for right in self.rights if action in right.actions]
        if not able:
            raise Problem(
                NOT_YOUR_ROLE,
                name=self.name,
                roles_zh=self._roles("zh"),
                roles_en=self._roles("en"),
                who_zh=_who(action, "zh"),
                who_en=_who(action, "en"),
                **_named(action),
            )
        return sorted(able, key=_width)

    def home(self) -> str | None:
        """The highest unit that may be looked at; None for every unit. Raises NOT_YOUR_ROLE where there is none."""
        return self.require_somewhere(Action.READ)[0].unit_code

    def homes(self) -> list[str] | None:
        """The units that may be looked at, without those that lie below another one, the highest first; None for every unit."""
        found: list[str] = []
        for right in sorted((one for one in self.rights if Action.READ in one.actions), key=_width):
            if right.unit_code is None:
                return None
            if not any(is_within(right.unit_code, higher) for higher in found):
                found.append(right.unit_code)
        return found

    def stems(self, action: Action) -> list[str] | None:
        """The units in which an action is allowed; None for all."""
        units = [right.unit_code for right in self.rights if action in right.actions]
        return None if None in units else sorted({unit for unit in units if unit is not None})

    def actor(
        self,
        action: Action,
        unit_code: str,
        now: datetime,
        device: str | None = None,
        household: str | None = None,
    ) -> Actor:
        """Who takes a step in a unit, for the records. Raises as :meth:`require`."""
        right = self.require(action, unit_code)
        return Actor(self.name, now, now, right.unit_code, device, household)

    def _roles(self, language: Language) -> str:
        names = [
            ROLE_NAMES[right.role][language == "en"] if right.role else {"zh": "令牌", "en": "token"}[language]
            for right in self.rights
        ]
        return ", ".join(dict.fromkeys(names)) or {"zh": "没有任何权限", "en": "no rights"}[language]


def _width(right: Right) -> tuple[int, str]:
    return (-1, "") if right.unit_code is None else (LEVELS.index(level_of(right.unit_code)), right.unit_code)


def _named(action: Action) -> dict[str, str]:
    zh, en = ACTION_NAMES[action]
    return {"action_zh": zh, "action_en": en}


def _who(action: Action, language: Language) -> str:
    """The roles that have an action, in words."""
    english = language == "en"
    names = [ROLE_NAMES[role][english] for role, actions in _MAY.items() if action in actions]
    levels = [level for level in Level if action in _CHIEF_MAY[level]]
    if levels:
        every = ("田长", "field chief")
        higher = ("市、镇级田长", "field chief of the city or a town")
        names.append((every if len(levels) == len(Level) else higher)[english])
    return (", " if english else "、").join(names)
