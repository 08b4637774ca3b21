"""What the API answers, field by field and with units: the models behind /openapi.json.

Answers are written from arrays, not through these models; the tests hold each answer against its model.
"""

from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from farmland.figures.warning import Warning
from farmland.land.units import Level
from farmland.restoration.claims import Origin, SourceKind, State
from farmland.restoration.evidence import FileKind, Purpose
from farmland.restoration.net_area import Reason, Stage
from farmland.restoration.rules.rule import Severity
from farmland.restoration.survey import Method
from farmland.restoration.targets import AreaBasis

Code = Annotated[str, Field(description="Official code: 12 digits, 14 for a group", examples=["430582104203"])]
M2 = Annotated[float, Field(description="m² on the CGCS2000 ellipsoid, two decimals")]
Mu = Annotated[float, Field(description="mu (2000/3 m²), two decimals")]
MuPerDay = Annotated[float, Field(description="mu a day, two decimals")]
Share = Annotated[float, Field(description="Fraction of 1, six decimals")]


class Answer(BaseModel):
    """Only the fields that are named here."""

    model_config = ConfigDict(extra="forbid")


P = TypeVar("P", bound=BaseModel)


class Feature(Answer, Generic[P]):
    """A GeoJSON feature; coordinates in degrees of EPSG:4490, longitude first."""

    type: Literal["Feature"]
    id: int | str | None = None
    geometry: dict[str, Any] | None
    properties: P


class Features(Answer, Generic[P]):
    """A GeoJSON collection of features."""

    type: Literal["FeatureCollection"]
    features: list[Feature[P]]
    number_matched: int | None = Field(None, description="How many there are on all pages")
    next: str | None = Field(None, description="The address of the next page; null on the last")


class ProblemDetails(BaseModel):
    """A refusal (RFC 9457), in the language of Accept-Language or ?lang= (zh, en)."""

    type: str
    title: str
    status: int
    code: str = Field(description="Stable: what programs go by", examples=["unit_unknown"])
    detail: str = Field(description="One sentence: what is wrong, where, what to do")


class UnitName(Answer):
    code: Code
    name: str
    level: Level


class Unit(UnitName):
    parent_code: Code | None
    area_m2: M2 | None
    area_mu: Mu | None


class UnitDetail(Unit):
    ancestors: list[UnitName] = Field(description="From the city down")
    children: int = Field(description="The number of units right below")
    bbox: list[float] | None = Field(description="west, south, east, north in degrees")


class UnitList(Answer):
    total: int
    units: list[Unit]


class UnitNode(Unit):
    children: list["UnitNode"]


class Chief(Answer):
    name: str
    duty: str
    since: date
    until: date | None


class Link(Answer):
    """One level of the chain of who answers; no chiefs where nobody is in office."""

    level: Level
    unit_code: Code
    unit_name: str
    chiefs: list[Chief]


class UnitChiefs(Answer):
    unit_code: Code
    on: date
    chain: list[Link]


class Plot(Answer):
    number: str
    unit_code: Code
    land_class: str = Field(description="GB/T 21010-2017, as the third survey uses it", examples=["0101"])
    land_class_name: str
    basic_farmland: bool = Field(description="Permanent basic farmland")
    area_m2: M2
    area_mu: Mu


class PlotDetail(Plot):
    extra: dict[str, Any] | None = Field(description="The file's columns that are no field of ours")
    chain: list[Link]


class PlaceChiefs(Answer):
    lon: float
    lat: float
    on: date
    plot: Plot | None
    chain: list[Link]


class Target(Answer):
    code: str
    name: str
    start_date: date
    due_date: date
    area_basis: AreaBasis
    curve: Literal["linear"] | list[tuple[date, float]] = Field(description="Days and the share due by their end")
    area_mu: Mu


class TargetList(Answer):
    targets: list[Target]


class Allocation(Answer):
    unit_code: Code
    unit_name: str
    area_mu: Mu


class Allocations(Answer):
    unit_code: Code
    unit_name: str
    area_mu: Mu | None
    allocated_mu: Mu
    unallocated_mu: Mu | None
    allocations: list[Allocation]


class Changed(Answer):
    changed: int = Field(description="The number of units whose part changed")


class _ClaimFacts(Answer):
    number: str
    state: State
    unit_code: Code
    unit_name: str
    target_code: str
    source_kind: SourceKind
    origin: Origin = Field(description="Whether it was reported in the system or came with a file")
    before_asked: bool = Field(description="Its land is of a class whose removal a photograph of before has to show")
    evidenced_at: datetime | None = Field(
        description="Since when photographs taken inside its polygon show it; null where they did not by the moment"
    )
    former_use: str
    crop: str
    typed_area_mu: float | None = Field(description="As the village states it, mu; kept, not counted")
    gross_area_m2: M2
    gross_area_mu: Mu
    net_area_m2: M2
    net_area_mu: Mu
    net_u_m2: M2 | None = Field(description="Standard uncertainty (1 σ) of the net area; null for claims of before")
    net_u_mu: Mu | None
    method: Method = Field(description="How the boundary was found")
    reported_at: datetime
    checked_at: datetime | None = None
    accepted_at: datetime | None = None
    rejected_at: datetime | None = None
    revoked_at: datetime | None = None


class ClaimRow(_ClaimFacts):
    bar_area_m2: M2 | None = Field(None, description="With `reason`: what of that bar is this claim's, m²")
    bar_area_mu: Mu | None = Field(None, description="The same in mu; the claims' sum to the bar's")


class Step(Answer):
    state: State
    at: datetime
    by: str
    why: str


class Deduction(Answer):
    stage: Stage
    reason: Reason
    other_claim: str | None
    area_m2: M2
    area_mu: Mu


class Found(Answer):
    """A rule that holds: docs/rules.md."""

    rule: str = Field(examples=["overlaps_claim"])
    severity: Severity
    zh: str = Field(description="What the rule says of it, with its facts")
    en: str
    longitude: float | None = Field(description="Degrees; of a place on the land that the rule speaks of")
    latitude: float | None


class Doubt(Found):
    stage: Stage
    recorded_at: datetime


class Claim(_ClaimFacts):
    """As of the moment: the steps taken by then, the deductions and the net area that belong to its state."""

    steps: list[Step]
    deductions: list[Deduction]
    doubts: list[Doubt] = Field(description="Recorded by the moment, at the report and at the acceptance")
    chain: list[Link]


class Evidence(Answer):
    """A file attached to a claim; what a photograph does not tell of itself is null."""

    sha256: str = Field(description="The content's SHA-256: the file's address")
    kind: FileKind
    media_type: str
    size: int = Field(description="Bytes")
    name: str
    purpose: Purpose
    taken_at: datetime | None
    longitude: float | None = Field(description="Degrees, WGS 84")
    latitude: float | None = Field(description="Degrees, WGS 84")
    accuracy_m: float | None = Field(description="Of the position, metres")
    bearing: float | None = Field(description="Where the camera looked, degrees clockwise from north")
    device: str | None
    perceptual_hash: str | None = Field(description="pHash, 16 hexadecimal digits; alike pictures differ in few bits")
    by: str
    client_at: datetime | None = Field(description="When it was attached, as the sender says")
    recorded_at: datetime
    purpose_at: datetime | None = Field(description="When it was said what it shows, where that came later")
    doubts: list[Found] = Field(description="What rules say of it at once: taken elsewhere, or at another time")


class EvidenceList(Answer):
    number: str = Field(description="The claim's")
    evidence: list[Evidence] = Field(description="In the order in which they were attached")


class Cut(Answer):
    reason: Reason
    area_m2: M2
    area_mu: Mu


class Preview(Answer):
    gross_area_m2: M2
    gross_area_mu: Mu
    net_area_m2: M2
    net_area_mu: Mu
    deductions: list[Cut]
    doubts: list[Found]


class Progress(Answer):
    unit_code: Code
    unit_name: str
    level: Level
    parent_code: Code | None
    target_code: str | None
    as_of: datetime = Field(description="The moment that the figures are true for")
    start_date: date | None
    due_date: date | None
    area_basis: AreaBasis | None
    days_total: int | None
    days_elapsed: int | None
    days_left: int | None = Field(description="Days after this one until the due day; below 0 once it has passed")
    target_mu: Mu | None = Field(description="The unit's part of the target, mu; null where it has none")
    allocated_mu: Mu = Field(description="What of it is allocated to the units below, mu")
    unallocated_mu: Mu | None = Field(description="What of it is not yet allocated, mu")
    reported_mu: Mu = Field(description="Gross area of all claims reported so far, mu")
    checked_mu: Mu = Field(description="Net area checked and not rejected or revoked, the accepted included, mu")
    accepted_mu: Mu = Field(description="Net area accepted and not revoked: the figure that counts, mu")
    accepted_u_mu: Mu = Field(description="Standard uncertainty (1 σ) of the accepted area, mu")
    evidenced_mu: Mu = Field(description="What of the accepted area photographs show that were recorded by then, mu")
    rejected_mu: Mu = Field(description="Gross area of the rejected claims, mu")
    revoked_mu: Mu = Field(description="Net area of claims that were accepted and later revoked, mu")
    reported_m2: M2
    checked_m2: M2
    accepted_m2: M2
    accepted_u_m2: M2
    evidenced_m2: M2
    evidenced_share: Share | None = Field(
        description="Evidenced ÷ accepted, fraction of 1; null where nothing is accepted"
    )
    rejected_m2: M2
    revoked_m2: M2
    remaining_mu: Mu | None = Field(description="Target less accepted, never below 0, mu")
    share: Share | None = Field(description="Accepted ÷ target, fraction of 1")
    schedule_mu: Mu | None = Field(description="What the plan curve asks for by the end of the day, mu")
    schedule_share: Share | None = Field(description="The plan curve's share of the target on the day, fraction of 1")
    ratio: Share | None = Field(description="Accepted ÷ schedule, fraction of 1; null before the target starts")
    needed_mu_per_day: MuPerDay | None = Field(description="Remaining ÷ days left; null once the due day has passed")
    pace_mu_per_day: MuPerDay | None = Field(description="Accepted ÷ days since the start, mu a day")
    pace_30_days_mu_per_day: MuPerDay | None = Field(description="Growth of accepted in the last 30 days, mu a day")
    forecast_date: date | None = Field(description="When the target is reached at the pace since the start")
    forecast_30_days_date: date | None = Field(description="When it is reached at the pace of the last 30 days")
    warning: Warning = Field(description="By the ratio; none without a target, or before it starts")
    claims: int


class MarkedProgress(Progress):
    mark: str = Field(description="By which tianzhang verify --report knows the figures and the ledger's entry again")


class ProgressTree(Answer):
    as_of: datetime
    progress: list[Progress] = Field(description="Parents first, by code; the mu of children sum to their parent's")


class Ranked(Progress):
    rank: int


class Ranking(Answer):
    unit_code: Code
    as_of: datetime
    ranking: list[Ranked]


class Day(Answer):
    date: date
    reported_mu: Mu
    checked_mu: Mu
    accepted_mu: Mu
    evidenced_mu: Mu = Field(description="What of the accepted area photographs show that were recorded by then")


class PlanDay(Answer):
    date: date
    schedule_mu: Mu


class Forecast(Answer):
    date: date | None
    mu_per_day: MuPerDay | None
    target_mu: Mu | None = None


class Series(Answer):
    unit_code: Code
    target_mu: Mu | None
    start_date: date | None
    due_date: date | None
    as_of: datetime
    days: list[Day]
    plan: list[PlanDay]
    forecast: Forecast
    forecast_30_days: Forecast


class Bar(Answer):
    reason: str
    area_m2: M2
    area_mu: Mu
    claims: int


class Waterfall(Answer):
    unit_code: Code
    as_of: datetime
    bars: list[Bar] = Field(description="The first less those between is the last, in m² and in mu")


class Summary(Answer):
    unit_code: Code
    unit_name: str
    on: date
    units: dict[Level, int]
    units_without_chief: dict[Level, int]
    chiefs: int
    plots: int
    plots_without_chief: int = Field(description="Plots that lack a chief on any of the four levels")
    farmland_m2: M2
    farmland_mu: Mu
    baseline_patches: int
    claims: int


class Tiles(Answer):
    available: bool
    url: str
    version: str | None


class Thresholds(Answer):
    green: float = Field(description="Accepted ÷ plan from which a unit is green")
    yellow: float = Field(description="Accepted ÷ plan from which it is yellow")


class CityName(Answer):
    code: Code
    name: str


class OpenAccount(Answer):
    account: str
    full_name: str


class SignInProvider(Answer):
    name: str


class About(Answer):
    version: str
    city: CityName | None
    cities: list[CityName]
    today: date
    demonstration: bool
    note_zh: str
    note_en: str
    tiles: Tiles
    public: bool = Field(description="The public page is on")
    oidc: SignInProvider | None = Field(description="The provider by which one may sign in; null where none is set")
    open_accounts: list[OpenAccount] = Field(description="Accounts of a demonstration, which need no password")
    warning: Thresholds


class PeriodRow(Answer):
    number: int
    unit_code: Code
    target_code: str
    last_day: date
    closed_at: datetime
    closed_by: str
    report_hash: str = Field(description="SHA-256 of the report, as tianzhang period report writes it")


class PeriodList(Answer):
    periods: list[PeriodRow]


class PeriodFigures(Answer):
    """A unit's stand in the last report, what was corrected in it since, what is new, and the stand now."""

    rank: int | None = Field(description="null for the unit itself")
    unit_code: Code
    unit_name: str
    target_mu: Mu | None
    reported_before_mu: Mu
    reported_corrected_mu: Mu
    reported_new_mu: Mu
    reported_mu: Mu
    accepted_before_mu: Mu
    accepted_corrected_mu: Mu
    accepted_new_mu: Mu
    accepted_mu: Mu
    checked_mu: Mu
    accepted_u_mu: Mu
    evidenced_mu: Mu | None = Field(None, description="Not in reports of periods that an earlier version closed")
    evidenced_share: Share | None = None
    share: Share | None
    schedule_share: Share | None
    gap_mu: Mu | None
    days_left: int | None
    needed_mu_per_day: MuPerDay | None
    warning: Warning


class Correction(Answer):
    number: str
    unit_code: Code
    reported_then_mu: Mu
    reported_now_mu: Mu
    accepted_then_mu: Mu
    accepted_now_mu: Mu


class PeriodReport(Answer):
    number: int
    unit_code: Code
    unit_name: str
    target_code: str
    last_day: date
    before: date | None = Field(description="The last day of the period before")
    closed_at: datetime
    closed_by: str
    rows: list[PeriodFigures]
    corrections: list[Correction] = Field(description="Claims whose part of the last report was corrected since")
    waterfall: list[Bar]
    mark: str
    fingerprint: str


class LedgerEntry(Answer):
    seq: int
    at: datetime
    actor: str
    unit_code: Code | None
    event: str
    hash: str


class History(Answer):
    entries: list[LedgerEntry]
