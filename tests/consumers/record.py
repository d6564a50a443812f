"""Writes what a run found to recorded.json and into docs/consumers.md, or says when one was recorded last.

    record.py PART SECONDS PROOFS-FILE      versions stand on standard input, one `NAME tab VERSION` on a line
    record.py --last PART
"""

import datetime
import json
import os
import platform
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECORDED = HERE / "recorded.json"
PAGE = HERE.parent.parent / "docs" / "consumers.md"
END = "<!-- end -->"


def section(run):
    """The generated part of the page about one run."""
    lines = [f"{run['date']}, {run['machine']}: {run['seconds']} s.", ""]
    lines += ["| proof | s | figures |", "|---|---|---|"]
    lines += [f"| `{name}` | {seconds} | {figures} |" for name, _, seconds, figures in run["proofs"]]
    return "\n".join(lines + ["", ", ".join(f"{name} {version}" for name, version in run["versions"]) + ".", ""])


def write(part, run):
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    recorded[part] = run
    RECORDED.write_text(json.dumps(recorded, indent=2, sort_keys=True) + "\n")
    page, begin = PAGE.read_text(), f"<!-- generated: {part} -->\n"
    before, rest = page.split(begin, 1)
    PAGE.write_text(before + begin + section(run) + END + rest.split(END, 1)[1])


def main(part, seconds, proofs):
    rows = [line.rstrip("\n").split("\t") for line in open(proofs)]
    write(part, {
        "date": datetime.date.today().isoformat(),
        "machine": f"{os.cpu_count()} processors, {platform.freedesktop_os_release()['PRETTY_NAME']}",
        "seconds": int(seconds),
        "proofs": rows,
        "versions": [line.rstrip("\n").split("\t") for line in sys.stdin],
    })


def last(part):
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    print(recorded[part]["date"] if part in recorded else "never")


if __name__ == "__main__":
    last(sys.argv[2]) if sys.argv[1] == "--last" else main(*sys.argv[1:])
