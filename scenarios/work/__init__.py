"""Work that follows from alerts: working days and the deadlines counted in them."""
