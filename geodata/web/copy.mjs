// Puts what drawn maps need where Python finds it: Leaflet for the page, a Chinese font for print.
import { copyFileSync, mkdirSync } from "node:fs";

const data = new URL("../data/", import.meta.url);
const modules = new URL("node_modules/", import.meta.url);
for (const folder of ["leaflet", "fonts"]) mkdirSync(new URL(folder, data), { recursive: true });
for (const file of ["leaflet.js", "leaflet.css"]) {
  copyFileSync(new URL(`leaflet/dist/${file}`, modules), new URL(`leaflet/${file}`, data));
}
for (const [folder, name] of [["400Regular", "Regular"], ["700Bold", "Bold"]]) {
  const source = `@expo-google-fonts/noto-sans-sc/${folder}/NotoSansSC_${folder}.ttf`;
  copyFileSync(new URL(source, modules), new URL(`fonts/NotoSansSC-${name}.ttf`, data));
}
