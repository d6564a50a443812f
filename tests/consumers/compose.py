"""Docker Compose reads every Compose file, and what it understood is what the file says.

    compose.py PATH-OF-DOCKER-COMPOSE SCRATCH-FOLDER OUT…

Three questions for each file: without its variables it is refused; with those that its header names, and no others, it is
accepted; and the project that Compose made of it has the same services, each with the same keys and values.
"""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

import common

# A made-up value. What Compose might take for its own language stands in it.
SECRET = "s3cret-of-{}"
SIZES = {"b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def config(program, path, environment):
    """Runs `config`: the project, or why it is refused. A warning, as for a variable that nobody set, is a refusal too."""
    command = [program, "--file", str(path), "--profile", "*", "config", "--format", "json"]
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    ran = subprocess.run(command, env=clean | environment, capture_output=True, text=True)
    said = ran.stderr.strip()
    return (json.loads(ran.stdout), None) if ran.returncode == 0 and not said else (None, said or "no reason given")


def filled(text, given):
    """A text as Compose has it: variables with their values, `$$` once."""
    def one(found):
        if found.group(0) == "$$":
            return "$"
        name, default = found.group(1), found.group(2)
        return given.get(name, default if default is not None else "")
    return re.sub(r"\$\$|\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}", one, text)


def interpolated(tree, given):
    if isinstance(tree, dict):
        return {key: interpolated(value, given) for key, value in tree.items()}
    if isinstance(tree, list):
        return [interpolated(item, given) for item in tree]
    return filled(tree, given) if isinstance(tree, str) else tree


def size(text):
    """Bytes of `64m`; another text as it is, which equals nothing that Compose prints."""
    found = re.fullmatch(r"(\d+)([bkmgt]?)b?", str(text))
    return int(found[1]) * SIZES[found[2] or "b"] if found else text


def seconds(text):
    """Seconds of `1m30s`."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", str(text))
    return sum(float(number) * units[unit] for number, unit in parts)


def same_form(service, folder):
    """A service in a form that does not depend on who wrote it: Compose prints sizes, times and defaults its own way."""
    service = json.loads(json.dumps(service))
    for part in service.get("deploy", {}).get("resources", {}).values():
        part.update({key: str(size(value)) for key, value in part.items() if key == "memory"})
        part.update({key: float(value) for key, value in part.items() if key == "cpus"})
    health = service.get("healthcheck", {})
    for key in ("interval", "timeout", "start_period", "start_interval"):
        if key in health:
            health[key] = seconds(health[key])
    if "stop_grace_period" in service:
        service["stop_grace_period"] = seconds(service["stop_grace_period"])
    for mount in service.get("volumes", []):
        if mount.get("type") == "bind":
            mount["source"] = os.path.normpath(folder / mount["source"])
    if service.get("network_mode", "").startswith("service:"):
        # Compose starts whose network is shared before who shares it, and starts both again together.
        shared = service["network_mode"].removeprefix("service:")
        needs = service.setdefault("depends_on", {})
        needs.setdefault(shared, {"condition": "service_started", "restart": True})
    for need in service.get("depends_on", {}).values():
        need.setdefault("required", True)
    for port in service.get("ports", []):
        port.setdefault("mode", "ingress")
    for secret in service.get("secrets", []):
        secret.pop("mode", None)
    for key in ("read_only", "init", "privileged", "tty", "stdin_open"):
        # What is off Compose does not print.
        if service.get(key) is False:
            del service[key]
    if "expose" in service:
        service["expose"] = [str(port) for port in service["expose"]]
    if "build" in service:
        service["build"]["context"] = os.path.normpath(folder / service["build"]["context"])
        service["build"].setdefault("dockerfile", "Dockerfile")
    return service


def without_defaults(ours, theirs):
    """What Compose printed, less what it adds to every project where the file says nothing."""
    added = {"networks": {"default": None}, "command": None, "entrypoint": None}
    theirs = {key: value for key, value in theirs.items() if key in ours or key not in added or value != added[key]}
    if "deploy" in ours:
        theirs["deploy"] = {key: value for key, value in theirs["deploy"].items() if key in ours["deploy"] or value != {}}
    for mine, other in zip(ours.get("volumes", []), theirs.get("volumes", [])):
        for key in ("bind", "volume"):
            if key not in mine and other.get(key) in ({}, {"create_host_path": True}):
                del other[key]
            elif key == "bind" and other.get(key) == {} and mine[key] == {"create_host_path": False}:
                other[key] = mine[key]
    return theirs


def compare(label, path, project, given):
    """Where the project that Compose made says something else than the file."""
    ours = interpolated(yaml.safe_load(path.read_text()), given)
    unescaped = json.loads(json.dumps(project).replace("$$", "$"))
    for key in ("name", "services"):
        if key not in unescaped:
            return [f"{label}: `{key}` is gone"]
    if ours["name"] != unescaped["name"] or ours["services"].keys() != unescaped["services"].keys():
        return [f"{label}: {ours['name']} {sorted(ours['services'])}, Compose has {sorted(unescaped['services'])}"]
    wrong = []
    for name, service in ours["services"].items():
        mine = same_form(service, path.parent)
        theirs = without_defaults(mine, same_form(unescaped["services"][name], path.parent))
        if at := common.differs(mine, theirs):
            wrong.append(f"{label}: service {name} as written and as Compose reads it differ at {at}")
    return wrong


def prove(program, label, path, scratch):
    """The findings about one file, and how many services it has."""
    names = common.variables(path)
    given = {name: SECRET.format(name.lower()) for name in names}
    secrets = {"TRUELINE_SECRETS": str(scratch / "secrets")}
    wrong = []
    if names and config(program, path, secrets)[1] is None:
        wrong.append(f"{label}: accepted without {', '.join(names)}")
    project, refused = config(program, path, given | secrets)
    if refused is not None:
        return wrong + [f"{label}: refused: {refused:.400}"], 0
    return wrong + compare(label, path, project, given | secrets), len(project["services"])


def main(program, scratch, *outs):
    files = list(common.compose_files(Path(out).resolve() for out in outs))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda file: prove(program, *file, Path(scratch)), files))
    wrong = [line for lines, _ in found for line in lines]
    services = sum(count for _, count in found)
    common.report(wrong, (len(files), f"{len(files)} files, {services} services as Compose reads them"), least=40)


if __name__ == "__main__":
    main(*sys.argv[1:])
