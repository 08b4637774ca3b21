/** Where a shape lies. */
import type * as GeoJSON from "geojson";
import type { Shape } from "./api";

export type Bounds = [west: number, south: number, east: number, north: number];

export function boundsOf(shape: Shape): Bounds | null {
  const bounds: Bounds = [Infinity, Infinity, -Infinity, -Infinity];
  const take = (part: any): void => {
    if (typeof part[0] !== "number") { part.forEach(take); return; }
    const [x, y] = part;
    bounds[0] = Math.min(bounds[0], x); bounds[1] = Math.min(bounds[1], y);
    bounds[2] = Math.max(bounds[2], x); bounds[3] = Math.max(bounds[3], y);
  };
  if (shape && "coordinates" in shape) take(shape.coordinates);
  return bounds[0] <= bounds[2] ? bounds : null;
}

/** Features as points in their middle, for marks that stay visible when the shape itself is too small. */
export function middles<P>(features: GeoJSON.Feature<Shape, P>[]): GeoJSON.Feature<GeoJSON.Point, P>[] {
  return features.flatMap((one) => {
    const bounds = boundsOf(one.geometry);
    if (!bounds) return [];
    const coordinates = [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2];
    return [{ type: "Feature" as const, geometry: { type: "Point" as const, coordinates }, properties: one.properties }];
  });
}
