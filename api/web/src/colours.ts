/** Colours that stay apart for the colour-blind; a shape or a word always stands beside them. */
import type { State, Warning } from "./api";

export const WARNINGS = ["green", "yellow", "red", "none"] as const satisfies Warning[];
export const WARNING_COLOURS: Record<Warning, string> = { green: "#3f9b5f", yellow: "#e8b93c", red: "#cf5141", none: "#b9bfb6" };
/** As letters on white or on the map: dark enough to be read. */
export const WARNING_INKS: Record<Warning, string> = { green: "#1f6b3a", yellow: "#7a5700", red: "#a32a1c", none: "#59625b" };
export const WARNING_SIGNS: Record<Warning, string> = { green: "●", yellow: "▲", red: "■", none: "○" };
export const STATES = ["reported", "checked", "accepted", "rejected", "revoked"] as const satisfies State[];
export const STATE_COLOURS: Record<State, string> = { reported: "#8fb8de", checked: "#3b6fb0", accepted: "#143f86", rejected: "#6b6b6b", revoked: "#7a3b69" };
/** One letter on the map, so that a state is not told by its colour alone. */
export const STATE_LETTERS: Record<"zh" | "en", Record<State, string>> = {
  zh: { reported: "报", checked: "核", accepted: "验", rejected: "退", revoked: "撤" },
  en: { reported: "R", checked: "C", accepted: "A", rejected: "X", revoked: "V" },
};
/** Plots from near, and as the shades that they lay over their unit from afar. */
export const FARMLAND_COLOURS = { basic: "#6f9f4a", other: "#b3cb8e" } as const;
export const FARMLAND_SHADES = { basic: "#a9b3a6", other: "#cbd2c8" } as const;
