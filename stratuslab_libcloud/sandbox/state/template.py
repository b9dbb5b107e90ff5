"""Templates as OpenNebula keeps them: attributes, each a text or a set of named texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

Value = str | Mapping[str, str]


class Template:
    """Named attributes, each once or several times. OpenNebula calls a set of named texts a vector."""

    def __init__(self, attributes: Iterable[tuple[str, Value]] = ()) -> None:
        self._attributes = list(attributes)

    def __iter__(self) -> Iterator[tuple[str, Value]]:
        """All attributes by name, those of one name in the order in which they were given."""
        return iter(sorted(self._attributes, key=lambda attribute: attribute[0]))

    def text(self, name: str) -> str | None:
        """The first plain value of `name`."""
        return next((v for n, v in self._attributes if n == name and isinstance(v, str)), None)

    def values(self, name: str) -> list[Value]:
        """All values of `name`, in order."""
        return [v for n, v in self._attributes if n == name]

    def vectors(self, name: str) -> list[Mapping[str, str]]:
        """All bracketed values of `name`, in order."""
        return [v for n, v in self._attributes if n == name and not isinstance(v, str)]

    def replace_vectors(self, name: str, vectors: Iterable[Mapping[str, str]]) -> None:
        """Let these take the places of the bracketed values of `name`, one for one."""
        new = iter(vectors)
        self._attributes = [
            (n, next(new)) if n == name and not isinstance(v, str) else (n, v) for n, v in self._attributes
        ]

    def replace(self, name: str, *values: Value) -> None:
        """Let `name` have exactly these values."""
        self._attributes = [a for a in self._attributes if a[0] != name]
        self._attributes.extend((name, value) for value in values)

    def merge(self, other: Template) -> None:
        """Let each name of `other` have exactly the values that it has there."""
        names = {name for name, _ in other._attributes}
        self._attributes = [a for a in self._attributes if a[0] not in names]
        self._attributes.extend(other._attributes)

    def copy(self) -> Template:
        """Another one with the same attributes."""
        return Template(self._attributes)
