"""What the proofs share: which environments there are, trees in one form, and how a proof reports."""

import sys
from pathlib import Path


def environments(outs):
    """Every compiled environment below the folders `out`: a label and its folder."""
    for out in map(Path, outs):
        for lock in sorted(out.glob("*/trueline.lock")):
            if lock.parent.name == "charts":
                continue
            # A golden case is a project of its own, named by the folder around `out`.
            case = "" if out.name == "out" and (out.parent / "Cargo.toml").exists() else out.parent.name + "/"
            yield case + lock.parent.name, lock.parent


def deployments(environment):
    """What the lock of an environment says it deploys: name to stack."""
    lines = (environment / "trueline.lock").read_text().splitlines()
    return {words[1]: words[2] for words in map(str.split, lines) if words[:1] == ["stack"]}


def compose_files(outs):
    """Every Compose file of every environment: a label and its path."""
    for label, folder in environments(outs):
        for path in sorted(folder.glob("*/compose/compose.yaml")):
            yield f"{label}/{path.parent.parent.name}", path


def variables(compose_file):
    """The variables that the header of a Compose file says have to be set."""
    for line in compose_file.read_text().splitlines():
        if not line.startswith("#"):
            return []
        if line.startswith("# FILE sets "):
            return line.removeprefix("# FILE sets ").rstrip(".").split(", ")
    return []


def differs(a, b, path=""):
    """The first place at which two trees differ, or nothing. Numbers are compared by value, and never equal a switch."""
    if isinstance(a, dict) and isinstance(b, dict):
        if a.keys() != b.keys():
            return f"{path or '/'}: keys {sorted(set(a) ^ set(b))} are on one side alone"
        return next((found for key in a if (found := differs(a[key], b[key], f"{path}/{key}"))), None)
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return f"{path}: {len(a)} items and {len(b)}"
        return next((found for at, pair in enumerate(zip(a, b)) if (found := differs(*pair, f"{path}/{at}"))), None)
    number = (int, float)
    switch = isinstance(a, bool) or isinstance(b, bool)
    same = type(a) is type(b) or (isinstance(a, number) and isinstance(b, number) and not switch)
    return None if same and a == b else f"{path or '/'}: {a!r:.200} and {b!r:.200}"


def report(wrong, figures, least):
    """Ends a proof: prints what is wrong and the figures. Fewer cases than `least` are a failure of the proof itself."""
    for line in wrong[:40]:
        print(f"WRONG {line}")
    count, text = figures
    if count < least:
        print(f"WRONG only {count} cases were tried, and {least} are the least")
    print(f"figures: {text}")
    sys.exit(1 if wrong or count < least else 0)
