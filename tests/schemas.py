"""Holds trees on standard input against a JSON schema; prints what does not fit."""

import json, sys

try:
    import jsonschema
except ImportError:
    json.dump({"missing": ["jsonschema"], "wrong": []}, sys.stdout)
    sys.exit()

given = json.load(sys.stdin)
validator = jsonschema.validators.validator_for(given["schema"])(given["schema"])
wrong = []
for case in given["cases"]:
    for error in validator.iter_errors(case["tree"]):
        wrong.append(f"{case['name']}: {error.json_path}: {error.message:.300}")
json.dump({"missing": [], "wrong": wrong[:20]}, sys.stdout)
