"""What the workshop knows about C sources: clang reads them, and this turns its tree into places.

Places are byte offsets in the file. Whatever comes out of a macro is left alone: assertions are not
checks of the program, and their text is not where the tree says.
"""
import hashlib
import json
import os
import re
import subprocess

SWAPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">",
         "seq_lt": "seq_leq", "seq_leq": "seq_lt", "seq_gt": "seq_geq", "seq_geq": "seq_gt"}
STATE_CALLS = ("tv_state_set", "tv_end")
LEAVES = ("ReturnStmt", "BreakStmt", "ContinueStmt", "GotoStmt")
BODIES = ("CompoundStmt", "IfStmt", "CaseStmt", "DefaultStmt", "LabelStmt")


def vector_flags(path):
    """What the Makefile adds for kernels of one instruction set, which their names tell."""
    if path.endswith("_avx2.c"):
        return ["-mavx2"]
    if path.endswith("_avx512.c"):
        return ["-mavx512f", "-mavx512bw", "-mavx512vl"]
    return []


class Unreadable(Exception):
    """clang could not read the file."""


def tree_of(root, path, word=b""):
    """The declarations of one file in whose tree a word stands, headers left out, as clang's JSON tree."""
    p = subprocess.run(["clang", "-x", "c", "-std=c11", "-Iinclude", "-Isrc", "-Isrc/arch/other", "-I.", "-D_GNU_SOURCE=", "-fsyntax-only",
                        "-w", *vector_flags(path), "-Xclang", "-ast-dump=json", path], cwd=root, capture_output=True,
                       check=False)
    if p.returncode:
        raise Unreadable(p.stderr.decode("utf-8", "replace").split("\n")[0])
    # Most of the tree are the system's headers: what is left out of it is not even read.
    tops = p.stdout.partition(b'\n  "inner": [\n')[2].rpartition(b"\n  ]\n}")[0].split(b",\n    {\n")
    tops = [json.loads(b"{" + top.lstrip().removeprefix(b"{")) for top in tops if word in top]
    return [top for top in tops if "includedFrom" not in top.get("loc", {}) and top.get("loc")]


def blank_out(m):
    return re.sub(rb"[^\n]", b" ", m.group(0))


def code_only(data):
    """The bytes with comments, strings and character constants blanked; offsets are kept."""
    return re.sub(rb'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|' rb"'(?:\\.|[^'\\\n])*'", blank_out, data, flags=re.S)


def span(node):
    """(begin, end) of a node, or None if a macro is involved."""
    r = node.get("range", {})
    b, e = r.get("begin", {}), r.get("end", {})
    if "offset" not in b or "offset" not in e or "includedFrom" in b:
        return None
    return b["offset"], e["offset"] + e.get("tokLen", 1)


def begin(node):
    """Where a node begins, or None if that is in a macro: false and NULL, at its end, are macros."""
    b = node.get("range", {}).get("begin", {})
    return None if "offset" not in b or "includedFrom" in b else b["offset"]


def plain(node):
    """The node without casts and parentheses around it."""
    while node.get("kind") in ("ImplicitCastExpr", "ParenExpr", "CStyleCastExpr") and node.get("inner"):
        node = node["inner"][0]
    return node


def children(node):
    return [c for c in node.get("inner", ()) if isinstance(c, dict) and c]


def callee(node):
    return plain(children(node)[0]).get("referencedDecl", {}).get("name", "") if children(node) else ""


def enum_switches_with_default(root, path):
    """(line, type) of each switch over an enum that has a default."""
    with open(os.path.join(root, path), "rb") as f:
        data = f.read()
    out = []

    def has_default(node):
        return node.get("kind") == "DefaultStmt" or node.get("kind") != "SwitchStmt" and any(
            has_default(c) for c in children(node))

    def visit(node):
        if node.get("kind") == "SwitchStmt":
            parts = children(node)
            kind = plain(parts[-2]).get("type", {}).get("qualType", "")
            where = span(node)
            if where and "enum " in kind and has_default(parts[-1]):
                out.append((data.count(b"\n", 0, where[0]) + 1, kind))
        for c in children(node):
            visit(c)

    for top in tree_of(root, path, b'"DefaultStmt"'):
        visit(top)
    return out


class Mutant:
    """One change of one place."""

    def __init__(self, path, function, operator, start, end, text, data):
        self.path, self.function, self.operator = path, function, operator
        self.start, self.end, self.text = start, end, text
        self.line = data.count(b"\n", 0, start) + 1
        begin = data.rfind(b"\n", 0, start) + 1
        stop = data.find(b"\n", start)
        code = re.sub(rb"/\*.*", b"", data[begin:stop if stop >= 0 else len(data)])
        self.code = " ".join(code.decode("utf-8", "replace").split())
        self.n = 0

    def apply(self, data):
        return data[:self.start] + self.text + data[self.end:]

    def row(self):
        return (self.path, self.function, self.operator, str(self.n), self.code)

    @property
    def key(self):
        return hashlib.sha256("\0".join(self.row()).encode()).hexdigest()[:16]


class Finder:
    """Collects the mutants of one function."""

    def __init__(self, path, data, verdicts):
        self.path, self.data, self.code = path, data, code_only(data)
        self.verdicts = verdicts
        self.function = ""
        self.out = []

    def add(self, operator, start, end, text):
        self.out.append(Mutant(self.path, self.function, operator, start, end, text, self.data))

    def visit(self, node, parent, compared=False, over=None):
        kind = node.get("kind")
        where = span(node)
        if kind == "IfStmt" and begin(node) is not None:
            self.check(node, begin(node))
        elif where:
            if kind == "BinaryOperator" and node.get("opcode") in SWAPS:
                if not self.same_either_way(node, over):
                    self.shift(node)
            elif kind == "CallExpr" and callee(node) in SWAPS:
                name = callee(node)
                self.add("shift", where[0], where[0] + len(name), SWAPS[name].encode())
            elif kind == "DeclRefExpr" and not compared and node.get("referencedDecl", {}).get("name") in self.verdicts:
                self.verdict(node, where)
            if parent in BODIES and self.changes_state(node):
                self.add("state", where[0], where[1], b"(void)0")
        for c in children(node):
            self.visit(c, kind, compared or node.get("opcode") in ("==", "!="), node)

    def check(self, node, at_if):
        parts = children(node)
        body = parts[1] if len(parts) > 1 else {}
        last = body
        while last.get("kind") == "CompoundStmt" and children(last):
            last = children(last)[-1]
        if last.get("kind") not in LEAVES:
            return
        start = self.code.find(b"(", at_if)
        depth, at = 0, start
        while at < len(self.code):
            depth += (self.code[at] == 40) - (self.code[at] == 41)
            if depth == 0:
                break
            at += 1
        condition = self.data[start:at + 1]
        self.add("delete", start, at + 1, b"(0 && " + condition + b")")
        self.add("negate", start, at + 1, b"(!" + condition + b")")

    def words(self, node):
        """The text of an expression without blanks, casts and the parentheses around it."""
        where = span(plain(node))
        return re.sub(rb"\s|\(u?int\d+_t\)", b"", self.code[where[0]:where[1]]) if where else b"?"

    def same_either_way(self, node, over):
        """a < b ? a : b, a < b ? b - a : 0, a < 0 ? -a : a: at equality both results are equal too."""
        if over is None or over.get("kind") != "ConditionalOperator" or children(over)[0] is not node:
            return False
        low, high = (self.words(c) for c in children(node)[:2])
        yes, no = (self.words(c) for c in children(over)[1:3])
        return {low, high} == {yes, no} or no == b"0" and yes in (high + b"-" + low, low + b"-" + high) or \
            high == b"0" and {yes, no} == {low, b"-" + low}

    def shift(self, node):
        left, right = (span(c) for c in children(node)[:2])
        if left and right:
            op = node["opcode"].encode()
            at = self.code.find(op, left[1], right[0])
            if at >= 0:
                self.add("shift", at, at + len(op), SWAPS[node["opcode"]].encode())

    def verdict(self, node, where):
        name = node["referencedDecl"]["name"]
        at = self.verdicts.index(name)
        other = self.verdicts[(at + 1) % len(self.verdicts)]
        if other != name:
            self.add("verdict", where[0], where[1], other.encode())

    @staticmethod
    def changes_state(node):
        if node.get("kind") == "BinaryOperator" and node.get("opcode") == "=":
            return plain(children(node)[0]).get("name") == "state"
        return node.get("kind") == "CallExpr" and callee(node) in STATE_CALLS


def verdicts_in(code):
    """The verdicts that a file names, in order; with at least two, so that each has another."""
    names = []
    for name in re.findall(rb"\bTV_V_[A-Z0-9_]+\b|\bTV_NEXT\b|\bTV_PROMOTE\b", code):
        if name.decode() not in names:
            names.append(name.decode())
    for name in ("TV_V_OK", "TV_V_DONE"):
        if len(names) == 1 and name not in names:
            names.append(name)
    return names


def mutants_of(root, path):
    with open(os.path.join(root, path), "rb") as f:
        data = f.read()
    finder = Finder(path, data, verdicts_in(code_only(data)))
    for top in tree_of(root, path, b'"CompoundStmt"'):
        if top.get("kind") == "FunctionDecl":
            for c in children(top):
                if c.get("kind") == "CompoundStmt":
                    finder.function = top["name"]
                    finder.visit(c, "FunctionDecl")
    seen = {}
    for m in finder.out:
        same = (m.path, m.function, m.operator, m.code)
        m.n = seen.get(same, 0)
        seen[same] = m.n + 1
    return finder.out
