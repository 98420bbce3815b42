"""Whether each commune renews its part of each layer as often as promised, and how well."""
