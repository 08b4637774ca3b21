"""The thresholds of the rules: from when on each holds. Defaults; a county may set its own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Follows = Literal["refuses", "warns"]
"""What follows where no photograph shows a claim (:class:`farmland.restoration.rules.rule.Severity`)."""


@dataclass(frozen=True)
class Thresholds:
    """From when on a rule holds. Areas in m² unless their name says mu; shares are fractions of 1 of the gross area.

    `survey_m`, `phone_m`, `imagery_m` are the position accuracies (radius of 68 %) taken for a boundary of that method
    where it came with none. Records of what happened until `closed_until` are late once they come after it. A claim with more
    than `claim_corners` corners is not taken.
    `before_classes` are the land classes, by how their codes begin, whose removal has to be shown: built-up land (05-09, 20x),
    transport (10) and fish ponds (1104A) of GB/T 21010-2017 as the third survey uses it (TD/T 1055-2019).
    """

    overlap_m2: float = 1.0
    overlap_share: float = 0.005
    same_land_share: float = 0.8
    outside_share: float = 0.05
    typed_mu: float = 0.05
    typed_share: float = 0.02
    typed_wrong_share: float = 0.10
    typed_unit_share: float = 0.05
    survey_m: float = 0.1
    phone_m: float = 5.0
    imagery_m: float = 2.0
    farmland_share: float = 0.05
    existing_farmland_share: float = 0.95
    land_class_share: float = 0.05
    before_classes: tuple[str, ...] = ("05", "06", "07", "08", "09", "10", "1104A", "20")
    minimum_m2: float = 400.0
    photo_m: float = 50.0
    photo_bits: int = 4
    photo_days: int = 180
    no_photograph_reported: Follows = "refuses"
    no_photograph_imported: Follows = "warns"
    second_visit_days: int = 20
    late_hours: float = 72.0
    ahead_minutes: float = 10.0
    closed_until: datetime | None = None
    speed_m_s: float = 20.0
    claim_corners: int = 10_000
