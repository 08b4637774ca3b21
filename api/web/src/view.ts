/** What the page shows of the place that the reader is at: one fetch for a unit and a day, one for what is opened on it. */
import { computed, ref } from "vue";
import { get, type About, type Action, type Bar, type Claim, type ClaimRow, type Feature, type Features, type Level, type Link, type Me, type Plot, type PlotRow,
  type Progress, type Ranked, type Series, type Unit, type UnitName } from "./api";
import { follow } from "./follow";
import { place } from "./place";

export interface View {
  unit: Unit; progress: Progress; ranking: Ranked[]; series: Series; bars: Bar[]; chain: Link[];
  outlines: Features<UnitName>; claims: Features<ClaimRow>; plots: Features<PlotRow>;
}
export type Opened = { claim: Feature<Claim> } | { plot: Feature<Plot> };

const NEXT: Record<Level, Level> = { city: "town", town: "village", village: "group", group: "group" };
const NONE = { type: "FeatureCollection", features: [], number_matched: 0 } satisfies Features;

const chiefs = async (code: string): Promise<Link[]> =>
  (await get<{ chain: Link[] }>(`/units/${encodeURIComponent(code)}/chiefs`, { on: place.asOf })).chain;

export const about = follow(() => "", () => get<About>("/about"));

/** Who is signed in; null while nobody is. */
export const me = follow(() => "", () => get<Me>("/me").catch((error: Error) => { if (error.cause === 401) return null; throw error; }));

/** Why a sign-in has ended that the reader did not end here. */
export const ended = ref("");
addEventListener("signed-out", (event) => {
  if (!me.value.value) return;
  ended.value = (event as CustomEvent<string>).detail;
  me.value.value = null;
});
export const may = (action: Action): boolean => me.value.value?.actions.includes(action) ?? false;
export const mayEverywhere = (action: Action): boolean => me.value.value?.everywhere.includes(action) ?? false;

/** What of a way from the city down to a unit lies within the reader's own units. */
export function own<T>(way: T[], code: (step: T) => string): T[] {
  const from = way.findIndex((step) => me.value.value?.homes.some((home) => home.code === code(step)));
  return from < 0 ? [] : way.slice(from);
}
/** The unit that is shown: the one of the address, or the reader's own. */
const unitCode = (): string | undefined => place.unit || me.value.value?.home?.code;

/** More plots than these the map does not take at once. */
const MOST_PLOTS = 3000;
/** The plots of a unit, for the map of who may not have the tiles of the whole city; none where they are too many, but their number. */
async function plotsOf(unit: string): Promise<Features<PlotRow>> {
  const { number_matched } = await get<Features<PlotRow>>("/plots", { unit, limit: "1" });
  return (number_matched ?? 0) > MOST_PLOTS ? { ...NONE, number_matched } : get<Features<PlotRow>>("/plots", { unit, limit: String(MOST_PLOTS) });
}

export const view = follow(() => [place.desk, place.unit, place.asOf, about.value.value, me.value.value], async (): Promise<View | undefined> => {
  const code = unitCode();
  if (!about.value.value || !me.value.value || me.value.value.must_change_password || !code) return undefined;
  if (place.desk) return view.value.value; // as it was, for the way back
  const query = { unit: code, as_of: place.asOf };
  const unit = await get<Unit>(`/units/${encodeURIComponent(code)}`);
  const [progress, ranking, series, water, chain, outlines, claims, plots] = await Promise.all([
    get<Progress>("/progress", query),
    unit.children ? get<{ ranking: Ranked[] }>("/progress/ranking", query) : { ranking: [] },
    get<Series>("/progress/series", query),
    get<{ bars: Bar[] }>("/progress/waterfall", query),
    chiefs(code),
    get<Features<UnitName>>("/units.geojson", { within: unit.code, level: NEXT[unit.level] }),
    // The city's claims are too many and too small to be drawn, or to be read in one list.
    unit.level === "city" ? NONE : get<Features<ClaimRow>>("/claims", query),
    !me.value.value.whole_city || unit.level === "group" ? plotsOf(code) : NONE,
  ]);
  return { unit, progress, ranking: ranking.ranking, series, bars: water.bars, chain, outlines, claims, plots };
});

export const opened = follow(() => [place.claim, place.plot, place.asOf, me.value.value], async (): Promise<Opened | undefined> => {
  if (!me.value.value) return undefined;
  if (place.plot) return { plot: await get<Feature<Plot>>(`/plots/${encodeURIComponent(place.plot)}`, { on: place.asOf }) };
  if (!place.claim) return undefined;
  return { claim: await get<Feature<Claim>>(`/claims/${encodeURIComponent(place.claim)}`, { as_of: place.asOf }) };
});

export const listed = follow(() => [place.unit, place.asOf, place.bar, me.value.value], async () => {
  const bar = me.value.value ? place.bar : "";
  return bar ? { bar, claims: await get<Features<ClaimRow>>("/claims", { unit: unitCode(), as_of: place.asOf, reason: bar }) } : undefined;
});

/** The day that the figures are true for. */
export const day = computed(() => place.asOf || about.value.value?.today || "");
