"""The compose file, as docker-compose reads it: the four words, health checks, volumes, and no secret."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from tests.docker.image import ROOT
from tests.programs import program

pytestmark = pytest.mark.needs_programs("docker-compose", unpacked=False)

PARTS = ("api", "work", "mail")
AS_JSON = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))"


@pytest.fixture(scope="module")
def compose() -> Mapping[str, Any]:
    """The file after docker-compose has checked it against its own schema and filled in the defaults."""
    text = (ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8")
    # Debian's docker-compose is version 1, which knows everything here but the project's name.
    named, _, rest = text.partition("name: daicho\n")
    assert rest, "the project has a name, so that its volumes have"
    command = [str(program("docker-compose")), "-f", "-", "--project-directory", str(ROOT / "docker"), "config"]
    checked = subprocess.run(
        command, input=named + rest, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"}
    )
    assert checked.returncode == 0, checked.stderr
    # Debian's own Python: the one docker-compose runs with has a YAML parser.
    parsed = subprocess.run(
        ["/usr/bin/python3", "-c", AS_JSON], input=checked.stdout, capture_output=True, text=True, check=True
    )
    found: Mapping[str, Any] = json.loads(parsed.stdout)
    return found


def test_there_is_a_container_for_each_part_and_the_database(compose: Mapping[str, Any]) -> None:
    assert set(compose["services"]) == {"database", "migrate", *PARTS}
    for name in ("migrate", *PARTS):
        assert compose["services"][name]["command"] == [name], "the words of the image's entry point"
    assert int(compose["services"]["database"]["image"].partition(":")[2][:2]) >= 15


def test_every_part_has_a_health_check_and_starts_again(compose: Mapping[str, Any]) -> None:
    for name in PARTS:
        assert compose["services"][name]["healthcheck"]["test"] == ["CMD", "daicho-container", "healthy", name]
    assert "pg_isready" in compose["services"]["database"]["healthcheck"]["test"]
    for name in ("database", *PARTS):
        assert compose["services"][name]["restart"] == "unless-stopped"
    assert compose["services"]["migrate"]["restart"] == "no"
    assert compose["services"]["migrate"]["healthcheck"] == {"test": ["NONE"]}, "it ends by itself"


def test_the_parts_wait_for_the_tables_and_these_for_the_database(compose: Mapping[str, Any]) -> None:
    assert compose["services"]["migrate"]["depends_on"]["database"]["condition"] == "service_healthy"
    for name in PARTS:
        assert compose["services"][name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_the_database_and_the_secret_key_are_in_volumes(compose: Mapping[str, Any]) -> None:
    assert {"database", "home"} <= set(compose["volumes"])
    assert "database:/var/lib/postgresql/data:rw" in compose["services"]["database"]["volumes"]
    for name in ("migrate", *PARTS):
        assert compose["services"][name]["volumes"] == ["home:/var/lib/daicho:rw"], "they share one secret key"


def test_no_secret_stands_in_the_file(compose: Mapping[str, Any]) -> None:
    assert set(compose["secrets"]) == {"database_password"}
    for name, part in compose["services"].items():
        assert [secret["source"] for secret in part["secrets"]] == ["database_password"], name
        for setting, value in part["environment"].items():
            assert "PASSWORD" not in setting or str(value).startswith("/run/secrets/"), f"{name}: {setting}"
            assert ":" not in str(value).partition("://")[2].partition("@")[0], f"{name}: a password in {setting}"


def test_our_containers_have_no_rights_and_no_place_to_write(compose: Mapping[str, Any]) -> None:
    for name in ("migrate", *PARTS):
        part = compose["services"][name]
        assert part["read_only"] is True
        assert part["tmpfs"] == ["/tmp"]
        assert part["cap_drop"] == ["ALL"]
        assert part["security_opt"] == ["no-new-privileges:true"]
        assert not part.get("privileged")


def test_only_this_machine_reaches_a_port_until_the_operator_says_otherwise(compose: Mapping[str, Any]) -> None:
    published = {name: part.get("ports", []) for name, part in compose["services"].items()}
    assert published.pop("api") == ["127.0.0.1:8380:8380/tcp"]
    assert published.pop("mail") == ["127.0.0.1:8325:8325/tcp"]
    assert not any(published.values())
