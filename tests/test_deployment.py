"""Files that start panewatch elsewhere: Compose, image, hooks, pinned packages."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml

from rule_files import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
PULLED = [name for name, service in SERVICES.items() if "build" not in service]
PINNED = r"[a-z/.]+:v?\d+\.\d+\.\d+[a-z0-9-]*@sha256:[0-9a-f]{64}"


@pytest.mark.parametrize("name", PULLED)
def test_images_are_pinned_by_version_and_digest(name: str) -> None:
    assert re.fullmatch(PINNED, SERVICES[name]["image"])


def test_image_is_built_on_a_pinned_one_and_runs_as_nobody_special() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert bases
    assert len(set(bases)) == 1
    assert re.fullmatch(PINNED, bases[0])
    assert "USER 1000:1000" in lines


@pytest.mark.parametrize("name", SERVICES)
def test_services_hold_no_more_than_they_need(name: str) -> None:
    service = SERVICES[name]
    assert service["network_mode"] == "host"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "ports" not in service
    assert not service.get("privileged", False)


def test_services_listen_on_loopback_at_the_ports_that_the_configuration_names() -> None:
    prometheus = (ROOT / "prometheus/prometheus.yml").read_text()
    assert "--web.listen-address=127.0.0.1:9090" in SERVICES["prometheus"]["command"]
    assert "--web.listen-address=127.0.0.1:9093" in SERVICES["alertmanager"]["command"]
    assert "--cluster.listen-address=" in SERVICES["alertmanager"]["command"]
    assert "127.0.0.1:9093" in prometheus
    for name, port in (("prometheus", 9090), ("alertmanager", 9093)):
        # Or the links of alerts begin with a name of the host that nobody else knows.
        assert f"--web.external-url=http://127.0.0.1:{port}" in SERVICES[name]["command"]
    grafana = SERVICES["grafana"]["environment"]
    assert grafana["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert grafana["PANEWATCH_PROMETHEUS_URL"] == "http://127.0.0.1:9090"
    assert grafana["PANEWATCH_ALERTMANAGER_URL"] == "http://127.0.0.1:9093"


def test_grafana_knows_no_anonymous_and_no_usual_password() -> None:
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert environment["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert re.match(r"\$\{GRAFANA_PASSWORD:\?", environment["GF_SECURITY_ADMIN_PASSWORD"])


def test_grafana_gets_every_variable_that_its_provisioning_reads() -> None:
    files = (ROOT / "grafana/provisioning").rglob("*.y*ml")
    read = {name for file in files for name in re.findall(r"\$(PANEWATCH_\w+)", file.read_text())}
    assert read
    assert read <= SERVICES["grafana"]["environment"].keys()
    started = (ROOT / "scripts/up").read_text()
    for name in read:
        assert f"{name}=" in started
        assert f"-e {name}" in started


@pytest.mark.parametrize("name", PULLED)
def test_mounted_folders_exist(name: str) -> None:
    folders = [v.split(":")[0] for v in SERVICES[name]["volumes"] if v.startswith("./")]
    assert folders
    for folder in folders:
        assert (ROOT / folder).is_dir()


def test_hooks_are_local() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repository["repo"] for repository in hooks["repos"]] == ["local"]


def test_constraints_name_every_dependency_with_hashes_and_no_source() -> None:
    text = (ROOT / "constraints.txt").read_text()
    assert "://" not in text
    assert "index" not in text
    blocks = re.split(r"\n(?=\S)", text.strip())
    names = {re.split(r"[=\[]", block)[0] for block in blocks}
    for block in blocks:
        assert re.match(r"[a-z0-9-]+==\S+", block)
        assert "--hash=sha256:" in block
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = list(project["project"]["dependencies"])
    for group in project["dependency-groups"].values():
        wanted += [entry for entry in group if isinstance(entry, str)]
    assert {re.split(r"[^A-Za-z0-9_.-]", name)[0].lower() for name in wanted} <= names
