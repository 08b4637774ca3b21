/** Colours that stay apart for the colour-blind; a shape or a word always stands beside them. */
export const WARNING_COLOURS = { green: "#3f9b5f", yellow: "#e8b93c", red: "#cf5141", none: "#b9bfb6" } as const;
export const WARNING_SHAPES = { green: "●", yellow: "▲", red: "■", none: "—" } as const;
export const CLAIM_COLOURS = { reported: "#8fb8de", checked: "#4f83c4", accepted: "#1d4e9e", rejected: "#9a9a9a", revoked: "#7a3b69" } as const;
