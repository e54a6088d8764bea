"""What deploy/ has for Prometheus and Grafana asks for metrics and labels that there are."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry, ProcessCollector

from bot.metrics import METRICS, Kind
from bot.settings.sections import Monitoring

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
BOARD = json.loads((DEPLOY / "grafana" / "klingbot.json").read_text("utf-8"))
RULES = [rule for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"] for rule in group["rules"]]
OF_PROMETHEUS = {"instance", "job"}
"""The labels of every scraped sample."""

SUFFIXES = {Kind.HISTOGRAM: ("_bucket", "_count", "_sum"), Kind.COUNTER: ("",), Kind.GAUGE: ("",)}
LABELS = {
    metric.name + suffix: {*metric.labels, *OF_PROMETHEUS, *(["le"] if suffix == "_bucket" else [])}
    for metric in METRICS
    for suffix in SUFFIXES[metric.kind]
}


def of_the_process() -> Iterator[str]:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    for family in registry.collect():
        yield from (sample.name for sample in family.samples)


LABELS |= dict.fromkeys(("up", *of_the_process()), OF_PROMETHEUS)
NAME = re.compile(r"\b((?:klingbot|process)_\w+|up)(?:\{([^}]*)\})?")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GROUPING = re.compile(r"\b(?:by|on|group_left|without)\s*\(([^)]*)\)")

QUERIES = {
    f"panel {panel['title']} {target['refId']}": (target["expr"], target["legendFormat"])
    for panel in BOARD["panels"]
    for target in panel.get("targets", ())
} | {f"alert {rule['alert']}": (rule["expr"], " ".join(rule["annotations"].values())) for rule in RULES}


def faults(query: str, shown: str) -> list[str]:
    """What a query, or what is shown of its result, names that there is not."""
    names = NAME.findall(query)
    found = [name for name, _ in names if name not in LABELS]
    known = set().union(*(LABELS.get(name, set()) for name, _ in names))
    for name, matchers in names:
        found += [
            f"{name}: {label}" for label in MATCHER.findall(matchers) if label not in LABELS.get(name, set())
        ]
    for grouping in GROUPING.findall(query):
        found += [label for label in re.findall(r"\w+", grouping) if label not in known]
    named = re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", shown)
    return found + [label for label in named if label not in known] + ([] if names else ["no metric"])


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_asks_for_metrics_and_labels_that_there_are(name):
    assert faults(*QUERIES[name]) == []


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("klingbot_nothing_total", ""),
        ('klingbot_tasks{colour="red"}', ""),
        ("sum by (colour) (klingbot_tasks)", ""),
        ("klingbot_tasks", "{{colour}}"),
        ("klingbot_tasks", "{{ $labels.colour }}"),
        ("klingbot_delivery_seconds", ""),
        ("klingbot_updates", ""),
        ("1 + 1", ""),
    ],
)
def test_a_query_for_what_there_is_not_would_be_found(query, shown):
    assert faults(query, shown)


def test_every_metric_is_on_the_dashboard():
    asked = " ".join(query for name, (query, _) in QUERIES.items() if name.startswith("panel"))
    assert [metric.name for metric in METRICS if metric.name not in asked] == []


def test_a_label_that_a_query_picks_by_its_value_has_it():
    """Where the table of metrics names the values of a label, a query names no other."""
    values = {label: words for metric in METRICS for label, words in metric.labels.items()}
    for name, (query, _) in QUERIES.items():
        for label, value in re.findall(r'(state|outcome|what|part|call)=~?"([^"$]*)"', query):
            said = " ".join(
                words for metric in METRICS for key, words in metric.labels.items() if key == label
            )
            for each in value.split("|"):
                assert f"`{each}`" in said or (label == "state" and each in said + "queued"), (
                    name,
                    values,
                    each,
                )


def test_the_panels_do_not_overlap_and_have_ids_of_their_own():
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(ids) == len(set(ids))
    cells: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        taken = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not taken & cells, panel["title"]
        assert at["x"] + at["w"] <= 24
        cells |= taken


def test_the_example_of_a_scrape_asks_where_the_bot_listens():
    scrape = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))
    (job,) = scrape["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [Monitoring.model_fields["listen"].default]
    assert scrape["rule_files"] == [ALERTS.name]
    # The rule that the process is gone knows the job by this name.
    assert f'up{{job="{job["job_name"]}"}}' in ALERTS.read_text("utf-8")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed here")
def test_prometheus_understands_every_query(tmp_path):
    rules = [
        {"record": f"panel:{number}", "expr": re.sub(r"\$__rate_interval", "5m", query)}
        for number, (query, _) in enumerate(QUERIES.values())
    ]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
    for command in (
        ["check", "rules", path],
        ["check", "rules", ALERTS],
        ["check", "config", DEPLOY / "prometheus" / "prometheus.yml"],
    ):
        done = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
