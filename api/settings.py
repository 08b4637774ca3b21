"""Settings, from the environment: where the records are, where to serve, when a warning turns, in which language."""

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from farmland.figures.warning import WarningColours
from farmland.restoration.thresholds import Follows, Thresholds
from geodata.problems import Kind, Language, Problem

BAD_SETTING = Kind(
    "bad_setting",
    "设置 {name} 的值“{value}”不对：{reason}",
    "The setting {name} has a wrong value “{value}”: {reason}",
)
OIDC_HALF_SET = Kind(
    "oidc_half_set",
    "统一登录的设置不全，还缺 {missing}。请补上，或把 TIANZHANG_OIDC_ISSUER、TIANZHANG_OIDC_CLIENT_ID、"
    "TIANZHANG_OIDC_CLIENT_SECRET 都去掉。",
    "The sign-in provider is only half set: {missing} is missing. Set it, or take away all of TIANZHANG_OIDC_ISSUER, "
    "TIANZHANG_OIDC_CLIENT_ID and TIANZHANG_OIDC_CLIENT_SECRET.",
)
OIDC_NOT_SECURE = Kind(
    "oidc_not_secure",
    "设置 TIANZHANG_OIDC_ISSUER 的值“{value}”不对：应是以 https:// 开头的地址，只有本机的可以是 http://。",
    "The setting TIANZHANG_OIDC_ISSUER has a wrong value “{value}”: it is an address that begins with https://; only one of this "
    "machine may begin with http://.",
)


class Settings(BaseSettings):
    """Each setting is an environment variable TIANZHANG_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="TIANZHANG_")

    data_dir: Path = Field(default_factory=lambda: user_data_path("tianzhang"))
    database_url: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    warning_green: float = Field(default=1.0, gt=0)
    warning_yellow: float = Field(default=0.85, gt=0)
    evidence: str = ""
    evidence_limit_mb: int = Field(default=20, gt=0)
    second_visit_days: int = Field(default=Thresholds.second_visit_days, ge=0)
    minimum_m2: float = Field(default=Thresholds.minimum_m2, ge=0)
    late_hours: float = Field(default=Thresholds.late_hours, ge=0)
    typed_share: float = Field(default=Thresholds.typed_share, ge=0)
    claim_corners: int = Field(default=Thresholds.claim_corners, ge=4)
    before_classes: str = Field(
        default=",".join(Thresholds.before_classes), pattern=r"^([0-9]{2}[0-9A-Z]{0,3}(,[0-9]{2}[0-9A-Z]{0,3})*)?$"
    )
    no_photograph_reported: Follows = Thresholds.no_photograph_reported
    no_photograph_imported: Follows = Thresholds.no_photograph_imported
    sign_in_hours: float = Field(default=12, gt=0)
    lang: Literal["zh", "en"] | None = None
    log: Literal["text", "json"] = "text"
    proxy: str = "127.0.0.1"
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_claim: str = Field(default="preferred_username", min_length=1)
    oidc_name: str = Field(default="统一身份认证", min_length=1, max_length=40)

    @field_validator("proxy")
    @classmethod
    def _addresses(cls, value: str) -> str:
        for address in filter(None, value.split(",")):
            ip_network(address.strip())
        return value

    @property
    def url(self) -> str:
        """The database's address; by default a file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'tianzhang.sqlite'}"

    @property
    def tiles(self) -> Path:
        """The folder of the map's tiles."""
        return self.data_dir / "tiles"

    @property
    def evidence_address(self) -> str:
        """Where evidence files are kept; by default a folder in the data folder."""
        return self.evidence or str(self.data_dir / "evidence")

    @property
    def evidence_limit(self) -> int:
        """The most bytes that an evidence file may have."""
        return self.evidence_limit_mb * 1_000_000

    @property
    def colours(self) -> WarningColours:
        return WarningColours(self.warning_green, self.warning_yellow)

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds(
            second_visit_days=self.second_visit_days,
            minimum_m2=self.minimum_m2,
            late_hours=self.late_hours,
            typed_share=self.typed_share,
            claim_corners=self.claim_corners,
            before_classes=tuple(filter(None, self.before_classes.split(","))),
            no_photograph_reported=self.no_photograph_reported,
            no_photograph_imported=self.no_photograph_imported,
        )

    @property
    def language(self) -> Language:
        """The language of the command."""
        return language_of(os.environ)


def language_of(environment: Mapping[str, str]) -> Language:
    """The language as it is set, else English only where the environment's language is English."""
    names = ("TIANZHANG_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    spoken = next((environment[name] for name in names if environment.get(name)), "")
    return "en" if spoken.startswith("en") else "zh"


def is_secure(address: str) -> bool:
    """Whether nobody on the way can read or alter what is said there: it is over TLS, or on this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    host = parts.hostname
    return host is not None and (parts.scheme == "https" or (parts.scheme == "http" and _is_here(host)))


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _check_provider(settings: Settings) -> None:
    """Raises OIDC_HALF_SET, OIDC_NOT_SECURE."""
    needed = {"issuer": settings.oidc_issuer, "client_id": settings.oidc_client_id}
    needed["client_secret"] = settings.oidc_client_secret.get_secret_value()
    missing = [f"TIANZHANG_OIDC_{name.upper()}" for name, value in needed.items() if not value]
    if 0 < len(missing) < len(needed):
        raise Problem(OIDC_HALF_SET, missing=", ".join(missing))
    if settings.oidc_issuer and not is_secure(settings.oidc_issuer):
        raise Problem(OIDC_NOT_SECURE, value=settings.oidc_issuer)


def load_settings() -> Settings:
    """The settings of this environment. Raises BAD_SETTING, OIDC_HALF_SET, OIDC_NOT_SECURE."""
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"TIANZHANG_{str(first['loc'][0]).upper()}"
        raise Problem(BAD_SETTING, name=name, value=first.get("input"), reason=first["msg"]) from None
    _check_provider(settings)
    return settings
