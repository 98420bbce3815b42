"""The process: HTTP, settings, lifespan, command line and the private database cluster."""
