"""Full proofs, run by ``make prove NAME=…`` and never in CI; each writes its report to docs/proofs."""
