"""The web application: orders go to the database, visits are counted in the cache.

POST /orders        order what the body says
GET /orders         all orders, a line each
GET /visits         how many have asked so far, and which of the web containers has answered
GET /health         whether database and cache answer
"""

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import redis
from database import transaction

cache = redis.Redis(host="cache", decode_responses=True)


def orders() -> str:
    """All orders."""
    with transaction() as statements:
        statements.execute("SELECT id, what FROM orders ORDER BY id")
        rows = statements.fetchall()
    return "".join(f"{number} {what}\n" for number, what in rows)


def order(what: str) -> str:
    """A new one."""
    with transaction() as statements:
        statements.execute("INSERT INTO orders (what) VALUES (%s)", [what])
    print(f"ordered: {what}")
    return "thank you\n"


def visits() -> str:
    """One more."""
    return f"{cache.incr('visits')} {socket.gethostname()}\n"


def health() -> str:
    """Fails when one of the others does not answer."""
    cache.ping()
    with transaction() as statements:
        statements.execute("SELECT 1")
    return "well\n"


GET = {"/orders": orders, "/visits": visits, "/health": health}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """Show something."""
        if self.path in GET:
            self._answer(GET[self.path]())
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """Order something."""
        if self.path == "/orders":
            self._answer(order(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        else:
            self.send_error(404)

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Requests are nobody's business."""


print("open")
ThreadingHTTPServer(("", 8000), Handler).serve_forever()
