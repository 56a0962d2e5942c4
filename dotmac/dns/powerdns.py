"""The API of a PowerDNS authoritative server."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from dotmac.crypto.secret import Secret
from dotmac.dns.base import TTL_S, DnsError, parents

_KEY = "X-API-Key"
_REASONS = {
    401: "the API key is not the one that it knows",
    403: "the API key may not do this",
    404: "there is no such server or zone",
}


@dataclass(frozen=True)
class PowerDns:
    """A server by its API's address, as http://127.0.0.1:8081."""

    url: str
    api_key: Secret = field(repr=False)
    server_id: str = "localhost"
    timeout_s: float = 10.0

    def add_txt(self, name: str, value: str) -> None:
        """Have a TXT record of this value beside others of the name."""
        self._change(name, value, is_there=True)

    def remove_txt(self, name: str, value: str) -> None:
        """Have it no more; others of the name stay."""
        self._change(name, value, is_there=False)

    def _change(self, name: str, value: str, *, is_there: bool) -> None:
        """The API replaces all records of a name and type: read, then written with or without."""
        zone = self._zone_of(name)
        absolute, quoted = f"{name.rstrip('.')}.", f'"{value}"'
        path = f"/zones/{quote(zone, safe='')}"
        there = self._ask("GET", f"{path}?rrset_name={quote(absolute)}&rrset_type=TXT")
        now = [
            record["content"]
            for rrset in there.get("rrsets", ())
            if rrset["name"] == absolute and rrset["type"] == "TXT"
            for record in rrset["records"]
        ]
        wanted = [one for one in now if one != quoted] + ([quoted] if is_there else [])
        records = [{"content": one, "disabled": False} for one in wanted]
        change = {"name": absolute, "type": "TXT", "ttl": TTL_S, "records": records}
        change["changetype"] = "REPLACE" if wanted else "DELETE"
        self._ask("PATCH", path, {"rrsets": [change]})

    def _zone_of(self, name: str) -> str:
        known = {str(zone["name"]) for zone in self._ask("GET", "/zones")}
        for zone in parents(name):
            if f"{zone}." in known:
                return f"{zone}."
        raise DnsError(f"PowerDNS holds no zone that {name} lies in.", permanent=True)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.url.rstrip('/')}/api/v1/servers/{quote(self.server_id)}{path}"
        headers = {_KEY: self.api_key.reveal()}
        try:
            # Not followed elsewhere: the key goes along.
            answer = requests.request(
                method,
                url,
                json=body,
                headers=headers,
                timeout=self.timeout_s,
                allow_redirects=False,
            )
            if not answer.ok or answer.is_redirect:
                raise DnsError(_refusal(answer))
            return answer.json() if answer.content else {}
        except requests.Timeout as error:
            raise DnsError("The API of PowerDNS did not answer in time.") from error
        except requests.exceptions.InvalidJSONError as error:
            raise DnsError("What answered is not the API of PowerDNS.") from error
        except (requests.RequestException, ValueError):
            # Without its cause, whose words hold the key where it makes a malformed header.
            raise DnsError("The API of PowerDNS cannot be reached.") from None


def _refusal(answer: requests.Response) -> str:
    try:
        said = str(answer.json().get("error") or "")[:200]
    except (ValueError, AttributeError):
        said = ""
    reason = said or _REASONS.get(answer.status_code, "it says no more")
    return f"PowerDNS answered {answer.status_code}: {reason}."
