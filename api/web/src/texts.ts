/** Every word of the page, Chinese first, and how figures and days are written. */
import { ref, watchEffect } from "vue";
import { ACCOUNT_TEXTS } from "./accounttexts";
import { LEDGER_TEXTS } from "./ledgertexts";

export type Language = "zh" | "en";
const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem("lang");
export const language = ref<Language>(asked === "en" ? "en" : "zh");
watchEffect(() => {
  document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
  localStorage.setItem("lang", language.value);
});

const TEXTS = {
  // The page
  title: ["田长", "Tianzhang"], subtitle: ["耕地保护与恢复进度", "Farmland protection and restoration progress"],
  skip: ["跳到内容", "Skip to the content"], path: ["行政单位的上下级", "The units above"],
  search: ["查找行政单位：名称或代码", "Find a unit: name or code"], nothing_found: ["没有找到", "Nothing found"], as_of: ["截至", "As of"],
  today: ["今天", "Today"], close: ["关闭", "Close"], retry: ["重试", "Try again"], loading: ["载入中…", "Loading…"],
  print: ["打印", "Print"], switch: ["English", "中文"], back_to: ["返回", "Back to"], made_up: ["演示数据", "Demonstration"],
  unreachable: ["连不上服务器，请检查网络后重试。", "The server cannot be reached. Check the network and try again."],
  sign_in: ["登录", "Sign in"], sign_out: ["退出", "Sign out"], first_use: ["首次使用（有启用码）", "First use (with an activation code)"],
  sign_in_by: ["用{name}登录", "Sign in with {name}"],
  enter_as: ["演示：点选一个身份进入，不用密码", "Demonstration: enter as one of these, without a password"], account: ["账号", "Account"],
  password: ["密码", "Password"], new_password: ["设一个密码", "Choose a password"], code_of_slip: ["启用码（见启用单）", "Activation code (on the slip)"],
  password_rule: ["至少 10 个字符（一个汉字算两个），不要用姓名、电话、生日。", "At least 10 characters (a Chinese one counts for two); no names, numbers or dates of yours."],
  keep_signed_in: ["在本机保持登录 30 天", "Stay signed in on this device for 30 days"], set_and_enter: ["设好密码并登录", "Set it and sign in"],
  have_password: ["已有密码，去登录", "I have a password"], must_change: ["密码由他人代设，请先改成自己的。", "Your password was set by somebody else: change it first."],
  old_password: ["原密码", "Present password"], change_password: ["更改密码", "Change the password"],
  // Figures
  mu: ["亩", "mu"], target: ["恢复任务", "Restoration target"], reported: ["上报", "Reported"], checked: ["核查", "Checked"],
  accepted: ["验收", "Accepted"], accepted_net: ["验收净面积", "Accepted, net"], evidenced: ["有照片佐证", "Evidenced"],
  evidenced_of_it: ["其中有照片佐证 {area} 亩", "{area} mu of it evidenced by photographs"],
  evidenced_why: ["在地块内拍摄的照片证明的验收净面积", "The accepted net area that photographs taken inside the polygons show"],
  not_evidenced: ["没有照片佐证", "Not evidenced"], needs_after: ["需要在地块内拍摄的恢复后照片", "Needs a photograph of after, taken inside the polygon"],
  needs_both: ["需要在地块内拍摄的恢复前和恢复后照片", "Needs photographs of before and after, taken inside the polygon"],
  origin: ["来路", "Came"], origin_reported: ["系统内上报", "reported here"], origin_imported: ["文件导入", "imported"], remaining: ["剩余", "Remaining"], plan: ["计划", "Plan"],
  forecast: ["预计", "Forecast"], days_left: ["距期限", "Until due"], days: ["天", "days"], overdue: ["已逾期", "Overdue by"],
  needed: ["每天需", "Needed a day"], pace: ["至今每天", "Pace so far"], pace30: ["近 30 天每天", "In 30 days"],
  plan_now: ["计划此时应到", "The plan asks for now"], done_on: ["照此完成于", "Done at this pace on"], never: ["照此完不成", "never"],
  starts: ["任务 {day} 开始", "The target starts on {day}"],
  net_or_gross: ["上报按图形面积，核查、验收按净面积", "Reported is gross, checked and accepted are net"],
  behind: ["比计划少 {area} 亩", "{area} mu behind the plan"], ahead: ["比计划多 {area} 亩", "{area} mu ahead of the plan"],
  on_plan: ["与计划持平", "Exactly on plan"], of_below: ["其下 {count} 个{units}：", "Of its {count} {units}:"],
  below_town: ["镇（乡、街道）", "towns"], below_village: ["村（社区）", "villages"], below_group: ["组", "groups"],
  show_behind: ["先看落后的", "Show those behind"], green: ["绿", "green"], yellow: ["黄", "yellow"], red: ["红", "red"],
  none: ["无任务", "no target"],
  rule: ["验收是计划的 {ratio}；绿 ≥ {green}，黄 ≥ {yellow}", "Accepted is {ratio} of the plan; green ≥ {green}, yellow ≥ {yellow}"],
  none_why: ["没有分解任务", "nothing is allocated"], not_begun: ["尚未开始", "not begun"],
  unallocated: ["尚有 {area} 亩未分解到下级", "{area} mu are not yet allocated below"], bar_part: ["此项面积", "Of this bar"],
  // Ranking and units below
  ranking: ["排名", "Ranking"], rank: ["名次", "Rank"], part: ["任务", "Target"], unit: ["行政单位", "Unit"],
  code: ["行政单位代码", "Unit code"], share: ["完成率", "Share"], gap: ["比计划", "To plan"], warning: ["预警", "Warning"],
  best_first: ["领先的在前", "Best first"], worst_first: ["落后的在前", "Worst first"], order: ["次序", "Order"],
  // Field chiefs and plots
  who: ["谁负责", "Who answers for it"], chiefs: ["田长", "Field chiefs"], since: ["{day} 起", "since {day}"],
  nobody: ["没有任命", "nobody appointed"], level_city: ["市级", "City"], level_town: ["镇级", "Town"], level_village: ["村级", "Village"],
  level_group: ["组级", "Group"], plot: ["责任田", "Responsibility plot"], plots: ["责任田", "Responsibility plots"],
  plot_count: ["{count} 块", "{count}"],
  no_plots: ["本组没有登记责任田。用 tianzhang import plots 文件 导入。",
    "No responsibility plots are held for this group. Import them: tianzhang import plots FILE"],
  basic: ["永久基本农田", "Permanent basic farmland"], other_farmland: ["其他耕地", "Other farmland"], land_class: ["地类", "Land class"],
  area: ["面积", "Area"], yes: ["是", "yes"], no: ["否", "no"],
  // Charts
  burnup: ["进度曲线", "Burn-up"], due: ["期限", "Due"],
  burnup_said: ["{day}：上报 {reported}，核查 {checked}，验收 {accepted} 亩（有照片佐证 {evidenced} 亩），计划 {plan} 亩",
    "{day}: reported {reported}, checked {checked}, accepted {accepted} mu ({evidenced} mu evidenced), plan {plan} mu"],
  burnup_empty: ["没有任务，也没有恢复申报，画不出曲线。", "Neither a target nor a claim: there is nothing to draw."],
  waterfall: ["从上报到验收", "From reported to accepted"], waterfall_help: ["点一项可看其中的恢复申报", "Choose a bar to see its claims"],
  // The map
  map: ["地图", "Map"], zoom_in: ["放大", "Zoom in"], zoom_out: ["缩小", "Zoom out"], whole: ["看全图", "The whole unit"],
  two_fingers: ["用两个手指移动地图", "Use two fingers to move the map"],
  ctrl_scroll: ["按住 Ctrl 并滚动可缩放地图", "Use Ctrl + scroll to zoom the map"], legend: ["图例", "Legend"],
  no_polygons: ["这里没有行政单位的界线。用 tianzhang import units 文件 导入带界线的文件（gpkg、shp、geojson）。",
    "The units here have no borders. Import a file that has them (gpkg, shp, geojson): tianzhang import units FILE"],
  no_tiles: ["责任田尚未切图：运行 tianzhang tiles", "The plots are not on the map yet: run tianzhang tiles"],
  too_many_plots: ["责任田 {count} 块，太多，图上不画：请进入下级单位", "{count} plots are too many for the map: choose a unit below"],
  // Claims
  claim: ["恢复申报", "Restoration claim"], claims: ["恢复申报", "Restoration claims"], number: ["编号", "Number"],
  kind: ["来源", "Source"], former_use: ["原用途", "Former use"], crop: ["现种", "Present crop"], gross: ["图形面积", "Gross area"],
  doubts: ["疑点", "Doubts"], severity_refuses: ["不予验收", "Refuses"], severity_warns: ["提示", "Warns"],
  severity_deducts: ["核减", "Deducts"], method_survey: ["测绘级测量", "survey-grade"], method_phone: ["手机绕测", "walked with a phone"],
  method_imagery: ["影像勾绘", "drawn on imagery"], method_file: ["文件导入", "from a file"],
  net: ["净面积", "Net area"], typed: ["填报面积", "Typed area"], state: ["状态", "State"], history: ["经过", "History"],
  csv: ["下载 CSV", "Download CSV"],
  no_claims: ["没有恢复申报。", "There are no restoration claims."],
  no_claims_help: ["从手机或文件上报：tianzhang import claims 文件。", "They come from the phone or a file: tianzhang import claims FILE."],
  claims_above: ["恢复申报登记在村一级：", "Claims are held by the village:"], state_reported: ["上报", "reported"],
  state_checked: ["核查", "checked"], state_accepted: ["验收", "accepted"], state_rejected: ["退回", "rejected"],
  state_revoked: ["撤销", "revoked"], bar_reported: ["上报面积", "Reported, gross"], bar_outside_unit: ["在本单位之外", "Outside the unit"],
  bar_baseline_farmland: ["基期已是耕地", "Farmland at the baseline"], bar_other_claim: ["其他申报已占", "Held by other claims"],
  bar_below_minimum: ["不足最小上图面积", "Below the minimum area"], bar_ridges: ["田坎", "Ridges"], bar_rejected: ["退回", "Rejected"], bar_evidence_missing: ["证据不足", "Evidence missing"], bar_not_yet_checked: ["尚未核查", "Not yet checked"],
  bar_not_yet_accepted: ["尚未验收", "Not yet accepted"], bar_revoked: ["撤销", "Revoked"], bar_accepted: ["验收净面积", "Accepted, net"],
  kind_restorable: ["即可恢复", "restorable at once"], kind_works: ["工程恢复", "by works"],
  kind_demolished: ["拆除房屋", "demolished building"], kind_abandoned: ["撂荒地", "abandoned land"], kind_other: ["其他", "other"],
  // Empty pages
  empty: ["这里还没有任何行政单位", "There are no units here yet"],
  empty_help: ["先导入行政单位，再分解任务、导入恢复申报；或先看演示城市：",
    "Import the units first, then the targets and the claims; or look at the made-up city:"],
  no_target: ["本单位没有分解到恢复任务。", "No part of a restoration target is allocated to this unit."],
  no_target_help: ["用 tianzhang import targets 文件 导入任务分解。", "Import the allocation: tianzhang import targets FILE"],
  ...ACCOUNT_TEXTS, ...LEDGER_TEXTS,
} satisfies Record<string, [string, string]>;
export type Text = keyof typeof TEXTS;

/** A text in the reader's language, its {slots} filled. */
export const t = (name: Text, slots: Record<string, string | number> = {}): string =>
  TEXTS[name][language.value === "zh" ? 0 : 1].replace(/\{(\w+)\}/g, (_, slot: string) => String(slots[slot]));
/** A text whose name is made of a code that the API gives; the code itself where it is unknown. */
export const named = (prefix: string, code: string): string =>
  `${prefix}_${code}` in TEXTS ? t(`${prefix}_${code}` as Text) : code;

/** How many claims. */
export const items = (count: number): string =>
  language.value === "zh" ? `${count.toLocaleString("en-US")} 件` : `${count.toLocaleString("en-US")} ${count === 1 ? "claim" : "claims"}`;
export const mu = (value: number | null | undefined, digits = 2): string =>
  value == null ? "—" : value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
/** A target: whole where it is whole (12,700), else with its decimals (39.70). */
export const wholeMu = (value: number | null): string => mu(value, value == null || Number.isInteger(value) ? 0 : 2);
/** With its sign; the minus is the long one that stands out in a column. */
export const signedMu = (value: number | null): string =>
  value == null ? "—" : `${value < 0 ? "−" : value > 0 ? "+" : ""}${mu(Math.abs(value))}`;
export const percent = (value: number | null | undefined, digits = 1): string => (value == null ? "—" : `${(value * 100).toFixed(digits)}%`);
/** A day in words: 2022年4月26日星期二. The day alone has no time zone, so UTC on both sides. */
export const dayInWords = (day: string, weekday = true): string =>
  new Date(day).toLocaleDateString(language.value === "zh" ? "zh-CN" : "en-GB",
    { year: "numeric", month: "long", day: "numeric", weekday: weekday ? "long" : undefined, timeZone: "UTC" });
/** A moment in Shanghai, to the minute. */
export const moment = (at: string): string =>
  new Date(at).toLocaleString("sv-SE", { timeZone: "Asia/Shanghai", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });
export const monthAndDay = (day: string): string =>
  new Date(day).toLocaleDateString(language.value === "zh" ? "zh-CN" : "en-GB", { month: language.value === "zh" ? "long" : "short", day: "numeric", timeZone: "UTC" });
