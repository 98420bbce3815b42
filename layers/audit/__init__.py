"""The audit trail: events in the transaction of the act, a hash chain over them, signed checkpoints outside."""

from layers.audit.event import Detail, Event, Outcome, record_event, record_event_async

__all__ = ["Detail", "Event", "Outcome", "record_event", "record_event_async"]
