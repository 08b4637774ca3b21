"""Passwords: what is refused and why, what is kept of them; activation codes, however they are typed."""

import hashlib
import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st

from farmland.accounts.passwords import (
    check_password,
    code_hash,
    hash_password,
    needs_rehash,
    new_code,
    new_codes,
    password_fits,
)
from geodata.problems import Problem

PHRASE = "田里的稻子黄了三次"


def refusal(password: str, *names: str) -> Problem:
    with pytest.raises(Problem) as caught:
        check_password(password, *names)
    assert caught.value.kind.answer == "refused"
    return caught.value


@pytest.mark.parametrize(
    "password",
    [
        PHRASE,
        "清早去看二组的水渠",
        "correct-horse-battery",
        "two buffaloes, one gate",
        "shaodong2022",  # a town's name in Latin letters and a year: known as a name only where it is given as one
        "x" * 4 + "7 herons over the paddy" + "!" * 101,
    ],
)
def test_sentences_are_taken(password: str) -> None:
    check_password(password, "陈国强", "chengq", "清江村")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("123456789a", "常见密码名单"),
        ("qwertyuiop", "常见密码名单"),
        ("1qaz2wsx3edc", "常见密码名单"),
        ("password123", "常见密码名单"),
        ("a123456789", "常见密码名单"),
        ("Qwerty12345", "常见密码名单"),
        ("１２３４５６７８９０", "常见密码名单"),
        ("woaini1314", "常见的密码、人名或单词"),
        ("5201314520", "常见的密码、人名或单词"),
        ("wang123456", "常见的密码、人名或单词"),
        ("P@ssw0rd123", "常见的密码、人名或单词"),
        ("asdfghjkl;", "键盘"),
        ("abcdefghijk", "按顺序"),
        ("88888888aa", "反复出现"),
        ("qwe123qwe123", "反复出现"),
        ("我爱你我爱你我爱你", "反复出现"),
        ("1985-03-12ab", "日期"),
        ("13975912345", "手机号"),
        ("+8615873948261", "手机号"),
        ("43052119850312123X", "身份证号"),
        ("我爱邵东市", "再加几个"),
        ("a" * 128, "反复出现"),
        ("\ud800" * 12, "反复出现"),
    ],
)
def test_what_is_guessed_at_once_is_refused_with_the_reason(password: str, why: str) -> None:
    problem = refusal(password)
    assert problem.code == "password_common"
    assert why in problem.sentence("zh")
    assert password not in str(problem), "a password does not belong into a sentence that may be logged"


def test_every_reason_is_said_in_english_too() -> None:
    assert "row of keys" in refusal("asdfghjkl;").sentence("en")
    assert "date" in refusal("1985-03-12ab").sentence("en")


@pytest.mark.parametrize("password", ["", "a", "kx7!pq2?z", "稻子黄了", "ｋｘ７！ｐｑ２？ｚ"])
def test_too_short(password: str) -> None:
    assert refusal(password).code == "password_too_short"


@given(st.text(min_size=129, max_size=160).filter(lambda text: len(unicodedata.normalize("NFKC", text)) > 128))
def test_too_long(password: str) -> None:
    assert refusal(password).code == "password_too_long"


@pytest.mark.parametrize(
    ("password", "names", "found"),
    [
        ("my CHENguoqiang field", ("chenguoqiang",), "chenguoqiang"),
        ("Guo Qiang likes frogs", ("Chen Guoqiang",), "guoqiang"),
        ("家里的陈国强爱种水稻", ("陈国强",), "陈国强"),
        ("人人都说国强爱种水稻", ("陈国强",), "国强"),
        ("人人都说小芳爱种水稻", ("欧阳小芳",), "小芳"),
        ("清江的稻子黄了好多次", ("清江村",), "清江"),
        ("仙槎桥的稻子黄了三次", ("仙槎桥镇",), "仙槎桥"),
        ("古丽家的棉花开了三回", ("阿依·古丽",), "古丽"),
        ("ＣＨＥＮ－frog-42-moon", ("chen",), "chen"),
        ("TianZhang2022", (), "tianzhang"),
    ],
)
def test_names_are_found_in_any_guise(password: str, names: tuple[str, ...], found: str) -> None:
    problem = refusal(password, *names)
    assert (problem.code, problem.facts["name"]) == ("password_has_name", found)


def test_very_short_names_do_not_stand_in_the_way() -> None:
    check_password("two buffaloes, one gate", "bu", "李", "Li", "", "o", "3")


NAME = st.text(st.sampled_from("abcdefgXYZ0189陈国强欧阳小芳清江村"), min_size=3, max_size=12)


@given(NAME, st.data())
def test_a_name_is_found_however_it_is_written(name: str, data: st.DataObject) -> None:
    written = "".join(data.draw(st.sampled_from([one, one.upper(), one.lower(), f"{one} ", f" {one}"])) for one in name)
    assert refusal(f"frogs, {written} & herons", name).code == "password_has_name"


@settings(max_examples=8, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_a_hash_fits_its_password_alone(password: str, other: str) -> None:
    encoded = hash_password(password)
    assert encoded.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert password_fits(encoded, unicodedata.normalize("NFD", password))
    same = unicodedata.normalize("NFKC", password) == unicodedata.normalize("NFKC", other)
    assert password_fits(encoded, other) == same
    assert not needs_rehash(encoded)


def test_each_hash_has_its_own_salt() -> None:
    assert hash_password(PHRASE) != hash_password(PHRASE)


def test_the_same_characters_from_another_keyboard() -> None:
    assert password_fits(hash_password("Ｔｈｅ ｒｉｃｅ４２！"), "The rice42!")
    assert password_fits(hash_password("\ud800 half"), "\ud800 half")


def test_no_account_and_no_password_fit_nothing() -> None:
    for password in ("", PHRASE, "\ud800"):
        assert not password_fits(None, password)
        assert not password_fits("", password)


def test_a_damaged_hash_fits_nothing() -> None:
    encoded = hash_password(PHRASE)
    larger = re.sub("m=[0-9]+", "m=4294967295", encoded)
    for damaged in ("x", "龘", encoded[:-5], encoded[:40], encoded[1:], larger, encoded.replace("argon2id", "argon2x")):
        assert not password_fits(damaged, PHRASE)
        assert needs_rehash(damaged)


def test_a_hash_of_cheaper_parameters_fits_and_is_to_be_made_anew() -> None:
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PHRASE)
    assert password_fits(old, PHRASE)
    assert needs_rehash(old)


def test_a_crowd_is_served() -> None:
    encoded = hash_password(PHRASE)
    with ThreadPoolExecutor(12) as threads:
        asked = [encoded, None] * 6
        assert list(threads.map(lambda one: password_fits(one, PHRASE), asked)) == [True, False] * 6


def test_codes_are_plain_to_read_and_all_different() -> None:
    codes = new_codes(12_257)
    assert len(set(map(code_hash, codes))) == 12_257
    assert all(re.fullmatch("[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}", code) for code in codes)
    assert {letter for code in codes for letter in code} == set("0123456789ABCDEFGHJKMNPQRSTVWXYZ-")


LETTERS = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=16, max_size=16)


@given(LETTERS, st.data())
def test_a_code_is_the_same_however_it_is_typed(letters: str, data: st.DataObject) -> None:
    code = "-".join(re.findall("....", letters))
    guises = {"0": "0Oo０", "1": "1IiLlｌ", "-": ["", "-", " ", " - ", "–", "－", "_"]}
    typed = "".join(data.draw(st.sampled_from(guises.get(one, [one, one.lower()]))) for one in code)
    assert code_hash(f" {typed}\n") == code_hash(code) == hashlib.sha256(letters.encode()).hexdigest()


@given(st.text())
def test_any_text_has_a_hash_and_is_no_code(text: str) -> None:
    assert code_hash(text) != code_hash(new_code())
