/** Every word of the page, Chinese first, and how figures are written. */
import { ref, watchEffect } from "vue";

export type Language = "zh" | "en";
const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem("lang");
export const language = ref<Language>(asked === "en" ? "en" : "zh");
watchEffect(() => {
  document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
  localStorage.setItem("lang", language.value);
});

const TEXTS = {
  title: ["田长", "Tianzhang"],
  subtitle: ["耕地保护与恢复进度", "Farmland protection and restoration progress"],
  accepted: ["已验收", "Accepted"], target: ["任务", "Target"], reported: ["已上报", "Reported"], checked: ["已核查", "Checked"],
  remaining: ["剩余", "Remaining"], mu: ["亩", "mu"], plan: ["计划", "Plan"], forecast: ["预计", "Forecast"],
  days_left: ["距期限", "Until due"], days: ["天", "days"], overdue: ["已逾期", "Overdue by"],
  needed: ["每天需", "Needed a day"], pace: ["至今每天", "Pace so far"], pace30: ["近 30 天每天", "Pace of 30 days"],
  plan_now: ["计划此时应到", "Plan asks for now"], done_on: ["照此完成于", "Done at this pace on"], never: ["无法完成", "never"],
  green: ["绿", "green"], yellow: ["黄", "yellow"], red: ["红", "red"], none: ["无任务", "no target"],
  green_why: ["达到计划进度", "on plan"], yellow_why: ["略落后于计划", "a little behind plan"], red_why: ["明显落后于计划", "well behind plan"],
  none_why: ["没有分解任务", "nothing is allocated"],
  ranking: ["排名", "Ranking"], rank: ["名次", "Rank"], unit: ["单位", "Unit"], share: ["完成率", "Share"], warning: ["预警", "Warning"],
  burnup: ["进度曲线", "Burn-up"], waterfall: ["从上报到验收", "From reported to accepted"],
  waterfall_help: ["点一项可看其中的申报", "Choose a bar to see its claims"], claims: ["申报", "Claims"], claim: ["恢复申报", "Restoration claim"],
  plot: ["责任田", "Responsibility plot"], who: ["谁负责", "Who answers for it"], since: ["自", "since"], nobody: ["没有任命", "nobody appointed"],
  search: ["查找单位：名称或代码", "Find a unit: name or code"], nothing_found: ["没有找到", "Nothing found"],
  as_of: ["截至", "As of"], today: ["今天", "Today"], close: ["关闭", "Close"], retry: ["重试", "Try again"], loading: ["载入中…", "Loading…"],
  print: ["打印", "Print"], switch: ["English", "中文"], up: ["返回", "Back to"],
  empty: ["这里还没有任何单位。", "There are no units here yet."],
  empty_help: ["先运行 tianzhang import units 文件 导入行政单位，或运行 tianzhang demo 看演示城市。",
    "Run tianzhang import units FILE first, or tianzhang demo to look at a made-up city."],
  no_target: ["本单位没有分解任务。", "No part of a target is allocated to this unit."],
  no_claims: ["没有申报。", "There are no claims."], map: ["地图", "Map"],
  bar_reported: ["上报面积", "Reported, gross"], bar_outside_unit: ["在本单位之外", "Outside the unit"],
  bar_baseline_farmland: ["基期已是耕地", "Farmland at the baseline"], bar_other_claim: ["其他申报已占", "Held by other claims"],
  bar_ridges: ["田坎", "Ridges"], bar_rejected: ["未通过", "Rejected"], bar_not_yet_checked: ["尚未核查", "Not yet checked"],
  bar_not_yet_accepted: ["尚未验收", "Not yet accepted"], bar_revoked: ["已撤销", "Revoked"], bar_accepted: ["已验收净面积", "Accepted, net"],
  state_reported: ["已上报", "reported"], state_checked: ["已核查", "checked"], state_accepted: ["已验收", "accepted"],
  state_rejected: ["未通过", "rejected"], state_revoked: ["已撤销", "revoked"],
  kind_restorable: ["即可恢复", "restorable at once"], kind_works: ["工程恢复", "by works"], kind_demolished: ["拆除房屋", "demolished building"],
  kind_abandoned: ["撂荒地", "abandoned land"], kind_other: ["其他", "other"],
  former_use: ["原用途", "Former use"], crop: ["现种", "Present crop"], kind: ["来源", "Source"], gross: ["上报面积", "Gross"], net: ["净面积", "Net"],
  deductions: ["扣除", "Deductions"], history: ["经过", "History"], basic: ["永久基本农田", "Permanent basic farmland"],
  land_class: ["地类", "Land class"], area: ["面积", "Area"], number: ["编号", "Number"], made_up: ["演示数据", "Demonstration"],
} satisfies Record<string, [string, string]>;
export type Text = keyof typeof TEXTS;

export const t = (name: Text): string => TEXTS[name][language.value === "zh" ? 0 : 1];
/** A text whose name is made of a code that the API gives; the code itself where it is unknown. */
export const named = (prefix: string, code: string): string =>
  `${prefix}_${code}` in TEXTS ? t(`${prefix}_${code}` as Text) : code;
export const mu = (value: number | null | undefined, digits = 2): string =>
  value == null ? "—" : value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
export const percent = (value: number | null | undefined): string => (value == null ? "—" : `${(value * 100).toFixed(1)} %`);
