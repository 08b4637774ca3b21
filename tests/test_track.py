"""Tracks: how fast they went, and which stretches nobody can have walked or ridden."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from geodata.scale import metres_per_degree
from geodata.track import Track, Why, impossible, speeds

WALKING, RIDING = 2.5, 20.0
PLACE = np.array([111.74, 27.26])


def track(metres: ArrayLike, moment: ArrayLike, accuracy: float = 10.0) -> Track:
    """A track from metres east and north of a place."""
    x, y = (PLACE + np.asarray(metres, dtype=float) / metres_per_degree(PLACE[1])).T
    return Track(x, y, np.asarray(moment, dtype=float), np.full(len(x), accuracy))


def straight(metres_per_second: float, seconds: int) -> np.ndarray:
    return np.column_stack([metres_per_second * np.arange(seconds), np.zeros(seconds)])


def stretches(walked: Track, limit: float) -> list[tuple[int, int, str]]:
    found = impossible(walked, limit)
    return list(zip(found.first.tolist(), found.last.tolist(), found.why.tolist(), strict=True))


def test_speeds_along_the_ellipsoid() -> None:
    walked = track([[0, 0], [3, 4], [3, 4], [3, 4], [9, 4], [9, 4]], [0, 5, 7, 7, 7, 6])
    assert speeds(walked) == pytest.approx([1, 0, 0, np.inf, np.nan], rel=1e-5, nan_ok=True)
    assert len(speeds(track([[0, 0]], [0]))) == 0
    assert stretches(track(np.empty((0, 2)), []), WALKING) == stretches(track([[0, 0]], [0]), WALKING) == []


def test_a_walk_with_the_jitter_of_a_phone_is_possible() -> None:
    rng = np.random.default_rng(11)
    walk = straight(1.3, 1800) + rng.normal(0, 10 / 1.51, (1800, 2))
    assert speeds(track(walk, np.arange(1800))).max() > WALKING
    assert stretches(track(walk, np.arange(1800)), WALKING) == []


def test_a_motorbike_is_possible_riding_and_not_walking() -> None:
    ride = track(straight(15, 120), np.arange(120))
    assert stretches(ride, RIDING) == []
    # From second to second an accuracy of 10 m hides all of it; within eight seconds it cannot.
    assert stretches(ride, WALKING) == [(0, 119, Why.TOO_FAST)]
    assert impossible(ride, WALKING).least_m_s == pytest.approx([15 - 4 * np.hypot(10, 10) / 8], rel=1e-3)
    assert stretches(track(straight(15, 120), np.arange(120), accuracy=3), WALKING) == [(0, 119, Why.TOO_FAST)]


@given(st.floats(0.1, 2.4), st.floats(1, 40))
def test_whoever_keeps_to_the_limit_is_never_accused(pace: float, accuracy: float) -> None:
    rng = np.random.default_rng(1)
    angle, far = rng.uniform(0, 2 * np.pi, 300), rng.uniform(0, accuracy, 300)
    wrong = np.column_stack([far * np.cos(angle), far * np.sin(angle)])
    assert stretches(track(straight(pace, 300) + wrong, np.arange(300), accuracy), WALKING) == []


@given(st.floats(3.0, 30), st.floats(1, 40))
def test_whoever_keeps_above_it_long_enough_always_is(pace: float, accuracy: float) -> None:
    seconds = 2 * int(4 * np.hypot(accuracy, accuracy) / (pace - WALKING)) + 4
    assert Why.TOO_FAST in impossible(track(straight(pace, seconds), np.arange(seconds), accuracy), WALKING).why


def test_a_jump_is_named_where_it_happens_and_no_further() -> None:
    walk = straight(1, 400)
    walk[150:] += [0, 3000]
    assert stretches(track(walk, np.arange(400)), RIDING) == [(149, 150, Why.TOO_FAST)]
    walk[151:] -= [0, 3000]
    assert stretches(track(walk, np.arange(400)), RIDING) == [(149, 151, Why.TOO_FAST)]
    assert impossible(track(walk, np.arange(400)), RIDING).least_m_s == pytest.approx(
        [3000 - 4 * np.hypot(10, 10)], rel=1e-3
    )
    near = straight(1, 400)
    near[150:] += [0, 50]  # within what both accuracies excuse
    assert stretches(track(near, np.arange(400)), RIDING) == []


def test_a_pause_excuses_the_distance() -> None:
    walk, moment = straight(1, 100), np.arange(100.0)
    walk[50:] += [0, 3000]
    moment[50:] += 1500
    assert stretches(track(walk, moment), WALKING) == []
    moment[50:] -= 400
    assert stretches(track(walk, moment), WALKING) == [(49, 50, Why.TOO_FAST)]


def test_time_does_not_go_back() -> None:
    moment = np.arange(20.0)
    moment[10:] -= 5
    assert stretches(track(straight(1, 20), moment), WALKING) == [(9, 10, Why.TIME_GOES_BACK)]
    assert np.isnan(impossible(track(straight(1, 20), moment), WALKING).least_m_s[0])


def test_two_places_at_one_instant() -> None:
    walk, moment = straight(1, 20), np.arange(20.0)
    moment[8] = 7
    walk[8:] += [0, 40]
    assert stretches(track(walk, moment), WALKING) == []
    walk[8:] += [0, 30]
    assert stretches(track(walk, moment), WALKING) == [(7, 8, Why.TWO_PLACES_AT_ONCE)]
    assert np.isinf(impossible(track(walk, moment), WALKING).least_m_s[0])


def test_several_stretches_in_order() -> None:
    walk, moment = straight(1, 60), np.arange(60.0)
    walk[10:] += [500, 0]
    moment[30:] -= 3
    walk[50:] += [0, 900]
    found = stretches(track(walk, moment), WALKING)
    assert found == [(9, 10, Why.TOO_FAST), (29, 30, Why.TIME_GOES_BACK), (49, 50, Why.TOO_FAST)]


def test_a_fix_without_its_accuracy_is_none() -> None:
    for accuracy in (np.nan, np.inf):
        with pytest.raises(ValueError, match="finite"):
            track([[0, 0], [1, 0]], [0, 1], accuracy)
    with pytest.raises(ValueError, match="finite"):
        Track(*(np.zeros(count) for count in (3, 3, 3, 2)))


def test_a_days_track_is_checked_at_once() -> None:
    """Slightly too fast with a poor accuracy: only spans of many minutes contradict the limit, over 86,400 fixes."""
    assert stretches(track(straight(2.6, 86_400), np.arange(86_400), accuracy=100), WALKING) == [
        (0, 86_399, Why.TOO_FAST)
    ]
