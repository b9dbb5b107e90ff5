"""Compressing images, piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from stratus_commands.output import Output

if TYPE_CHECKING:
    from stratuslab_libcloud.driver.progress import Progress

FORMATS = ("gz", "bz2")
NONE = "none"

_PIECE = 1 << 20


def compressed(image: Path, form: str, output: Output, show: Callable[[Progress], object]) -> Path:
    """A file, compressed. The original is kept, and one that is compressed already is used as it is.

    :param form: of `FORMATS`, or `NONE`
    :param show: is told how far it is
    :raises OSError: a file cannot be read or written
    """
    if form == NONE:
        return image
    if image.suffix in {f".{each}" for each in FORMATS}:
        output.warning("skipping compression; file appears to already be compressed")
        return image
    target = image.with_name(f"{image.name}.{form}")
    if target.is_file():
        output.warning(f"Compressed file {target} already exists, skipping")
        return target
    draft = target.with_name(f"{target.name}.new")
    try:
        with image.open("rb") as source, _opened(draft, form) as into:
            _copy(source, into, image.stat().st_size, image.name, show)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def _opened(file: Path, form: str) -> IO[bytes]:
    if form == "bz2":
        import bz2

        return bz2.open(file, "wb")
    import gzip

    return cast("IO[bytes]", gzip.open(file, "wb", compresslevel=6))


def _copy(source: IO[bytes], into: IO[bytes], size: int, name: str, show: Callable[[Progress], object]) -> None:
    from stratuslab_libcloud.driver.progress import Progress

    done = 0
    while piece := source.read(_PIECE):
        into.write(piece)
        done += len(piece)
        show(Progress(f"compressing {name}", done, size, "bytes"))
