"""Templates. What they come to and what is wrong with them was asked of Go's text/template."""

from __future__ import annotations

from typing import Any

import pytest

from runner.cli.template import ExecutionError, ParseError, Template
from runner.cli.template.declared import STRUCTS
from runner.cli.template.reading import declared, type_of
from runner.cli.template.types import undeclared

CONTAINER: dict[str, Any] = {
    "Id": "abc",
    "Args": ["a", "b"],
    "State": {
        "Status": "running",
        "Running": True,
        "Pid": 7,
        "Health": {
            "Status": "healthy",
            "Log": [{"Start": "2026-01-02T03:04:05.5Z", "End": "2026-01-02T03:04:05+02:00"}],
        },
    },
    "Name": "/box",
    "HostConfig": {
        "Binds": None,
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
        "PidsLimit": None,
        "Memory": 1048576,
        "MemorySwappiness": 0,
        "Ulimits": [{"Name": "nofile", "Hard": 2, "Soft": 1}],
    },
    "Mounts": [
        {"Type": "bind", "Source": "/a", "Destination": "/b", "RW": True},
        {"Type": "volume", "Name": "v", "Source": "/v", "Destination": "/w"},
    ],
    "Config": {
        "Env": ["A=<é>"],
        "Labels": {"b": "2", "a": "1", "x-y": "3"},
        "Healthcheck": {"Test": ["CMD", "x"], "Interval": 90_500_000_000, "Timeout": 1_500_000},
    },
    "NetworkSettings": {
        "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "53/udp": None},
        "Networks": {"bridge": {"IPAddress": "10.0.0.2"}},
    },
}
VALUE = declared("container.InspectResponse", CONTAINER)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", ""),
        ("x {{- /* gone */ -}} y", "xy"),
        ("{{.ID}} {{ .State.Status }}", "abc running"),
        ("a \n{{- .Name -}}\n b", "a/boxb"),
        # values of each kind
        ("{{.State.Running}} {{.State.Pid}} {{.Args}}", "true 7 [a b]"),
        ("{{.HostConfig.Binds}} {{.HostConfig.PidsLimit}}", "[] <nil>"),
        ("{{.HostConfig.MemorySwappiness}}", "0"),
        ("{{.HostConfig.RestartPolicy}} {{.HostConfig.Ulimits}}", "{on-failure 3} [nofile=1:2]"),
        ("{{.Mounts}}", "[{bind  /a /b   true } {volume v /v /w   false }]"),
        ("{{.NetworkSettings.Ports}}", "map[53/udp:[] 80/tcp:[{0.0.0.0 8080}]]"),
        ("{{.Config.Labels}} {{.Config.Volumes}}", "map[a:1 b:2 x-y:3] map[]"),
        ("{{.Config.Healthcheck}}", "{[CMD x] 1m30.5s 1.5ms 0s 0s 0}"),
        ("{{(index .State.Health.Log 0).Start}}", "2026-01-02 03:04:05.5 +0000 UTC"),
        ("{{(index .State.Health.Log 0).End}}", "2026-01-02 03:04:05 +0200 +0200"),
        ("{{.HostConfig.Memory}} {{.HostConfig.Resources.Memory}}", "1048576 1048576"),
        ("{{1}} {{1.5}} {{1e3}} {{0x10}} {{'a'}} {{true}} {{`r\\n`}}",
         "1 1.5 1000 16 97 true r\\n"),
        ("{{1e5}} {{1e6}} {{1234567.5}} {{0.0001}} {{1e-7}} {{0.0}}",
         "100000 1e+06 1.2345675e+06 0.0001 1e-07 0"),
        ("{{json 1e20}} {{json 1e21}} {{json 0.00001}} {{json 1e-7}} {{json 1.5}} {{json 1.0}}",
         "100000000000000000000 1e+21 0.00001 1e-7 1.5 1"),
        # JSON keeps the declared order and what the declaration leaves out
        ("{{json .State.Health.Status}}{{json nil}}{{json .Config.Env}}", '"healthy"null["A=<é>"]'),
        ("{{json .HostConfig.RestartPolicy}}", '{"Name":"on-failure","MaximumRetryCount":3}'),
        ("{{json .HostConfig.Binds}} {{json .NetworkSettings.Ports}}",
         'null {"53/udp":null,"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}]}'),
        ("{{json (index .Mounts 1)}}", '{"Type":"volume","Name":"v","Source":"/v",'
         '"Destination":"/w","Mode":"","RW":false,"Propagation":""}'),
        # control
        ("{{if .State.Running}}yes{{else}}no{{end}}", "yes"),
        ("{{if .HostConfig.Binds}}a{{else if .Args}}b{{else}}c{{end}}", "b"),
        ("{{with .State}}{{.Pid}}{{$.Name}}{{end}}", "7/box"),
        ("{{with .HostConfig.Binds}}a{{else with .Name}}{{.}}{{end}}", "/box"),
        ("{{range .Args}}<{{.}}>{{end}}", "<a><b>"),
        ("{{range $i, $a := .Args}}{{$i}}{{$a}}{{end}}", "0a1b"),
        ("{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "a=1;b=2;x-y=3;"),
        ("{{range .HostConfig.Binds}}a{{else}}none{{end}}", "none"),
        ("{{range 3}}{{.}}{{end}}", "012"),
        ("{{range .Args}}{{break}}{{end}}", ""),
        ("{{range .Args}}{{if eq . `a`}}{{continue}}{{end}}{{.}}{{end}}", "b"),
        ("{{range $p, $c := .NetworkSettings.Ports}}{{$p.Port}}{{$p.Proto}}{{$p.Int}} {{end}}",
         "53udp53 80tcp80 "),
        ("{{$x := .Name}}{{$x = .ID}}{{$x}}", "abc"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{$y := 3}}{{end}}{{$x}}", "2"),
        # functions
        ("{{index .Config.Labels `x-y`}}{{index .Args 1}}{{index .Name 0}}", "3b47"),
        ("{{len .Args}}{{len .Name}}{{len .Config.Labels}}", "243"),
        ("{{.Name | upper | printf `%s|%q` `a`}}", 'a|"/BOX"'),
        ("{{lower `AB`}}{{title `ab cd`}}{{truncate `abcd` 2}}{{pad `x` 1 2}}|{{pad `` 1 1}}",
         "abAb Cdab x  |"),
        ("{{join .Args `,`}} {{split `a,b` `,`}} {{range split `a,b` `,`}}[{{.}}]{{end}}",
         "a,b [a b] [a][b]"),
        ("{{slice .Name 1}}{{slice .Args 0 1}}", "box[a]"),
        ("{{eq .State.Pid 7}}{{eq 1 2 1}}{{ne `a` `b`}}{{lt 1 2}}{{le 2 2}}{{gt 1 2}}{{ge 2 2}}",
         "truetruetruetruetruefalsetrue"),
        ("{{and .Args .Name}}{{or .HostConfig.Binds .Name}}{{not .Name}}", "/box/boxfalse"),
        ("{{or true .Nope.Nope}}{{and false .Nope}}", "truefalse"),
        ("{{print 1 2 `a` `b`}}{{println `x` 1}}", "1 2a bx 1\n".replace("2a b", "2ab")),
        ("{{printf `%d|%5d|%-5d|%05d|%x|%+v` 1 2 3 4 255 (index .Mounts 0).Type}}",
         "1|    2|3    |00004|ff|bind"),
        ("{{printf `%s %v %t %T %6.2f %%` .Args .HostConfig.RestartPolicy true .Args 1.5}}",
         "[a b] {on-failure 3} true []string   1.50 %"),
        ("{{printf `%d` `a`}}{{printf `%d`}}{{printf `a` 1}}{{printf `%z` 1}}",
         "%!d(string=a)%!d(MISSING)a%!(EXTRA int=1)%!z(int=1)"),
        ("{{printf `%+v` .HostConfig.RestartPolicy}}", "{Name:on-failure MaximumRetryCount:3}"),
        ("{{printf `a%99999999dz` 1}}|{{printf `%.99999999f` 1.0}}",
         "a%!(NOVERB)%!(EXTRA int=1)|%!(NOVERB)%!(EXTRA float64=1)"),
        ("{{printf `%c%q` 4611686018427387904 99999999999}}", "\ufffd'\ufffd'"),
    ],
)  # fmt: skip
def test_templates(source: str, text: str) -> None:
    assert Template(source).render(VALUE) == text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{", "unclosed action"),
        ("{{.A", "unclosed action"),
        ("{{\n.A", "unclosed action started at :1"),
        ("{{}}", "missing value for command"),
        ("{{if}}{{end}}", "missing value for if"),
        ("{{foo}}", 'function "foo" not defined'),
        ("{{$x}}", 'undefined variable "$x"'),
        ("{{if true}}", "unexpected EOF"),
        ("{{end}}", "unexpected {{end}}"),
        ("{{else}}", "unexpected {{else}}"),
        ("{{if true}}{{else}}{{else}}{{end}}", "expected end; found {{else}}"),
        ("{{.A.}}", "unexpected <.> in operand"),
        ("{{.A}", "bad character U+007D '}'"),
        ("{{(.A}}", "unclosed left paren"),
        ("{{.A)}}", "unexpected right paren"),
        ("{{1.A}}", 'bad number syntax: "1.A"'),
        ("{{true.A}}", 'unexpected . after term "true"'),
        ("{{.A|1}}", "non executable command in pipeline stage 2"),
        ('{{"a}}', "unterminated quoted string"),
        ("{{'ab'}}", "malformed character constant: 'ab'"),
        ('{{"\\q"}}', "invalid syntax"),
        ("{{#}}", "unexpected \"#\" in command"),
        ("{{.A#}}", "bad character U+0023 '#'"),
        ("{{/* x}}", "unclosed comment"),
        ("{{break}}", "{{break}} outside {{range}}"),
        ("{{$a, $b := .A}}", "too many declarations in command"),
        ("{{99999999999999999999}}", 'integer overflow: "99999999999999999999"'),
        # what is left out says so
        ("{{define `x`}}{{end}}", "{{define}} is not supported by runner"),
        ("{{template `x`}}", "{{template}} is not supported by runner"),
        ("{{html .A}}", 'function "html" is not supported by runner'),
        ("{{1i}}", "complex numbers are not supported by runner"),
    ],
)  # fmt: skip
def test_malformed_templates(source: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        Template(source)
    line = 1 + source.count("\n")
    assert str(caught.value) in (f"template: :{n}: {message}" for n in (1, line))


@pytest.mark.parametrize(
    ("source", "written", "message"),
    [
        ("a{{.Nope}}", "a", ":1:3: executing \"\" at <.Nope>: "
         "can't evaluate field Nope in type container.InspectResponse"),
        ("{{.State.Nope}}", "", ":1:8: executing \"\" at <.State.Nope>: "
         "can't evaluate field Nope in type *container.State"),
        ("{{.Config.StopTimeout.X}}", "", ":1:9: executing \"\" at <.Config.StopTimeout.X>: "
         "nil pointer evaluating *int.X"),
        ("{{.ImageManifestDescriptor.Digest}}", "", ":1:26: executing \"\" at "
         "<.ImageManifestDescriptor.Digest>: nil pointer evaluating *v1.Descriptor.Digest"),
        ("{{.ID 1}}", "", ":1:2: executing \"\" at <.ID>: "
         "ID has arguments but cannot be invoked as function"),
        ("{{upper .State.Pid}}", "", ":1:14: executing \"\" at <.State.Pid>: "
         "wrong type for value; expected string; got int"),
        ("{{upper .HostConfig.RestartPolicy.Name}}", "", ":1:19: executing \"\" at "
         "<.HostConfig.RestartPolicy.Name>: "
         "wrong type for value; expected string; got container.RestartPolicyMode"),
        ("{{upper}}", "", ":1:2: executing \"\" at <upper>: "
         "wrong number of args for upper: want 1 got 0"),
        ("{{index .Args 5}}", "", ":1:2: executing \"\" at <index .Args 5>: "
         "error calling index: index out of range: 5"),
        ("{{index .NetworkSettings.Ports `80/tcp`}}", "", ":1:2: executing \"\" at "
         "<index .NetworkSettings.Ports `80/tcp`>: "
         "error calling index: value has type string; should be nat.Port"),
        ("{{eq .State.Pid `7`}}", "", ":1:2: executing \"\" at <eq .State.Pid `7`>: "
         "error calling eq: incompatible types for comparison: int and string"),
        ("{{lt .Args .Args}}", "", ":1:2: executing \"\" at <lt .Args .Args>: "
         "error calling lt: invalid type for comparison"),
        ("{{len 3}}", "", ":1:2: executing \"\" at <len 3>: error calling len: len of type int"),
        ("{{range .Name}}{{end}}", "", ":1:8: executing \"\" at <.Name>: "
         "range can't iterate over /box"),
        ("{{nil}}", "", ":1:2: executing \"\" at <nil>: nil is not a command"),
        ("é\n{{.Nope}}", "é\n", ":2:2: executing \"\" at <.Nope>: "
         "can't evaluate field Nope in type container.InspectResponse"),
        ("é{{1 2}}", "é", ":1:4: executing \"\" at <1>: can't give argument to non-function 1"),
    ],
)  # fmt: skip
def test_templates_that_do_not_fit(source: str, written: str, message: str) -> None:
    with pytest.raises(ExecutionError) as caught:
        Template(source).render(VALUE)
    assert (str(caught.value), caught.value.written) == (f"template: {message}", written)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{.Id}} {{.State.Pid}} {{.HostConfig.Binds}}", "abc 7 <no value>"),
        ("{{(index (index .NetworkSettings.Ports `80/tcp`) 0).HostPort}}", "8080"),
        ("{{json .NetworkSettings.Networks}}", '{"bridge":{"IPAddress":"10.0.0.2"}}'),
        ("{{json .State.Pid}} {{printf `%T` .State.Pid}}", "7 json.Number"),
    ],
)
def test_documents_without_a_declaration(source: str, text: str) -> None:
    assert Template(source).render(undeclared(CONTAINER), strict=True) == text


@pytest.mark.parametrize(
    "source", ["{{" + "(" * 9000 + "1" + ")" * 9000 + "}}", "{{if 1}}" * 9000 + "{{end}}" * 9000]
)
def test_what_is_nested_too_deeply(source: str) -> None:
    with pytest.raises(ParseError, match="max expression depth exceeded"):
        Template(source)


def test_a_missing_key() -> None:
    template = Template("{{.State.Nope.More}}")
    with pytest.raises(ExecutionError, match=r'map has no entry for key "Nope"$'):
        template.render(undeclared(CONTAINER), strict=True)
    assert template.render(undeclared(CONTAINER)) == "<no value>"


def test_the_name_is_in_the_messages() -> None:
    with pytest.raises(ExecutionError, match=r'^template: version:1:2: executing "version" at'):
        Template("{{.X}}", "version").render(VALUE)


def test_every_declared_type_can_be_read() -> None:
    names = [line for line in STRUCTS.split("\n") if line and not line.startswith(" ")]
    assert len(names) > 80
    for name in names:
        assert type_of(name).fields(), name
