"""Docker's engine runs an environment, and keeps what the compiled file says.

    engine.py PATH-OF-DOCKER-COMPOSE PATH-OF-TRUELINE PROJECT-FOLDER ENVIRONMENT DEPLOYMENT

The folder is a project with the environment, compiled. It is brought up and read back by `docker inspect`; brought up again,
which recreates nothing; and brought up after each change of one setting, which recreates the services that `trueline diff`
shows, and no others. In the end nothing of it is left.
"""

import functools
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import yaml

import common
import compose

# One change of the environment's text each: from, to. None is a file that is mounted: Compose leaves its container alone.
CHANGES = [
    ('LOG_LEVEL="debug"', 'LOG_LEVEL="info"'),
    ("host-port=8080", "host-port=8081"),
    ("host-port=5432", 'host-port=5432 { resources { limits memory="2Gi" } }'),
    ('client="wget"', 'client="wget" period="11s"'),
    ("burst 50", "burst 60"),
]


# A service's key with another value each: what the file would say, had it not said what the engine keeps.
MISTAKES = [
    ("db", "image", "postgres:17.5-bookworm"), ("db", "user", "0:0"), ("db", "read_only", False), ("db", "volumes", []),
    ("db", "tmpfs", []), ("db", "restart", "no"), ("db", "deploy", {}), ("db", "secrets", []), ("db", "ports", []),
    ("cache", "cap_drop", []), ("cache", "security_opt", []), ("cache", "command", []), ("cache", "entrypoint", ["sh"]),
    ("api", "environment", {}), ("api", "depends_on", {}), ("api", "expose", []), ("web", "healthcheck", {"test": ["CMD", "true"]}),
    ("db", "cap_add", ["CHOWN"]), ("api", "labels", {}),
]


class Stack:
    """A compiled project that Compose runs."""

    def __init__(self, program, trueline, folder, environment, deployment):
        self.trueline, self.folder = trueline, Path(folder)
        self.source = self.folder / "environments" / f"{environment}.kdl"
        self.file = self.folder / "out" / environment / deployment / "compose" / "compose.yaml"
        self.given = {name: compose.SECRET.format("all") for name in common.variables(self.file)}
        secrets = yaml.safe_load(self.file.read_text()).get("secrets", {})
        self.given["TRUELINE_SECRETS"] = str(self.folder / "secrets")
        for secret in secrets.values():
            path = Path(compose.filled(secret["file"], self.given))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(compose.SECRET.format("all"))
        self.program = [program, "--file", str(self.file)]

    def run(self, *arguments):
        ran = subprocess.run([*self.program, *arguments], env=os.environ | self.given, capture_output=True, text=True)
        if ran.returncode != 0:
            logs = subprocess.run([*self.program, "logs", "--tail", "5"], env=os.environ | self.given, capture_output=True, text=True)
            sys.exit(f"WRONG compose {' '.join(arguments)}: {ran.stderr[-1500:]}\n{logs.stdout}")
        return ran.stdout

    def services(self):
        return compose.interpolated(yaml.safe_load(self.file.read_text()), self.given)

    def containers(self):
        """What the engine says of the containers, by service; and how many there are."""
        label = f"label=com.docker.compose.project={self.services()['name']}"
        ids = subprocess.run(["docker", "ps", "-aq", "--filter", label], capture_output=True, text=True, check=True)
        said = subprocess.run(["docker", "inspect", *ids.stdout.split()], capture_output=True, text=True, check=True)
        found = json.loads(said.stdout)
        return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}, len(found)

    def changed(self):
        """The services that Compose takes for other ones than those that run, by its own digests of what it read."""
        running = {name: each["Config"]["Labels"]["com.docker.compose.config-hash"] for name, each in self.containers()[0].items()}
        now = dict(line.split() for line in self.run("config", "--hash", "*").splitlines())
        return {name for name in now if now[name] != running.get(name)}

    def diff(self):
        """The services whose lines `trueline diff` shows as changed."""
        ran = subprocess.run([self.trueline, "diff", "--format", "json"], cwd=self.folder, capture_output=True, text=True)
        path = str(self.file.relative_to(self.folder))
        environments = json.loads(ran.stdout)["environments"]
        if not all("files" in each for each in environments):
            sys.exit(f"WRONG the changed environment does not compile: {ran.stdout:.1000}")
        files = [file for each in environments for file in each["files"]]
        text = next((file["text"] for file in files if file["path"] == path), "")
        return services_of(text, self.file.read_text().splitlines())

    def compile(self):
        subprocess.run([self.trueline, "compile"], cwd=self.folder, capture_output=True, check=True)


def services_of(diff, lines):
    """The services in which the changed lines of a diff lie, by the numbers of the old lines."""
    found, at = set(), 0
    for line in diff.splitlines():
        if line.startswith("@@"):
            at = int(line.split()[1].split(",")[0].lstrip("-")) - 1
        elif line.startswith(("---", "+++")):
            continue
        elif line.startswith(("-", "+")):
            # An added line belongs where the line before it does.
            before = lines[: at + 1 if line.startswith("-") else at]
            found.add(next(each.strip(" :") for each in reversed(before) if each.startswith("  ") and each[2] != " "))
            at += line.startswith("-")
        else:
            at += 1
    return found


def nanoseconds(text):
    return round(compose.seconds(text) * 10**9)


def stated(project, name):
    """What the file says of a service, in the engine's words; a part that it does not say is left to the image."""
    service = project["services"][name]
    limits = service.get("deploy", {}).get("resources", {})
    health = service.get("healthcheck")
    restart, _, most = service.get("restart", "no").partition(":")
    ports = service.get("ports", [])
    bind = [{"host": p.get("host_ip", ""), "port": str(p["published"]), "to": f"{p['target']}/{p['protocol']}"} for p in ports]
    mounts = {m["target"]: [m["type"], not m.get("read_only", False)] for m in service.get("volumes", [])}
    mounts |= {secret["target"]: ["bind", False] for secret in service.get("secrets", [])}
    return {
        "image": service["image"],
        "entrypoint": service.get("entrypoint"),
        "command": service.get("command"),
        "environment": {key: str(value) for key, value in service.get("environment", {}).items()},
        "exposed": sorted({f"{p['target']}/{p['protocol']}" for p in ports} | {f"{p}/tcp" for p in service.get("expose", [])}),
        "published": bind,
        "mounts": mounts,
        "volumes": sorted(f"{project['name']}_{m['source']}" for m in service.get("volumes", []) if m["type"] == "volume"),
        "tmpfs": sorted(service.get("tmpfs", [])),
        "health": health and {
            "Test": health["test"],
            **{theirs: nanoseconds(health[ours]) for ours, theirs in
               {"interval": "Interval", "timeout": "Timeout", "start_period": "StartPeriod"}.items() if ours in health},
            **({"Retries": health["retries"]} if "retries" in health else {}),
        },
        "memory": compose.size(limits.get("limits", {}).get("memory", 0)),
        "memory reserved": compose.size(limits.get("reservations", {}).get("memory", 0)),
        "processors": round(float(limits.get("limits", {}).get("cpus", 0)) * 10**9),
        "user": service.get("user", ""),
        "read only": service.get("read_only", False),
        "dropped": service.get("cap_drop", []),
        "added": service.get("cap_add", []),
        "security": service.get("security_opt", []),
        "restart": [restart, int(most or 0)],
        "labels": service.get("labels", {}),
        "needs": {need: how["condition"] for need, how in service.get("depends_on", {}).items()},
        "networks": [f"{project['name']}_default"],
        "answers to its name": True,
    }


def kept(container, image, name):
    """The same of what the engine keeps; what the image says itself is left out."""
    config, host, own = container["Config"], container["HostConfig"], image["Config"]
    environment = [pair for pair in config["Env"] or [] if pair not in (own["Env"] or [])]
    bindings = (host["PortBindings"] or {}).items()
    needs = filter(None, config["Labels"]["com.docker.compose.depends_on"].split(","))
    networks = container["NetworkSettings"]["Networks"]
    from_image = lambda key: config[key] if config[key] != own[key] else None
    return {
        "image": config["Image"],
        "entrypoint": from_image("Entrypoint"),
        "command": from_image("Cmd"),
        "environment": dict(pair.split("=", 1) for pair in environment),
        "exposed": sorted(port if "/" in port else f"{port}/tcp" for port in config.get("ExposedPorts") or {}),
        "published": [{"host": at["HostIp"], "port": at["HostPort"], "to": to} for to, all_ in bindings for at in all_],
        "mounts": {mount["Destination"]: [mount["Type"], mount["RW"]] for mount in container["Mounts"]},
        "volumes": sorted(mount["Name"] for mount in container["Mounts"] if mount["Type"] == "volume"),
        "tmpfs": sorted(host.get("Tmpfs") or {}),
        "health": config.get("Healthcheck"),
        "memory": host["Memory"],
        "memory reserved": host["MemoryReservation"],
        "processors": host["NanoCpus"],
        "user": config["User"],
        "read only": host["ReadonlyRootfs"],
        "dropped": host["CapDrop"] or [],
        "added": host["CapAdd"] or [],
        "security": host["SecurityOpt"] or [],
        "restart": [host["RestartPolicy"]["Name"], host["RestartPolicy"]["MaximumRetryCount"]],
        "labels": {key: value for key, value in config["Labels"].items() if not key.startswith("com.docker.compose.")},
        "needs": dict(need.split(":")[:2] for need in needs),
        "networks": sorted(networks),
        "answers to its name": all(name in network["Aliases"] for network in networks.values()),
    }


@functools.cache
def image_of(digest):
    said = subprocess.run(["docker", "inspect", digest], capture_output=True, text=True, check=True)
    return json.loads(said.stdout)[0]


def unnoticed(project, containers):
    """The mistakes that the comparison would not see, and an order that it would take for right."""
    for name, key, value in MISTAKES:
        other = {**project, "services": {**project["services"], name: {**project["services"][name], key: value}}}
        if not any(line.startswith(f"{name}: ") for line in compare(other, containers)[0]):
            yield f"not noticed: {key} of {name} as {value}"
    backwards = {"depends_on": {"web": {"condition": "service_healthy"}}}
    other = {**project, "services": {**project["services"], "db": {**project["services"]["db"], **backwards}}}
    if not any("but web was there" in line for line in order(other, containers)):
        yield "not noticed: db before web"


def compare(project, containers):
    """Where the engine keeps something else than the file says, and how many facts were compared."""
    wrong, facts = [], 0
    if project["services"].keys() != containers.keys():
        wrong.append(f"services {sorted(project['services'])}, containers {sorted(containers)}")
    for name, container in containers.items():
        ours, theirs = stated(project, name), kept(container, image_of(container["Image"]), name)
        facts += sum(len(value) if isinstance(value, (dict, list)) and value else 1 for value in ours.values())
        wrong += [f"{name}: {key} as written and as kept: {at}" for key in ours if (at := common.differs(ours[key], theirs[key]))]
    return wrong, facts


def order(project, containers):
    """What started before something that it needs was there, and what is not as it should be now."""
    for name, service in project["services"].items():
        state = containers[name]["State"]
        once = service.get("restart") == "no"
        if (state["Status"], state["ExitCode"]) != (("exited", 0) if once else ("running", 0)):
            yield f"{name}: {state['Status']} with {state['ExitCode']}"
        if "healthcheck" in service and state["Health"]["Status"] != "healthy":
            yield f"{name}: {state['Health']['Status']}"
        for need, how in service.get("depends_on", {}).items():
            other = containers[need]["State"]
            healthy = (check["End"] for check in other.get("Health", {}).get("Log", []) if check["ExitCode"] == 0)
            there = other["FinishedAt"] if how["condition"] == "service_completed_successfully" else next(healthy, "never")
            # The same length and zone, so that texts compare as times do.
            if not there[:26] < state["StartedAt"][:26]:
                yield f"{name}: started {state['StartedAt']}, but {need} was there {there}"


def identities(containers):
    return {name: container["Id"] for name, container in containers.items()}


def answers(project):
    """What the published port of each service with an HTTP check answers: proof that it works from end to end."""
    for service in project["services"].values():
        for port in service.get("ports", []):
            if port["name"] == "http":
                with urllib.request.urlopen(f"http://127.0.0.1:{port['published']}/", timeout=10) as answer:
                    yield answer.read()


def up(*arguments):
    stack = Stack(*arguments)
    label = f"label=com.docker.compose.project={stack.services()['name']}"
    for things in (["ps", "-aq"], ["volume", "ls", "-q"]):
        if subprocess.run(["docker", *things, "--filter", label], capture_output=True, text=True, check=True).stdout:
            # In the end its volumes go, so they must not be somebody's.
            sys.exit("WRONG somebody runs this project already")
    up_and_wait = ("up", "--detach", "--wait", "--wait-timeout", "180", "--pull", "never")
    try:
        stack.run(*up_and_wait)
        project, (containers, count) = stack.services(), stack.containers()
        wrong, facts = compare(project, containers)
        wrong += order(project, containers)
        wrong += unnoticed(project, containers)
        files = [path.read_bytes() for path in stack.file.parent.glob("files/**/*") if path.is_file()]
        if not list(answers(project)) or not all(answer in files for answer in answers(project)):
            wrong.append("what the shop answers is not what the file says that is mounted")
        if count != len(project["services"]):
            wrong.append(f"{count} containers for {len(project['services'])} services")
        before = identities(containers)
        stack.run(*up_and_wait)
        if (again := identities(stack.containers()[0])) != before:
            wrong.append(f"again: {sorted(name for name in again if again[name] != before.get(name))} recreated")
        recreated = []
        for old, new in CHANGES:
            wrong += change(stack, old, new, up_and_wait, recreated)
        text = f"{len(containers)} containers, {facts} facts as kept, {len(MISTAKES) + 1} mistakes seen; a rerun recreates none; one setting each recreates "
        common.report(wrong, (facts, text + "; ".join(recreated)), least=100)
    finally:
        stack.run("down", "--volumes", "--timeout", "1")


def dependents(project, names):
    """These services and all that need one of them, directly or not."""
    more = {name for name, service in project["services"].items() if names & service.get("depends_on", {}).keys()}
    return names if more <= names else dependents(project, names | more)


def change(stack, old, new, up_and_wait, recreated):
    """Changes one setting. The services that Compose finds changed are those that the diff shows; it recreates them and, of
    its own accord, what needs them."""
    text = stack.source.read_text()
    if old not in text:
        return [f"the environment has no {old}"]
    stack.source.write_text(text.replace(old, new))
    shown, before = stack.diff(), identities(stack.containers()[0])
    stack.compile()
    changed = stack.changed()
    stack.run(*up_and_wait)
    containers = stack.containers()[0]
    after = identities(containers)
    found = {name for name in after if after[name] != before[name]}
    also = dependents(stack.services(), shown) - shown
    recreated.append(", ".join(sorted(shown)) + (f" (and {', '.join(sorted(also))}, which need them)" if also else ""))
    wrong = [] if changed == shown and shown else [f"{new}: the diff shows {sorted(shown)}, Compose finds {sorted(changed)} changed"]
    wrong += [] if found == shown | also else [f"{new}: {sorted(shown | also)} were to be recreated, {sorted(found)} were"]
    return wrong + [f"{new}: {line}" for line in compare(stack.services(), containers)[0]]


if __name__ == "__main__":
    up(*sys.argv[1:])
