"""Rounded tables add up: largest remainders, over one total and over many at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farmland.figures.rounding import shares, shares_of

PARTS = st.lists(st.floats(0, 10_000), min_size=1, max_size=40)


@given(PARTS)
def test_parts_sum_to_the_rounded_total_and_stay_within_a_hundredth(parts: list[float]) -> None:
    exact = np.array(parts)
    total = round(float(exact.sum()), 2)
    shown = shares_of(total, exact)
    assert shown.sum() == pytest.approx(total, abs=1e-6)
    assert np.abs(shown - exact).max() < 0.01 + 1e-6
    assert (shown >= 0).all()
    assert (shown[exact == 0] == 0).all()


@given(st.lists(PARTS, min_size=1, max_size=6))
def test_many_totals_at_once_are_as_one_by_one(tables: list[list[float]]) -> None:
    owner = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    totals = np.array([round(sum(table), 2) for table in tables])
    at_once = shares(totals, np.concatenate(tables), owner)
    singly = np.concatenate([shares_of(t, np.array(p)) for t, p in zip(totals, tables, strict=True)])
    assert at_once.tolist() == singly.tolist()


def test_a_total_smaller_than_its_parts_takes_from_what_lost_least() -> None:
    assert shares_of(1.99, np.array([1.0, 1.0, 0.0])).tolist() == [0.99, 1.0, 0.0]
    assert shares_of(1.99, np.array([0.0, 1.0, 1.0])).tolist() == [0.0, 0.99, 1.0], "what is nothing gives nothing"
