"""panewatch itself: does it see everything, and what does it cost."""

from grafana_foundation_sdk.builders import stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.events import events
from boards.health import collectors, exporters
from boards.layout import SERVER_VARIABLE, Row, Shelf, assemble, host_variables
from boards.panels import graph, tiles, timeline
from boards.queries import HOST, SERVER, Query, select, state_code
from boards.repositories import dropped_repositories, unread_repositories
from boards.states import GREEN, ORANGE, RED, SERVER_STATES, value_mapping
from boards.tables import Column, listing


def build() -> Dashboard:
    """Build the dashboard."""
    return assemble(
        "exporter",
        "Whether panewatch itself works: its collectors, its calls to tmux, its HTTP server and "
        "what it uses.",
        [*host_variables(every_host=True), SERVER_VARIABLE],
        [
            Row(
                "Health",
                [
                    Shelf(
                        5, [(5, exporters()), (5, collectors()), (5, _reload()), (9, _versions())]
                    ),
                    Shelf(7, [(8, _lastcollectors()), (8, _duration()), (8, _errors())]),
                ],
            ),
            Row(
                "tmux",
                [
                    Shelf(6, [(12, _server_state()), (12, _panes())]),
                    Shelf(7, [(8, _sweep()), (8, _calls()), (8, _call_failures())]),
                ],
            ),
            Row(
                "HTTP",
                [Shelf(7, [(8, _requests()), (8, _rejections()), (8, _scrape())])],
            ),
            Row(
                "Repositories",
                [Shelf(6, [(12, unread_repositories()), (12, dropped_repositories())])],
            ),
            Row("Process", [Shelf(7, [(8, _cpu()), (8, _memory()), (8, _files())])]),
        ],
        since="now-3h",
    )


def _reload() -> stat.Panel:
    return tiles(
        "Configuration",
        "Whether the last reload took the configuration file. Refused: the old configuration "
        "still runs; `panewatch check-config` names every error.",
        [
            Query(
                f"min by (instance) ({select('panewatch_config_last_reload_successful', HOST)})",
                legend="{{instance}}",
                instant=True,
            )
        ],
        units.NoUnit,
        mapping=value_mapping({"1": ("in use", GREEN), "0": ("refused", RED)}),
    )


def _versions() -> table.Panel:
    started = f"process_start_time_seconds{{{HOST}}}"
    running = select("panewatch_build_info", HOST)
    reloaded = select("panewatch_config_last_reload_success_timestamp_seconds", HOST)
    return listing(
        "Versions",
        "What runs on each host, when it started and when its configuration was last read. "
        "Counters begin anew at a start; hosts with different versions may export different "
        "series.",
        [
            f"1000 * {started}\n* on (job, instance) group_left (version, python) {running}",
            f"1000 * {reloaded}",
        ],
        [
            Column("instance", "Host"),
            Column("version", "Version", 80),
            Column("python", "Python", 80),
            Column("Value #A", "Started", 115, unit="dateTimeFromNow"),
            Column("Value #B", "Configured", 115, unit="dateTimeFromNow"),
        ],
    )


def _lastcollectors() -> timeseries.Panel:
    return graph(
        "Age of the last success",
        "Time since each collector last succeeded. It stays below the intervals of the "
        "collector and of the scrape together; a line that climbs is a collector that fails.",
        [
            Query(
                "time() - max by (instance, collector) "
                f"({select('panewatch_collector_last_success_timestamp_seconds', HOST)})",
                legend="{{collector}} {{instance}}",
            )
        ],
        units.Seconds,
    )


def _duration() -> timeseries.Panel:
    return graph(
        "Duration of a sample",
        "How long the last sample of each collector took. At its timeout (10 s by default) it "
        "is given up.",
        [
            Query(
                "max by (instance, collector) "
                f"({select('panewatch_collector_duration_seconds', HOST)})",
                legend="{{collector}} {{instance}}",
            )
        ],
        units.Seconds,
    )


def _errors() -> timeseries.Panel:
    return events(
        "Errors of collectors",
        "Samples that failed. Raised is a fault in panewatch: report it with the log. Timeout "
        "and unavailable are the source's; invalid is data that made no metric.",
        "panewatch_collector_errors_total",
        HOST,
        by="collector, reason",
        legend="{{collector}}: {{reason}}",
    )


def _server_state() -> statetimeline.Panel:
    code = state_code("panewatch_tmux_server_state", SERVER, "instance, server", SERVER_STATES)
    return timeline(
        "tmux servers",
        "How the calls to each tmux server ended. Grey: none runs there. Red or orange: one is "
        "there and cannot be read; run `panewatch diagnose` on the host.",
        Query(f"{code} > 0", legend="{{server}} {{instance}}"),
        SERVER_STATES,
    )


def _panes() -> timeseries.Panel:
    return graph(
        "Panes",
        "Panes that are read, panes over the cap, which are not, and panes that ended between "
        "being listed and being read. Over the cap: raise max_panes or leave a server out.",
        [
            Query(f"sum({select('panewatch_panes', SERVER)})", legend="read"),
            Query(f"sum({select('panewatch_panes_dropped', SERVER)})", legend="over the cap"),
            Query(
                "60 * sum(rate("
                f"{select('panewatch_panes_vanished_total', SERVER)}[$__rate_interval]))",
                legend="vanished per minute",
            ),
        ],
        units.Short,
    )


def _sweep() -> timeseries.Panel:
    return graph(
        "Duration of a sweep",
        "How long the last look at all panes of each tmux server took. Near 1 s the sweep can "
        "no longer keep its interval: the host is overloaded or the server is far away.",
        [
            Query(
                f"max by (instance, server) ({select('panewatch_sweep_duration_seconds', SERVER)})",
                legend="{{server}} {{instance}}",
            )
        ],
        units.Seconds,
        limit=(1, ORANGE),
    )


def _calls() -> timeseries.Panel:
    return graph(
        "Calls to tmux",
        "Calls per second. Lists run all the time, captures only when a pane changed; neither "
        "grows with the number of panes.",
        [
            Query(
                "sum by (server, call) "
                f"(rate({select('panewatch_tmux_calls_total', SERVER)}[$__rate_interval]))",
                legend="{{server}}: {{call}}",
            )
        ],
        units.OpsPerSecond,
        beside=True,
        calcs=("lastNotNull",),
    )


def _call_failures() -> timeseries.Panel:
    return events(
        "Failed calls to tmux",
        "Calls that failed, by reason. Timeout: the server is stopped or overloaded. "
        "Permission: run panewatch as the user whose tmux it is. Binary: no tmux program there.",
        "panewatch_tmux_call_failures_total",
        SERVER,
        by="server, reason",
        legend="{{server}}: {{reason}}",
    )


def _requests() -> timeseries.Panel:
    return graph(
        "Requests",
        "Answered requests per second, by path and status. 503 is a request over max_requests, "
        "401 a wrong password.",
        [
            Query(
                "sum by (path, code) "
                f"(rate({select('panewatch_http_requests_total', HOST)}[$__rate_interval]))",
                legend="{{path}} {{code}}",
            )
        ],
        units.RequestsPerSecond,
        beside=True,
        calcs=("lastNotNull",),
    )


def _rejections() -> timeseries.Panel:
    return events(
        "Turned away",
        "Connections and requests that were not answered, by reason. Connections and requests: "
        "a limit was reached. Unauthorized: someone has a wrong password or tries some.",
        "panewatch_http_requests_rejected_total",
        HOST,
        by="reason",
        legend="{{reason}}",
    )


def _scrape() -> timeseries.Panel:
    return graph(
        "Duration of a scrape",
        "How long Prometheus waited for /metrics. Scrapes only join what was sampled before: "
        "seconds mean a starved host or a slow network.",
        [
            Query(
                f"max by (instance) (scrape_duration_seconds{{{HOST}}})",
                legend="{{instance}}",
            )
        ],
        units.Seconds,
    )


def _cpu() -> timeseries.Panel:
    return graph(
        "CPU of panewatch",
        "100 % is one core. It grows with the panes that change, not with all panes.",
        [
            Query(
                f"rate(process_cpu_seconds_total{{{HOST}}}[$__rate_interval])",
                legend="{{instance}}",
            )
        ],
        units.PercentUnit,
    )


def _memory() -> timeseries.Panel:
    return graph(
        "Memory of panewatch",
        "Resident memory. It follows the number of panes; a steady climb with the same panes is "
        "a leak: report it.",
        [Query(f"process_resident_memory_bytes{{{HOST}}}", legend="{{instance}}")],
        units.BytesIEC,
    )


def _files() -> timeseries.Panel:
    return graph(
        "Open files of panewatch",
        "Open file descriptors as a share of the limit. Near 100 % it can start no tmux call "
        "and take no connection: raise the limit and look for who holds connections.",
        [
            Query(
                f"process_open_fds{{{HOST}}} / process_max_fds{{{HOST}}}",
                legend="{{instance}}",
            )
        ],
        units.PercentUnit,
        limit=(0.8, RED),
    )
