/** Claims as a CSV file that Excel opens: a byte-order mark, so that it reads UTF-8, and nothing that it would compute. */
import type { ClaimRow, Features } from "./api";
import { named, t } from "./texts";

/** As geodata/formulas.py: an apostrophe before text that a spreadsheet would take for a formula; an import takes it off. */
const harmless = (text: string): string => (/^'*(\s*[=+\-@＝＋－＠]|[\t\r\n])/.test(text) ? `'${text}` : text);

const cell = (value: unknown): string => {
  const text = value == null ? "" : String(value);
  const safe = typeof value === "string" ? harmless(text) : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

export function downloadClaims(claims: Features<ClaimRow>, name: string): void {
  const heads = [t("number"), t("state"), t("code"), t("unit"), t("kind"), t("former_use"), t("crop"), `${t("gross")} ${t("mu")}`, `${t("net")} ${t("mu")}`, `${t("bar_part")} ${t("mu")}`,
    t("reported"), t("checked"), t("accepted"), t("state_rejected"), t("state_revoked"), t("evidenced")];
  const rows = claims.features.map(({ properties: row }) => [
    row.number, named("state", row.state), row.unit_code, row.unit_name, named("kind", row.source_kind), row.former_use, row.crop,
    row.gross_area_mu, row.net_area_mu, row.bar_area_mu, row.reported_at, row.checked_at, row.accepted_at, row.rejected_at, row.revoked_at, row.evidenced_at,
  ]);
  const text = [heads, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`\ufeff${text}\r\n`], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
