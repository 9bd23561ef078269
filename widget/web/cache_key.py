"""Which URLs have the same response, so that the response cache stores it once."""

from functools import lru_cache
from urllib.parse import parse_qsl, urlencode

_TRACKING_PARAMETERS = frozenset({"fbclid", "gclid", "msclkid", "mc_cid", "mc_eid"})
_TRACKING_PREFIX = "utm_"
# Their responses do not depend on the query.
_FILES = ("/embed.js", "/embed.json", "/favicon.ico")
_FILE_FOLDER = "/static/"
_OEMBED = "/oembed"
_OEMBED_PARAMETERS = frozenset({"url", "format", "maxwidth", "maxheight"})


def is_tracking(name: str) -> bool:
    """Whether a parameter was appended by another site, such as a newsletter, and is ignored."""
    return name in _TRACKING_PARAMETERS or name.startswith(_TRACKING_PREFIX)


# Parsing takes time, and most visitors have the same few URLs.
@lru_cache(4096)
def cache_key(path: str, query: str) -> tuple[str, str]:
    """The path and query that stand for all URLs with the same response.

    Unknown options remain, because the response to them is an error.

    Args:
        path: the decoded path.
        query: the encoded query.
    """
    path = path.removesuffix("/")
    if path in _FILES or path.startswith(_FILE_FOLDER):
        return path, ""
    try:
        parameters = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:  # not UTF-8, or too many
        return path, query
    relevant = [(name, value) for name, value in parameters if _is_relevant(path, name)]
    # By name only: the order of an option that is given twice may matter.
    relevant.sort(key=lambda parameter: parameter[0])
    return path, urlencode(relevant)


def _is_relevant(path: str, name: str) -> bool:
    """Whether the response may depend on a parameter."""
    if path == _OEMBED:
        return name in _OEMBED_PARAMETERS
    return not is_tracking(name)
