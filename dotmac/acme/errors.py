"""What an authority refused or why it was not reached, in words that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import requests
from acme import errors, messages
from josepy.errors import Error as JoseError

LOST = "lost"
_LONGEST = 500
_NO_ACME = "What %s answered is not ACME. Check the directory's address."
_ADVICE = {
    "accountDoesNotExist": "It is registered again by itself at the next try.",
    "caa": "Allow this authority in the domain's CAA records.",
    "externalAccountRequired": "Enter the key id and HMAC key that the authority gave you.",
    "userActionRequired": "The terms of service changed: read and accept them again.",
    "rejectedIdentifier": "The authority issues no certificate for this name.",
}


class AcmeError(Exception):
    """The authority could not do it; `permanent` says that the same call will fail again.

    `code` is the authority's word for it (RFC 8555, 6.7), or "lost" for an order that is gone.
    `retry_after_s` is how long the authority wants to be left alone, where it said so.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        code: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message[:_LONGEST]
        self.permanent = permanent
        self.code = code
        self.retry_after_s = retry_after_s


@contextmanager
def in_words(url: str) -> Iterator[None]:
    """Whatever the libraries raise while `url` is asked, as AcmeError."""
    host = urlsplit(url).netloc
    try:
        yield
    except messages.Error as error:
        raise _refused(host, error) from error
    except errors.ConflictError:
        raise
    except requests.exceptions.InvalidJSONError as error:
        raise AcmeError(_NO_ACME % host) from error
    except requests.exceptions.SSLError as error:
        text = (
            f"{host} shows a certificate that is not trusted here. For an authority of your own "
            "enter its root certificate."
        )
        raise AcmeError(text) from error
    except requests.Timeout as error:
        raise AcmeError(f"{host} did not answer in time.") from error
    except (requests.RequestException, OSError) as error:
        raise AcmeError(f"{host} cannot be reached.") from error
    except (errors.Error, JoseError, ValueError, KeyError, AttributeError) as error:
        raise AcmeError(_NO_ACME % host) from error


def words_of(problem: messages.Error) -> str:
    """A problem with those inside it, as the authority worded them."""
    name = f"{problem.identifier.value}: " if problem.identifier else ""
    said = str(problem.detail or problem.title or problem.description or problem.typ)
    inner = [words_of(one) for one in problem.subproblems or ()]
    return " ".join([name + said, *inner])[:_LONGEST]


def _refused(host: str, problem: messages.Error) -> AcmeError:
    code = str(problem.typ).rpartition(":")[2]
    advice = _ADVICE.get(code, "")
    said = words_of(problem).rstrip(".")
    return AcmeError(f"{host} refused: {said}. {advice}".rstrip(), permanent=True, code=code)
