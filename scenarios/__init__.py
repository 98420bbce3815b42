"""Operating scenarios: indicators, observations, rules, alerts, tasks and reports, as versioned data."""
