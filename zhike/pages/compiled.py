"""How Jinja2's templates become Python here: what a page does a thousand times, by the shortest way.

Jinja makes a Markup of every piece before it joins them, asks each function that is called which of the engine's objects it wants
to be given, and lets a macro sort its arguments anew each time. Pages say the same without.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Macro
from jinja2.utils import missing
from markupsafe import Markup, escape

SPECIAL = re.compile("[&<>\"']").search


class Compiler(CodeGenerator):
    """Writes a template's Python: each of its functions begins with our own ``escape`` and ``Macro`` in the place of Jinja's."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # What pages call and what wants nothing of the engine's: these functions, and the parts that a page takes from elsewhere.
        self.ours = {"url", "icon", "tier_mark", "percent", "language", "language_tag"}

    def write_commons(self) -> None:
        super().write_commons()
        self.writeline("escape, Macro = environment.piece, environment.part")

    def blockvisit(self, nodes: Iterable[nodes.Node], frame: Frame) -> None:
        """A block joins its pieces, and hands them on as one: Jinja hands on each, through every template around it."""
        whole = frame.block_frame and frame.buffer is None
        if whole:
            self.buffer(frame)
        super().blockvisit(nodes, frame)
        if whole:
            self.writeline(f"yield concat({frame.buffer})")

    def visit_FromImport(self, node: nodes.FromImport, frame: Frame) -> None:
        self.ours |= {name if isinstance(name, str) else name[1] for name in node.names}
        super().visit_FromImport(node, frame)

    def visit_Call(self, node: nodes.Call, frame: Frame, **options: bool) -> None:  # type: ignore[override]
        ours = isinstance(node.node, nodes.Name) and node.node.name in self.ours
        if not ours or node.kwargs or node.dyn_args or node.dyn_kwargs or options:
            super().visit_Call(node, frame, **options)
            return
        self.visit(node.node, frame)
        self.write("(")
        for arg in node.args:
            self.visit(arg, frame)
            self.write(", ")
        self.write(")")


def piece(value: Any) -> str:
    """A piece of a page: a text without signs of HTML's own as it is, all else escaped."""
    kind = type(value)
    if kind is str:
        return value if SPECIAL(value) is None else escape(value)
    if kind is Markup:
        return value  # type: ignore[no-any-return]
    return str(value) if kind is int or kind is float else escape(value)


class Part(Macro):
    """A macro that is mostly called with its arguments in their order."""

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        lacking = self._argument_count - len(args)
        if kwargs or lacking < 0 or self.caller or self.catch_kwargs or self.catch_varargs:
            return super().__call__(*args, **kwargs)
        return Markup(self._func(*args, *(missing,) * lacking))  # noqa: S704 every piece of it was escaped
