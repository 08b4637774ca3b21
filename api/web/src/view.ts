/** What the page shows of the place that the reader is at: one fetch for a unit and a day, one for what is opened on it. */
import { computed } from "vue";
import { get, type About, type Bar, type Claim, type ClaimRow, type Feature, type Features, type Level, type Link, type Me, type Plot, type PlotRow,
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

export const view = follow(() => [place.unit, place.asOf, about.value.value, me.value.value], async (): Promise<View | undefined> => {
  const code = place.unit || me.value.value?.home?.code;
  if (!about.value.value || !me.value.value || me.value.value.must_change_password || !code) return undefined;
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
    unit.level === "group" ? get<Features<PlotRow>>("/plots", { unit: code, limit: "500" }) : NONE,
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
  return bar ? { bar, claims: await get<Features<ClaimRow>>("/claims", { unit: place.unit, as_of: place.asOf, reason: bar }) } : undefined;
});

/** The day that the figures are true for. */
export const day = computed(() => place.asOf || about.value.value?.today || "");
