"""completion_zsh.py RC LINE: types LINE and a tab into a zsh at a terminal of its own, and prints the words
of what it answers, one a line."""
import os
import pty
import re
import select
import sys
import time


def read_until(fd, pattern, seconds=10):
    text, limit = "", time.monotonic() + seconds
    while time.monotonic() < limit and not re.search(pattern, text, re.S):
        if select.select([fd], [], [], 0.1)[0]:
            try:
                text += os.read(fd, 65536).decode("utf-8", "replace")
            except OSError:
                break
    return text


def main():
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="dumb", COLUMNS="200", LINES="200")
        os.execvp("zsh", ["zsh", "-f", "-i"])
    # The second key comes when the list of the first is out: what it says ends the answer.
    os.write(fd, b"stty rows 200 cols 200; source " + sys.argv[1].encode() + b"; bindkey '^T' list-choices; "
                 b"over() { zle -M THE-''END }; zle -N over; bindkey '^E' over; PS1=GO''ON%%\r")
    read_until(fd, "GOON%")
    os.write(fd, sys.argv[2].encode() + b"\x14\x05")
    text = read_until(fd, "THE-END")
    os.write(fd, b"\x03exit\r")
    os.close(fd)
    os.waitpid(pid, 0)
    print("\n".join(sorted(set(re.split(r"[\s]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", " ", text))))))


main()
