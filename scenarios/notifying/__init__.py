"""Notifications that leave the service: who is told of what, by which channel, in which words."""
