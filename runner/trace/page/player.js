// Where in the road one is: forward, back, and the replay at the pace that it had.

const SLOWEST = 900; // milliseconds between two messages of a replay, at most
const QUICKEST = 120;
const STRETCH = 6; // how much slower than it was

export class Player {
  constructor(onMove) {
    this.messages = [];
    this.position = 0;
    this.following = true;
    this.timer = null;
    this.onMove = onMove;
  }

  get playing() {
    return this.timer !== null;
  }

  // There is more to see; who is at the end stays there.
  update(messages) {
    const at = this.messages[this.position - 1];
    this.messages = messages;
    if (this.following) {
      this.position = messages.length;
    } else if (at) { // steps that are heard late come in between
      const same = messages.findIndex((other) => other.span.span_id === at.span.span_id && other.kind === at.kind);
      this.position = same < 0 ? Math.min(this.position, messages.length) : same + 1;
    }
    this.onMove();
  }

  go(position) {
    this.pause();
    this.move(position);
  }

  move(position) {
    this.position = Math.max(Math.min(1, this.messages.length), Math.min(position, this.messages.length));
    this.following = this.position === this.messages.length;
    this.onMove();
  }

  toggle() {
    if (this.playing) return this.go(this.position);
    if (this.position >= this.messages.length) this.move(1);
    this.next();
  }

  next() {
    const now = this.messages[this.position - 1];
    const then = this.messages[this.position];
    if (!then) return this.go(this.position);
    const gap = ((then.at - (now?.at ?? then.at)) / 1e6) * STRETCH;
    this.timer = setTimeout(() => {
      this.move(this.position + 1);
      this.next();
    }, Math.max(QUICKEST, Math.min(gap, SLOWEST)));
    this.onMove();
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = null;
  }

  reset() {
    this.pause();
    this.messages = [];
    this.position = 0;
    this.following = true;
  }
}
