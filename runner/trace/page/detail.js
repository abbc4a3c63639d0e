// One step in full: what was asked and answered, where it is in our source and in moby's.
import { LANE_NAMES, milliseconds, shortened, shortName } from "./model.js";

const TOLD = new Set(["request", "answer", "oci_spec", "kind", "lane", "says", "role", "waits"]);

function node(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

export class Detail {
  // `sourceOf` takes a step's code and promises its function's lines.
  constructor(panel, sourceOf) {
    this.panel = panel;
    this.sourceOf = sourceOf;
    this.shown = null;
  }

  show(road, message) {
    const { span } = message;
    this.shown = span.span_id;
    const parts = [node("h2", shortName(span.name)), node("p", span.stop.says)];
    if (span.error) parts.push(node("p", span.error, "error"));
    parts.push(this.facts(road, span));
    if (span.stop.differs) parts.push(node("h3", "where ours differs"), node("p", span.stop.differs));
    const asked = road.request(span).attributes.request ?? span.attributes.request;
    for (const [title, value] of [["request", asked], ["answer", span.attributes.answer], ["OCI specification", span.attributes.oci_spec]]) {
      if (value !== undefined) parts.push(node("h3", title), node("pre", pretty(value), title.split(" ")[0]));
    }
    this.panel.replaceChildren(...parts);
    this.panel.scrollTop = 0;
    if (span.code) this.addSource(span);
  }

  facts(road, span) {
    const facts = [
      ["lane", LANE_NAMES[span.stop.lane]],
      ["began", `+${((span.began_ns - road.began()) / 1e6).toFixed(1)} ms`],
      ["took", milliseconds(span.duration)],
    ];
    if (span.name !== shortName(span.name)) facts.push(["name", span.name]);
    if (span.code) facts.push(["ours", span.code.function]);
    if (span.stop.moby) facts.push(["moby", span.stop.moby]);
    for (const [name, value] of Object.entries(span.attributes)) {
      if (!TOLD.has(name)) facts.push([name.replaceAll("_", " "), shortened(typeof value === "string" ? value : JSON.stringify(value))]);
    }
    const list = node("dl");
    for (const [name, value] of facts) list.append(node("dt", name), node("dd", String(value)));
    return list;
  }

  async addSource(span) {
    const source = await this.sourceOf(span.code);
    if (!source || this.shown !== span.span_id) return;
    const lines = node("pre", "", "source");
    source.text.split("\n").forEach((text, number) => {
      const line = source.line + number;
      lines.append(node("span", `${String(line).padStart(4)}  ${text}\n`, line === span.code.line ? "here" : ""));
    });
    this.panel.append(node("h3", `${source.file}, line ${span.code.line}`), lines);
  }
}

function pretty(value) {
  if (typeof value !== "string") return JSON.stringify(value, null, 2);
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}
