"""Field reports over HTTP and as pages."""
