/** Where the reader is: the unit, the day, what is opened. Kept in the address, so that a link or "back" leads there again. */
import { reactive } from "vue";
import { language } from "./texts";

const NAMES = { unit: "unit", asOf: "as_of", bar: "bar", claim: "claim", plot: "plot" } as const;
type Place = Record<keyof typeof NAMES, string>;
const FIELDS = Object.keys(NAMES) as (keyof Place)[];

function read(): Place {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(FIELDS.map((field) => [field, query.get(NAMES[field]) ?? ""])) as Place;
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

/** To another unit or another day; a unit is entered with nothing opened. */
export function go(change: { unit: string } | { asOf: string }): void {
  Object.assign(place, "unit" in change ? { bar: "", claim: "", plot: "" } : {}, change);
  write("pushState", null);
}
/** Opens a plot or a claim above the page. One entry of the history, however many are looked at in turn. */
export function open(what: { claim: string } | { plot: string }): void {
  const opened = place.claim || place.plot;
  Object.assign(place, { claim: "", plot: "" }, what);
  write(opened ? "replaceState" : "pushState", opened ? history.state : { opened: true });
}
/** Closes it, as "back" does; one that a link opened has no page of ours behind it. */
export function close(): void {
  if (history.state?.opened) { history.back(); return; }
  Object.assign(place, { claim: "", plot: "" });
  write("replaceState", null);
}
/** Opens or closes the list of a bar. Not a step of the history: it is a part of the page. */
export function list(bar: string): void {
  place.bar = place.bar === bar ? "" : bar;
  write("replaceState", history.state);
}
export const rewrite = (): void => write("replaceState", history.state);
