"""Reads each text on standard input by every reader of its format; prints what came back otherwise."""

import configparser, importlib, io, json, sys
readers, missing = {}, []


def reader(name, format, module, make):
    try:
        readers.setdefault(format, []).append((name, make(importlib.import_module(module))))
    except ImportError:
        missing.append(name)


def ini(module):
    def read(text):
        parser = module.RawConfigParser(inline_comment_prefixes=("#", ";"), strict=True)
        parser.optionxform = str
        parser.read_string(text)
        return {name: dict(parser.items(name)) for name in parser.sections()}
    return read


def ruamel(module):
    return lambda text: module.YAML(typ="safe", pure=True).load(text)


def keyed(tree):
    """The same tree with keys as text."""
    if isinstance(tree, dict): return {str(key): keyed(value) for key, value in tree.items()}
    return [keyed(item) for item in tree] if isinstance(tree, list) else tree


def documents(module):
    return lambda text: [keyed(tree) for tree in module.YAML(typ="safe", pure=True).load_all(text)]


reader("PyYAML", "yaml", "yaml", lambda module: lambda text: module.load(text, module.SafeLoader))
reader("ruamel.yaml", "yaml", "ruamel.yaml", ruamel)
reader("tomllib", "toml", "tomllib", lambda module: module.loads)
reader("json", "json", "json", lambda module: module.loads)
reader("ruamel.yaml", "foreign", "ruamel.yaml", documents)
reader("configparser", "ini", "configparser", ini)


def same(a, b, ordered):
    if type(a) is not type(b): return False
    if isinstance(a, dict):
        return (list(a) == list(b) if ordered else a.keys() == b.keys()) and all(same(a[k], b[k], ordered) for k in a)
    if isinstance(a, list): return len(a) == len(b) and all(same(x, y, ordered) for x, y in zip(a, b))
    return a == b


def differs(a, b, ordered, path=""):
    """The first place at which two trees differ."""
    if same(a, b, ordered): return None
    pairs = []
    if type(a) is type(b) is dict and a.keys() == b.keys(): pairs = [(key, a[key], b[key]) for key in a]
    if type(a) is type(b) is list and len(a) == len(b): pairs = list(zip(range(len(a)), a, b))
    below = (differs(x, y, ordered, f"{path}/{key!r}") for key, x, y in pairs)
    return next((found for found in below if found), f"{path}: wrote {a!r:.300}, read {b!r:.300}")


wrong, counts = [], {}
for case in json.load(sys.stdin):
    for name, read in readers.get(case["format"], []):
        count = name if case["format"] != "foreign" else "foreign"
        counts[count] = counts.get(count, 0) + 1
        try:
            found = differs(case["expected"], read(case["text"]), case["format"] not in ("toml", "foreign"))
        except Exception as error:
            found = f"refused: {error}"
        if found: wrong.append(f"{case.get('name', '')} {name}: {found}")
json.dump({"missing": missing, "wrong": wrong[:5], "counts": counts}, sys.stdout)
