"""Answers that are wrong on purpose."""

from __future__ import annotations

from werkzeug.wrappers import Response

from stratuslab_libcloud.sandbox.compute import xmlrpc as rpc
from stratuslab_libcloud.sandbox.http.faults import Fault, FaultKind, Faults

_PAGE = """<html><head><title>{status}</title></head>
<body><center><h1>{status}</h1></center><hr><center>nginx</center></body></html>
"""
_WRONG_TYPES = {
    "compute": rpc.response(
        "<params><param><value><struct><member><name>success</name><value><string>yes</string></value></member>"
        "</struct></value></param></params>"
    ),
    "disks": '{"uuid":17,"tag":null,"count":[],"owner":{},"size":true}',
    "marketplace": "<metadata><entry>an image</entry></metadata>",
}
_GARBAGE_BYTES = 500


def instead(fault: Fault) -> Response:
    """The answer to a request that is not carried out."""
    if fault.kind == FaultKind.STATUS:
        return _status_page(fault)
    if fault.kind == FaultKind.XMLRPC_FAULT:
        text = rpc.FaultError(-500, "The compute service is having a bad day.").as_answer()
        return Response(text, content_type="text/xml; charset=utf-8")
    return Response(status=500)


def spoiled(answer: Response, fault: Fault, service: str, faults: Faults) -> Response:
    """What becomes of the answer to a request that was carried out.

    :param faults: where random bytes come from
    """
    if fault.kind == FaultKind.STATUS_AFTER:
        return _status_page(fault)
    if fault.kind == FaultKind.GARBAGE:
        return Response(faults.random_bytes(_GARBAGE_BYTES), answer.status_code, content_type=answer.content_type)
    if fault.kind == FaultKind.WRONG_TYPES:
        return Response(_WRONG_TYPES.get(service, "[[[7]]]"), answer.status_code, content_type=answer.content_type)
    return answer


def _status_page(fault: Fault) -> Response:
    response = Response(status=fault.status, content_type="text/html")
    response.set_data(_PAGE.format(status=response.status))
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response
