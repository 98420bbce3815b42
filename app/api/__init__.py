"""The service's own HTTP interface: layers, admin units and questions."""
