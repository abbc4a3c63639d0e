// The page: a trace that is part of it, or a demo that is played on this machine right now.
import { Road } from "./model.js";
import { Diagram } from "./diagram.js";
import { Detail } from "./detail.js";
import { Player } from "./player.js";

const $ = (id) => document.getElementById(id);
const embedded = $("trace") ? JSON.parse($("trace").textContent) : null;

let road = new Road();
let allSteps = true;
let due = false;
const player = new Player(draw);
const diagram = new Diagram($("lanes"), $("diagram"), (position) => choose(position));
const detail = new Detail($("detail"), sourceOf);

function draw() {
  const { messages, position } = player;
  diagram.draw(messages, position);
  $("position").max = messages.length;
  $("position").value = position;
  $("count").textContent = `${position} / ${messages.length}`;
  $("play").textContent = player.playing ? "⏸ pause" : "▶ replay";
  const message = messages[position - 1];
  if (message) detail.show(road, message);
}

// Many steps may be heard at once: they are drawn together.
function refresh() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    player.update(road.messages(allSteps));
  });
}

function choose(position) {
  player.go(position);
}

async function sourceOf(code) {
  if (embedded) return embedded.sources[code.function];
  const answer = await fetch(`source?${new URLSearchParams({ file: code.file, function: code.function })}`);
  return answer.ok ? answer.json() : null;
}

// --- the story ---------------------------------------------------------------------------------

function tell(element, text, strong = "") {
  const made = document.createElement(element);
  if (strong) {
    const line = document.createElement("b");
    line.textContent = strong;
    made.append(line, "\n");
  }
  made.append(text);
  $("story").append(made);
  $("story").scrollTop = $("story").scrollHeight;
}

const HEARD = {
  begin({ scenario }) {
    road = new Road();
    player.reset();
    $("story").replaceChildren();
    tell("p", `${scenario.title}. ${scenario.about}`);
    mark(scenario.name, "running…");
    draw();
  },
  span({ span }) {
    road.hear(span);
    refresh();
  },
  say({ text }) {
    tell("p", `• ${text}`);
  },
  command({ line, output, code }) {
    tell("pre", output.trimEnd() + (code ? `\n(exit code ${code})` : ""), `$ ${line}`);
  },
  end({ scenario, error }) {
    tell("p", error ? `It failed: ${error}` : `What to look for: ${scenario.look}`);
    mark(scenario.name, error ? "failed" : "over");
    for (const button of $("scenarios").children) button.disabled = false;
  },
};

function mark(name, state) {
  $("state").textContent = state;
  for (const button of $("scenarios").children) {
    button.setAttribute("aria-current", button.dataset.name === name);
    button.disabled = state === "running…";
  }
}

async function run(name) {
  const answer = await fetch("run", { method: "POST", body: JSON.stringify({ scenario: name }) });
  if (!answer.ok) $("state").textContent = await answer.text();
}

async function listScenarios() {
  const scenarios = await (await fetch("scenarios")).json();
  scenarios.forEach((scenario, number) => {
    const button = document.createElement("button");
    button.textContent = `${number + 1} ${scenario.name}`;
    button.title = scenario.title;
    button.dataset.name = scenario.name;
    button.addEventListener("click", () => run(scenario.name));
    $("scenarios").append(button);
  });
  $("about").textContent = "Choose what to see, by a click or by its number. It happens now, on this machine.";
}

// What the address names is played at once; not again when the page is loaded again.
async function runFirst() {
  const name = location.hash.slice(1);
  if (!name) return;
  history.replaceState(null, "", location.pathname);
  await run(name);
}

function listen() {
  const source = new EventSource("events");
  source.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    HEARD[event.kind](event);
  };
  source.onerror = () => { $("state").textContent = "the demo has ended"; };
}

// --- keys and buttons --------------------------------------------------------------------------

const KEYS = {
  ArrowRight: () => player.go(player.position + 1),
  ArrowLeft: () => player.go(player.position - 1),
  PageDown: () => player.go(player.position + 1),
  PageUp: () => player.go(player.position - 1),
  Home: () => player.go(1),
  End: () => player.go(Infinity),
  " ": () => player.toggle(),
  d: () => $("detail-level").click(),
  t: () => $("theme").click(),
  "?": () => $("keys").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || $("keys").open) return;
  const scenario = $("scenarios").children[Number(event.key) - 1];
  const act = scenario ? () => scenario.click() : KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

$("first").addEventListener("click", KEYS.Home);
$("back").addEventListener("click", KEYS.ArrowLeft);
$("play").addEventListener("click", KEYS[" "]);
$("forward").addEventListener("click", KEYS.ArrowRight);
$("last").addEventListener("click", KEYS.End);
$("help").addEventListener("click", KEYS["?"]);
$("position").addEventListener("input", ({ target }) => player.go(Number(target.value)));
$("detail-level").addEventListener("click", ({ currentTarget }) => {
  allSteps = !allSteps;
  currentTarget.setAttribute("aria-pressed", allSteps);
  currentTarget.textContent = allSteps ? "all steps" : "borders only";
  player.update(road.messages(allSteps));
});
$("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
addEventListener("resize", draw);

if (embedded) {
  $("state").textContent = embedded.title;
  $("story").hidden = true;
  for (const span of embedded.spans) road.hear(span);
  player.update(road.messages(allSteps));
} else {
  await listScenarios();
  listen();
  await runFirst();
}
