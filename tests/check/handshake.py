#!/usr/bin/env python3
"""docs/HANDSHAKE.md and the pictures beside it are what the commands in them print.

    tests/check/handshake.py           compares, one line for each command
    tests/check/handshake.py --write   writes the outputs anew
"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TRIVET = os.path.abspath(os.environ.get("TRIVET", os.path.join(ROOT, "build/trivet")))
PAGE = os.path.join(ROOT, "docs/HANDSHAKE.md")
PICTURES = {"docs/whiteboard.svg": ["demo", "--whiteboard", "-q", "--svg"]}


def run(command, folder):
    """The output of a line of the page; its files go where nobody else looks."""
    env = {**os.environ, "LC_ALL": "C.UTF-8", "PATH": os.path.dirname(TRIVET) + os.pathsep + os.environ["PATH"]}
    p = subprocess.run(["sh", "-c", command.replace("/tmp/", folder + "/")], env=env, capture_output=True, text=True,
                       stdin=subprocess.DEVNULL, timeout=60, check=False)
    return p.stdout.rstrip("\n")


def main():
    write = "--write" in sys.argv[1:]
    with open(PAGE, encoding="utf-8") as f:
        text = f.read()
    with tempfile.TemporaryDirectory() as folder:
        def block(match):
            command, told = match.group(1), match.group(2).rstrip("\n")
            said = run(command, folder)
            if not said:
                print("FAIL handshake '%s' prints nothing" % command)
            elif said != told and not write:
                print("FAIL handshake '%s' prints something else: tests/check/handshake.py --write" % command)
            else:
                print("ok handshake '%s'" % command)
            return "```console\n$ %s\n%s\n```" % (command, said)

        new = re.sub(r"```console\n\$ ([^\n]*)\n(.*?)```", block, text, flags=re.S)
        if write:
            with open(PAGE, "w", encoding="utf-8") as f:
                f.write(new)
        for name, arguments in PICTURES.items():
            path = os.path.join(ROOT, name) if write else os.path.join(folder, "picture.svg")
            subprocess.run([TRIVET, *arguments, path], stdout=subprocess.DEVNULL, timeout=60, check=True)
            with open(path, "rb") as a, open(os.path.join(ROOT, name), "rb") as b:
                same = a.read() == b.read()
            print("ok picture " + name if same else "FAIL picture %s: trivet %s draws another" %
                  (name, " ".join(arguments)))


if __name__ == "__main__":
    main()
