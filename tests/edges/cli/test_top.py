"""What runs and what happened, as the true service tells it."""

import json

from tests.edges.cli.conftest import Call


def test_an_install_is_in_top_and_its_events_are_lines(call: Call) -> None:
    begun = call("machine install 52:54:00:aa:00:07 --profile tiny --name clockwork")
    assert begun.returncode == 0, begun.stderr

    table = call("top --once")
    events = call("events --install clockwork -o json")
    call("install cancel clockwork")

    assert table.stderr == ""
    assert [line.split()[:3] for line in table.stdout.splitlines() if "clockwork" in line] == [
        ["clockwork", "planned", "0"]
    ]
    (told,) = (json.loads(line) for line in events.stdout.splitlines())
    assert (told["kind"], told["data"]["by"]) == ("planned", "hardware")
