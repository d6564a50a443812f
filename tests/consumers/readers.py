"""Reads every YAML, TOML and JSON file below the given folders with every reader of its format: all trees are equal.

    readers.py PATH-OF-THE-GO-READER PATH-OF-read.mjs OUT…
"""

import datetime
import json
import subprocess
import sys
from pathlib import Path

import ruamel.yaml
import tomlkit
import yaml

import common

try:
    import tomllib
except ImportError:
    import tomli as tomllib

ENDINGS = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}


def plain(tree):
    """The tree as JSON can say it; what JSON has no word for becomes something that no other reader gives."""
    if isinstance(tree, dict):
        return {key if isinstance(key, str) else f"!key {key!r}": plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [plain(item) for item in tree]
    if isinstance(tree, (datetime.date, datetime.time)):
        return f"!time {tree.isoformat()}"
    return tree


IN_PYTHON = {
    "yaml": {
        "PyYAML": lambda text: yaml.load(text, yaml.SafeLoader),
        "ruamel.yaml": lambda text: ruamel.yaml.YAML(typ="safe", pure=True).load(text),
    },
    "toml": {"tomllib": tomllib.loads, "tomlkit": lambda text: tomlkit.parse(text).unwrap()},
    "json": {"Python": json.loads},
}


def in_python(path, format):
    """What each reader in Python makes of a file."""
    text = path.read_bytes().decode("utf-8")
    for name, read in IN_PYTHON[format].items():
        try:
            yield name, {"tree": plain(read(text))}
        except Exception as error:
            yield name, {"error": f"{error}"}


def elsewhere(command, paths):
    """What readers in another language make of the files: they answer with one line for each reader and file."""
    given = "".join(f"{path}\n" for path in paths)
    ran = subprocess.run(command, input=given, capture_output=True, text=True)
    if ran.returncode != 0:
        sys.exit(f"{command}: {ran.stderr}")
    for line in ran.stdout.splitlines():
        answer = json.loads(line)
        yield Path(answer["path"]), answer["reader"], answer


def files(outs):
    """The files to read. Below a chart's `templates` there is no YAML but templates."""
    for out in outs:
        for path in sorted(Path(out).rglob("*")):
            if path.suffix in ENDINGS and path.is_file() and "templates" not in path.parts:
                yield path


def main(go, node, *outs):
    paths = list(files(outs))
    read = {path: dict(in_python(path, ENDINGS[path.suffix])) for path in paths}
    for command in ([go], ["node", node]):
        for path, reader, answer in elsewhere(command, paths):
            read[path][reader] = answer
    wanted = {"yaml": 6, "toml": 3, "json": 3}
    wrong, counts = [], {}
    for path, answers in read.items():
        format = ENDINGS[path.suffix]
        if len(answers) != wanted[format]:
            wrong.append(f"{path}: read by {sorted(answers)}, {wanted[format]} readers were wanted")
        (first, tree), *rest = answers.items()
        for name, answer in answers.items():
            counts[format, name] = counts.get((format, name), 0) + 1
            if "error" in answer:
                wrong.append(f"{path}: {name} refuses it: {answer['error']:.300}")
        for name, answer in rest:
            if "error" not in answer and "error" not in tree and (at := common.differs(tree["tree"], answer["tree"])):
                wrong.append(f"{path}: {first} and {name} differ at {at}")
    per_format = {format: max(n for (f, _), n in counts.items() if f == format) for format, _ in counts}
    names = {format: ", ".join(name for f, name in counts if f == format) for format in per_format}
    text = "; ".join(f"{n} {format.upper()} files by {names[format]}" for format, n in sorted(per_format.items()))
    common.report(wrong, (len(paths), text), least=60)


if __name__ == "__main__":
    main(*sys.argv[1:])
