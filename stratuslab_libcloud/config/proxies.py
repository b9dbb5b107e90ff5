"""The HTTP proxies that the environment names."""

from __future__ import annotations

import os

from stratuslab_libcloud.config import values
from stratuslab_libcloud.errors import ConfigurationError

_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")


def check_environment() -> None:
    """Check that the proxies can be used, before `requests` or Libcloud repeats them in a message of its own.

    :raises ConfigurationError: when one is not the URL of a proxy; the message does not repeat it, since it may contain
        a password
    """
    for variable in (*_VARIABLES, *map(str.upper, _VARIABLES)):
        url = os.environ.get(variable)
        if url:
            _check(variable, url)


def _check(variable: str, url: str) -> None:
    try:
        # Like `requests`, take a URL without a scheme for one with http.
        values.proxy_url(url if "://" in url else f"http://{url}")
    except ValueError as error:
        raise ConfigurationError(f"the environment variable {variable} must be {error}", key=variable) from None
