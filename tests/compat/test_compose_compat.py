"""docker compose, the stock plugin: the same command lines come to the same with both engines."""

from __future__ import annotations

import textwrap
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.compat.compare import without_accidents, without_addresses, words

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.support.subject import Subject

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.thorough,
    pytest.mark.usefixtures("whole_firewall"),
]

SLEEP = "init: true, command: [sleep, '1000'], image: busybox, network_mode: none"
PS = "ps -a --format '{{.Name}} {{.Service}} {{.State}} {{.Status}} {{.ExitCode}} {{.Ports}}'"

PROJECTS: dict[str, tuple[str, list[str]]] = {
    "the verbs": (
        f"services: {{ box: {{ {SLEEP}, labels: {{ a: b }} }} }}",
        [
            "up -d",
            "up -d",
            PS,
            "ls -a --filter name=project",
            "exec -T box sh -c 'echo hi; exit 7'",
            "run --rm -T box sh -c 'echo $0; exit 3' x",
            "up -d --scale box=2",
            "pause box",
            "unpause box",
            "kill -s KILL",
            PS,
            "start",
            "restart -t 0",
            "up -d --scale box=1",
            "stop -t 0",
            "rm -f",
            "create",
            "down",
        ],
    ),
    "output": (
        """
        services:
          talker:
            image: busybox
            network_mode: none
            command: sh -c 'echo out; sleep 0.3; echo err >&2'
        """,
        ["up", "logs", "logs --no-log-prefix -n 1 talker", "up --exit-code-from talker", "down"],
    ),
    "dependencies": (
        f"""
        services:
          first: {{ image: busybox, network_mode: none, command: 'true' }}
          second:
            {{ {SLEEP}, healthcheck: {{ test: [CMD, test, -e, /tmp], interval: 200ms }},
               depends_on: {{ first: {{ condition: service_completed_successfully }} }} }}
          third: {{ {SLEEP}, depends_on: {{ second: {{ condition: service_healthy }} }} }}
        """,
        ["up -d", PS, "down -t 0"],
    ),
    "dependencies that fail": (
        f"""
        services:
          first: {{ image: busybox, network_mode: none, command: 'false' }}
          second:
            {{ {SLEEP}, depends_on: {{ first: {{ condition: service_completed_successfully }} }} }}
          sick: {{ {SLEEP}, healthcheck: {{ test: 'false', interval: 200ms, retries: 1 }} }}
          fourth: {{ {SLEEP}, depends_on: {{ sick: {{ condition: service_healthy }} }} }}
          lost: {{ image: 'nosuch:1', pull_policy: never, network_mode: none }}
        """,
        ["up -d second", "up -d fourth", "up -d lost", PS, "down -t 0"],
    ),
    "files": (
        """
        services:
          box:
            image: busybox
            network_mode: none
            command: sh -c 'cat /etc/*en /run/secrets/*; ls -ln /run/secrets /data /i'
            configs:
              - { source: written, target: /etc/written }
              - { source: given, target: /etc/given }
            secrets: [whispered, { source: kept, target: other, mode: 0400, uid: '1000' }]
            volumes:
              - data:/data
              - ./given:/data/given:ro
              - /anonymous
              - { type: image, source: busybox, target: /i, image: { subpath: etc } }
            tmpfs: /t
        configs: { written: { content: "a $$b\\n" }, given: { file: ./given } }
        secrets: { whispered: { environment: HUSH }, kept: { file: ./given } }
        volumes: { data: { labels: { x: y } } }
        """,
        [
            "up --menu=false",
            "cp box:/etc/given -",
            "volumes --format '{{.Name}} {{.Driver}}'",
            "down",
            "up -d",
            "down --volumes",
        ],
    ),
    "networks": (
        """
        services:
          web: { image: busybox, init: true, command: httpd -f, networks: [one, two] }
          left: { image: busybox, networks: { one: { aliases: [sinister] } } }
          right: { image: busybox, networks: { two: { ipv4_address: 198.51.100.7 } } }
          default: { image: busybox, hostname: box, mac_address: '02:42:00:00:00:07' }
          shared: { image: busybox, network_mode: 'service:web' }
        networks:
          one: { internal: true, labels: { a: b } }
          two: { ipam: { config: [{ subnet: 198.51.100.0/24 }] }, driver_opts: { o: v } }
        """,
        [
            "up -d web",
            "run --rm --use-aliases left sh -c 'nslookup -type=a web; nslookup -type=a sinister'",
            "run --rm right sh -c 'ip -4 addr show eth0 | grep -o 198.51.100.7/24; ping -c 1 left'",
            "run --rm default sh -c 'hostname; cat /sys/class/net/eth0/address; ls /sys/class/net'",
            "run --rm shared wget -q -O - http://127.0.0.1/etc/hostname",
            # Their order is a Go map's in dockerd.
            "ps --format '{{.Name}} {{len (split .Networks \",\")}}'",
            "down -t 0",
        ],
    ),
    "profiles": (
        f"""
        services:
          always: {{ {SLEEP} }}
          seldom: {{ {SLEEP}, profiles: [tools] }}
        """,
        [
            "up -d",
            "--profile tools up -d",
            PS,
            "down -t 0 --remove-orphans",
            "--profile * down -t 0",
        ],
    ),
    "networks that are used": (
        """
        services:
          web:
            image: busybox
            init: true
            command: [sh, -c, 'echo hello > /tmp/index.html; exec httpd -f -h /tmp']
            networks: { front: { aliases: [site], priority: 1 }, back: {} }
          client: { image: busybox, init: true, command: [sleep, '1000'], networks: [front] }
          apart: { image: busybox, init: true, command: [sleep, '1000'] }
          alone: { image: busybox, network_mode: 'service:client', command: wget -qO- http://site/ }
        networks:
          front: { labels: { a: b }, driver_opts: { com.docker.network.driver.mtu: '1400' } }
          back: { internal: true }
        """,
        [
            "up -d --wait web client apart",
            "exec -T client wget -qO- http://site/",
            "exec -T client cat /sys/class/net/eth0/mtu",
            "exec -T apart nslookup -type=a web",
            "run --rm -T alone",
            "up -d --scale web=2 web",
            "exec -T web sh -c 'ls /sys/class/net; ip route | grep -c default'",
            "down -t 0",
        ],
    ),
    "many settings": (
        """
        services:
          box:
            image: busybox
            command: sleep 1000
            hostname: there
            user: '1000'
            working_dir: /tmp
            stop_signal: KILL
            read_only: true
            tty: true
            stdin_open: true
            cap_drop: [ALL]
            cap_add: [NET_RAW]
            security_opt: [no-new-privileges]
            ulimits: { nofile: { soft: 100, hard: 200 } }
            sysctls: { net.ipv4.ip_forward: 0 }
            tmpfs: [/t]
            shm_size: 1m
            dns: [192.0.2.1]
            extra_hosts: { other: 192.0.2.2 }
            logging: { driver: local, options: { max-size: 1m } }
            restart: on-failure:3
            ports: ['127.0.0.1::80', '127.0.0.1::53/udp']
            network_mode: bridge
            annotations: { k: v }
            deploy: { resources: { limits: { memory: 32m, cpus: '0.5', pids: 20 } } }
        """,
        ["up -d", "exec -T box sh -c 'id -u; pwd; cat /etc/hostname; ls /sys/class/net'", "down"],
    ),
}


@pytest.mark.parametrize("name", PROJECTS)
def test_the_same_project(name: str, ours: Subject, dockerd: Subject, tmp_path: Path) -> None:
    text, lines = PROJECTS[name]
    (tmp_path / "given").write_text("given\n")
    file = tmp_path / "compose.yaml"
    file.write_text(f"name: project\n{textwrap.dedent(text)}")
    with ThreadPoolExecutor() as both:
        seen, expected = both.map(lambda subject: lived(subject, file, lines), (ours, dockerd))
    assert seen == expected


def lived(subject: Subject, file: Path, lines: list[str]) -> list[tuple[str, int, str, list[str]]]:
    """Each line with its exit code, output, and what was told of the progress, in no order."""
    told = []
    for line in lines:
        done = compose(subject, file, *words(line))
        output, errors = (
            without_accidents(without_addresses(text)) for text in (done.stdout, done.stderr)
        )
        told.append((line, done.returncode, output, sorted(errors.splitlines())))
    assert subject.api("GET", "/containers/json?all=1").json() == []
    return told


def compose(subject: Subject, file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run docker compose on a project."""
    return subject.docker(
        "compose", "--file", str(file), *arguments, env={"HUSH": "whispered"}, timeout=100
    )
