"""Rights by hand: what a role extends to, by which right something is allowed, and what a refusal says."""

import pytest
from conftest import CITY, NEXT_VILLAGE, OTHER_TOWN, START, TOWN, VILLAGE
from hypothesis import given
from hypothesis import strategies as st

from farmland.land.units import chain_of
from farmland.people.rights import Holder, Right, actions_of
from farmland.people.roles import Action, Role
from geodata.problems import Problem

GROUP = f"{VILLAGE}01"
OTHER_CITY = "430503000000"
READ, REPORT, CHECK, ACCEPT = Action.READ, Action.REPORT, Action.CHECK, Action.ACCEPT
UNITS = [None, CITY, TOWN, OTHER_TOWN, VILLAGE, NEXT_VILLAGE, GROUP, OTHER_CITY]


def right(unit: str | None, *actions: Action, role: Role | None = Role.CHIEF) -> Right:
    return Right(frozenset(actions), unit, role)


def holder(*rights: Right) -> Holder:
    return Holder("张三", "account/1", rights)


@pytest.mark.parametrize(
    ("own", "covered"),
    [
        (None, UNITS),
        (CITY, [None, CITY, TOWN, OTHER_TOWN, VILLAGE, NEXT_VILLAGE, GROUP]),  # what is the whole city's is its too
        (TOWN, [TOWN, VILLAGE, NEXT_VILLAGE, GROUP]),
        (VILLAGE, [VILLAGE, GROUP]),
        (GROUP, [GROUP]),
        (OTHER_CITY, [None, OTHER_CITY]),
    ],
)
def test_a_right_is_for_a_unit_and_all_below_it(own: str | None, covered: list[str | None]) -> None:
    assert [unit for unit in UNITS if right(own, READ).covers(unit)] == covered
    one = holder(right(own, READ, CHECK))
    assert [unit for unit in UNITS if one.may(CHECK, unit)] == covered
    assert [unit for unit in UNITS if one.may(ACCEPT, unit)] == []


@given(st.lists(st.tuples(st.sampled_from(UNITS), st.sets(st.sampled_from(list(Action)))), max_size=4))
def test_whatever_is_allowed_is_allowed_by_a_right_that_extends_to_it(
    held: list[tuple[str | None, set[Action]]],
) -> None:
    one = holder(*(right(unit, *actions) for unit, actions in held))
    for action in Action:
        units = [unit for unit, actions in held if action in actions]
        for asked in UNITS:
            # Plainly: one of the units is the unit asked for, or stands above it; the whole city's is a city's.
            above = [CITY, OTHER_CITY] if asked is None else chain_of(asked)
            allowed = any(unit is None or unit in above for unit in units)
            assert one.may(action, asked) == allowed
            if allowed:
                found = one.require(action, asked)
                assert action in found.actions and found.covers(asked)
            else:
                with pytest.raises(Problem, match="not_your_unit" if units else "not_your_role"):
                    one.require(action, asked)
        stems = one.stems(action)
        assert stems == (None if None in units else sorted(set(map(str, units))))


def test_the_widest_right_comes_first() -> None:
    one = holder(right(GROUP, READ), right(OTHER_TOWN, READ), right(TOWN, READ, CHECK), right(VILLAGE, READ))
    assert [able.unit_code for able in one.require_somewhere(READ)] == [TOWN, OTHER_TOWN, VILLAGE, GROUP]
    assert one.home() == TOWN
    assert one.homes() == [TOWN, OTHER_TOWN]
    assert holder(*one.rights, right(None, READ)).home() is None
    assert holder(*one.rights, right(None, READ)).homes() is None
    assert holder(*one.rights, right(None, CHECK)).homes() == [TOWN, OTHER_TOWN]
    assert holder(right(VILLAGE, READ), right(VILLAGE, READ), right(NEXT_VILLAGE, READ)).homes() == [
        VILLAGE,
        NEXT_VILLAGE,
    ]
    assert holder().homes() == [] and holder().stems(READ) == []
    with pytest.raises(Problem, match="not_your_role"):
        holder(right(TOWN, CHECK)).home()


def test_whoever_takes_a_step_acts_for_the_unit_of_the_widest_right_that_allows_it() -> None:
    one = holder(right(VILLAGE, REPORT), right(TOWN, REPORT), right(OTHER_TOWN, REPORT), right(CITY, READ))
    actor = one.actor(REPORT, VILLAGE, START, "phone 7", "H 12")
    assert (actor.name, actor.at, actor.recorded_at, actor.unit_code) == ("张三", START, START, TOWN)
    assert (actor.device, actor.household) == ("phone 7", "H 12")
    assert holder(right(None, REPORT)).actor(REPORT, VILLAGE, START).unit_code is None
    with pytest.raises(Problem, match="not_your_unit"):
        holder(right(VILLAGE, REPORT)).actor(REPORT, NEXT_VILLAGE, START)


def test_a_refusal_says_who_may_and_where() -> None:
    one = holder(
        right(VILLAGE, READ, REPORT), right(NEXT_VILLAGE, READ), right(TOWN, READ, role=None),
        right(CITY, READ, role=Role.LEADER),
    )  # fmt: skip
    with pytest.raises(Problem) as refused:
        one.require(ACCEPT, VILLAGE)
    zh, en = (refused.value.sentence(language) for language in ("zh", "en"))
    assert "张三" in zh and "（田长, 令牌, 领导）不能验收" in zh and "可以验收的是：自然资源局工作人员。" in zh
    assert "(field chief, token, leader) may not accept claims; those who may: officer." in en
    for action, names_zh, names_en in (
        (CHECK, "自然资源局工作人员、市、镇级田长", "officer, field chief of the city or a town"),
        (REPORT, "自然资源局工作人员、巡查员、田长", "officer, inspector, field chief"),
        (Action.LEDGER, "管理员、自然资源局工作人员、审计人员", "administrator, officer, auditor"),
    ):
        with pytest.raises(Problem) as refused:
            holder(right(TOWN, READ, role=Role.LEADER)).require(action, TOWN)
        assert f"的是：{names_zh}。" in refused.value.sentence("zh")
        assert f"those who may: {names_en}." in refused.value.sentence("en")
    with pytest.raises(Problem) as refused:
        holder().require(READ, TOWN)
    assert "没有任何权限" in refused.value.sentence("zh") and "no rights" in refused.value.sentence("en")
    with pytest.raises(Problem) as refused:
        holder(right(VILLAGE, CHECK), right(OTHER_TOWN, CHECK)).require(CHECK, TOWN)
    assert f"{OTHER_TOWN}, {VILLAGE} 及其下级核查，不能在 {TOWN}" in refused.value.sentence("zh")
    with pytest.raises(Problem) as refused:
        holder(right(VILLAGE, CHECK)).require(CHECK, None)
    assert "not in *" in refused.value.sentence("en")


def test_what_a_field_chief_may_follows_from_the_level() -> None:
    for unit, more in ((None, True), (CITY, True), (TOWN, True), (VILLAGE, False), (GROUP, False)):
        actions = actions_of(Role.CHIEF, unit)
        assert {READ, REPORT} <= actions and ACCEPT not in actions
        assert (CHECK in actions, Action.ALLOCATE in actions) == (more, more)
    # Whoever reports does not accept, whoever accepts keeps no accounts, an auditor changes nothing.
    assert {role for role in set(Role) - {Role.CHIEF} if ACCEPT in actions_of(role, None)} == {Role.OFFICER}
    assert {role for role in set(Role) - {Role.CHIEF} if Action.ACCOUNTS in actions_of(role, CITY)} == {
        Role.ADMINISTRATOR
    }
    assert actions_of(Role.AUDITOR, None) == {READ, Action.LEDGER}
    assert actions_of(Role.LEADER, TOWN) == {READ}
