/** A right in words. */
import type { Held } from "./api";
import { named, t } from "./texts";

export const roleName = (right: Pick<Held, "role">): string => (right.role ? named("role", right.role) : t("token_title"));
export const unitName = (right: Pick<Held, "unit_code" | "unit_name">): string => right.unit_name ?? right.unit_code ?? t("every_unit");
