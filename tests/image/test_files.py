"""What deploy/Dockerfile and deploy/compose.yaml say; the image that they make is in test_image.py."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.image.compose import checked, interpolated
from tests.image.dockerfile import is_sent, parse

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
COMPOSE = ROOT / "deploy" / "compose.yaml"


def service() -> dict[str, Any]:
    """The one service of compose.yaml."""
    (found,) = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"].values()
    return found


def test_compose_yaml_is_what_the_specification_allows():
    assert checked(COMPOSE.read_text("utf-8")).service_names() == ["klingbot"]


def test_a_mistake_in_compose_yaml_would_be_found():
    with pytest.raises(ValueError, match="stop_grace_perod"):
        checked(COMPOSE.read_text("utf-8").replace("stop_grace_period", "stop_grace_perod"))


def test_the_container_can_write_nothing_but_its_volume_and_gain_nothing():
    found = service()
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert found["tmpfs"] == ["/tmp"]  # noqa: S108  the container's own
    assert "user" not in found


def test_the_volume_and_the_port_are_those_of_the_image():
    stage = parse(DOCKERFILE.read_text("utf-8"))[-1]
    said = {step.name: step.text for step in stage.instructions}
    environment = {step.text for step in stage.instructions if step.name == "ENV"}
    (port,) = service()["ports"]
    (volume,) = service()["volumes"]
    assert volume == f"data:{said['VOLUME']}"
    assert said["WORKDIR"] == said["VOLUME"]
    assert interpolated(port) == f"127.0.0.1:{said['EXPOSE']}:{said['EXPOSE']}"
    assert f"KLINGBOT_WEB__LISTEN=0.0.0.0:{said['EXPOSE']}" in environment


def test_the_base_is_pinned_and_every_file_that_is_copied_is_sent():
    ignore = (ROOT / ".dockerignore").read_text("utf-8")
    stages = parse(DOCKERFILE.read_text("utf-8"))
    known = {stage.name for stage in stages}
    for stage in stages:
        assert stage.base in known or re.search(r"-\d{8}-slim@sha256:[0-9a-f]{64}$", stage.base)
        for step in stage.instructions:
            if step.name == "COPY" and "from" not in step.flags:
                for source in step.words()[:-1]:
                    assert (ROOT / source).exists(), source
                    assert is_sent(ignore, source), source


@pytest.mark.parametrize("name", ["config.toml", ".env", "deploy/.env", "data/klingbot.db", ".git/config"])
def test_no_secret_is_sent_to_a_build(name):
    assert not is_sent((ROOT / ".dockerignore").read_text("utf-8"), name)


def test_an_instruction_that_is_not_performed_is_refused():
    with pytest.raises(ValueError, match="ARG is not known here"):
        parse("FROM debian\nARG VERSION=1\n")
