"""The messages that the code can print: its texts, with a hole where a value goes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

HOLE = "\0"
_LEAST = 12  # shorter ones are no messages


def templates(folder: Path) -> Iterator[str]:
    """The texts of all modules in a folder, without docstrings."""
    for module in sorted(folder.rglob("*.py")):
        tree = ast.parse(module.read_text("utf-8"))
        docstrings = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            text = _text(node)
            if text and len(text) >= _LEAST and id(node) not in docstrings:
                yield text


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
    return None


def can_print(template: str, message: str) -> bool:
    """Whether a text has all pieces of a message, which are separated by ``...``, in their order."""
    place = 0
    for piece in message.split("..."):
        found = template.find(piece.strip(), place)
        if found < 0:
            return False
        place = found + len(piece.strip())
    return True
