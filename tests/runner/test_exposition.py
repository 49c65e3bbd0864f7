"""The renderer against the official client's two formats and its two parsers."""

import copy
import math
from collections.abc import Callable, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
    SummaryMetricFamily,
    UnknownMetricFamily,
)
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import BucketSpan, Exemplar, NativeHistogram, Sample, Timestamp

from panewatch.exposition import InvalidFamilyError, Rendered, render


class Registry:
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def write_text(rendered: Iterable[Rendered]) -> bytes:
    return "".join("".join(each.text) for each in rendered).encode()


def write_openmetrics(rendered: Iterable[Rendered]) -> bytes:
    return "".join("".join(each.openmetrics) for each in rendered).encode() + b"# EOF\n"


def assert_same_as_client(families: Sequence[Metric]) -> None:
    rendered = [render(family) for family in families]
    assert [each.dropped for each in rendered] == [0] * len(families)
    registry = Registry(families)
    assert write_text(rendered) == generate_latest(registry)
    assert write_openmetrics(rendered) == generate_openmetrics(registry)  # type: ignore[no-untyped-call]


# Text as hostile as a session name can be; surrogates are another test's business.
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"', "\\", "\n", '"} 1\nup 0\n', "\\n", "%s", "{}", "タイトル✓", "\x00\x1b[31m", "a,b=c"]
)
numbers = (
    st.floats()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from(
        [
            0,
            -0.0,
            1e6,
            999999.9,
            1234567.0,
            1e15,
            1.5e16,
            1e21,
            5e-324,
            math.inf,
            -math.inf,
            math.nan,
        ]
    )
)
counts = st.floats(min_value=0, allow_nan=False) | st.integers(0, 2**70)
stamps = (
    st.none()
    | st.floats(0, 4e9)
    | st.builds(Timestamp, st.integers(0, 2**32), st.integers(0, 999_999_999))
)
labels = st.lists(st.sampled_from(["pane", "server", "a", "Z9_"]), unique=True, max_size=4)


@st.composite
def families(draw: st.DrawFn, name: str = "panewatch_thing") -> Metric:
    names = draw(labels)
    values = st.tuples(*[words] * len(names))
    rows = draw(st.lists(values, unique=True, max_size=4 if names else 1))
    text = draw(words)
    build: Callable[..., Metric] = draw(
        st.sampled_from([
            GaugeMetricFamily, CounterMetricFamily, UnknownMetricFamily, SummaryMetricFamily,
            HistogramMetricFamily, GaugeHistogramMetricFamily, InfoMetricFamily,
            StateSetMetricFamily,
        ])
    )  # fmt: skip
    family = build(name, text, labels=names)
    add: Callable[..., None] = family.add_metric  # type: ignore[attr-defined]
    for row in rows:
        stamp = draw(stamps)
        if isinstance(family, CounterMetricFamily):
            exemplar = draw(
                st.none()
                | st.builds(Exemplar, st.dictionaries(st.just("id"), words, min_size=1), numbers,
                            stamps)
            )  # fmt: skip
            add(row, draw(counts), draw(st.none() | counts), stamp, exemplar)
        elif isinstance(family, SummaryMetricFamily):
            add(row, draw(st.integers(0, 1000)), draw(counts), stamp)
        elif isinstance(family, HistogramMetricFamily | GaugeHistogramMetricFamily):
            at = sorted(draw(st.lists(st.integers(0, 2**53), min_size=3, max_size=3)))
            buckets = list(zip(["0.5", "1e+06", "+Inf"], at, strict=True))
            add(row, buckets, draw(counts), stamp)
        elif isinstance(family, InfoMetricFamily):
            add(row, {"version": draw(words)}, stamp)
        elif isinstance(family, StateSetMetricFamily):
            add(row, {"on": True, draw(words): False}, stamp)
        else:
            add(row, draw(numbers), stamp)
    return family


@given(families(), families(name="panewatch_other_seconds"))
def test_equals_the_official_client_and_parses(first: Metric, second: Metric) -> None:
    assert_same_as_client([first, second])
    rendered = [render(first), render(second)]
    assert len(list(parse_text(write_text(rendered).decode()))) >= 2


@given(families(), families(), st.data())
def test_taking_over_from_the_last_rendering_changes_nothing(
    before: Metric, other: Metric, data: st.DataObject
) -> None:
    now = copy.copy(before)
    now.samples = []
    for sample in before.samples:
        fate = data.draw(st.sampled_from(["same", "value", "labels", "name", "gone"]))
        if fate == "same":
            now.samples.append(sample)
        elif fate == "value":
            now.samples.append(sample._replace(value=data.draw(numbers)))
        elif fate == "labels":
            now.samples.append(sample._replace(labels=data.draw(st.dictionaries(words, words))))
        elif fate == "name":
            now.samples.append(sample._replace(name=data.draw(words)))
    if data.draw(st.booleans()):
        now.samples += other.samples
    rendered, afresh = render(now, (before, render(before))), render(now)
    assert (rendered.text, rendered.openmetrics) == (afresh.text, afresh.openmetrics)
    assert (rendered.names, rendered.dropped) == (afresh.names, afresh.dropped)
    again = render(now, (now, rendered))
    assert (again.text, again.openmetrics) == (afresh.text, afresh.openmetrics)
    assert render(other, (now, rendered)).text == render(other).text


@given(st.lists(st.tuples(words, words, words), unique=True, min_size=1), numbers)
def test_labels_survive_both_official_parsers(
    rows: list[tuple[str, str, str]], value: float
) -> None:
    family = GaugeMetricFamily("panewatch_x", "Help.", labels=("pane", "server", "session"))
    for row in rows:
        family.add_metric(row, value)
    rendered = [render(family)]
    expected = {tuple(sorted(sample.labels.items())) for sample in family.samples}
    for parsed in (
        list(parse_openmetrics(write_openmetrics(rendered).decode())),  # type: ignore[no-untyped-call]
        list(parse_text(write_text(rendered).decode())),
    ):
        samples = [sample for family in parsed for sample in family.samples]
        assert {tuple(sorted(sample.labels.items())) for sample in samples} == expected
        assert all(
            sample.value == pytest.approx(float(value), nan_ok=True, rel=0) for sample in samples
        )


def test_unit_and_empty_family_equal_the_client() -> None:
    timed = GaugeMetricFamily("panewatch_wait", "How long.", value=1.5, unit="seconds")
    assert_same_as_client([timed, CounterMetricFamily("panewatch_none_total", "Nothing yet.")])


def test_exponents_are_written_as_go_does() -> None:
    family = GaugeMetricFamily("panewatch_x", "Help.", labels=("i",))
    for power in range(-30, 30):
        for digit in (1.0, 1.5, 9.999999):
            family.add_metric((f"{power}/{digit}",), digit * 10.0**power)
    assert_same_as_client([family])


def sample(name: str, labels: dict[str, str], value: float, **rest: object) -> Sample:
    return Sample(name, labels, value, **rest)  # type: ignore[arg-type]


def build_native() -> NativeHistogram:
    return NativeHistogram(1, 1.0, 0, 0.001, 0, (BucketSpan(0, 1),), None, (1,))


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        ("gauge", sample("panewatch_x", {"pane": "good"}, 2.0)),
        ("gauge", sample("panewatch_other", {"pane": "1"}, 1.0)),
        ("gauge", sample("panewatch_x_total", {"pane": "1"}, 1.0)),
        ("gauge", sample("panewatch_x", {"pane id": "1"}, 1.0)),
        ("gauge", sample("panewatch_x", {"__name__": "1"}, 1.0)),
        ("gauge", sample("panewatch_x", {"pane\n": "1"}, 1.0)),
        ("gauge", sample("panewatch_x", {"": "1"}, 1.0)),
        ("gauge", sample("panewatch_x", {"pane": "1"}, "many")),  # type: ignore[arg-type]
        ("gauge", sample("panewatch_x", {"pane": "1"}, None)),  # type: ignore[arg-type]
        ("gauge", sample("panewatch_x", {"pane": "1"}, 10**400)),
        ("gauge", sample("panewatch_x", {"pane": 1}, 1.0)),  # type: ignore[dict-item]
        ("gauge", sample("panewatch_x", {"pane": None}, 1.0)),  # type: ignore[dict-item]
        ("gauge", sample("panewatch_x", None, 1.0)),  # type: ignore[arg-type]
        ("gauge", sample("panewatch_x", {"pane": "1"}, 1.0, timestamp="now")),
        ("gauge", sample("panewatch_x", {"pane": "1"}, 1.0, timestamp=math.inf)),
        ("gauge", sample("panewatch_x", {"pane": "1"}, 1.0, native_histogram=build_native())),
        ("gauge", "no sample"),
        ("counter", sample("panewatch_x_total", {"pane": "1"}, -1.0)),
        ("counter", sample("panewatch_x_total", {"pane": "1"}, math.nan)),
        ("counter", sample("panewatch_x_total", {"pane": "1"}, 1.0, exemplar="no exemplar")),
        ("histogram", sample("panewatch_x_bucket", {"pane": "1"}, 1.0)),
        ("stateset", sample("panewatch_x", {"pane": "1"}, 1.0)),
        ("summary", sample("panewatch_x", {"pane": "1"}, 1.0)),
    ],
)
def test_one_bad_series_is_left_out_and_counted(kind: str, bad: Sample) -> None:
    suffix = {"counter": "_total", "histogram": "_sum", "summary": "_sum"}.get(kind, "")
    extra = {"panewatch_x": "on"} if kind == "stateset" else {}
    good = [
        sample(f"panewatch_x{suffix}", {"pane": "good", **extra}, 1.0),
        sample(f"panewatch_x{suffix}", {"pane": "also", **extra}, 2.0),
    ]
    clean, spoilt = Metric("panewatch_x", "Help.", kind), Metric("panewatch_x", "Help.", kind)
    clean.samples = good
    spoilt.samples = [good[0], bad, good[1]]
    assert render(clean).dropped == 0
    rendered = render(spoilt)
    assert rendered.dropped == 1
    assert write_text([rendered]) == write_text([render(clean)])
    assert write_openmetrics([rendered]) == write_openmetrics([render(clean)])


def test_lone_surrogates_become_replacement_characters() -> None:
    family = GaugeMetricFamily("panewatch_x", "Bad \udc80.", labels=("pane",))
    family.add_metric(("\ud800a\udfff",), 1.0)
    rendered = render(family)
    assert rendered.dropped == 0
    assert write_text([rendered]).decode() == (
        "# HELP panewatch_x Bad \ufffd.\n# TYPE panewatch_x gauge\n"
        'panewatch_x{pane="\ufffda\ufffd"} 1.0\n'
    )


def test_values_that_become_equal_by_repair_are_duplicates() -> None:
    family = GaugeMetricFamily("panewatch_x", "Help.", labels=("pane",))
    family.add_metric(("\ud800",), 1.0)
    family.add_metric(("\ud801",), 2.0)
    assert render(family).dropped == 1


@pytest.mark.parametrize("name", ["", "9x", "a b", "a-b", "x\n", "a.b", "é"])
def test_a_family_with_a_bad_name_is_refused(name: str) -> None:
    family = GaugeMetricFamily("panewatch_x", "Help.", value=1.0)
    family.name = name
    with pytest.raises(InvalidFamilyError):
        render(family)


def test_names_hold_every_series_name() -> None:
    family = HistogramMetricFamily("panewatch_h", "Help.")
    assert render(family).names == {
        "panewatch_h",
        "panewatch_h_bucket",
        "panewatch_h_sum",
        "panewatch_h_count",
        "panewatch_h_created",
    }


def test_series_of_one_family_may_have_different_labels() -> None:
    family = GaugeMetricFamily("panewatch_x", "Help.")
    family.samples = [
        sample("panewatch_x", {"pane": "1"}, 1.0),
        sample("panewatch_x", {"pane": "1", "server": "a"}, 2.0),
        sample("panewatch_x", {"window": "1", "server": "a"}, 3.0),
        sample("panewatch_x", {"server": "a", "window": "2"}, 4.0),
        sample("panewatch_x", {}, 5.0),
    ]
    assert_same_as_client([family])
