// The steps of a road, and the messages between lanes that they are made of.

export const LANES = ["cli", "api", "engine", "containerd", "shim", "kernel"];
export const LANE_NAMES = {
  cli: "CLI", api: "API", engine: "engine", containerd: "containerd", shim: "shim, runc", kernel: "kernel",
};
// Who really asked for it, where only its effect could be seen from the engine.
const ASKED_BY = { "containerd-shim-runc-v2": "containerd", execve: "shim" };
const ROLES = { undo: "↩ undone", retry: "↻ once more", restart: "↻ restarted", cleanup: "" };

export const shortened = (text) => text.replace(/[0-9a-f]{64}/g, (id) => id.slice(0, 12));
export const shortName = (name) =>
  shortened(name.startsWith("containerd.services.") ? name.slice(name.lastIndexOf(".") + 1) : name);

export class Road {
  constructor() {
    this.spans = new Map();
  }

  hear(span) {
    const known = this.spans.get(span.span_id);
    if (known && known.duration !== null && span.duration === null) return; // the end was heard first
    this.spans.set(span.span_id, span);
  }

  parent(span) {
    return this.spans.get(span.parent_id);
  }

  // The requests that the command sent; the API's own steps tell the same from the other side.
  request(span) {
    const above = this.parent(span);
    return above && above.stop.lane === "cli" && above.attributes.kind === "client" ? above : span;
  }

  // In order: a call where a step begins and, where it has crossed a border, an answer at its end.
  messages(all = true) {
    const failures = this.failures();
    const served = [...this.spans.values()].some((span) => span.attributes.kind === "server");
    const found = [];
    for (const span of this.spans.values()) {
      if (this.isHidden(span, served)) continue;
      const to = span.stop.lane;
      const from = this.from(span);
      if (!all && from === to && !span.error && !span.attributes.role && span.name !== "daemon.containerStart") continue;
      const shared = { span, failed: failures.get(span.span_id) };
      found.push({ ...shared, kind: from === to ? "self" : "call", at: span.began_ns, from, to });
      // what could only be seen from here gives no answer: the shim lives on
      if (from !== to && span.duration > 0 && !ASKED_BY[span.name]) {
        found.push({ ...shared, kind: "answer", at: span.began_ns + span.duration * 1e9, from: to, to: from });
      }
    }
    return found.sort((one, other) => one.at - other.at);
  }

  isHidden(span, served) {
    if (span.name.startsWith("demo ")) return true;
    return served && span.stop.lane === "cli" && span.attributes.kind === "client";
  }

  from(span) {
    if (span.attributes.lane) return span.stop.lane; // done for the demo, past everybody
    if (ASKED_BY[span.name]) return ASKED_BY[span.name];
    const above = this.parent(span);
    if (above && !above.name.startsWith("demo ")) return above.stop.lane === "api" && span.stop.lane === "api" ? "cli" : above.stop.lane;
    return span.stop.lane === "api" ? "cli" : span.stop.lane;
  }

  // The steps in which an error arose: true where the command failed by it, false where it was mended.
  failures() {
    const spans = [...this.spans.values()];
    const passesOn = (span) => {
      const above = this.parent(span);
      return Boolean(span.error && above?.error?.includes(span.error.split("\n")[0]));
    };
    const passedOn = new Set(spans.filter(passesOn).map((span) => span.parent_id));
    const found = new Map();
    for (const span of spans) {
      if (!span.error || passedOn.has(span.span_id)) continue;
      let top = span;
      while (passesOn(top)) top = this.parent(top);
      found.set(span.span_id, !this.parent(top) || top.name.startsWith("runner "));
    }
    return found;
  }

  began() {
    return Math.min(...[...this.spans.values()].map((span) => span.began_ns));
  }
}

export function label(message) {
  const { span, kind, failed } = message;
  const attributes = span.attributes;
  if (kind === "answer") return answerLabel(message);
  const words = [shortName(span.name)];
  if (kind === "self" && failed !== undefined) words.push(`${failed ? "✗ " : ""}${shortened(span.error)}`);
  else if (attributes.exit_code !== undefined) words.push(`exit code ${attributes.exit_code}`);
  else if (attributes.pid !== undefined) words.push(`PID ${attributes.pid}`);
  else if (attributes.seconds !== undefined) words.push(`${attributes.seconds} s`);
  if (ROLES[attributes.role]) words.push(`  ${ROLES[attributes.role]}`);
  return words.join("  ");
}

function answerLabel({ span, failed }) {
  const took = milliseconds(span.duration);
  if (span.error) return `${failed ? "✗ " : ""}${shortened(span.error)}  (${took})`;
  const { status, answer, cancelled } = span.attributes;
  if (cancelled) return `no longer wanted  (${took})`;
  if (status !== undefined) return `${status}  (${took})`;
  if (answer && answer.pid) return `PID ${answer.pid}  (${took})`;
  if (span.name.endsWith("/Wait")) return `exit code ${answer?.exit_status ?? 0}  (${took})`;
  return `${shortName(span.name)}: done  (${took})`;
}

export const milliseconds = (seconds) => (seconds === null ? "…" : `${(seconds * 1000).toFixed(1)} ms`);
