"""Follow one argument of a function through the source of a package: which files see it, in which order.

The source is read, not run. A value comes along by assignments, by arguments, by what a function returns, and as a
field of an object. Its limits:

* a method of an object whose class is not known is looked for by its name, and left out if more than
  `MANY` classes have one of that name, or if texts, lists and dictionaries have one;
* what is looked up by the value or computed from it counts as the value; a condition on it does not;
* functions that are handed on to be called later are not followed, and branches are all followed.

A file is entered once: the order is that of the first visits.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MANY = 3
WHOLE = "*"
Taint = frozenset[str]
"""What of a value comes from the argument: names of fields, or `WHOLE`."""

NOTHING: Taint = frozenset()
_BUILTIN_METHODS = {name for kind in (str, bytes, list, dict, set, tuple) for name in dir(kind)}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function = ast.FunctionDef | ast.AsyncFunctionDef
Sources = Mapping[str, tuple[ast.Module, str]]
"""By a module's name: its tree and its file."""


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
        for base in owner.node.bases:
            name_of_base = base.value if isinstance(base, ast.Subscript) else base
            above = self.named(owner.module, name_of_base.id) if isinstance(name_of_base, ast.Name) else None
            found = self.method(above, name) if above else None
            if found:
                return found
        return None


@dataclass
class ParameterWalk:
    """The files that a parameter of a function passes.

    :param start: the function
    :param files: each file with the first function in it that sees the parameter
    """

    start: str
    files: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def from_function(cls, package: str, sources: Sources, function: str, parameter: str) -> Iterator[ParameterWalk]:
        """One walk for each method of this name that has the parameter."""
        definitions = _Definitions(package, sources)
        for place in definitions.methods.get(function, []):
            if parameter in _parameters(place):
                walk = cls(place.name)
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


def _parameters(place: _Place) -> list[str]:
    assert isinstance(place.node, _FUNCTIONS)
    arguments = place.node.args
    return [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


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
        file = self._sources[place.module][1]
        if file not in (seen for seen, _ in self._walk.files):
            self._walk.files.append((file, place.name))


def _matched(place: _Place, given: list[tuple[str | int | None, Taint]], skip: int) -> dict[str, Taint]:
    """Arguments by the names of the parameters; `skip` leaves out `self`."""
    assert isinstance(place.node, _FUNCTIONS)
    names, matched = _parameters(place), {}
    rest = place.node.args.kwarg or place.node.args.vararg
    for key, taint in given:
        name = names[key + skip] if isinstance(key, int) and key + skip < len(names) else key
        if isinstance(name, str) and name in names:
            matched[name] = taint
        elif rest and taint:
            matched[rest.arg] = taint
    return matched


class _Scope:
    """The variables of one function while it is read."""

    def __init__(self, reader: _Reader, place: _Place, variables: dict[str, Taint]) -> None:
        self._reader = reader
        self._definitions = reader._definitions
        self._place = place
        self.variables = variables
        self.returned: Taint = NOTHING

    def run(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self._run(statement)

    def _run(self, statement: ast.AST) -> None:
        if isinstance(statement, ast.Assign):
            taint = self.taint(statement.value)
            for target in statement.targets:
                self._assign(target, taint)
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
        for place in self._methods(expression):
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
        return self._methods(function) if isinstance(function, ast.Attribute) else []

    def _methods(self, expression: ast.Attribute) -> list[_Place]:
        """The methods that `expression` may mean."""
        name, value = expression.attr, expression.value
        if isinstance(value, ast.Name):
            if value.id in ("self", "cls") and self._place.owner:
                own = self._definitions.method(_Place(self._place.module, self._place.owner), name)
                if own:
                    return [own]
            found = self._definitions.attribute_of_module(self._place.module, value.id, name)
            owner = self._definitions.named(self._place.module, value.id)
            found = found or (self._definitions.method(owner, name) if owner else None)
            if found:
                return [found]
        candidates = self._definitions.methods.get(name, [])
        return candidates if len(candidates) <= MANY and name not in _BUILTIN_METHODS else []
