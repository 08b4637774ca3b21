/** The order of the ranking. Kept for the visit, so that who looks for those behind finds them first in the next town too. */
import { ref } from "vue";
import type { Ranked } from "./api";

export const COLUMNS = ["rank", "unit", "accepted", "evidenced", "part", "share", "gap"] as const;
export type Column = (typeof COLUMNS)[number];
export const order = ref<{ by: Column; down: boolean }>({ by: "rank", down: false });

export const behindFirst = (): void => { order.value = { by: "rank", down: true }; };
export const bestFirst = (): void => { order.value = { by: "rank", down: false }; };
/** A click on a column: areas begin with the largest; the same column again turns it round. */
export function sortBy(by: Column): void {
  const first = by !== "rank" && by !== "unit";
  order.value = { by, down: order.value.by === by ? !order.value.down : first };
}

export const gapOf = (row: Ranked): number | null => (row.schedule_mu == null ? null : Math.round((row.accepted_mu - row.schedule_mu) * 100) / 100);
const VALUES: Record<Column, (row: Ranked) => number | string | null> = {
  rank: (row) => row.rank, unit: (row) => row.unit_code, accepted: (row) => row.accepted_mu, evidenced: (row) => row.evidenced_share,
  part: (row) => row.target_mu, share: (row) => row.share, gap: gapOf,
};

/** The rows in this order; those without a target last, whichever way it goes. */
export function sorted(rows: Ranked[]): Ranked[] {
  const { by, down } = order.value;
  const value = VALUES[by];
  return [...rows].sort((one, other) => {
    if ((one.target_mu == null) !== (other.target_mu == null)) return one.target_mu == null ? 1 : -1;
    const [a, b] = [value(one) ?? 0, value(other) ?? 0];
    return (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1);
  });
}
