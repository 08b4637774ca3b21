/** Where the reader is: which unit, as of which day. Kept in the address, so that a link or "back" leads there again. */
import { reactive } from "vue";
import { language } from "./texts";

const read = () => {
  const query = new URLSearchParams(location.search);
  return { unit: query.get("unit") ?? "", asOf: query.get("as_of") ?? "" };
};
export const place = reactive(read());
addEventListener("popstate", () => Object.assign(place, read()));

export function go(change: Partial<typeof place>): void {
  Object.assign(place, change);
  write("pushState");
}

export function write(how: "pushState" | "replaceState"): void {
  const query = new URLSearchParams();
  if (place.unit) query.set("unit", place.unit);
  if (place.asOf) query.set("as_of", place.asOf);
  if (language.value === "en") query.set("lang", "en");
  const text = query.toString();
  history[how](null, "", text ? `?${text}` : location.pathname);
}
