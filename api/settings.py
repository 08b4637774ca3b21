"""Settings, from the environment: where the records are, where to serve, when a warning turns, in which language."""

import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from farmland.thresholds import Thresholds
from farmland.warning import WarningColours
from geodata.problems import Kind, Language, Problem

BAD_SETTING = Kind(
    "bad_setting",
    "设置 {name} 的值“{value}”不对：{reason}",
    "The setting {name} has a wrong value “{value}”: {reason}",
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
    sign_in_hours: float = Field(default=12, gt=0)
    lang: Literal["zh", "en"] | None = None
    log: Literal["text", "json"] = "text"
    proxy: str = "127.0.0.1"

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


def load_settings() -> Settings:
    """The settings of this environment. Raises BAD_SETTING."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"TIANZHANG_{str(first['loc'][0]).upper()}"
        raise Problem(BAD_SETTING, name=name, value=first.get("input"), reason=first["msg"]) from None
