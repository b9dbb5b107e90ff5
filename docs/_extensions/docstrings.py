"""Docstrings in the site: what they name is found by its short name, keys of mappings stand in tables, and calls of a
driver say how many requests they take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, is_typeddict

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

_LOWER_CASE = re.compile(r"[a-z_\d]+(=.*)?")  # an argument, or a key of `extra`
_DESCRIBED = re.compile(r":param (?P<name>\w+): (?P<text>.*)")
_ROW = re.compile(r"^\| `(?P<name>\w+)[^`]*` \|.*\| (?P<requests>[^|]*) \|$", re.MULTILINE)
_CALLS = {"StratusLabNodeDriver": "reference/stratuslab.md", "OpenNebulaNodeDriver": "reference/opennebula.md"}


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("missing-reference", _find)
    app.connect("autodoc-process-docstring", _rewrite)
    app.connect("doctree-read", _link_calls)
    return {"parallel_read_safe": True}


def _find(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.TextElement) -> nodes.Element | None:
    """What a docstring names without saying where it is, such as `NodeOptions`: the one that is nearest."""
    if node.get("refdomain") != "py" or node.get("reftype") not in ("obj", "exc"):
        return None
    target = node["reftarget"]
    around = ".".join(filter(None, (node.get("py:module"), node.get("py:class"))))
    known = env.domains.python_domain.objects
    for wanted in (target, target.rpartition(".")[0]):  # of what has no place of its own, that of what it belongs to
        found = [name for name in known if wanted and f".{name}".endswith(f".{wanted}")]
        if found:
            name = max(found, key=lambda each: (_common(each, around), -len(each)))
            return make_refnode(app.builder, node["refdoc"], known[name].docname, known[name].node_id, [text], name)
    return text if _LOWER_CASE.fullmatch(target) else None


def _common(name: str, other: str) -> int:
    """With how many equal parts two dotted names begin."""
    pairs = list(zip(name.split("."), other.split("."), strict=False))
    return next((place for place, (one, two) in enumerate(pairs) if one != two), len(pairs))


def _link_calls(app: Sphinx, doctree: nodes.document) -> None:
    """Let the first column of a table of calls lead to where the call is described in full."""
    known = app.env.domains.python_domain.objects
    for kind in (kind for kind, page in _CALLS.items() if page == f"{app.env.docname}.md"):
        for row in doctree.findall(nodes.row):
            for name in row[0].findall(nodes.literal):
                target = f"stratuslab_libcloud.driver.{kind}.{name.astext()}"
                if target in known:
                    place = {"refdomain": "py", "reftype": "meth", "reftarget": target, "refexplicit": True}
                    name.replace_self(pending_xref("", name.deepcopy(), **place))


def _rewrite(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Called by autodoc with each docstring."""
    if what == "class" and is_typeddict(obj):
        lines[:] = _with_table(obj, lines)
    elif what == "method":
        lines += _requests(app, *name.split(".")[-2:])


def _with_table(kind: type, lines: list[str]) -> list[str]:
    """The docstring of a mapping, with its keys in a table; a key that needs no words has its type there."""
    words: dict[str, str] = {}
    rest: list[str] = []
    current = None
    for line in lines:
        if described := _DESCRIBED.match(line):
            current = described["name"]
            words[current] = described["text"]
        elif current and line.startswith("   "):
            words[current] += f" {line.strip()}"
        else:
            current = None
            rest.append(line)
    table = [".. list-table::", "   :widths: 20 25 55", "   :header-rows: 1", ""]
    table += ["   * - key", "     - type", "     - what it is"]
    for key, hint in _annotations(kind):
        table += [f"   * - ``{key}``", f"     - ``{hint}``", f"     - {words.get(key, '')}"]
    return [*rest, "", *table, ""]


def _annotations(kind: type) -> Iterator[tuple[str, str]]:
    for key, hint in kind.__annotations__.items():
        text = hint.__forward_arg__ if hasattr(hint, "__forward_arg__") else str(hint)
        yield key, text


def _requests(app: Sphinx, kind: str, method: str) -> list[str]:
    """How many requests a call of a driver takes, as the table on its page says."""
    if kind not in _CALLS:
        return []
    page = (Path(app.srcdir) / _CALLS[kind]).read_text(encoding="utf-8")
    found = {row["name"]: row["requests"] for row in _ROW.finditer(page)}
    return ["", f":Requests: {found[method]}", ""] if method in found else []
