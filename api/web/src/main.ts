import { createApp } from "vue";
import "./style.css"; // before the parts, which build on it
import App from "./App.vue";
import "./print.css"; // and after them

createApp(App).mount("#app");
