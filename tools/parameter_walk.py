"""Follow one argument of a function through the source of a package: which files see it, in which order.

The source is read, not run. A value comes along by assignments, by arguments, by what a function returns, and as a
field of an object. The walk ends at the wire: the first file that imports a library for HTTP. Its limits:

* the class of an object is known from annotations and from calls of classes; if it is not known, a method is found by
  its name when only one class has one of that name, and otherwise not followed;
* what is looked up by the value or computed from it counts as the value; a condition on it does not;
* functions that are handed on to be called later are not followed, and branches are all followed.

A file is entered once: the order is that of the first visits.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

HTTP_LIBRARIES = {"requests", "urllib3", "http"}
WHOLE = "*"
Taint = frozenset[str]
"""What of a value comes from the argument: names of fields, or `WHOLE`."""

NOTHING: Taint = frozenset()
_BUILTIN_METHODS = {name for kind in (str, bytes, list, dict, set, tuple) for name in dir(kind)}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function = ast.FunctionDef | ast.AsyncFunctionDef
Sources = Mapping[str, tuple[ast.Module, str]]
"""By a module's name: its tree and its file."""


class _WalkEnded(Exception):  # noqa: N818  # no error: it ends the reading of all functions at once
    """The value is at the wire."""


@dataclass(frozen=True)
class _Place:
    """A class or a function in a module; `owner` is the class of a method."""

    module: str
    node: ast.ClassDef | _Function
    owner: ast.ClassDef | None = None

    @property
    def name(self) -> str:
        return f"{self.owner.name}.{self.node.name}" if self.owner else self.node.name


class _Definitions:
    """Finds what a name or a method means."""

    def __init__(self, package: str, sources: Sources) -> None:
        self._package = package
        self._top: dict[tuple[str, str], _Place] = {}
        self._names: dict[str, dict[str, str]] = {}
        self.methods: dict[str, list[_Place]] = {}
        for module, (tree, _) in sources.items():
            self._names[module] = dict(self._imported(tree))
            for node in tree.body:
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    self._top[module, node.name] = _Place(module, node)
                if isinstance(node, ast.ClassDef):
                    for child in node.body:
                        if isinstance(child, _FUNCTIONS):
                            self.methods.setdefault(child.name, []).append(_Place(module, child, node))

    @staticmethod
    def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield alias.asname or alias.name, f"{node.module}.{alias.name}"

    def named(self, module: str, name: str) -> _Place | None:
        """A class or a function that a module calls by this name; names that a package hands on are followed."""
        if (module, name) in self._top:
            return self._top[module, name]
        origin, _, original = self._names.get(module, {}).get(name, "").rpartition(".")
        if origin != self._package and not origin.startswith(self._package + "."):
            return None
        return self.named(origin.removeprefix(self._package).lstrip("."), original)

    def attribute_of_module(self, module: str, name: str, attribute: str) -> _Place | None:
        """`name.attribute`, where `name` is an imported module."""
        origin = self._names.get(module, {}).get(name, "")
        return self._top.get((origin.removeprefix(self._package).lstrip("."), attribute)) if origin else None

    def method(self, owner: _Place, name: str) -> _Place | None:
        """A method of a class or of the classes that it is made from."""
        if not isinstance(owner.node, ast.ClassDef):
            return None
        for place in self.methods.get(name, ()):
            if place.owner is owner.node:
                return place
        return next((found for base in self._bases(owner) if (found := self.method(base, name))), None)

    def overrides(self, place: _Place) -> list[_Place]:
        """The method itself, and those of the same name in classes made from its class."""
        return [
            other
            for other in self.methods[place.node.name]
            if other.owner and place.owner and self._is_made_from(_Place(other.module, other.owner), place.owner)
        ]

    def _bases(self, owner: _Place) -> Iterator[_Place]:
        assert isinstance(owner.node, ast.ClassDef)
        for base in owner.node.bases:
            found = self.annotated(owner.module, base)
            if found:
                yield found

    def _is_made_from(self, kind: _Place, base: ast.ClassDef) -> bool:
        return kind.node is base or any(self._is_made_from(above, base) for above in self._bases(kind))

    def annotated(self, module: str, annotation: ast.expr | None) -> _Place | None:
        """The class of the package that an annotation names; of `X | None` it is `X`, of `X[...]` it is `X`."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            annotation = ast.parse(annotation.value, mode="eval").body
        if isinstance(annotation, ast.BinOp):
            return self.annotated(module, annotation.left) or self.annotated(module, annotation.right)
        if isinstance(annotation, ast.Subscript):
            return self.annotated(module, annotation.value)
        found = self.named(module, annotation.id) if isinstance(annotation, ast.Name) else None
        return found if found and isinstance(found.node, ast.ClassDef) else None

    def returned(self, place: _Place) -> _Place | None:
        """The class of what a call gives."""
        return place if isinstance(place.node, ast.ClassDef) else self.annotated(place.module, place.node.returns)

    def attribute(self, owner: _Place, name: str) -> _Place | None:
        """The class of an object's attribute: annotated in the class, a property, or set by `__init__`."""
        for node in owner.node.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
                return self.annotated(owner.module, node.annotation)
        method = self.method(owner, name)
        if method:
            return self.returned(method)
        for init in self.methods.get("__init__", ()):
            if init.owner is owner.node:
                found = self._set_by(init, name)
                if found:
                    return found
        return next((found for base in self._bases(owner) if (found := self.attribute(base, name))), None)

    def _set_by(self, init: _Place, name: str) -> _Place | None:
        parameters = {one.arg: one.annotation for one in _arguments(init)}
        for node in ast.walk(init.node):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if not any(isinstance(target, ast.Attribute) and target.attr == name for target in targets):
                continue
            if isinstance(node, ast.AnnAssign):
                return self.annotated(init.module, node.annotation)
            value = node.value if isinstance(node, ast.Assign) else None
            if isinstance(value, ast.Name):
                return self.annotated(init.module, parameters.get(value.id))
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
                called = self.named(init.module, value.func.id)
                return self.returned(called) if called else None
        return None


@dataclass
class ParameterWalk:
    """The files that a parameter of a function passes.

    :param start: the function
    :param files: each file with the first function in it that sees the parameter
    :param is_at_the_wire: whether the walk could be followed so far
    """

    start: str
    is_at_the_wire: bool = False
    files: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def from_function(cls, package: str, sources: Sources, function: str, parameter: str) -> Iterator[ParameterWalk]:
        """One walk for each method of this name that has the parameter."""
        definitions = _Definitions(package, sources)
        for place in definitions.methods.get(function, []):
            if parameter in _parameters(place):
                walk = cls(place.name)
                with contextlib.suppress(_WalkEnded):
                    _Reader(definitions, sources, walk).call(place, {parameter: frozenset({WHOLE})})
                yield walk

    @property
    def rooms(self) -> list[str]:
        """The folders of the files, in order, neighbours taken together."""
        rooms: list[str] = []
        for file, _ in self.files:
            room = "/".join(file.split("/")[:-1][:2]) or file
            if not rooms or rooms[-1] != room:
                rooms.append(room)
        return rooms

    @property
    def rooms_again(self) -> list[str]:
        """Rooms that the walk came back to."""
        rooms = self.rooms
        return sorted({room for room in rooms if rooms.count(room) > 1})


def _arguments(place: _Place) -> list[ast.arg]:
    assert isinstance(place.node, _FUNCTIONS)
    arguments = place.node.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _parameters(place: _Place) -> list[str]:
    return [argument.arg for argument in _arguments(place)]


def _decorators(node: ast.ClassDef | _Function) -> set[str]:
    names = (one.func if isinstance(one, ast.Call) else one for one in node.decorator_list)
    return {name.id if isinstance(name, ast.Name) else getattr(name, "attr", "") for name in names}


class _Reader:
    """Reads functions for what an argument reaches; each function once for each set of arguments."""

    def __init__(self, definitions: _Definitions, sources: Sources, walk: ParameterWalk) -> None:
        self._definitions = definitions
        self._sources = sources
        self._walk = walk
        self._returned: dict[tuple[int, frozenset[tuple[str, Taint]]], Taint] = {}

    def call(self, place: _Place, arguments: dict[str, Taint]) -> Taint:
        """What comes back from a function that is called with these arguments."""
        arguments = {name: taint for name, taint in arguments.items() if taint}
        key = (id(place.node), frozenset(arguments.items()))
        if not arguments:
            return NOTHING
        if key not in self._returned:
            self._visit(place)
            self._returned[key] = NOTHING  # what a function returns to itself
            scope = _Scope(self, place, dict(arguments))
            scope.run(place.node.body)
            self._returned[key] = scope.returned
        return self._returned[key]

    def construct(self, place: _Place, given: list[tuple[str | int | None, Taint]]) -> Taint:
        """The fields of a new object that the argument has reached."""
        init = self._definitions.method(place, "__init__")
        if init is None:
            self._visit(place)
            return self._fields(place, given)
        self._visit(init)
        scope = _Scope(self, init, _matched(init, given, skip=1))
        scope.run(init.node.body)
        return scope.variables.get("self", NOTHING)

    @staticmethod
    def _fields(place: _Place, given: list[tuple[str | int | None, Taint]]) -> Taint:
        names = [
            node.target.id
            for node in place.node.body
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        ]
        reached = set()
        for key, taint in given:
            if taint and isinstance(key, str):
                reached.add(key)
            elif taint and isinstance(key, int):
                reached.add(names[key] if key < len(names) else WHOLE)
            elif taint:
                reached |= taint
        return frozenset(reached)

    def _visit(self, place: _Place) -> None:
        tree, file = self._sources[place.module]
        if file not in (seen for seen, _ in self._walk.files):
            self._walk.files.append((file, place.name))
        if any(_imports_http(node) for node in ast.walk(tree)):
            self._walk.is_at_the_wire = True
            raise _WalkEnded


def _imports_http(node: ast.AST) -> bool:
    names = (
        [alias.name for alias in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", None) or ""]
    )
    return any(name.partition(".")[0] in HTTP_LIBRARIES for name in names)


def _matched(place: _Place, given: list[tuple[str | int | None, Taint]], skip: int) -> dict[str, Taint]:
    """Arguments by the names of the parameters; `skip` leaves out `self`."""
    assert isinstance(place.node, _FUNCTIONS)
    arguments = place.node.args
    by_position = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)][skip:]
    matched: dict[str, Taint] = {}
    for key, taint in given:
        if isinstance(key, int) and key < len(by_position):
            matched[by_position[key]] = taint
        elif isinstance(key, str) and key in _parameters(place):
            matched[key] = taint
        elif taint:
            rest = arguments.kwarg if isinstance(key, str) else arguments.vararg or arguments.kwarg
            matched.update({rest.arg: taint} if rest else {})
    return matched


class _Scope:
    """The variables of one function while it is read."""

    def __init__(self, reader: _Reader, place: _Place, variables: dict[str, Taint]) -> None:
        self._reader = reader
        self._definitions = reader._definitions
        self._place = place
        self.variables = variables
        self.returned: Taint = NOTHING
        self._classes = {
            argument.arg: self._definitions.annotated(place.module, argument.annotation)
            for argument in _arguments(place)
        }
        if place.owner:
            self._classes["self"] = self._classes["cls"] = _Place(place.module, place.owner)

    def run(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self._run(statement)

    def _run(self, statement: ast.AST) -> None:
        if isinstance(statement, ast.Assign):
            taint = self.taint(statement.value)
            for target in statement.targets:
                self._assign(target, taint)
                if isinstance(target, ast.Name):
                    self._classes[target.id] = self._class_of(statement.value)
        elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
            self._assign(statement.target, self.taint(statement.value))
        elif isinstance(statement, ast.Return):
            self.returned |= self.taint(statement.value)
        elif isinstance(statement, ast.For | ast.AsyncFor):
            self._assign(statement.target, self.taint(statement.iter))
            self.run([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.withitem):
            taint = self.taint(statement.context_expr)
            if statement.optional_vars:
                self._assign(statement.optional_vars, taint)
        elif isinstance(statement, ast.expr):
            self.taint(statement)
        elif not isinstance(statement, ast.ClassDef | ast.arguments | ast.Raise):
            for child in ast.iter_child_nodes(statement):
                self._run(child)

    def _assign(self, target: ast.AST, taint: Taint) -> None:
        if not taint:
            return
        if isinstance(target, ast.Name):
            self.variables[target.id] = self.variables.get(target.id, NOTHING) | taint
        elif isinstance(target, ast.Attribute):
            if isinstance(target.value, ast.Name):
                self._assign(target.value, frozenset({target.attr}))
        elif isinstance(target, ast.Subscript | ast.Starred):
            self._assign(target.value, taint)
        elif isinstance(target, ast.Tuple | ast.List):
            for one in target.elts:
                self._assign(one, taint)

    def taint(self, expression: ast.AST | None) -> Taint:
        """What of an expression's value comes from the argument; calls in it are followed."""
        if expression is None:
            return NOTHING
        if isinstance(expression, ast.Name):
            return self.variables.get(expression.id, NOTHING)
        if isinstance(expression, ast.Attribute):
            return self._attribute(expression)
        if isinstance(expression, ast.Call):
            return self._call(expression)
        if isinstance(expression, ast.Compare):
            for child in (expression.left, *expression.comparators):
                self.taint(child)
            return NOTHING
        if isinstance(expression, ast.IfExp):
            self.taint(expression.test)
            return self.taint(expression.body) | self.taint(expression.orelse)
        if isinstance(expression, ast.comprehension):
            taint = self.taint(expression.iter)
            self._assign(expression.target, taint)
            return taint
        if isinstance(expression, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            for generator in expression.generators:
                self.taint(generator)
        if isinstance(expression, ast.Yield | ast.YieldFrom):
            self.returned |= self.taint(expression.value)
            return NOTHING
        return frozenset().union(*(self.taint(child) for child in ast.iter_child_nodes(expression)))

    def _attribute(self, expression: ast.Attribute) -> Taint:
        taint = self.taint(expression.value)
        if not taint:
            return NOTHING
        if expression.attr in taint:
            return frozenset({WHOLE})
        for place in self._methods(expression, is_called=False):
            if _decorators(place.node) & {"property", "cached_property"}:
                return self._reader.call(place, {"self": taint})
        return taint & {WHOLE}

    def _call(self, expression: ast.Call) -> Taint:
        given: list[tuple[str | int | None, Taint]] = []
        for number, argument in enumerate(expression.args):
            given.append((None if isinstance(argument, ast.Starred) else number, self.taint(argument)))
        given += [(keyword.arg, self.taint(keyword.value)) for keyword in expression.keywords]
        receiver = NOTHING
        places = self._functions(expression.func)
        if isinstance(expression.func, ast.Attribute):
            receiver = self.taint(expression.func.value)
        everything = receiver.union(*(taint for _, taint in given))
        if not everything:
            return NOTHING
        if not places:
            return everything
        return frozenset().union(*(self._enter(place, given, receiver) for place in places))

    def _enter(self, place: _Place, given: list[tuple[str | int | None, Taint]], receiver: Taint) -> Taint:
        if isinstance(place.node, ast.ClassDef):
            return self._reader.construct(place, given)
        is_bound = place.owner is not None and "staticmethod" not in _decorators(place.node)
        arguments = _matched(place, given, skip=int(is_bound))
        if is_bound and receiver:
            arguments[_parameters(place)[0]] = receiver
        return self._reader.call(place, arguments)

    def _functions(self, function: ast.expr) -> list[_Place]:
        if isinstance(function, ast.Name):
            found = self._definitions.named(self._place.module, function.id)
            return [found] if found else []
        return self._methods(function, is_called=True) if isinstance(function, ast.Attribute) else []

    def _methods(self, expression: ast.Attribute, is_called: bool) -> list[_Place]:
        """The methods that `expression` may mean."""
        name, value = expression.attr, expression.value
        if isinstance(value, ast.Name) and value.id not in self._classes:
            found = self._definitions.attribute_of_module(self._place.module, value.id, name)
            if found:
                return [found]
        owner = self._class_of(value)
        if owner:
            method = self._definitions.method(owner, name)
            return self._definitions.overrides(method) if method else []
        candidates = self._definitions.methods.get(name, [])
        return candidates if is_called and len(candidates) == 1 and name not in _BUILTIN_METHODS else []

    def _class_of(self, expression: ast.expr) -> _Place | None:
        if isinstance(expression, ast.Name):
            if expression.id in self._classes:
                return self._classes[expression.id]
            return self._definitions.annotated(self._place.module, expression)
        if isinstance(expression, ast.Attribute):
            owner = self._class_of(expression.value)
            return self._definitions.attribute(owner, expression.attr) if owner else None
        if isinstance(expression, ast.Call):
            for place in self._functions(expression.func):
                return self._definitions.returned(place)
        return None
