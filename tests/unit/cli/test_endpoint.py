"""Where the command line looks for its service, and what it says where there is none."""

import json
import os
from pathlib import Path

import pytest

from provisioner.cli import endpoint
from provisioner.cli.endpoint import Endpoint, find
from provisioner.core.errors import Invalid, Unavailable
from tests.unit.cli.conftest import Provisioner
from tests.unit.cli.fake import TOKEN, FakeService

DEAD = "http://127.0.0.1:9"  # the discard port: nobody listens


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The two standard state directories, elsewhere."""
    own, demo = tmp_path / "own", tmp_path / "demo"
    monkeypatch.setattr(endpoint, "STATE_DIR", own)
    monkeypatch.setattr(endpoint, "DEMO_DIR", demo)
    monkeypatch.setattr(endpoint, "_CONFIG", tmp_path / "provisioner.toml")
    return own, demo


def left(state_dir: Path, url: str, token: str = TOKEN) -> None:
    state_dir.mkdir(exist_ok=True)
    (state_dir / "api.json").write_text(json.dumps({"url": url, "token": token}))


def test_the_environment_wins(places: tuple[Path, Path]) -> None:
    found = find({"PROVISIONER_URL": "http://far.example:8081/", "PROVISIONER_TOKEN": "t"})

    assert found == Endpoint("http://far.example:8081", "t")


def test_a_url_without_a_token_is_half_a_setting() -> None:
    with pytest.raises(Invalid, match="PROVISIONER_TOKEN is not"):
        find({"PROVISIONER_URL": "http://far.example:8081"})


def test_the_own_service_before_the_demo(places: tuple[Path, Path]) -> None:
    own, demo = places
    with FakeService() as service:
        left(own, service.url)
        left(demo, service.url, "another")

        assert find({}) == Endpoint(service.url, TOKEN, own)


@pytest.mark.parametrize("own_is", ["absent", "dead"])
def test_the_demo_where_no_own_service_answers(places: tuple[Path, Path], own_is: str) -> None:
    own, demo = places
    if own_is == "dead":
        left(own, DEAD)
    with FakeService() as service:
        left(demo, service.url)

        assert find({}) == Endpoint(service.url, TOKEN, demo, demo=True)


def test_a_chosen_state_directory_is_the_only_one(places: tuple[Path, Path], tmp_path: Path) -> None:
    _, demo = places
    (tmp_path / "provisioner.toml").write_text(f'state_dir = "{tmp_path / "toml"}"\n')
    with FakeService() as service:
        left(demo, service.url)
        with pytest.raises(Unavailable, match="no service has been started on /nowhere"):
            find({"PROVISIONER_STATE_DIR": "/nowhere"})
        with pytest.raises(Unavailable, match=f"started on {tmp_path / 'toml'}"):
            find({})


def test_it_says_when_it_uses_the_demo(
    places: tuple[Path, Path], provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeService({"GET /guests": []}) as service:
        left(places[1], service.url)
        ran = provisioner("guest", "list")

    assert (ran.code, ran.err) == (0, f"note: using the demo's service at {service.url}\n")


REFUSED = [
    ("", "error: no provisioner service runs here\n"),
    (json.dumps({"url": DEAD, "token": "t"}), f"error: the service at {DEAD} does not answer\n"),
    ("{", "error: {own}/api.json is damaged\n"),
    ('{"url": "x"}', "error: {own}/api.json is damaged\n"),
]


@pytest.mark.parametrize(("content", "said"), REFUSED)
def test_where_no_service_answers_it_says_how_to_start_one(
    places: tuple[Path, Path], provisioner: Provisioner, content: str, said: str
) -> None:
    own, _ = places
    if content:
        own.mkdir()
        (own / "api.json").write_text(content)

    ran = provisioner("guest", "list")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(said.replace("{own}", str(own)))
    assert "start" in ran.err.splitlines()[1]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_token(places: tuple[Path, Path], provisioner: Provisioner) -> None:
    left(places[0], DEAD)
    (places[0] / "api.json").chmod(0)

    assert "is not readable for you" in provisioner("guest", "list").err


def test_a_wrong_token_is_said(
    service: FakeService, provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVISIONER_TOKEN", "wrong")

    ran = provisioner("guest", "list")

    assert ran.code == 1
    assert ran.err.splitlines() == [
        "error: no token, or not the right one",
        "remedy: take PROVISIONER_TOKEN from api.json of the service's state directory",
    ]
