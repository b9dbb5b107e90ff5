"""Which HTTP proxies a session uses: the caller's, or else those of the environment."""

from __future__ import annotations

from urllib.request import getproxies

from stratuslab_libcloud.config import values
from stratuslab_libcloud.errors import ConfigurationError


def proxies_for(proxy_url: str | None) -> dict[str, str]:
    """The proxies by scheme; those of the environment are added by `requests`, which knows its exceptions.

    :param proxy_url: the caller's, for all schemes
    :raises ConfigurationError: when a proxy of the environment is not a URL that can be used. The message does not
        repeat it, since it may contain a password.
    """
    if proxy_url:
        return {"http": proxy_url, "https": proxy_url}
    for scheme in ("http", "https", "all"):
        _check(scheme, getproxies().get(scheme))
    return {}


def _check(scheme: str, url: str | None) -> None:
    if not url:
        return
    try:
        # Like `requests`, take a URL without a scheme for one with http.
        values.proxy_url(url if "://" in url else f"http://{url}")
    except ValueError as error:
        variable = f"{scheme}_proxy"
        raise ConfigurationError(f"the environment variable {variable} has to be {error}", key=variable) from None
