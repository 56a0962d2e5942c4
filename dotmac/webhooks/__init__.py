"""Webhooks after the Standard Webhooks specification: signing, checking, sending."""

from dotmac.webhooks.sending import Answer, Message, send
from dotmac.webhooks.signing import SignatureError, new_secret, sign, verify

__all__ = ["Answer", "Message", "SignatureError", "new_secret", "send", "sign", "verify"]
