kind, layer, key, unit_code, lon, lat, series_id, observed_at, version, value, other, other_at, other_version,
        samples, detail
