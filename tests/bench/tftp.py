"""TFTP, ours beside dnsmasq, atftpd, tftpd-hpa and tftpy's own server, alternating, the same client for all.

Every server gives the same files on the same addresses, from a core of its own; client and line have another.
What is judged are ratios within an alternation; a gate without its peer is skipped and said so.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median

from tests.bench.tftp_gates import Bench, Tell, dearer, line, per_cpu, sooner, sooner_for_most
from tests.bench.tftp_load import LARGE, LINE, LOOPBACK, Line, Load, ground
from tests.bench.tftp_peers import PEERS
from tests.bench.tftp_plot import plot
from tests.bench.tftp_servers import OURS, serving

PLOT = Path(__file__).parents[2] / "build" / "tftp.svg"
FAR = 500
"""Microseconds each way: a round trip of 1 ms."""
IDLE, KB_EACH = 2000, 6
ABANDONED, FROM = 10_000, 100


def transfers(state: Path, quick: bool, tell: Tell) -> bool:
    """Prints every row and draws two; whether every gate that could be judged holds."""
    with ground(state / "tftp") as place:
        with serving(state, place) as ours:
            bench = Bench(place, ours, quick, tell)
            drawn = crowds(bench)
            if place.line is None:
                bench.skip("every row with a round trip", place.lineless)
            else:
                distances(bench, place.line)
        if not quick:
            with serving(state, place) as bench.ours:
                strangers(bench)
    plot(PLOT, "TFTP, 50 clients, 1 MB: CPU seconds of the server for 1 GB", drawn)
    if quick:
        tell("left out by QUICK: dnsmasq in row 4, and rows 3, 6 and 7")
    tell(f"TFTP: {bench.held} gates hold, {len(bench.missed)} do not, {len(bench.skipped)} skipped; {PLOT}")
    for what in bench.missed:
        tell(f"  does not hold: {what}")
    for what in bench.skipped:
        tell(f"  skipped: {what}")
    return not bench.missed


def crowds(bench: Bench) -> Mapping[str, Mapping[str, float]]:
    """Rows 1 and 2, with what is drawn of them."""
    runs = 3 if bench.quick else 9
    load = Load(50, 50 if bench.quick else 100)
    drawn = {}
    for title, window, bounds in (
        ("1. lock-step, 50 clients", 1, {"dnsmasq": 0.9, "atftpd": 2.2, "tftpd-hpa": 2.7, "tftpy": 4.5}),
        ("2. windowsize 16, 50 clients", 16, {"atftpd": 4, "tftpy": 15}),
    ):
        bench.tell(f"{title}, 1 MB, alternations: {runs}")
        turns = bench.everyone(PEERS, runs, replace(load, window=window), LOOPBACK)
        for peer, bound in bounds.items():
            bench.least(turns, peer, "bytes for a CPU second, of", per_cpu, bound)
        bench.whole(turns[OURS])
        drawn[title] = {name: median(turn.per_gb for turn in mine) for name, mine in turns.items()}
    return drawn


def distances(bench: Bench, far: Line) -> None:
    """Rows 3 to 6."""
    far.be(FAR, 0)
    if not bench.quick:
        large(bench, 3)
    far.be(FAR, 10)
    lossy(bench, 1 if bench.quick else 3)
    far.be(FAR, 0)
    alone(bench, 1 if bench.quick else 5)
    if not bench.quick:
        far.be(FAR, 10)
        many(bench, 3)
        far.be(FAR, 50)
        bench.tell("6. the same with 5 % loss, ours alone:")
        bench.whole(bench.everyone((), 1, Load(200), LINE)[OURS])


def large(bench: Bench, runs: int) -> None:
    bench.tell(f"3. 40 MiB, one client, 1 ms, alternations: {runs}")
    load = Load(1, name=LARGE)
    windows = {"ours, 16": 14, "ours, 64": 45}
    entries = {label: (OURS, replace(load, window=int(label[-2:]))) for label in windows}
    turns = bench.alternate({"dnsmasq": ("dnsmasq", load), **entries}, runs, LINE)
    for label, bound in windows.items():
        bench.least(turns, "dnsmasq", f"{label}: times faster than", sooner, bound, label)
        bench.whole(turns[label])


def lossy(bench: Bench, runs: int) -> None:
    """Windowed transfers are short, and atftpd's have one of two lengths: their median needs many."""
    peers = ("atftpd", "tftpd-hpa") if bench.quick else ("atftpd", "tftpd-hpa", "dnsmasq")
    for title, load, names in (
        ("lock-step", Load(10), peers),
        ("windowsize 16", Load(10, 30 if bench.quick else 60, window=16), ("atftpd",)),
    ):
        bench.tell(f"4. 1 % loss each way, 1 ms, {title}, 10 clients, 1 MB, alternations: {runs}")
        turns = bench.everyone(names, runs, load, LINE)
        for peer in names:
            bench.least(turns, peer, "times faster than", sooner, 8)
        bench.whole(turns[OURS])


def alone(bench: Bench, runs: int) -> None:
    bench.tell(f"5. lock-step, one client, 1 ms, 1 MB several times, alternations: {runs}")
    turns = bench.everyone(("dnsmasq",), runs, Load(1, 5 if bench.quick else 10), LINE)
    bench.most(turns, "dnsmasq", "CPU seconds (aim 1.2), of", dearer, 1.6)
    bench.whole(turns[OURS])


def many(bench: Bench, runs: int) -> None:
    bench.tell(f"6. lock-step, 200 clients, 1 % loss, 1 ms, alternations: {runs}")
    turns = bench.everyone(("dnsmasq",), runs, Load(200), LINE)
    bench.least(turns, "dnsmasq", "times faster by p95 than", sooner_for_most, 3)
    bench.whole(turns[OURS])


def strangers(bench: Bench) -> None:
    """Row 7: those who ask and stay away, and what that costs the others."""
    place, port = bench.ground, bench.ours.port
    late = replace(LOOPBACK, first="127.2.0.1")
    bench.tell("7. ours alone, readers that fall silent:")
    place.ask(Load(50), late, port)
    before = bench.ours.resident()
    with place.silent(Load(IDLE, silent_after=1), LOOPBACK, port) as seen:
        each = (bench.ours.resident() - before) * 1000 / max(seen.silent, 1)
    bench.judge(f"{seen.silent} of {IDLE} acknowledged once", seen.silent == IDLE)
    bench.judge(f"{each:.1f} KB of memory for each, at most {KB_EACH}", each <= KB_EACH)
    with place.silent(Load(ABANDONED, addresses=FROM, silent_after=0), LOOPBACK, port):
        turn = bench.ours.turn(place, Load(1, deadline=30), late)
    bench.tell(f"  a stranger {line([turn])}")
    said = (
        f"after {ABANDONED} abandoned requests a stranger is answered in {turn.seen.first:.3f} s, at most 1"
    )
    bench.judge(said, turn.seen.whole and turn.seen.first <= 1)
