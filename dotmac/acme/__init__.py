"""Certificates from an authority that speaks ACME (RFC 8555): account, order, HTTP-01, DNS-01."""

from dotmac.acme.account import Account, Binding, Terms
from dotmac.acme.chains import Facts, check_chain, new_key, read_chain, renewal_of, request_for
from dotmac.acme.errors import AcmeError
from dotmac.acme.orders import DNS, HTTP, Authorisation, Challenge, Order

__all__ = [
    "DNS",
    "HTTP",
    "Account",
    "AcmeError",
    "Authorisation",
    "Binding",
    "Challenge",
    "Facts",
    "Order",
    "Terms",
    "check_chain",
    "new_key",
    "read_chain",
    "renewal_of",
    "request_for",
]
