"""The collector of experiments: what it shows when, whatever its source does."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.canned import CannedSource, Exporter, find_verdict
from experiments.courses import BEGIN, follow
from panewatch.collector import Reconfigurable, SourceUnavailable, Startable
from panewatch.experiments import contract as c
from panewatch.experiments.model import Experiment
from panewatch.experiments.source import FAILURES, SKIPPED, SourceError
from polling import wait_until

GOLDEN = Path(__file__).parents[1] / "golden" / "experiments.prom"
ALWAYS = {"experiments_source_items_read_total", "experiments_source_capacity_units_total",
          *(f'experiments_source_failures_total{{reason="{r}"}}' for r in FAILURES)}  # fmt: skip
LIMITS = {
    "experiments_bitrate_goal_bits_per_second",
    "experiments_bitrate_baseline_bits_per_second",
}
UP, LAST_READ = "experiments_source_up", "experiments_source_last_read_timestamp_seconds"
STORY = ("9", "T", "R", "6", "F:disk")


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    watching = Exporter()
    yield watching
    for source in watching.sources:
        source.open_gate.set()
    watching.collector.stop()


def hold(exporter: Exporter, *course: object, version: int = 1) -> None:
    """Have the source hold a course, read whole right now."""
    exporter.source.hold(follow(course), exporter.wall, version)


def begin(exporter: Exporter, *course: object) -> dict[str, float]:
    """Take a first sample, in which the source is opened and holds a course."""
    exporter.prepare = lambda source: source.hold(follow(course), exporter.wall)
    return exporter.look()


def test_fits_the_runner(exporter: Exporter) -> None:
    assert isinstance(exporter.collector, Startable)
    assert isinstance(exporter.collector, Reconfigurable)


class TestWithoutASource:
    def test_shows_only_counters_and_succeeds(self) -> None:
        exporter = Exporter(source=None)
        assert exporter.look().keys() == ALWAYS
        assert (exporter.failure, exporter.sources) == (None, [])

    def test_begins_when_one_is_set(self) -> None:
        exporter = Exporter(source=None)
        exporter.look()
        exporter.collector.reconfigure(Exporter.make_config())
        assert begin(exporter, *STORY)['experiments{status="completed"}'] == 2
        exporter.collector.stop()


class TestReading:
    def test_shows_what_is_there(self, exporter: Exporter) -> None:
        values = begin(exporter, *STORY)
        assert values['experiments{status="completed"}'] == 2
        assert values['experiment_bitrate_bits_per_second{experiment="e3"}'] == 6e6
        assert values["experiments_bitrate_best_bits_per_second"] == 6e6
        assert values["experiments_completed_total"] == 2
        assert find_verdict(values) == "continue early"
        assert (values[UP], values[LAST_READ]) == (1, exporter.wall)
        assert exporter.failure is None

    def test_nothing_before_it_is_whole(self, exporter: Exporter) -> None:
        values = exporter.look()
        assert values.keys() == ALWAYS | LIMITS
        assert values["experiments_source_items_read_total"] == 10
        hold(exporter, *STORY)
        assert exporter.look()[UP] == 1

    def test_an_empty_source_is_whole(self, exporter: Exporter) -> None:
        values = begin(exporter)
        assert values['experiments{status="completed"}'] == 0
        assert find_verdict(values) == "continue waiting"
        assert "experiments_bitrate_best_bits_per_second" not in values
        assert not any(series.startswith("experiments_plan") for series in values)

    def test_all_calls_come_from_one_thread_and_it_is_closed(self, exporter: Exporter) -> None:
        begin(exporter, *STORY)
        exporter.look()
        exporter.collector.stop()
        assert exporter.source.closed
        assert len(exporter.source.threads) == 1

    def test_it_is_asked_for_a_part_of_the_time_that_a_sample_has(self, exporter: Exporter) -> None:
        begin(exporter, *STORY)
        for timeout in (8, 600):
            exporter.collector.reconfigure(Exporter.make_config(timeout=timeout))
            exporter.look()
        assert exporter.source.asked == [5, 2, 5]

    def test_unchanged_families_are_the_very_same(self, exporter: Exporter) -> None:
        begin(exporter, *STORY)
        name = "panewatch_experiments_verdict"

        def find() -> object:
            (family,) = (f for f in exporter.collector.collect() if f.name == name)
            return family

        before = find()
        assert find() is before
        hold(exporter, *STORY, "5", version=2)
        assert find() is not before

    def test_the_plan_moves_with_time_alone(self, exporter: Exporter) -> None:
        exporter.wall = BEGIN + 3600
        values = begin(exporter, *STORY)
        assert values['experiments_plan{bound="least"}'] == 3
        assert values["experiments_plan_bitrate_best_bits_per_second"] == 15e6
        exporter.pass_time(3600)
        assert exporter.look()['experiments_plan{bound="least"}'] == 6


class TestFailing:
    def fail(self, exporter: Exporter, reason: str = "throttled") -> dict[str, float]:
        exporter.source.error = SourceError(reason, "too many requests")
        values = exporter.look()
        assert isinstance(exporter.failure, SourceUnavailable)
        assert exporter.failure.reason == "too many requests"
        return values

    def test_keeps_what_was_read_with_its_age_and_says_so(self, exporter: Exporter) -> None:
        before = begin(exporter, *STORY)
        exporter.pass_time(100)
        values = self.fail(exporter)
        assert values['experiment_bitrate_bits_per_second{experiment="e3"}'] == 6e6
        assert (values[UP], values[LAST_READ]) == (0, before[LAST_READ])
        assert values['experiments_source_failures_total{reason="throttled"}'] == 1

    def test_drops_it_when_it_has_expired(self, exporter: Exporter) -> None:
        read_at = begin(exporter, *STORY)[LAST_READ]
        exporter.pass_time(900)
        assert 'experiments{status="completed"}' in self.fail(exporter)
        exporter.pass_time(1)
        values = self.fail(exporter)
        assert values.keys() == ALWAYS | LIMITS | {UP, LAST_READ}
        assert values[LAST_READ] == read_at
        exporter.source.error = None
        hold(exporter, *STORY)
        values = exporter.look()
        assert (values[UP], values["experiments_completed_total"]) == (1, 2)

    def test_age_counts_from_the_reading_and_not_from_the_sample(self, exporter: Exporter) -> None:
        begin(exporter, *STORY)
        # A later reading is under way all the time: what is given is as old as it is.
        exporter.pass_time(901)
        assert exporter.look()[UP] == 1
        assert 'experiments{status="completed"}' not in self.fail(exporter)

    @pytest.mark.parametrize(("age", "left"), [(600, 300), (0, 900), (-3600, 900)])
    def test_what_was_old_when_it_was_given_expires_sooner(
        self, exporter: Exporter, age: float, left: float
    ) -> None:
        exporter.prepare = lambda source: source.hold(follow(STORY), exporter.wall - age)
        exporter.look()
        exporter.pass_time(left)
        assert 'experiments{status="completed"}' in self.fail(exporter)
        exporter.pass_time(1)
        assert 'experiments{status="completed"}' not in self.fail(exporter)

    def test_a_clock_that_jumps_expires_nothing(self, exporter: Exporter) -> None:
        begin(exporter, *STORY)
        exporter.wall += 86_400
        assert 'experiments{status="completed"}' in self.fail(exporter)

    def test_a_reading_under_way_after_a_failure_is_no_success_yet(
        self, exporter: Exporter
    ) -> None:
        begin(exporter, *STORY)
        self.fail(exporter)
        exporter.source.error, exporter.source.whole = None, None
        assert exporter.look()[UP] == 0
        assert exporter.failure is None
        exporter.pass_time(901)
        assert exporter.look().keys() == ALWAYS | LIMITS | {UP, LAST_READ}

    def test_a_reading_that_goes_on_after_a_failure_is_one(self, exporter: Exporter) -> None:
        begin(exporter, *STORY)
        self.fail(exporter)
        exporter.source.error = None
        values = exporter.look()
        assert values[UP] == 1
        assert 'experiments{status="completed"}' in values

    def test_what_has_expired_is_not_shown_again(self, exporter: Exporter) -> None:
        begin(exporter, *STORY)
        exporter.pass_time(901)
        self.fail(exporter)
        exporter.source.error = None
        for _ in range(2):
            assert exporter.look().keys() == ALWAYS | LIMITS | {UP, LAST_READ}
        exporter.source.hold(follow(STORY), exporter.wall)
        assert exporter.look()[UP] == 1

    def test_a_first_reading_that_fails(self, exporter: Exporter) -> None:
        exporter.prepare = lambda s: setattr(s, "error", SourceError("absent", "no such table"))
        values = exporter.look()
        assert values.keys() == ALWAYS | LIMITS | {UP}
        assert values[UP] == 0

    def test_a_source_that_cannot_be_opened_is_tried_again(self, exporter: Exporter) -> None:
        def refuse(_: CannedSource) -> None:
            raise SourceError("credentials", "there are none")

        exporter.prepare = refuse
        for count in (1, 2):
            values = exporter.look()
            assert values['experiments_source_failures_total{reason="credentials"}'] == count
        assert begin(exporter, *STORY)[UP] == 1

    def test_a_fault_of_its_own_hides_nothing_and_is_not_hidden(self, exporter: Exporter) -> None:
        begin(exporter, *STORY)
        exporter.source.error = ZeroDivisionError()
        values = exporter.look()
        assert isinstance(exporter.failure, ZeroDivisionError)
        assert (values[UP], values['experiments{status="completed"}']) == (0, 2)
        assert not any(v for s, v in values.items() if "failures_total" in s)


class TestHanging:
    def test_holds_up_no_sample_and_shows_what_was_read(self) -> None:
        exporter = Exporter()
        begin(exporter, *STORY)
        exporter.source.open_gate.clear()
        exporter.collector.reconfigure(exporter.make_config(timeout=0.4))
        for count in (1, 2):
            values = exporter.look()
            assert isinstance(exporter.failure, SourceUnavailable)
            assert (values[UP], values['experiments{status="completed"}']) == (0, 2)
            assert values['experiments_source_failures_total{reason="timeout"}'] == count
        exporter.source.open_gate.set()
        exporter.collector.reconfigure(exporter.config)
        assert wait_until(lambda: exporter.look()[UP])
        assert len(exporter.source.threads) == 1
        exporter.collector.stop()

    def test_another_source_is_read_all_the_same(self) -> None:
        exporter = Exporter(timeout=0.4)
        exporter.prepare = lambda source: source.open_gate.clear()
        exporter.look()
        exporter.collector.reconfigure(Exporter.make_config(source="/elsewhere.jsonl"))
        assert begin(exporter, "9")['experiments{status="completed"}'] == 1
        exporter.sources[0].open_gate.set()
        exporter.collector.stop()


class TestCounters:
    def test_each_completed_one_counts_once_also_over_a_purge(self, exporter: Exporter) -> None:
        assert begin(exporter, *["15.04x26"])["experiments_completed_total"] == 26
        hold(exporter, version=2)
        assert exporter.look()["experiments_completed_total"] == 26
        new = [Experiment(f"n{number}", "completed", BEGIN, 5e6) for number in range(3)]
        exporter.source.hold(new, exporter.wall, 3)
        assert exporter.look()["experiments_completed_total"] == 29

    def test_what_reading_costs_never_falls(self, exporter: Exporter) -> None:
        begin(exporter, *STORY)
        exporter.look()
        exporter.collector.reconfigure(Exporter.make_config(source="/elsewhere.jsonl"))
        values = begin(exporter, *STORY)
        assert values["experiments_source_items_read_total"] == 30
        assert values["experiments_source_capacity_units_total"] == 1.5
        assert exporter.sources[0].closed

    def test_of_no_source_any_more_too(self, exporter: Exporter) -> None:
        begin(exporter, *STORY)
        exporter.collector.reconfigure(Exporter.make_config(source=None))
        values = exporter.look()
        assert values.keys() == ALWAYS
        assert values["experiments_source_items_read_total"] == 10


class TestReconfiguring:
    def test_other_thresholds_hold_without_reading_anew(self, exporter: Exporter) -> None:
        assert find_verdict(begin(exporter, "9", "8", "7")) == "continue improving"
        exporter.collector.reconfigure(Exporter.make_config(verdict={"goal_mbps": 7.5}))
        values = exporter.look()
        assert find_verdict(values) == "reached goal"
        assert values["experiments_bitrate_goal_bits_per_second"] == 7.5e6
        assert len(exporter.sources) == 1

    def test_another_shape_of_items_is_another_source(self, exporter: Exporter) -> None:
        begin(exporter, *STORY)
        exporter.prepare = lambda _: None
        exporter.collector.reconfigure(Exporter.make_config(item={"status": "state"}))
        assert exporter.look().keys() == ALWAYS | LIMITS
        assert len(exporter.sources) == 2

    def test_a_shorter_expiry_counts_at_once(self, exporter: Exporter) -> None:
        begin(exporter, *STORY)
        exporter.pass_time(60)
        exporter.source.error = SourceError("server", "an error of the service")
        exporter.collector.reconfigure(Exporter.make_config(expires_after=30))
        assert 'experiments{status="completed"}' not in exporter.look()


class TestHostileIds:
    def test_no_id_breaks_out_and_no_series_comes_twice(self, exporter: Exporter) -> None:
        hostile = ['x"} 1\nup 0', "a b", "arn:aws:dynamodb:eu:123456789012:table/t", "", "ok", "ok"]
        exporter.prepare = lambda source: source.hold(
            [Experiment(text, "completed", BEGIN + n, 1e6 + n) for n, text in enumerate(hostile)],
            exporter.wall,
        )
        values = exporter.look()
        prefix = 'experiment_bitrate_bits_per_second{experiment="'
        labels = [s.removeprefix(prefix)[:-2] for s in values if s.startswith(prefix)]
        assert len(labels) == 5
        assert {label for label in labels if not label.startswith("x-")} == {"ok"}
        assert values[f'{prefix}ok"}}'] == 1e6 + 5
        assert "arn" not in exporter.text
        assert exporter.text.count(prefix) == 5

    def test_only_the_newest_have_series(self) -> None:
        exporter = Exporter(newest=50)
        exporter.prepare = lambda source: source.hold(
            [Experiment(f"e{n}", "completed", BEGIN + n, 1e6 + n) for n in range(10_000)],
            exporter.wall,
        )
        values = exporter.look()
        assert sum(series.startswith("experiment_bitrate") for series in values) == 50
        assert 'experiment_timestamp_seconds{experiment="e9950"}' in values
        exporter.collector.stop()


class TestExposition:
    @pytest.fixture
    def text(self, exporter: Exporter) -> str:
        experiments = follow(["9", "T", "R", "O", "6", "F:disk", "F:disk!", "Fv2", "6.5"])
        experiments.append(
            Experiment("an id", "completed", experiments[-1].time + 60, 5e6, psnr=41.5, ssim=0.98)
        )
        exporter.wall = BEGIN + 7200
        exporter.prepare = lambda source: source.hold(
            experiments, exporter.wall - 1, number=2, duplicate=1
        )
        exporter.look()
        return exporter.text

    def test_is_as_agreed(self, text: str, request: pytest.FixtureRequest) -> None:
        if request.config.getoption("--update-golden"):
            GOLDEN.write_text(text)
        assert text == GOLDEN.read_text()

    def test_has_every_family_in_the_order_of_the_contract(self, text: str) -> None:
        told = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")]
        assert told == [spec.full_name for spec in c.METRICS]

    def test_has_every_label_of_the_closed_lists(self, text: str) -> None:
        for reason, verdict in c.REASONS.items():
            assert f'verdict{{reason="{reason}",verdict="{verdict}"}}' in text
        for reason in SKIPPED:
            assert f'items_skipped{{reason="{reason}"}}' in text

    def test_promtool_would_only_have_bytes_for_bits(self, text: str) -> None:
        done = subprocess.run(
            ["promtool", "check", "metrics"],
            input=text,
            text=True,
            capture_output=True,
            check=False,
        )
        # Bitrates are in bits, as ADR-0002 says; nothing else may be found.
        assert set((done.stdout + done.stderr).splitlines()) == {
            f'{spec.full_name} use base unit "bytes" instead of "bits"'
            for spec in c.METRICS
            if spec.unit == "bits_per_second"
        }
