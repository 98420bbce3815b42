"""Sending messages out of the service: by e-mail, webhook, Zalo, and a gateway for SMS and loudspeakers."""
