"""ISPs that signed up, on a platform with one fake server."""

from tests.instances.world import engine, new_shop, platform, running_shop, sign_up

__all__ = ["engine", "new_shop", "platform", "running_shop", "sign_up"]
