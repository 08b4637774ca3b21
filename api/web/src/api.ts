/** The progress-report API as the page uses it. Areas in mu, days as YYYY-MM-DD. */
import type * as GeoJSON from "geojson";
import { language } from "./texts";

export type Level = "city" | "town" | "village" | "group";
export type Warning = "green" | "yellow" | "red" | "none";
export interface UnitName { code: string; name: string; level: Level }
export interface Unit extends UnitName { ancestors: UnitName[]; bbox: [number, number, number, number] | null; children: number }
export interface Progress {
  unit_code: string; unit_name: string; level: Level; as_of: string; due_date: string | null; days_left: number | null;
  target_mu: number | null; reported_mu: number; checked_mu: number; accepted_mu: number; revoked_mu: number;
  remaining_mu: number | null; share: number | null; schedule_mu: number | null; schedule_share: number | null;
  needed_mu_per_day: number | null; pace_mu_per_day: number | null; pace_30_days_mu_per_day: number | null;
  forecast_date: string | null; warning: Warning; claims: number; rank?: number;
}
export interface Series {
  target_mu: number | null; start_date: string | null; due_date: string | null; as_of: string;
  days: { date: string; reported_mu: number; accepted_mu: number }[];
  plan: { date: string; schedule_mu: number }[];
  forecast: { date: string | null };
}
export interface Bar { reason: string; area_mu: number; claims: number }
export interface Chief { name: string; duty: string; since: string }
export interface Link { level: Level; unit_code: string; unit_name: string; chiefs: Chief[] }
export interface About {
  version: string; city: UnitName | null; today: string; demonstration: boolean; note_zh: string | null; note_en: string | null;
  tiles: { available: boolean; url: string; version?: string };
}
export type Features = GeoJSON.FeatureCollection<GeoJSON.Geometry, Record<string, any>>;
export type Feature = GeoJSON.Feature<GeoJSON.Geometry, Record<string, any>>;

/** A refusal in the reader's words. */
export class Refused extends Error {}

export async function get<T>(path: string, query: Record<string, string | undefined> = {}): Promise<T> {
  const given = Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]));
  const address = `/api/v1${path}?${new URLSearchParams([...given, ["lang", language.value]])}`;
  let answer: Response;
  try {
    answer = await fetch(address);
  } catch {
    throw new Refused(language.value === "zh" ? "连不上服务器，请检查网络后重试。" : "The server cannot be reached. Check the network and try again.");
  }
  if (answer.ok) return (await answer.json()) as T;
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(problem.detail ?? `${answer.status} ${answer.statusText}`);
}
