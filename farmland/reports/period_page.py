"""The report of a closed period as a page for print: one self-contained HTML file, the same bytes every time."""

from html import escape
from typing import Any

from farmland.figures.waterfall import BAR_NAMES
from farmland.reports.marks import qr_rows
from geodata.problems import Language
from geodata.sheet import code_svg, figure, percent, warning_words

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("耕地恢复进度报告 第 {number} 期", "Farmland restoration: report {number}"),
    "span": ("{since}至 {last_day}，任务 {target_code}", "{since}to {last_day}, target {target_code}"),
    "since": ("{before} 之后", "after {before} "),
    "closed": ("{closed_at} 由 {closed_by} 封存", "closed {closed_at} by {closed_by}"),
    "rank": ("名次", "rank"),
    "unit_name": ("单位", "unit"),
    "target_mu": ("任务", "target"),
    "reported_new_mu": ("本期上报", "newly reported"),
    "reported_mu": ("累计上报", "reported"),
    "accepted_before_mu": ("上期验收", "accepted before"),
    "accepted_corrected_mu": ("更正上期", "corrected"),
    "accepted_new_mu": ("本期验收", "newly accepted"),
    "accepted_mu": ("累计验收（净）", "accepted, net"),
    "evidenced_mu": ("其中有照片佐证", "of it evidenced"),
    "share": ("完成率", "share"),
    "schedule_share": ("时序进度", "plan"),
    "gap_mu": ("差距", "gap"),
    "needed_mu_per_day": ("日均需", "needed a day"),
    "warning": ("预警", "warning"),
    "mu": ("面积单位：亩", "Areas in mu"),
    "corrections": ("对上期的更正", "Corrections of the last report"),
    "none": ("没有更正。", "None."),
    "number": ("申报", "claim"),
    "reported_then_mu": ("上报（上期）", "reported then"),
    "reported_now_mu": ("上报（现）", "reported now"),
    "accepted_then_mu": ("验收（上期）", "accepted then"),
    "accepted_now_mu": ("验收（现）", "accepted now"),
    "waterfall": ("从上报到验收", "From reported to accepted"),
    "claims": ("件", "claims"),
    "fingerprint": ("台账指纹 {fingerprint}", "Ledger {fingerprint}"),
    "uncertainty": ("累计验收的标准不确定度 ± {u} 亩", "Standard uncertainty of what is accepted: ± {u} mu"),
}
_TABLE = (
    "rank", "unit_name", "target_mu", "reported_new_mu", "reported_mu", "accepted_before_mu", "accepted_corrected_mu",
    "accepted_new_mu", "accepted_mu", "evidenced_mu", "share", "schedule_share", "gap_mu", "needed_mu_per_day", "warning",
)  # fmt: skip
_CORRECTIONS = ("number", "unit_code", "reported_then_mu", "reported_now_mu", "accepted_then_mu", "accepted_now_mu")
_LEFT = ("unit_name", "warning", "number", "unit_code")


def draw_report(report: dict[str, Any], language: Language) -> str:
    """The page of a report as :func:`farmland.reports.periods.report_of` gives it."""

    def word(name: str, **facts: Any) -> str:
        return escape(_WORDS.get(name, (name, name))[0 if language == "zh" else 1].format(**facts))

    def cell(row: dict[str, Any], name: str) -> str:
        value = row[name]
        if name in ("share", "schedule_share"):
            text = percent(value)
        elif name == "warning":
            text = warning_words(value, language)
        elif name.endswith(("_mu", "_mu_per_day")):
            text = figure(value)
        else:
            text = "" if value is None else str(value)
        return f'<td class="{"left" if name in _LEFT else "right"}">{escape(text)}</td>'

    def table(names: tuple[str, ...], rows: list[dict[str, Any]]) -> str:
        head = "".join(f'<th class="{"left" if name in _LEFT else "right"}">{word(name)}</th>' for name in names)
        body = "".join(f"<tr>{''.join(cell(row, name) for name in names)}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    whole, *below = report["rows"]
    columns = tuple(name for name in _TABLE if name in whole)  # the first form says nothing of what is evidenced
    since = word("since", before=report["before"]) if report["before"] else ""
    closed = word("closed", closed_at=report["closed_at"][:16].replace("T", " "), closed_by=report["closed_by"])
    title = f"{escape(report['unit_name'])} · {word('title', number=report['number'])}"
    bars = "".join(
        f'<tr><td class="left">{escape(BAR_NAMES[bar["reason"]][0 if language == "zh" else 1])}</td>'
        f'<td class="right">{figure(bar["area_mu"])}</td><td class="right">{bar["claims"]:,} {word("claims")}</td></tr>'
        for bar in report["waterfall"]
    )
    corrections = table(_CORRECTIONS, report["corrections"]) if report["corrections"] else f"<p>{word('none')}</p>"
    return f"""<!DOCTYPE html>
<html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><meta name="tianzhang-mark" content="{escape(report["mark"])}">
<style>{_STYLE}</style></head><body>
<header><div><h1>{title}</h1><p>{word("span", since=since, **_named(report, "last_day", "target_code"))}</p>
<p class="quiet">{closed} · {word("mu")}</p></div>
<figure>{code_svg(qr_rows(report["mark"]))}<figcaption>{word("fingerprint", fingerprint=report["fingerprint"])}</figcaption>
</figure></header>
{table(columns, [*below, whole])}
<p class="quiet">{word("uncertainty", u=figure(whole["accepted_u_mu"]))}</p>
<h2>{word("corrections")}</h2>{corrections}
<h2>{word("waterfall")}</h2><table class="narrow"><tbody>{bars}</tbody></table>
</body></html>
"""


def _named(report: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: report[name] for name in names}


_STYLE = """@page{size:A4 landscape;margin:12mm}
body{font-family:"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;margin:1.5rem;color:#17301f;font-size:13px}
header{display:flex;justify-content:space-between;align-items:flex-start;gap:2rem}h1{font-size:1.5rem;margin:0 0 .3rem;
color:#124d36}h2{font-size:1.1rem;margin:1.4rem 0 .4rem;color:#124d36}p{margin:.2rem 0}.quiet{color:#55655b}
figure{margin:0;text-align:center;font-size:.72rem;color:#44554b;flex:none}figure svg{width:7.5rem;display:block;margin:auto}
table{border-collapse:collapse;width:100%;margin-top:.6rem}.narrow{width:auto;min-width:24rem}
td,th{padding:.22rem .45rem;border-bottom:1px solid #dfe5e1;white-space:nowrap}th{color:#44554b;font-weight:600;
white-space:normal;vertical-align:bottom}
.left{text-align:left}.right{text-align:right;font-variant-numeric:tabular-nums}
tbody tr:last-child td{font-weight:600}
@media(max-width:800px){body{margin:.8rem}header{flex-direction:column}table{display:block;overflow-x:auto}}"""
