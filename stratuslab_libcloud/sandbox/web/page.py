"""The page as an application: an empty page for everybody, and what it shows and does for those who have the token."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from flask import Flask, Response, render_template, request
from markupsafe import escape
from werkzeug.exceptions import HTTPException, NotFound

from stratuslab_libcloud.sandbox.http.faults import Faults
from stratuslab_libcloud.sandbox.http.request_record import RequestRecord
from stratuslab_libcloud.sandbox.http.same_origin import check_origin
from stratuslab_libcloud.sandbox.state.clock import Clock, ManualClock
from stratuslab_libcloud.sandbox.web import words
from stratuslab_libcloud.sandbox.web.access import HEADERS, check_sender
from stratuslab_libcloud.sandbox.web.cloud_view import CloudView
from stratuslab_libcloud.sandbox.web.contents import Selection, live_contents
from stratuslab_libcloud.sandbox.web.forms import MEANINGS, read_fault, read_seconds

LARGEST_BODY = 1 << 16
"""How many bytes a request to the page may have."""


class Page:
    """Shows a cloud, sets faults and moves its clock.

    :param view: of the cloud
    :param clock: of the cloud; it can be moved if it is a `ManualClock`
    """

    def __init__(self, view: CloudView, requests: RequestRecord, faults: Faults, clock: Clock) -> None:
        self.token = secrets.token_urlsafe(32)
        self._view = view
        self._requests = requests
        self._faults = faults
        self._clock = clock

    def application(self) -> Flask:
        """The page as a WSGI application; bugs in it are raised, not answered."""
        app = Flask(__name__)
        app.config["PROPAGATE_EXCEPTIONS"] = True
        app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
        app.jinja_env.globals["words"] = words
        app.before_request(self._check)
        app.after_request(_with_headers)
        app.register_error_handler(HTTPException, lambda error: _sentence(error.description, error.code))
        app.add_url_rule("/", "page", lambda: render_template("page.html"))
        app.add_url_rule("/cloud", "cloud", self._cloud)
        app.add_url_rule("/faults", "add_fault", self._add_fault, methods=["POST"])
        app.add_url_rule("/faults/lift", "lift_faults", self._lift_all, methods=["POST"])
        app.add_url_rule("/faults/<int:number>/lift", "lift_fault", self._lift, methods=["POST"])
        app.add_url_rule("/clock", "move_clock", self._move_clock, methods=["POST"])
        return app

    def _check(self) -> None:
        """Let everybody have the empty page with its script, and nobody the rest without the token."""
        if request.endpoint in ("page", "static"):
            check_origin()
        else:
            check_sender(self.token)

    def _cloud(self) -> str:
        return render_template(
            "cloud.html",
            view=self._view,
            live=live_contents(self._view, self._requests, Selection.of(request.values)),
            faults=self._faults.active,
            operations=self._faults.operations,
            meanings=MEANINGS,
            is_manual=isinstance(self._clock, ManualClock),
        )

    def _add_fault(self) -> Response | str:
        return self._after(lambda: self._faults.add(read_fault(request.form)))

    def _lift(self, number: int) -> str:
        for active in self._faults.active:
            if active.number == number:
                self._faults.remove(active.fault)
        return self._cloud()

    def _lift_all(self) -> str:
        self._faults.clear()
        return self._cloud()

    def _move_clock(self) -> Response | str:
        clock = self._clock
        if not isinstance(clock, ManualClock):
            raise NotFound("The clock of this sandbox is the computer's own.")
        return self._after(lambda: clock.advance(read_seconds(request.form)))

    def _after(self, action: Callable[[], None]) -> Response | str:
        """What there is after something was done, or why it cannot be done."""
        try:
            action()
        except ValueError as problem:
            # What may be chosen is offered by the form.
            return _sentence(f"This cannot be done: {str(problem).partition('; choose one of')[0]}.", 422)
        return self._cloud()


def _with_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def _sentence(text: str, status: int) -> Response:
    return Response(escape(text), status, content_type="text/html; charset=utf-8")
