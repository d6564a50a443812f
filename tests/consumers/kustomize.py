"""`kustomize build` makes objects of every environment that Flux picks up, and of nothing else.

    kustomize.py PATH-OF-KUSTOMIZE OUT…

Each release finds its values: the `ConfigMap` has the bytes of the values file, and the release names it as it is called
after the build. Each object that a file below `flux` says is in the result.
"""

import subprocess
import sys
from pathlib import Path

import yaml

import common


def key(thing):
    return thing["kind"], thing["metadata"].get("namespace"), thing["metadata"]["name"]


def values_of(release, maps):
    """The texts of the values that a release takes from maps of this build; none for a map that is not there."""
    for source in release["spec"].get("valuesFrom", []):
        found = maps.get((release["metadata"]["namespace"], source["name"]), {})
        yield found.get("data", {}).get(source.get("valuesKey", "values.yaml"))


def prove(program, label, folder):
    """The findings about one environment, and how many objects it has."""
    ran = subprocess.run([program, "build", str(folder)], capture_output=True, text=True)
    if ran.returncode != 0:
        return [f"{label}: refused: {ran.stderr.strip():.400}"], 0
    built = list(yaml.safe_load_all(ran.stdout))
    written = [thing for path in folder.glob("*/flux/*.yaml") for thing in yaml.safe_load_all(path.read_text())]
    wrong = [f"{label}: {key(thing)} is not built" for thing in written if key(thing) not in map(key, built)]
    maps = {key(thing)[1:]: thing for thing in built if thing["kind"] == "ConfigMap"}
    files = {path.read_text() for path in folder.glob("*/helm/*.yaml")}
    for release in (thing for thing in built if thing["kind"] == "HelmRelease"):
        texts = list(values_of(release, maps))
        if not texts or not all(text in files for text in texts):
            wrong.append(f"{label}: the release {release['metadata']['name']} does not find its values")
    if not any(thing["kind"] == "HelmRelease" for thing in built):
        wrong.append(f"{label}: there is no release")
    return wrong, len(built)


def main(program, *outs):
    wrong, count, objects = [], 0, 0
    for label, folder in common.environments(outs):
        if not (folder / "kustomization.yaml").exists():
            if any(folder.glob("*/flux/*")):
                wrong.append(f"{label}: there are files for Flux and no kustomization.yaml")
            continue
        lines, built = prove(program, label, folder)
        wrong, count, objects = wrong + lines, count + 1, objects + built
    common.report(wrong, (count, f"{count} environments, {objects} objects"), least=4)


if __name__ == "__main__":
    main(*sys.argv[1:])
