"""Time in the field: moments in Asia/Shanghai, days that end at midnight there, a demonstration whose clock stands."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from geodata.problems import Kind, Problem

SHANGHAI = ZoneInfo("Asia/Shanghai")
EARLIEST = date(2000, 1, 1)
LATEST = date(2199, 12, 31)

BAD_MOMENT = Kind(
    "bad_date",
    "“{text}”不是日期。请写成 2022-04-26，或 2022-04-26T18:00。",
    "“{text}” is no date. Write it as 2022-04-26, or 2022-04-26T18:00.",
)
DATE_TOO_EARLY = Kind(
    "date_too_early",
    "日期 {text} 早于 {earliest}，不可能是本系统的业务日期。请检查年份（电子表格常把空日期写成 1900 或 1970）。",
    "The date {text} lies before {earliest}, before any business of this system. Check the year (spreadsheets often "
    "write an empty date as 1900 or 1970).",
)

DATE_TOO_LATE = Kind(
    "date_too_late",
    "日期 {text} 晚于 {latest}，不可能是本系统的业务日期。请检查年份。",
    "The date {text} lies after {latest}, after any business of this system. Check the year.",
)


def end_of_day(day: date) -> datetime:
    """The last moment of a day in Asia/Shanghai."""
    return datetime.combine(day, time.max, SHANGHAI)


def start_of_day(day: date) -> datetime:
    """The first moment of a day in Asia/Shanghai."""
    return datetime.combine(day, time.min, SHANGHAI)


def present() -> datetime:
    """The true moment in Asia/Shanghai: for what ends by itself, such as a sign-in, where a demonstration's clock stands."""
    return datetime.now(SHANGHAI)


def days_before(moment: datetime, days: int) -> datetime:
    """The same time of day, so many days earlier."""
    return moment - timedelta(days=days)


def day_of(moment: datetime) -> date:
    """The day in Asia/Shanghai on which a moment lies."""
    return moment.astimezone(SHANGHAI).date()


def parse_day(text: str) -> date:
    """A day as people write it: 2022-04-26, 2022/4/26, 2022年4月26日, 20220426.

    Raises BAD_MOMENT, DATE_TOO_EARLY, DATE_TOO_LATE.
    """
    plain = text.strip().replace("年", "-").replace("月", "-").replace("日", "").replace("/", "-").replace(".", "-")
    try:
        if plain.isdigit() and len(plain) == 8:
            day = datetime.strptime(plain, "%Y%m%d").date()
        else:
            day = datetime.strptime(plain, "%Y-%m-%d").date()
    except ValueError:
        raise Problem(BAD_MOMENT, text=text) from None
    return _of_business(day, text)


def parse_moment(text: str) -> datetime:
    """A moment: a day stands for its end; a time without a zone is Asia/Shanghai's. Raises as :func:`parse_day`."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return end_of_day(parse_day(text))
    if len(text.strip()) <= 10:
        return end_of_day(parse_day(text))
    _of_business(moment.date(), text)  # what lies further out may have no name in another zone
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)).astimezone(SHANGHAI)
    _of_business(moment.date(), text)
    return moment


def _of_business(day: date, text: str) -> date:
    if day < EARLIEST:
        raise Problem(DATE_TOO_EARLY, text=text, earliest=EARLIEST)
    if day > LATEST:
        raise Problem(DATE_TOO_LATE, text=text, latest=LATEST)
    return day
