"""What drawn maps share: what stands around a map, how a warning colour looks and is called, the files they need."""

from dataclasses import dataclass
from pathlib import Path

from geodata.problems import Kind, Language, Problem

ASSETS = Path(__file__).parent / "data"
COLOURS = {"green": "#2e9e5b", "yellow": "#e0a800", "red": "#d64545", "none": "#c9cfcb"}
SIGNS = {"green": "●", "yellow": "▲", "red": "■", "none": "○"}
HATCHES = {"green": "", "yellow": "..", "red": "//", "none": "xx"}
WORDS: dict[Language, dict[str, str]] = {
    "zh": {"green": "达到计划", "yellow": "略落后于计划", "red": "落后于计划", "none": "无任务"},
    "en": {"green": "on plan", "yellow": "slightly behind", "red": "behind plan", "none": "no target"},
}
NOT_BUILT = Kind(
    "map_assets_missing",
    "缺少地图所需的文件 {file}。请先运行 make setup。",
    "The file {file}, which maps need, is missing. Run make setup first.",
    "conflict",
)


@dataclass(frozen=True)
class Sheet:
    """What stands around a map: its title, its headline, a note at its foot, the language, what its layers are called.

    `mark` is a line by which a program knows the map's origin again, `code` its QR code as rows of dark (1) and light
    squares, `origin` what people compare.
    """

    title: str
    headline: str
    note: str
    language: Language
    layer_names: list[str]
    mark: str
    code: list[list[int]]
    origin: str

    def titles(self) -> tuple[str, str, str, str, str, str]:
        """The titles of the columns unit, accepted, evidenced, target, share, warning."""
        if self.language == "zh":
            return ("单位", "验收（亩）", "有照片佐证（亩）", "任务（亩）", "完成率", "预警")
        return ("unit", "accepted (mu)", "evidenced (mu)", "target (mu)", "share", "warning")

    def warning(self, warning: str) -> str:
        """A warning's sign and words."""
        return warning_words(warning, self.language)


def warning_words(warning: str, language: Language) -> str:
    """A warning's sign and words."""
    return f"{SIGNS[warning]} {WORDS[language][warning]}"


def code_svg(rows: list[list[int]]) -> str:
    """A QR code as an SVG element, a square a unit, with the quiet zone of four that readers need."""
    squares = "".join(f"M{x + 4} {y + 4}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    size = len(rows) + 8
    return f'<svg viewBox="0 0 {size} {size}" role="img" aria-label="QR"><path d="{squares}"/></svg>'


def asset(name: str) -> Path:
    """A file that maps need. Raises NOT_BUILT."""
    path = ASSETS / name
    if not path.exists():
        raise Problem(NOT_BUILT, file=path)
    return path


def figure(value: float | None) -> str:
    """Mu as they are shown, a dash where there is none."""
    return "—" if value is None or value != value else f"{value:,.2f}"


def percent(share: float | None) -> str:
    """A share as it is shown, a dash where there is none."""
    return "—" if share is None or share != share else f"{share:.1%}"
