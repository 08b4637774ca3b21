/** The burn-up chart as ECharts takes it. */
import type { ECBasicOption } from "echarts/types/dist/shared";
import type { Series } from "./api";
import { dayInWords, language, monthAndDay, mu, t } from "./texts";

export const LINES = {
  reported: { colour: "#6b9bd1", width: 2, dash: "solid" },
  checked: { colour: "#2f63a8", width: 1.5, dash: "broken" },
  accepted: { colour: "#143f86", width: 3, dash: "solid" },
  evidenced: { colour: "#8a5a00", width: 2, dash: "fine" },
  plan: { colour: "#2f7d4a", width: 2, dash: "dashed" },
  forecast: { colour: "#b8392a", width: 2, dash: "dotted" },
} as const;
/** As ECharts and as SVG takes them: a line is known by its dashes too, on paper and to the colour-blind. */
export const DASHES = { solid: [], dashed: [6, 4], dotted: [2, 3], fine: [1, 2], broken: [9, 3, 2, 3] } as const;
export type Line = keyof typeof LINES;

const month = (value: number): string => {
  const day = new Date(value);
  const zh = language.value === "zh";
  const name = zh ? `${day.getMonth() + 1}月` : day.toLocaleDateString("en-GB", { month: "short" });
  return day.getMonth() === 0 ? `${name}\n${day.getFullYear()}${zh ? "年" : ""}` : name;
};
const iso = (time: number): string => new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString().slice(0, 10);

/** What is true of a day: read from the series, so that a plan without figures beside it is told as well. */
export function dayFigures(series: Series, day: string): [Line, number][] {
  const figures = series.days.find((one) => one.date === day);
  const plan = series.plan.find((one) => one.date === day);
  return [
    ...(figures ? (["reported", "checked", "accepted", "evidenced"] as const).map((name): [Line, number] => [name, figures[`${name}_mu`]]) : []),
    ...(plan ? [["plan", plan.schedule_mu] as [Line, number]] : []),
  ];
}

export function burnUp(series: Series, day: string, width: number, font: string): ECBasicOption {
  const { days, plan, forecast, target_mu, start_date, due_date } = series;
  const last = days.at(-1);
  const ahead = last && forecast.date && target_mu != null && forecast.date > last.date ? [[last.date, last.accepted_mu], [forecast.date, target_mu]] : [];
  const first = [days[0]?.date, start_date].filter((one) => one != null).sort()[0] ?? day;
  // A pace that leads years ahead would press the rest into a corner: the axis ends at twice the target's time.
  const due = due_date ?? day;
  const twice = iso(2 * Date.parse(due) - Date.parse(start_date ?? first));
  const reached = forecast.date && forecast.date < twice ? forecast.date : ahead.length ? twice : due;
  const end = [day, due, reached].sort().at(-1)!;
  const at = (one: string): number => (Date.parse(one) - Date.parse(first)) / (Date.parse(end) - Date.parse(first) || 1);
  const line = (name: Line, data: unknown[], more: object = {}) => ({
    name, type: "line", data, showSymbol: false, color: LINES[name].colour,
    lineStyle: { width: LINES[name].width, type: LINES[name].dash === "solid" ? "solid" : [...DASHES[LINES[name].dash]] }, ...more,
  });
  const upright = (date: string, text: string, row: number, colour: string) => ({
    xAxis: date, lineStyle: { color: colour, type: "solid", width: 1 },
    // The label lies on the side that has room, each in a row of its own: they never meet.
    label: { formatter: text, color: colour, fontSize: 11, position: "end", align: at(date) > 0.5 ? "right" : "left", distance: [0, 4 + row * 14] } });
  return {
    animation: false, textStyle: { fontFamily: font },
    grid: { left: 4, right: 14, top: 40, bottom: 4, containLabel: true },
    tooltip: { trigger: "axis", confine: true, formatter: (points: { axisValue: number }[]) => {
      const date = iso(points[0].axisValue);
      return [dayInWords(date), ...dayFigures(series, date).map(([name, area]) => `${t(name)} <b>${mu(area)}</b> ${t("mu")}`)].join("<br>");
    } },
    xAxis: { type: "time", min: first, max: end, splitNumber: Math.max(2, Math.round(width / 90)), minInterval: 28 * 86_400_000,
      axisLabel: { hideOverlap: true, fontSize: 11, lineHeight: 14, formatter: month } },
    yAxis: { type: "value", min: 0, axisLabel: { fontSize: 11, formatter: (value: number) => value.toLocaleString("en-US") } },
    series: [
      line("reported", days.map((one) => [one.date, one.reported_mu]), { step: "end", areaStyle: { opacity: 0.18 } }),
      line("checked", days.map((one) => [one.date, one.checked_mu]), { step: "end" }),
      line("accepted", days.map((one) => [one.date, one.accepted_mu]), { step: "end", z: 4, markLine: {
        symbol: "none", silent: true,
        data: [upright(day, `${t("as_of")} ${monthAndDay(day)}`, 0, "#18241c"),
          ...(due_date ? [upright(due_date, `${t("due")} ${monthAndDay(due_date)}`, 1, "#b8392a")] : [])] } }),
      line("evidenced", days.map((one) => [one.date, one.evidenced_mu]), { step: "end", z: 5 }),
      line("plan", plan.map((one) => [one.date, one.schedule_mu]), { z: 3 }),
      line("forecast", ahead, { z: 3, tooltip: { show: false } }),
    ],
  };
}
