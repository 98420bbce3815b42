"""Live events of the service, handed to everybody who looks on."""
