"""What StratusLab's proxy wants in the calls."""

from __future__ import annotations

from pathlib import Path

from stratuslab_libcloud.client.stratuslab.proxy import DIALECT, session_string
from stratuslab_libcloud.config import Certificate, Password


def test_the_session_has_name_and_password_where_there_are_some() -> None:
    assert session_string(Password("jane", "secret")) == "jane:secret"


def test_with_a_certificate_the_session_is_a_placeholder() -> None:
    assert session_string(Certificate(Path("cert.pem"), Path("key.pem"))) == "dummy:pass"


def test_actions_are_those_of_opennebula_3_2() -> None:
    assert (DIALECT.kill, DIALECT.shutdown) == ("finalize", "shutdown")
