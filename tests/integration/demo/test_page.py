"""The demo's page in a real browser: a live run, clicks, keys, the replay; and the page that
`--trace-file road.html` writes. Pictures stay in .make/screenshots."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.support.browser import SCREENSHOTS, chromium
from tests.support.process import wait_until
from tests.support.toolchain import static_busybox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.containerd import Containerd
    from tests.support.engine import Engine

pytestmark = pytest.mark.root

_REPOSITORY = Path(__file__).parents[3]
_PATIENCE = 60
_WATCH = """
window.seen = [];
new MutationObserver(() => seen.push([
  document.getElementById("state").textContent, document.getElementById("count").textContent,
])).observe(document.getElementById("count"), { childList: true });
"""
"""Notes what a person sees of state and count, as often as the count changes."""


@dataclass
class Page:
    """The page in the browser, as a person has it."""

    browser: Any

    def all(self, selector: str) -> list[Any]:
        return list(self.browser.find_elements("css selector", selector))

    def text(self, selector: str) -> str:
        return str(self.browser.find_element("css selector", selector).text)

    def press(self, key: str) -> None:
        self.browser.find_element("css selector", "body").send_keys(key)

    def position(self) -> tuple[int, int]:
        at, _, of = self.text("#count").partition(" / ")
        return int(at), int(of)

    def names(self) -> list[str]:
        script = "return [...document.querySelectorAll('g.message')].map(one => one.dataset.name)"
        return list(self.browser.execute_script(script))

    def chosen(self) -> str:
        script = "return document.querySelector('g[aria-current=true]').dataset.name"
        return str(self.browser.execute_script(script))

    def picture(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.browser.save_screenshot(str(SCREENSHOTS / f"{name}.png"))

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.browser.get_log("browser")]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield Page(browser)


@pytest.fixture(scope="module")
def address(containerd: Containerd) -> Iterator[str]:
    with _demo(containerd) as printed:
        yield printed


@contextlib.contextmanager
def _demo(containerd: Containerd, *scenario: str) -> Iterator[str]:
    """What `runner demo --web` prints."""
    command = ["demo", "--web", f"--containerd={containerd.address}", *scenario]
    with subprocess.Popen(
        [sys.executable, "-m", "runner", *command, f"--busybox={static_busybox()}"],
        cwd=_REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    ) as demo:
        try:
            assert demo.stdout is not None
            yield demo.stdout.readline().strip()
        finally:
            demo.terminate()
            demo.wait(_PATIENCE)
    assert demo.returncode == 0


def test_the_page(page: Page, address: str) -> None:
    """One test, as one run serves all that is looked at."""
    _runs_live(page, address)
    _shows_what_is_clicked(page)
    _obeys_keys(page)
    _replays(page)
    _is_light_and_dark(page)
    _lets_nobody_else_in(page, address)


def test_a_scenario_of_the_command_line_is_played_at_once(
    page: Page, containerd: Containerd
) -> None:
    with _demo(containerd, "auto-remove") as address:
        page.browser.get(address)
        wait_until(lambda: page.text("#state") == "over", seconds=_PATIENCE, what="the end")
        assert "goodbye" in page.text("#story")
        assert "#" not in page.browser.current_url
        page.browser.get("about:blank")  # or it complains that the demo has ended


def _runs_live(page: Page, address: str) -> None:
    page.browser.get(address)
    wait_until(lambda: len(page.all("#scenarios button")) == 8, seconds=_PATIENCE, what="the page")
    assert "token" not in page.browser.current_url
    page.browser.execute_script(_WATCH)
    page.press("4")
    wait_until(lambda: page.text("#state") == "over", seconds=_PATIENCE, what="the end")
    at, of = page.position()
    assert at == of > 50
    # messages came in while it ran, not all at its end
    seen = page.browser.execute_script("return seen")
    assert {int(count.split(" / ")[1]) for state, count in seen if state == "running…"} - {0, of}
    assert "no-such-program" in page.text("#story")
    assert "(exit code 127)" in page.text("#story")
    lanes = page.browser.execute_script(
        "return [...document.querySelectorAll('#lanes text')].map(one => one.textContent)"
    )
    assert lanes == ["CLI", "API", "engine", "containerd", "shim, runc", "kernel"]
    failed = page.all("g.message.answer.failed")
    assert "executable file not found" in failed[0].get_attribute("textContent")
    page.picture("live")


def _shows_what_is_clicked(page: Page) -> None:
    page.browser.find_element("css selector", "g.message[data-name='daemon.createSpec']").click()
    assert page.chosen() == "daemon.createSpec"
    assert page.text("#detail h2") == "daemon.createSpec"
    facts = page.text("#detail dl")
    assert "runner.engine.spec.create_spec" in facts
    assert "daemon/oci_linux.go#createSpec" in facts
    spec = page.browser.execute_script(
        "return document.querySelector('#detail pre.OCI').textContent"
    )
    assert json.loads(spec)["process"]["args"] == ["no-such-program"]
    wait_until(lambda: bool(page.all("#detail pre.source")), seconds=_PATIENCE, what="the source")
    source = page.browser.find_element("css selector", "#detail pre.source")
    assert "def create_spec(" in source.text
    assert "trace.step(" in source.find_element("css selector", ".here").text
    page.picture("step")
    page.browser.find_element(
        "css selector", "g.message.call[data-name='containerd.services.tasks.v1.Tasks/Create']"
    ).click()
    request = page.browser.execute_script(
        "return document.querySelector('#detail pre.request').textContent"
    )
    assert len(json.loads(request)["container_id"]) == 64
    assert "executable file not found" in page.text("#detail .error")


def _obeys_keys(page: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    page.press(Keys.HOME)
    assert page.position()[0] == 1
    page.press(Keys.ARROW_RIGHT)
    page.press(Keys.PAGE_DOWN)
    assert page.position()[0] == 3
    page.press(Keys.ARROW_LEFT)
    assert page.position()[0] == 2
    ahead = page.all("g.message.ahead")
    assert len(ahead) == page.position()[1] - 2
    page.press(Keys.END)
    assert page.position()[0] == page.position()[1]
    many = page.position()[1]
    page.press("d")
    assert page.position()[1] < many
    assert "containerd.services.tasks.v1.Tasks/Create" in page.names()
    page.press("d")
    assert page.position()[1] == many
    page.press("?")
    assert page.all("dialog[open]")
    page.browser.find_element("css selector", "dialog button").click()


def _replays(page: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    page.press(Keys.HOME)
    page.press(" ")
    assert "pause" in page.text("#play")
    wait_until(lambda: page.position()[0] >= 4, seconds=_PATIENCE, what="the replay")
    page.press(" ")
    paused = page.position()
    assert "replay" in page.text("#play")
    assert page.position() == paused
    assert paused[0] < paused[1]


def _is_light_and_dark(page: Page) -> None:
    def ground() -> str:
        script = "return getComputedStyle(document.body).backgroundColor"
        return str(page.browser.execute_script(script))

    grounds = [ground()]
    for number in range(2):
        page.press("t")
        grounds.append(ground())
        page.picture(f"theme-{number}")
    assert grounds[0] == grounds[2] != grounds[1]
    assert page.complaints() == []


def _lets_nobody_else_in(page: Page, address: str) -> None:
    there = urlsplit(address)

    def ask(method: str, path: str, **headers: str) -> int:
        connection = http.client.HTTPConnection(there.netloc, timeout=_PATIENCE)
        try:
            connection.request(method, path, b"{}", headers)
            return connection.getresponse().status
        finally:
            connection.close()

    assert ask("GET", f"/?{there.query}") == 403  # the browser has used it
    assert ask("GET", "/events") == 403
    assert ask("GET", "/", Host="attacker.example") == 403
    assert ask("POST", "/run", Origin="http://attacker.example") == 403
    session = page.browser.get_cookie("runner-demo")
    assert session["httpOnly"]
    assert session["sameSite"] == "Strict"
    cookie = f"runner-demo={session['value']}"
    assert ask("GET", "/scenarios", Cookie=cookie) == 200
    assert ask("GET", "/source?file=runner/../../etc/passwd&function=x", Cookie=cookie) == 404
    assert ask("POST", "/run", Cookie=cookie, Origin=f"http://{there.netloc}") == 404


def test_a_page_of_its_own(page: Page, busybox: Engine, tmp_path: Path) -> None:
    file = tmp_path / "road.html"
    done = busybox.runner("run", "--rm", f"--trace-file={file}", "busybox", "echo", "hello")
    assert (done.returncode, done.stdout) == (0, "hello\n")
    page.browser.get(f"file://{file}")
    wait_until(lambda: page.position()[1] > 40, seconds=_PATIENCE, what="the page")
    names = page.names()
    assert names.index("daemon.containerCreate") < names.index("daemon.containerStart")
    page.browser.find_element("css selector", "g.message[data-name='daemon.createSpec']").click()
    wait_until(lambda: bool(page.all("#detail pre.source")), seconds=_PATIENCE, what="the source")
    page.picture("page-of-its-own")
    assert page.complaints() == []
