/** How the map is drawn: the units by warning, and as the reader comes nearer, plots and claims instead. */
import type { GeoJSONSourceSpecification, StyleSpecification } from "maplibre-gl";
import { FARMLAND_COLOURS, STATE_COLOURS, WARNING_COLOURS, WARNING_INKS } from "./colours";

export const PLOTS_FROM = 11; // the zoom from which the tiles hold plots
export const NEAR = 13; // from here on the land itself is looked at, no longer the warning of its unit
const matched = (field: string, colours: Record<string, string>): any => ["match", ["get", field], ...Object.entries(colours).flat(), "#888888"];
const basic = (yes: unknown, no: unknown): any => ["case", ["==", ["get", "basic"], 1], yes, no];
const by = (...stops: unknown[]): any => ["interpolate", ["linear"], ["zoom"], ...stops];
const empty: GeoJSONSourceSpecification = { type: "geojson", data: { type: "FeatureCollection", features: [] } };
/** Letters are drawn by the browser itself: no glyphs are fetched. */
const font = { "text-font": ["sans-serif"] };

/** With the tiles of the whole city, or without them: plots then come as features. */
export function mapStyle(tiles: string | null): StyleSpecification {
  const source = tiles == null ? { source: "plots" } : { source: "city", "source-layer": "plot" };
  const plots: any[] = [
    // Far off, plots only darken the colour of their unit, so that a warning is still read as what it is.
    { id: "plots", type: "fill", ...source, minzoom: PLOTS_FROM, paint: {
      "fill-antialias": false,
      "fill-color": by(NEAR - 0.7, "#20331f", NEAR + 0.3, basic(FARMLAND_COLOURS.basic, FARMLAND_COLOURS.other)),
      "fill-opacity": by(PLOTS_FROM, 0.04, PLOTS_FROM + 1, basic(0.24, 0.12), NEAR + 0.3, 0.9) } },
    { id: "plot-edges", type: "line", ...source, minzoom: NEAR, paint: { "line-color": "#4d6b37", "line-width": by(NEAR, 0.2, 16, 0.8) } },
  ];
  return {
    version: 8,
    sources: {
      units: empty, plots: empty, claims: empty, "claim-middles": empty, chosen: empty,
      ...(tiles != null && { city: { type: "vector", url: tiles } }),
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": "#eef1ea" } },
      { id: "units", type: "fill", source: "units", paint: {
        "fill-color": matched("warning", WARNING_COLOURS), "fill-opacity": by(PLOTS_FROM, 0.72, PLOTS_FROM + 1.5, 0.6, NEAR + 1, 0.16) } },
      ...plots,
      { id: "claims", type: "fill", source: "claims", paint: { "fill-color": matched("state", STATE_COLOURS), "fill-opacity": 0.9 } },
      { id: "claim-edges", type: "line", source: "claims", minzoom: NEAR, paint: { "line-color": "#ffffff", "line-width": by(NEAR, 0.6, 16, 1.8) } },
      { id: "unit-edges", type: "line", source: "units", paint: {
        "line-color": ["case", ["==", ["get", "warning"], "none"], "#87958a", "#ffffff"], "line-width": by(9, 1, 14, 2.5) } },
      { id: "chosen-fill", type: "fill", source: "chosen", paint: { "fill-color": "#d6006c", "fill-opacity": 0.15 } },
      { id: "chosen-halo", type: "line", source: "chosen", paint: { "line-color": "#ffffff", "line-width": 7 } },
      { id: "chosen", type: "line", source: "chosen", paint: { "line-color": "#d6006c", "line-width": 3 } },
      { id: "claim-marks", type: "circle", source: "claim-middles", paint: {
        "circle-color": matched("state", STATE_COLOURS), "circle-radius": by(10, 3.5, 12, 5, 14, 9), "circle-stroke-color": "#ffffff", "circle-stroke-width": 1.5 } },
      // What is placed first keeps its place: a unit whose name finds no room still shows its sign.
      { id: "unit-signs", type: "symbol", source: "units", filter: ["!=", ["get", "warning"], "none"],
        layout: { ...font, "text-field": ["get", "sign"], "text-size": 13, "text-padding": 0 },
        paint: { "text-color": matched("warning", WARNING_INKS), "text-halo-color": "#ffffff", "text-halo-width": 1.6 } },
      { id: "unit-names", type: "symbol", source: "units",
        layout: { ...font, "text-max-width": 8, "text-padding": 1, "text-variable-anchor": ["center", "top", "bottom"], "text-size": by(8, 11, 10, 12, 13, 14),
          "text-field": ["format", ["get", "mark"], { "text-color": matched("warning", WARNING_INKS) }, ["get", "name"], {}] },
        paint: { "text-color": "#14261b", "text-halo-color": "#ffffffe6", "text-halo-width": 1.6 } },
      { id: "claim-letters", type: "symbol", source: "claim-middles", minzoom: NEAR,
        layout: { ...font, "text-field": ["get", "letter"], "text-size": by(NEAR, 9, 14, 12), "text-allow-overlap": true, "text-ignore-placement": true },
        paint: { "text-color": ["match", ["get", "state"], "reported", "#0e2440", "#ffffff"] } },
    ] as any,
  };
}
