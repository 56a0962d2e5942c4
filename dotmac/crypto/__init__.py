"""Field encryption, signed tokens, keys, redacted secrets and the local certificate authority.

Import from the modules: `secret`, `fields`, `keys`, `tokens`, `contracts`, `local_ca`.
"""
