"""What a public warning of an alert is made of, read from the database."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import Connection

from layers.access import Scope
from scenarios.alerts.reading import ListedAlert, read_alert
from scenarios.definition import Scenario
from scenarios.notifying.cap import Area, PublicWarning
from scenarios.notifying.history import messages_of
from scenarios.notifying.units import outer_rings, unit_names
from scenarios.outcomes import PlaceKind
from scenarios.revisions.reading import scenarios_in_force


def read_warning(connection: Connection, scope: Scope, alert_id: int, public_url: str) -> PublicWarning:
    """An alert as it is told to the world.

    Args:
        connection: In a transaction that sees one state of the database (REPEATABLE READ).
        scope: The reader's.
        alert_id: The alert.
        public_url: Address of the service without a final slash.

    Raises:
        AlertNotFound: There is none, or none that the reader may see.
    """
    whole = read_alert(connection, scope, alert_id)
    alert = whole.alert
    scenario = scenarios_in_force(connection, alert.opened_at).scenarios.get(alert.scenario)
    return PublicWarning(
        alert.id,
        alert.scenario,
        scenario,
        messages_of(whole),
        alert.since_at,
        _area(connection, alert),
        urlsplit(public_url).hostname or "localhost",
        f"{public_url}/board?s={alert.scenario}&a={alert.id}",
        _unit(scenario, alert.rule),
    )


def _area(connection: Connection, alert: ListedAlert) -> Area:
    code = alert.unit_code
    name = unit_names(connection, [code]).get(code, code)
    if alert.place_kind is PlaceKind.UNIT or alert.lon is None or alert.lat is None:
        return Area(name, code, outer_rings(connection, code))
    return Area(name, code, point=(alert.lon, alert.lat))


def _unit(scenario: Scenario | None, register: str) -> str:
    rules = scenario.rules if scenario else ()
    return next((rule.threshold.unit or "" for rule in rules if rule.register == register), "")
