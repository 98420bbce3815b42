"""How observed values come in: rows over HTTP, SensorThings, MQTT."""
