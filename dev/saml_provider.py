"""A stand-in SAML identity provider: an HTTP server of its own, which can be told to lie.

`python -m dev.saml_provider PORT` for a try by hand; tests start it in their process. Whoever
comes is signed in at once, as `person`; each knob makes one thing wrong.
"""

import base64
import sys
import threading
import zlib
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree

_SAML, _SAMLP = "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol"
_FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
_RESPONSE = """<samlp:Response xmlns:samlp="{samlp}" xmlns:saml="{saml}" ID="_{response}"
 Version="2.0" IssueInstant="{now}" Destination="{acs}"{answers}>
<saml:Issuer>{issuer}</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
<saml:Assertion xmlns:saml="{saml}" ID="_{assertion}" Version="2.0" IssueInstant="{now}">
<saml:Issuer>{issuer}</saml:Issuer>
<saml:Subject><saml:NameID Format="{format}">{subject}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
<saml:SubjectConfirmationData NotOnOrAfter="{until}" Recipient="{recipient}"{signed_answers}/>
</saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{since}" NotOnOrAfter="{until}">
<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>
</saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}" SessionIndex="_{assertion}"><saml:AuthnContext>
<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>
</saml:AuthnContext></saml:AuthnStatement>
<saml:AttributeStatement>{attributes}</saml:AttributeStatement>
</saml:Assertion></samlp:Response>"""
_ATTRIBUTE = (
    '<saml:Attribute Name="{}"><saml:AttributeValue>{}</saml:AttributeValue></saml:Attribute>'
)
_METADATA = """<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
 xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{issuer}">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>
<ds:X509Certificate>{certificate}</ds:X509Certificate>
</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
 Location="{issuer}/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>"""


@dataclass
class Knobs:
    """Who comes, and what is wrong; everything is right by default."""

    subject: str = "nora-17"
    format: str = _FORMAT
    person: dict[str, str] = field(
        default_factory=lambda: {"email": "nora@hilltop.example", "displayName": "Nora Lindqvist"}
    )
    # Replace parts of the response, for instance `audience` or `recipient`.
    changes: dict[str, str] = field(default_factory=dict)
    # "assertion", "response" or "nothing".
    signs: str = "assertion"
    is_signed_by_stranger: bool = False
    is_unasked: bool = False
    # "first", "wrapper" or "around": where a forged assertion stands beside the signed one.
    wraps: str = ""
    digest: str = "sha256"
    lasts_s: int = 300
    # Who the metadata is of, instead of the server's address.
    entity: str = ""


class Key:
    """A private key with its certificate."""

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A stand-in")])
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name)
        made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(
            now + timedelta(days=30)
        )
        der = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        self.certificate = base64.b64encode(der).decode()
        self.pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


class Provider:
    """The server and its keys; `with Provider() as provider:` runs it."""

    def __init__(self, port: int = 0) -> None:
        self.knobs = Knobs()
        self.key, self.stranger = Key(), Key()
        self.server = ThreadingHTTPServer(
            ("127.0.0.1", port), type("Handler", (_Handler,), {"provider": self})
        )
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> "Provider":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def metadata(self) -> str:
        entity = self.knobs.entity or self.url
        return _METADATA.format(issuer=entity, certificate=self.key.certificate)

    def answer(self, asked: str) -> tuple[str, str]:
        """Where the browser posts what, for a request as it comes in the query."""
        request = etree.fromstring(zlib.decompress(base64.b64decode(asked), -15))
        acs = request.get("AssertionConsumerServiceURL")
        service = request.find(f"{{{_SAML}}}Issuer").text
        document = etree.tostring(self._signed(self._response(request.get("ID"), acs, service)))
        return acs, base64.b64encode(document).decode()

    def _response(self, asked: str, acs: str, service: str) -> Any:
        now = datetime.now(UTC)
        answers = "" if self.knobs.is_unasked else f' InResponseTo="{asked}"'
        person = self.knobs.person.items()
        parts = {
            "samlp": _SAMLP,
            "saml": _SAML,
            "response": uuid4().hex,
            "assertion": uuid4().hex,
            "now": _iso(now),
            "since": _iso(now - timedelta(seconds=60)),
            "until": _iso(now + timedelta(seconds=self.knobs.lasts_s)),
            "acs": acs,
            "recipient": acs,
            "audience": service,
            "issuer": self.url,
            "answers": answers,
            "signed_answers": answers,
            "format": self.knobs.format,
            "subject": escape(self.knobs.subject),
            "attributes": "".join(_ATTRIBUTE.format(n, escape(v)) for n, v in person),
            **self.knobs.changes,
        }
        return etree.fromstring(_RESPONSE.format(**parts))

    def _signed(self, response: Any) -> Any:
        if self.knobs.signs == "response":
            self._sign(response)
        if self.knobs.signs == "assertion":
            self._sign(response.find(f"{{{_SAML}}}Assertion"))
        return _wrapped(response, self.knobs.wraps) if self.knobs.wraps else response

    def _sign(self, node: Any) -> None:
        """An enveloped signature behind the issuer, as the schema wants it."""
        digest = self.knobs.digest.upper()
        signature = xmlsec.template.create(
            node, xmlsec.Transform.EXCL_C14N, getattr(xmlsec.Transform, f"RSA_{digest}")
        )
        node.insert(1, signature)
        reference = xmlsec.template.add_reference(
            signature, getattr(xmlsec.Transform, digest), uri=f"#{node.get('ID')}"
        )
        xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
        xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
        xmlsec.tree.add_ids(node, ["ID"])
        context = xmlsec.SignatureContext()
        key = self.stranger if self.knobs.is_signed_by_stranger else self.key
        context.key = xmlsec.Key.from_memory(key.pem, xmlsec.KeyFormat.PEM)
        context.sign(signature)


def _wrapped(response: Any, way: str) -> Any:
    """A forged assertion for the victim beside the one that is signed (XSW)."""
    signed = response.find(f"{{{_SAML}}}Assertion")
    forged = deepcopy(signed)
    forged.remove(forged.find("{http://www.w3.org/2000/09/xmldsig#}Signature"))
    forged.find(f".//{{{_SAML}}}NameID").text = "victim"
    for value in forged.iterfind(f".//{{{_SAML}}}AttributeValue"):
        value.text = "victim@hilltop.example"
    if way == "same-id":
        signed.addprevious(forged)
        return response
    forged.set("ID", "_forged")
    if way == "first":
        signed.addprevious(forged)
    elif way == "last":
        signed.addnext(forged)
    elif way == "around":
        response.replace(signed, forged)
        forged.append(signed)
    else:
        response.replace(signed, forged)
        etree.SubElement(response, f"{{{_SAMLP}}}Extensions").append(signed)
    return response


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query).get("SAMLRequest", [""])[0]
        if parts.path == "/metadata":
            self._answer("application/samlmetadata+xml", self.provider.metadata())
        elif parts.path == "/sso" and asked:
            acs, response = self.provider.answer(asked)
            self._answer("text/html", _form(acs, response))
        else:
            self.send_error(404)

    def _answer(self, media_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def _form(acs: str, response: str) -> str:
    return (
        f'<body onload="document.forms[0].submit()"><form method="post" action="{escape(acs)}">'
        f'<input type="hidden" name="SAMLResponse" value="{response}"></form></body>'
    )


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def main() -> None:
    with Provider(int(sys.argv[1]) if len(sys.argv) > 1 else 0) as provider:
        print(f"Metadata  {provider.url}/metadata")
        threading.Event().wait()


if __name__ == "__main__":
    main()
