/** Where the reader is: at which desk, in which unit, on which day, what is opened. Kept in the address, so that a link or "back" leads there again. */
import { reactive } from "vue";
import { language } from "./texts";

const NAMES = { desk: "desk", unit: "unit", asOf: "as_of", bar: "bar", claim: "claim", plot: "plot", account: "account", event: "event", subject: "subject" } as const;
type Place = Record<Exclude<keyof typeof NAMES, "desk">, string> & { desk: Desk };
/** Where somebody works: without one, at the figures and the map of a unit. */
const DESKS = ["", "accounts", "tokens", "public", "ledger", "sign-in"] as const;
export type Desk = (typeof DESKS)[number];
/** The desks of those who manage accounts. */
export const isAdministration = (desk: Desk): boolean => desk === "accounts" || desk === "tokens" || desk === "public";
const FIELDS = Object.keys(NAMES) as (keyof Place)[];

function read(): Place {
  const query = new URLSearchParams(location.search);
  const found = Object.fromEntries(FIELDS.map((field) => [field, query.get(NAMES[field]) ?? ""])) as Place;
  return { ...found, desk: DESKS.find((desk) => desk === found.desk) ?? "" };
}
export const place = reactive(read());
addEventListener("popstate", () => Object.assign(place, read()));

function write(how: "pushState" | "replaceState", state: unknown): void {
  const query = new URLSearchParams();
  for (const field of FIELDS) if (place[field]) query.set(NAMES[field], place[field]);
  if (language.value === "en") query.set("lang", "en");
  const text = query.toString();
  history[how](state, "", text ? `?${text}` : location.pathname);
}

const NOTHING_OPENED = { bar: "", claim: "", plot: "", account: "", event: "", subject: "" };

/** To another unit or another day; a unit is entered with nothing opened. */
export function go(change: { unit: string } | { asOf: string }): void {
  Object.assign(place, "unit" in change ? { desk: "", ...NOTHING_OPENED } : {}, change);
  write("pushState", null);
}
/** To another desk; the unit and the day stay for the way back. */
export function sit(desk: Desk, opened: Partial<Place> = {}): void {
  Object.assign(place, NOTHING_OPENED, { desk }, opened);
  write("pushState", null);
}
/** What of the ledger is read. Not a step of the history: it is typed. */
export function narrow(filter: { event: string } | { subject: string }): void {
  Object.assign(place, filter);
  write("replaceState", history.state);
}
/** Opens a plot, a claim or an account above the page. One entry of the history, however many are looked at in turn. */
export function open(what: { claim: string } | { plot: string } | { account: string }): void {
  const opened = place.claim || place.plot || place.account;
  Object.assign(place, { claim: "", plot: "", account: "" }, what);
  write(opened ? "replaceState" : "pushState", opened ? history.state : { opened: true });
}
/** Closes it, as "back" does; one that a link opened has no page of ours behind it. */
export function close(): void {
  if (history.state?.opened) { history.back(); return; }
  Object.assign(place, { claim: "", plot: "", account: "" });
  write("replaceState", null);
}
/** Opens or closes the list of a bar. Not a step of the history: it is a part of the page. */
export function list(bar: string): void {
  place.bar = place.bar === bar ? "" : bar;
  write("replaceState", history.state);
}
export const rewrite = (): void => write("replaceState", history.state);
