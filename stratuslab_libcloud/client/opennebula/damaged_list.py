"""Lists of machines of which some cannot be read.

A daemon puts what a hypervisor or an older program said into a machine's record as it is, so that one record can make
a whole list unreadable. Such a list is read machine by machine; one that cannot be read is left out, with a warning.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import XML, ParseError

from stratuslab_libcloud.client.documents import ListLimit
from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
from stratuslab_libcloud.client.opennebula.machine_xml import machine_of
from stratuslab_libcloud.client.opennebula.states import StateNames
from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError

_log = logging.getLogger(__name__)

_START, _END = "<VM_POOL>", "</VM_POOL>"
_BETWEEN_RECORDS = re.compile(r"(?<=</VM>)(?=<VM><ID>|</VM_POOL>)")
_ID = re.compile(r"<VM><ID>(\d{1,10})</ID>")


def read_readable_machines(chunks: Iterable[str], names: StateNames, whose: str) -> Iterator[VirtualMachine]:
    """Read those machines of a list that can be read.

    :param names: of the states
    :param whose: the location, for warnings
    :raises UnreadableDocumentError: when it is not a list of machines
    """
    for record in _records(chunks):
        try:
            machine = machine_of(XML(record), names)
            problem = "it has no usable ID and STATE"
        except (ParseError, ValueError) as error:
            machine, problem = None, str(error)
        if machine is None:
            number = _ID.match(record)
            _log.warning(
                "machine %s of location '%s' cannot be read and is left out: %s",
                number[1] if number else "without an ID",
                whose,
                problem,
            )
        else:
            yield machine


def _records(chunks: Iterable[str]) -> Iterator[str]:
    """Cut a list into the texts of its machines, as the daemon has put them together."""
    rest = ""
    has_begun = False
    limit = ListLimit()
    for chunk in chunks:
        limit.add_text(len(chunk))
        rest += chunk
        if not has_begun and len(rest) >= len(_START):
            if not rest.startswith(_START):
                break
            rest, has_begun = rest.removeprefix(_START), True
        *records, rest = _BETWEEN_RECORDS.split(rest)
        limit.add_objects(len(records))
        yield from records
    if not has_begun or rest != _END:
        raise UnreadableDocumentError("it is not a list of machines")
