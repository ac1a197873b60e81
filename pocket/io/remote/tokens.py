"""Access tokens in URLs, given by the name of an environment variable, so that no file or message contains one."""

from __future__ import annotations

import os
import re

from pocket.errors import ConfigError

_TOKEN = re.compile(r"(?<=[?&])(authz|access_token)=([^&\s'\"<>)\]]*)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
# Prefix of a token by RFC 6750, as written in a URL.
_NAMED = re.compile(rf"(?:Bearer(?:%20|\+))?{_VARIABLE.pattern}", re.IGNORECASE)


def redacted(text: str) -> str:
    """Return a string without the tokens of URLs in it.

    >>> redacted("root://host//a.root?authz=Bearer%20abc&x=1 can't be read")
    "root://host//a.root?authz=…&x=1 can't be read"
    >>> redacted("root://host//a.root?authz=Bearer%20$BEARER_TOKEN")
    'root://host//a.root?authz=Bearer%20$BEARER_TOKEN'
    """
    return _TOKEN.sub(lambda match: match[0] if _NAMED.fullmatch(match[2]) else f"{match[1]}=…", text)


def holds_token(url: str) -> bool:
    """Tell whether a URL contains a token itself instead of the name of a variable.

    >>> holds_token("root://host//a.root?authz=abc"), holds_token("root://host//a.root?authz=$BEARER_TOKEN")
    (True, False)
    """
    return redacted(url) != url


def with_token(url: str) -> str:
    """Return a URL with the token that it names, only for opening it and never to be stored."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if not os.environ.get(name):
            raise ConfigError(f"{url} needs a token in {name}, which isn't set here")
        return os.environ[name]

    return _TOKEN.sub(lambda match: f"{match[1]}={_VARIABLE.sub(value, match[2])}", url)
