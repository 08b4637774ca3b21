"""What persons are here, and what can be done: the words of which rights are made."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is here."""

    ADMINISTRATOR = "administrator"
    OFFICER = "officer"
    CHIEF = "field_chief"
    INSPECTOR = "inspector"
    LEADER = "leader"
    AUDITOR = "auditor"


ROLE_NAMES = {
    Role.ADMINISTRATOR: ("管理员", "administrator"),
    Role.OFFICER: ("自然资源局工作人员", "officer"),
    Role.CHIEF: ("田长", "field chief"),
    Role.INSPECTOR: ("巡查员", "inspector"),
    Role.LEADER: ("领导", "leader"),
    Role.AUDITOR: ("审计人员", "auditor"),
}


class Action(StrEnum):
    """What a right allows: to see records, to see the ledger, the steps of a claim, targets, accounts, the server's state."""

    READ = "read"
    LEDGER = "ledger"
    REPORT = "report"
    CHECK = "check"
    ACCEPT = "accept"
    ALLOCATE = "allocate"
    ACCOUNTS = "accounts"
    OPERATE = "operate"


ACTION_NAMES = {
    Action.READ: ("查看", "look"),
    Action.LEDGER: ("查台账", "read the ledger"),
    Action.REPORT: ("上报", "report"),
    Action.CHECK: ("核查", "check claims"),
    Action.ACCEPT: ("验收", "accept claims"),
    Action.ALLOCATE: ("分解任务", "allocate targets"),
    Action.ACCOUNTS: ("管理账号", "manage accounts"),
    Action.OPERATE: ("查看运行指标", "see how the server runs"),
}
