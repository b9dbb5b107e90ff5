"""Answers that are wrong on purpose."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.wrappers import Response

from stratuslab_libcloud.sandbox.http.fault import NEED_A_PROXY, Fault, FaultKind
from stratuslab_libcloud.sandbox.http.faults import Faults
from stratuslab_libcloud.sandbox.http.status_line import status_line

_PAGE = """<html><head><title>{status}</title></head>
<body><center><h1>{status}</h1></center><hr><center>nginx</center></body></html>
"""
_GARBAGE_BYTES = 500


def prevented_answer(fault: Fault, wrong_answers: Mapping[FaultKind, str]) -> Response:
    """The answer to a request that a fault prevents.

    :param wrong_answers: of the service
    """
    if fault.kind == FaultKind.STATUS:
        return _status_page(fault)
    if fault.kind in (FaultKind.XMLRPC_FAULT, FaultKind.PROXY_FAULT):
        return Response(wrong_answers[fault.kind], content_type="text/xml; charset=utf-8")
    return Response(status=500)


def spoiled_answer(answer: Response, fault: Fault, wrong_answers: Mapping[FaultKind, str], faults: Faults) -> Response:
    """What a fault makes of the answer to a request that was carried out.

    :param wrong_answers: of the service
    :param faults: where random bytes come from
    """
    if fault.kind == FaultKind.STATUS_AFTER:
        return _status_page(fault)
    if fault.kind == FaultKind.GARBAGE:
        return Response(faults.random_bytes(_GARBAGE_BYTES), answer.status_code, content_type=answer.content_type)
    if fault.kind == FaultKind.WRONG_TYPES or fault.kind in NEED_A_PROXY:
        return Response(wrong_answers[fault.kind], answer.status_code, content_type=answer.content_type)
    return answer


def _status_page(fault: Fault) -> Response:
    page = _PAGE.format(status=status_line(fault.status))
    response = Response(page, fault.status, content_type="text/html")
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response
