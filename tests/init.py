"""Runs a program in a terminal of its own and talks to it: never waits for a time, always for a text.

Arguments: the program and its arguments. Standard input: JSON, a list of [expect, send]; with `expect` null, whatever
stands on the screen then. Standard output: JSON, what the program showed, its exit code, and the prompts that did not
come. A program that says nothing for 60 seconds is ended.
"""

import json
import os
import pty
import select
import signal
import sys


def main():
    steps = json.load(sys.stdin)
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm"
        os.execv(sys.argv[1], sys.argv[1:])
    shown, seen = b"", 0
    ended = False

    def read():
        nonlocal shown, ended
        ready, _, _ = select.select([terminal], [], [], 60)
        if not ready:
            os.kill(child, signal.SIGKILL)
            ended = True
            return
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            piece = b""
        shown += piece
        ended = not piece

    missed = []
    for expect, send in steps:
        while not ended and expect.encode() not in shown[seen:]:
            read()
        if expect.encode() not in shown[seen:]:
            missed.append(expect)
            break
        seen = shown.index(expect.encode(), seen) + len(expect.encode())
        os.write(terminal, send.encode())
    while not ended:
        read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    json.dump({"shown": shown.decode(errors="replace"), "code": code, "missed": missed}, sys.stdout)


main()
