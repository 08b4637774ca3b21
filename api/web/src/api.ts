/** The progress-report API as the page uses it. Areas in mu, days as YYYY-MM-DD. */
import type * as GeoJSON from "geojson";
import { language, t } from "./texts";

export type Level = "city" | "town" | "village" | "group";
export type Warning = "green" | "yellow" | "red" | "none";
export type State = "reported" | "checked" | "accepted" | "rejected" | "revoked";
export interface UnitName { code: string; name: string; level: Level }
export interface Unit extends UnitName { ancestors: UnitName[]; bbox: [number, number, number, number] | null; children: number }
export interface Progress {
  unit_code: string; unit_name: string; level: Level; start_date: string | null; due_date: string | null; days_left: number | null;
  target_mu: number | null; unallocated_mu: number | null; reported_mu: number; checked_mu: number; accepted_mu: number;
  evidenced_mu: number; evidenced_share: number | null;
  remaining_mu: number | null; share: number | null; schedule_mu: number | null; schedule_share: number | null; ratio: number | null;
  needed_mu_per_day: number | null; pace_mu_per_day: number | null; pace_30_days_mu_per_day: number | null;
  forecast_date: string | null; warning: Warning; claims: number;
}
export interface Ranked extends Progress { rank: number }
export interface Day { date: string; reported_mu: number; checked_mu: number; accepted_mu: number; evidenced_mu: number }
export interface Series {
  target_mu: number | null; start_date: string | null; due_date: string | null; as_of: string;
  days: Day[]; plan: { date: string; schedule_mu: number }[]; forecast: { date: string | null };
}
export interface Bar { reason: string; area_mu: number; claims: number }
export interface Chief { name: string; duty: string; since: string }
export interface Link { level: Level; unit_code: string; unit_name: string; chiefs: Chief[] }
export interface About {
  version: string; city: UnitName | null; today: string; demonstration: boolean; note_zh: string; note_en: string;
  oidc: { name: string } | null; open_accounts: { account: string; full_name: string }[]; cities: UnitName[]; public: boolean;
  tiles: { available: boolean; url: string }; warning: { green: number; yellow: number };
}
export interface ClaimRow {
  number: string; state: State; unit_code: string; unit_name: string; source_kind: string; origin: string; before_asked: boolean; evidenced_at: string | null; former_use: string | null; crop: string | null;
  typed_area_mu: number | null; gross_area_mu: number; net_area_mu: number; net_u_mu: number | null; method: string; bar_area_mu?: number | null;
  reported_at: string | null; checked_at: string | null; accepted_at: string | null; rejected_at: string | null; revoked_at: string | null;
}
export interface Claim extends ClaimRow {
  steps: { state: State; at: string; by: string; why: string | null }[];
  chain: Link[];
  doubts: { rule: string; severity: string; stage: string; zh: string; en: string }[];
  deductions: { stage: string; reason: string; other_claim: string | null; area_mu: number }[];
}
export interface PlotRow { number: string; unit_code: string; land_class: string; land_class_name: string | null; basic_farmland: boolean; area_mu: number }
export interface Plot extends PlotRow { chain: Link[] }
export type Shape = GeoJSON.Geometry | null;
export type Feature<P = unknown> = GeoJSON.Feature<Shape, P>;
export interface Features<P = unknown> extends GeoJSON.FeatureCollection<Shape, P> { number_matched?: number }

/** A refusal in the reader's words. */
export class Refused extends Error {}

export const ROLES = ["administrator", "officer", "field_chief", "inspector", "leader", "auditor"] as const;
export type Role = (typeof ROLES)[number];
export const ACTIONS = ["read", "ledger", "report", "check", "accept", "allocate", "accounts", "operate"] as const;
export type Action = (typeof ACTIONS)[number];
/** A role for a unit and all below it; without a unit, for every one. */
export interface Held { role: Role | null; unit_code: string | null; unit_name: string | null; from_roster: boolean }
export interface Me {
  account: string | null; name: string; full_name: string; rights: Held[]; actions: Action[]; everywhere: Action[];
  home: UnitName | null; homes: UnitName[]; whole_city: boolean; must_change_password: boolean;
}
export interface Account {
  account: string; full_name: string; state: "invited" | "active" | "shut"; roster_number: string | null; rights: Held[];
  created_at: string; code_until: string | null;
}
export interface Invited { account: string; code: string; until: string }
export interface Token {
  id: number; name: string; unit_code: string | null; unit_name: string | null; may: Action[]; created_at: string; last_used_at: string | null;
}
export interface PublicTown { unit_code: string; unit_name: string; target_mu: number | null; accepted_mu: number; evidenced_mu: number; evidenced_share: number | null; warning: Warning }
export interface PublicFigures { as_of: string; city: PublicTown; towns: PublicTown[] }
export interface EntryRow {
  seq: number; at: string; actor: string; unit_code: string | null; unit_name: string | null; event: string; subject: string | null; hash: string;
}
/** Table → column → values. */
export type Rows = Record<string, Record<string, unknown[]>>;
export interface Entry extends EntryRow { previous: string; before: Rows; after: Rows; rows: Record<string, number> }

async function ask<T>(path: string, query: URLSearchParams, init?: RequestInit): Promise<T> {
  query.set("lang", language.value);
  let answer: Response;
  try {
    answer = await fetch(`/api/v1${path}?${query}`, init);
  } catch {
    throw new Refused(t("unreachable"));
  }
  if (answer.ok) return (await answer.json()) as T;
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401) dispatchEvent(new CustomEvent<string>("signed-out", { detail: problem.detail }));
  throw new Refused(problem.detail ?? `${answer.status} ${answer.statusText}`, { cause: answer.status });
}

export function get<T>(path: string, query: Record<string, string | undefined> = {}): Promise<T> {
  const given = Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return ask<T>(path, new URLSearchParams(given));
}

/** A change that the reader asks for. */
export const send = <T>(method: "POST" | "PUT" | "DELETE", path: string, body?: object, query: Record<string, string | null> = {}): Promise<T> =>
  ask<T>(path, new URLSearchParams(Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]))), { method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
