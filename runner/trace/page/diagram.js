// The messages as a sequence diagram: a lane for each who does something, a row for each message.
import { LANES, LANE_NAMES, label } from "./model.js";

const ROW = 34;
const LETTER = 7.9; // the width of one, about
const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export class Diagram {
  constructor(lanes, svg, onChoose) {
    this.lanes = lanes;
    this.svg = svg;
    this.onChoose = onChoose;
  }

  // Draw the messages; that at the position is the chosen one, and those after it are faint.
  draw(messages, position) {
    const width = Math.max(this.svg.parentElement.clientWidth, 640);
    this.lanes.setAttribute("width", width);
    const column = width / LANES.length;
    this.x = Object.fromEntries(LANES.map((lane, number) => [lane, column * (number + 0.5)]));
    this.width = width;
    this.drawLanes();
    const height = Math.max(messages.length, 1) * ROW + 20;
    this.svg.setAttribute("height", height);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren(
      ...LANES.map((lane) => element("line", { class: "lane-line", x1: this.x[lane], x2: this.x[lane], y1: 0, y2: height })),
      ...this.bars(messages.slice(0, position)),
      ...messages.map((message, number) => this.message(message, number, position - 1)),
    );
    this.svg.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  }

  drawLanes() {
    this.lanes.setAttribute("height", 34);
    this.lanes.setAttribute("viewBox", `0 0 ${this.width} 34`);
    this.lanes.replaceChildren(
      ...LANES.map((lane) => {
        const text = element("text", { x: this.x[lane], y: 23, style: `fill: var(--${lane})` });
        text.textContent = LANE_NAMES[lane];
        return text;
      }),
    );
  }

  // While a step lasts its lane is marked.
  bars(shown) {
    const found = [];
    shown.forEach((message, number) => {
      if (message.kind !== "call") return;
      const end = shown.findIndex((other) => other.kind === "answer" && other.span.span_id === message.span.span_id);
      const rows = (end < 0 ? shown.length : end) - number;
      found.push(
        element("rect", {
          class: "bar", x: this.x[message.to] - 5, y: number * ROW + 24, width: 10, height: Math.max(rows * ROW, 6),
          style: `--shade: var(--${message.to})`,
        }),
      );
    });
    return found;
  }

  message(message, number, current) {
    const y = number * ROW + 24;
    const shade = message.kind === "answer" ? message.from : message.to;
    const classes = ["message", message.kind];
    if (number > current) classes.push("ahead");
    if (message.failed === true && (message.kind !== "call" || message.span.duration === null)) classes.push("failed");
    if (message.failed === false && message.kind !== "call") classes.push("mended");
    const group = element("g", {
      class: classes.join(" "), role: "listitem", "aria-current": number === current, "data-number": number,
      "data-name": message.span.name, style: `--shade: var(--${shade})`,
    });
    const title = element("title"); // the whole of it, where the label is cut
    title.textContent = message.failed === undefined ? label(message) : `${label(message)} ${message.span.error}`;
    group.append(title, element("rect", { class: "row", x: 0, y: y - 23, width: this.width, height: ROW }));
    group.append(...(message.kind === "self" ? this.self(message, y) : this.arrow(message, y)));
    group.addEventListener("click", () => this.onChoose(number + 1));
    return group;
  }

  arrow(message, y) {
    const from = this.x[message.from];
    const to = this.x[message.to];
    const step = to > from ? 1 : -1;
    const head = `M ${to} ${y} l ${-9 * step} -5 v 10 z`;
    return [
      element("line", { x1: from, x2: to - 8 * step, y1: y, y2: y }),
      element("path", { class: "head", d: head }),
      this.text(message, Math.min(from, to) + 10, y - 6),
    ];
  }

  self(message, y) {
    const x = this.x[message.to];
    return [
      element("path", { d: `M ${x} ${y - 12} h 14 v 12 h -8` }),
      element("path", { class: "head", d: `M ${x + 3} ${y} l 8 -5 v 10 z` }),
      this.text(message, x + 20, y - 3),
    ];
  }

  // A label keeps inside of the picture: one that would leave it on the right is moved or cut.
  text(message, x, y) {
    const made = element("text", { x, y });
    let words = label(message);
    const room = Math.floor((this.width - x) / LETTER);
    if (words.length > room && room < 40) {
      made.setAttribute("x", this.width - 8);
      made.setAttribute("text-anchor", "end");
    } else if (words.length > room) {
      words = `${words.slice(0, room - 1)}…`;
    }
    made.textContent = words;
    return made;
  }
}
