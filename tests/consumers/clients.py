"""OpenCode and the MCP inspector read our MCP files, and start what they say.

    clients.py FOLDER-OF-PROGRAMS PATH-OF-mcp-server.mjs SCRATCH-FOLDER OUT…

A program of the name that the file says is put first in the path: a small server, which notes how it was started.
`opencode mcp list` and the inspector's `tools/list` have to reach it, with the arguments and variables that are written. Of a
server at an address OpenCode has to read the same settings; nobody answers there.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import common


class Place:
    """A home of its own, and programs of the names that servers have."""

    def __init__(self, programs, server, scratch):
        self.programs, self.server, self.scratch = Path(programs).resolve(), Path(server).resolve(), Path(scratch)
        self.noted = self.scratch / "started.json"
        (self.scratch / "bin").mkdir(parents=True, exist_ok=True)
        (self.scratch / "home").mkdir(exist_ok=True)

    def install(self, name):
        program = self.scratch / "bin" / name
        program.write_text(f'#!/bin/sh\nexec node "{self.server}" "{self.noted}" {name} "$@"\n')
        program.chmod(0o755)

    def run(self, program, *arguments, **variables):
        """What a client says, and how the server was started meanwhile."""
        self.noted.unlink(missing_ok=True)
        own = {"PATH": f"{self.scratch}/bin:{os.environ['PATH']}", "HOME": f"{self.scratch}/home", "NO_COLOR": "1"}
        # Only what is named here: the clients read much of what else may be set.
        ran = subprocess.run([self.programs / program, *map(str, arguments)], env=own | variables, cwd=self.scratch,
                             capture_output=True, text=True, timeout=120)
        started = json.loads(self.noted.read_text()) if self.noted.exists() else None
        return ran.stdout + ran.stderr, ran.returncode, started


def wrongly_started(started, command, environment):
    if started is None:
        return "the server was not started"
    if started["command"] != command:
        return f"started as {started['command']}, {command} is written"
    return common.differs(environment, {key: started["environment"].get(key) for key in environment})


def opencode(place, file, seen):
    """What is wrong with a file for OpenCode."""
    written = json.loads(file.read_text())["mcp"]
    said, code, _ = place.run("opencode", "debug", "config", OPENCODE_CONFIG=str(file))
    try:
        understood = json.loads(said[said.index("{"):])["mcp"]
    except (ValueError, KeyError):
        yield f"opencode debug config: {code}: {said:.500}"
        return
    for name, server in written.items():
        seen[server["type"]] = seen.get(server["type"], 0) + 1
        # It does not print what may be a secret.
        shown = {key: value for key, value in server.items() if key not in ("environment", "headers")}
        if at := common.differs(shown, {key: understood.get(name, {}).get(key) for key in shown}):
            yield f"opencode debug config: {name} differs at {at}"
        if server["type"] == "local" and server["enabled"]:
            place.install(server["command"][0])
            said, _, started = place.run("opencode", "mcp", "list", OPENCODE_CONFIG=str(file))
            if "connected" not in said or "failed" in said:
                yield f"opencode mcp list: {said:.500}"
            if at := wrongly_started(started, server["command"], server.get("environment", {})):
                yield f"opencode mcp list: {name}: {at}"


def inspector(place, file, seen):
    """What is wrong with a file of the form that most other clients read."""
    for name, server in json.loads(file.read_text())["mcpServers"].items():
        if "command" not in server:
            continue
        seen["inspected"] = seen.get("inspected", 0) + 1
        place.install(server["command"])
        said, code, started = place.run("mcp-inspector", "--cli", "--config", file, "--server", name, "--method", "tools/list")
        if code != 0 or '"echo"' not in said:
            yield f"inspector: {name}: {said:.500}"
        if at := wrongly_started(started, [server["command"], *server.get("args", [])], server.get("env", {})):
            yield f"inspector: {name}: {at}"


def main(programs, server, scratch, *outs):
    place, wrong, seen = Place(programs, server, scratch), [], {}
    for label, folder in common.environments(Path(out).resolve() for out in outs):
        for name, prove in (("opencode.json", opencode), ("mcp.json", inspector)):
            for file in sorted(folder.glob(f"*/mcp/{name}")):
                wrong += [f"{label}: {line}" for line in prove(place, file, seen)]
    text = f"OpenCode started {seen.get('local', 0)} servers and read {seen.get('remote', 0)} addresses, the inspector started {seen.get('inspected', 0)}"
    common.report(wrong, (sum(seen.values()), text), least=3)


if __name__ == "__main__":
    main(*sys.argv[1:])
