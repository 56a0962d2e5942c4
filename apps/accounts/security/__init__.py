"""How people prove who they are: factors, sessions, alerts, and what an ISP demands of them."""
