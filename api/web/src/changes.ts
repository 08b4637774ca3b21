/** What a ledger entry changed, row by row: the content that it holds is by table, column and row. */
import type { Entry, Rows } from "./api";

export interface Change { column: string; before: unknown; after: unknown }
export interface ChangedRow { kind: "made" | "removed" | "changed"; changes: Change[]; same: Change[] }
export interface ChangedTable { table: string; count: number; rows: ChangedRow[] }

const KEYS = ["id", "code", "number", "seq"];
type Row = Record<string, unknown>;

function rowsOf(content: Rows, table: string): Map<unknown, Row> {
  const columns = content[table] ?? {};
  const names = Object.keys(columns);
  const key = KEYS.find((one) => one in columns);
  const count = names.length ? columns[names[0]].length : 0;
  return new Map(Array.from({ length: count }, (_, index) => [
    key ? columns[key][index] : index, Object.fromEntries(names.map((name) => [name, columns[name][index]])),
  ]));
}
function compare(before: Row | undefined, after: Row | undefined): ChangedRow {
  const kind = !before ? "made" : !after ? "removed" : "changed";
  const all = Object.keys({ ...before, ...after }).map((column) => ({ column, before: before?.[column] ?? null, after: after?.[column] ?? null }));
  const differs = (one: Change): boolean => JSON.stringify(one.before) !== JSON.stringify(one.after);
  return { kind, changes: all.filter(differs), same: all.filter((one) => !differs(one)) };
}

export const changesOf = (entry: Entry): ChangedTable[] =>
  [...new Set([...Object.keys(entry.before), ...Object.keys(entry.after)])].map((table) => {
    const [before, after] = [rowsOf(entry.before, table), rowsOf(entry.after, table)];
    const keys = [...new Set([...before.keys(), ...after.keys()])];
    return { table, count: entry.rows[table] ?? keys.length, rows: keys.map((key) => compare(before.get(key), after.get(key))) };
  });
