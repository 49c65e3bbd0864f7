"""Whether panewatch itself is well: the tiles that two dashboards show."""

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.models import units

from boards.panels import tiles
from boards.queries import HOST, Query, select
from boards.states import GREEN, RED, value_mapping


def exporters() -> stat.Panel:
    """Build a tile for each host: whether panewatch can be reached."""
    return tiles(
        "Exporters",
        "Whether Prometheus reaches panewatch on each host. While one is down nothing on its "
        "panes is known and no alert on them fires: see to it first. Run `panewatch healthcheck` "
        "on the host, then compare address, TLS and password with prometheus.yml.",
        [Query(f"max by (instance) (up{{{HOST}}})", legend="{{instance}}", instant=True)],
        units.NoUnit,
        mapping=value_mapping({"1": ("up", GREEN), "0": ("down", RED)}),
        none="none configured",
    )


def collectors() -> stat.Panel:
    """Build a tile for each collector: whether its last sample succeeded on every host."""
    return tiles(
        "Collectors",
        "Whether the last sample of each collector succeeded on every host. A failing one "
        "withholds its series; its errors on the exporter dashboard tell the reason, the log "
        "tells more.",
        [
            Query(
                f"min by (collector) ({select('panewatch_collector_success', HOST)})",
                legend="{{collector}}",
                instant=True,
            )
        ],
        units.NoUnit,
        mapping=value_mapping({"1": ("ok", GREEN), "0": ("failing", RED)}),
        none="none seen",
    )
