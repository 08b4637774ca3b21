/** The accounts that an administrator sees: which are asked for, the page of them, and the one that is opened. */
import { reactive, watch } from "vue";
import { get, type Account, type Role, type UnitName } from "./api";
import { follow } from "./follow";
import { place } from "./place";

export const PAGE = 50;

export function accountList() {
  const wanted = reactive<{ q: string; role: Role | ""; unit: UnitName | null | undefined; offset: number }>({ q: "", role: "", unit: undefined, offset: 0 });
  // Before the list is followed, so that it is asked for once.
  watch(() => [wanted.q, wanted.role, wanted.unit], () => { wanted.offset = 0; });
  const list = follow(
    () => [wanted.q, wanted.role, wanted.unit, wanted.offset],
    () => get<{ total: number; accounts: Account[] }>("/accounts", {
      q: wanted.q.trim(), role: wanted.role, unit: wanted.unit?.code, limit: String(PAGE), offset: String(wanted.offset),
    }),
  );
  const one = follow(
    () => place.account,
    async () => (place.account ? get<Account>(`/accounts/${encodeURIComponent(place.account)}`) : undefined),
  );
  const clear = (): void => { Object.assign(wanted, { q: "", role: "", unit: undefined, offset: 0 }); };
  /** After a change: the card at once, the list from the server. */
  function changed(account: Account): void {
    one.value.value = account;
    void list.again();
  }
  return { wanted, list, one, clear, changed };
}
