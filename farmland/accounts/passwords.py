"""Passwords and activation codes: what is too weak to be taken, and how they are kept so that nobody can read them."""

import hashlib
import re
import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from threading import BoundedSemaphore
from typing import Any

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError

from geodata.problems import Kind, Problem

LEAST, MOST = 10, 128

PASSWORD_TOO_SHORT = Kind(
    "password_too_short",
    f"密码太短，至少要 {LEAST} 个字符（一个汉字算两个）。可以用一句只有自己知道的话。",
    f"The password is too short: at least {LEAST} characters (a Chinese one counts for two). Use a sentence only you know.",
)
PASSWORD_TOO_LONG = Kind(
    "password_too_long",
    f"密码太长，最多 {MOST} 个字符。请缩短。",
    f"The password is too long: {MOST} characters at most. Shorten it.",
)
PASSWORD_HAS_NAME = Kind(
    "password_has_name",
    "密码里有“{name}”，认识您的人很容易猜到。请不要用姓名、账号和单位名称。",
    "The password contains “{name}”, which people who know you guess at once. Use no name of a person, account or unit.",
)
PASSWORD_COMMON = Kind(
    "password_common",
    "这个密码容易被猜中：{why_zh}。请换一个，可以用一句只有自己知道的话。",
    "This password is easily guessed: {why_en}. Choose another one, such as a sentence only you know.",
)

_LISTED = ("它在常见密码名单上", "it is on the lists of common passwords")
_NUMBER = ("手机号和身份证号别人也知道", "others know a telephone or identity card number too")
# What zxcvbn calls a pattern, and what a person sees in it. The password's own letters are not repeated in the sentence:
# sentences are shown, sent and logged.
_WHY = {
    "dictionary": ("它由常见的密码、人名或单词组成", "it is made of common passwords, names or words"),
    "spatial": ("它是键盘上挨着的一排键", "it is a row of keys on the keyboard"),
    "repeat": ("它是同样的字反复出现", "it repeats the same characters"),
    "sequence": ("它是按顺序排的字母或数字", "it is letters or digits in their order"),
    "date": ("它是日期或年份", "it is a date or a year"),
    "regex": ("它是日期或年份", "it is a date or a year"),
    "bruteforce": ("它的字太少，请再加几个", "it has few characters; add some"),
}
# From 3 on, of zxcvbn's scale of 0 to 4, a password takes more than 10^8 guesses. Its time grows with the square of the
# length, to seconds for text that is all signs; what the first 24 characters do not make strong is refused.
_STRONG, _SEEN = 3, 24
_OWN_NAMES = ("tianzhang", "田长")  # what everybody who signs in here has before the eyes
_PERSONAL_NUMBER = re.compile(r"(\+?86)?1[3-9]\d{9}|\d{17}[\dx]")

# The second of the two options that RFC 9106 (section 4) recommends: Argon2id over 64 MiB, three passes, four lanes. The
# first takes 2 GiB each time; OWASP's least (19 MiB, two passes) is for servers that have less memory than this needs.
_HASHER = PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)
_AT_ONCE = BoundedSemaphore(4)  # so that a crowd at the door takes 256 MiB of memory in each process, not all there is
# Shaped like a hash of the same cost, and no password's: 32 zero bytes come out of Argon2 once in 2^256.
_NOBODYS = "$argon2id$v={0.version}$m={0.memory_cost},t={0.time_cost},p={0.parallelism}${1}${2}".format(
    profiles.RFC_9106_LOW_MEMORY,
    *(b64encode(bytes(length)).decode().rstrip("=") for length in (_HASHER.salt_len, _HASHER.hash_len)),
)

# Douglas Crockford's base 32: no I, L, O or U, which are misread as digits or make words.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")


def check_password(password: str, *names: str) -> None:
    """Refuse a password that is easily guessed. `names`: of the person, the account, the unit.

    The length is counted in half widths, as forms do in China: a Chinese character counts for two.
    Raises PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG, PASSWORD_HAS_NAME, PASSWORD_COMMON.
    """
    password = unicodedata.normalize("NFKC", password)
    if sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in password) < LEAST:
        raise Problem(PASSWORD_TOO_SHORT)
    if len(password) > MOST:
        raise Problem(PASSWORD_TOO_LONG)
    plain = _plain(password)
    for name in (*names, *_OWN_NAMES):
        for part in _parts(name):
            if part in plain:
                raise Problem(PASSWORD_HAS_NAME, name=part)
    if (why := _weakness(password)) is not None:
        raise Problem(PASSWORD_COMMON, why_zh=why[0], why_en=why[1])


def hash_password(password: str) -> str:
    """What is kept of a password: its salted Argon2id hash, with the parameters within. Takes 64 MiB while it runs."""
    with _AT_ONCE:
        return _HASHER.hash(_normal(password))


def password_fits(encoded: str | None, password: str) -> bool:
    """Whether the hash is the password's. None (no such account, or no password yet) takes as long as a wrong password.

    A damaged hash fits no password.
    """
    try:
        with _AT_ONCE:
            return _HASHER.verify(encoded or _NOBODYS, _normal(password)) and bool(encoded)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def needs_rehash(encoded: str) -> bool:
    """Whether a hash was made with other parameters than today's, and is to be made anew when its owner signs in next."""
    try:
        return _HASHER.check_needs_rehash(encoded)
    except (InvalidHashError, UnicodeEncodeError):
        return True


def new_code() -> str:
    """A new activation code of 80 random bits, such as 7K3M-Q9TX-2BDZ-08HN."""
    bits = secrets.randbits(80)
    letters = "".join(_LETTERS[bits >> place & 31] for place in range(0, 80, 5))
    return "-".join(letters[place : place + 4] for place in range(0, 16, 4))


def new_codes(count: int) -> list[str]:
    """So many new activation codes."""
    return [new_code() for _ in range(count)]


def code_hash(code: str) -> str:
    """The SHA-256 of a code, in hex, however it was typed: case, hyphens and spaces, O for 0, I or L for 1 make no difference.

    With 80 random bits, nothing slower is needed against guessing.
    """
    letters = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", code)).upper().translate(_MISREAD)
    return hashlib.sha256(letters.encode()).hexdigest()


def _normal(password: str) -> bytes:
    # Keyboards differ in how they send the same character. A lone surrogate, which JSON can carry, has no UTF-8.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _parts(name: str) -> Iterator[str]:
    """A name, and what of it gives it away: its words; of a Chinese one what follows the surname or goes before 村."""
    words = re.split(r"[\W_]+", unicodedata.normalize("NFKC", name))
    for word in (name, *words):
        one = _plain(word)
        if not one.isascii():
            yield from (part for part in (one, one[1:], one[2:], one[:-1]) if len(part) >= 2)
        elif len(one) >= 3:
            yield one


def _weakness(password: str) -> tuple[str, str] | None:
    """Why a password is easily guessed, in Chinese and in English; None if it is not."""
    if _PERSONAL_NUMBER.fullmatch(password.casefold()):
        return _NUMBER
    from zxcvbn import zxcvbn  # loads its lists, which only those need who choose a password

    found: dict[str, Any] = zxcvbn(password[:_SEEN])
    if found["score"] >= _STRONG:
        return None
    sequence = found["sequence"]
    if len(sequence) == 1 and sequence[0].get("dictionary_name") == "passwords":
        return _LISTED
    known = [match for match in sequence if match["pattern"] != "bruteforce"] or sequence
    return _WHY[max(known, key=lambda match: len(match["token"]))["pattern"]]
