round(CAST(value AS numeric), 9) AS value
