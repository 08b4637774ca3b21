"""Progress of the whole city over HTTP, with ever more plots beside the same claims."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx

from bench.city import City
from bench.measure import Contender, in_turns
from bench.program import served, tianzhang, token
from bench.report import Section

TITLE = "Progress"
CLAIMS = 1_000
REQUESTS = 101
LONGEST_MS = 20.0
# Two medians of the same thing differ by so much on a machine that has other work.
MOST_GROWTH = 1.2
QUERY = "/api/v1/progress/tree?down_to=village&as_of=2022-04-26"


def measure(sizes: Sequence[int]) -> Section:
    with tempfile.TemporaryDirectory(prefix="tianzhang-bench-") as name, ExitStack() as open_until_the_end:
        city = City(Path(name))
        claimed = city.with_claims(CLAIMS)
        contenders = []
        for size in sizes:
            home = city.copy(claimed, f"progress-{size}")
            tianzhang(home, "import", "plots", city.plots(size))
            address = open_until_the_end.enter_context(served(home))
            headers = {"Authorization": f"Bearer {token(home)}"}
            client = open_until_the_end.enter_context(httpx.Client(base_url=address, headers=headers))
            _check(client)
            contenders.append(Contender(f"{size:,}", partial(client.get, QUERY)))
        in_turns(contenders, 5)  # connections, caches and compiled statements are those of a server in use
        timings = in_turns(contenders, REQUESTS)
    places = [contender.name for contender in contenders]
    first = places[0]
    ms = {place: timings.median(place) * 1e3 for place in places}
    growth = {place: timings.ratio(place, to=first) for place in places}
    return Section(
        TITLE,
        f"`GET {QUERY}` on loopback, as a browser asks (compressed): the city, its towns and its villages, from "
        f"{CLAIMS:,} claims; the median of {REQUESTS} requests to each server (`tianzhang serve` on SQLite), in turns.",
        ("plots", "`GET …/progress/tree`, ms", f"ratio to {first} plots"),
        [[place, f"{ms[place]:.1f}", f"{growth[place]:.2f}"] for place in places],
        {
            f"at most {LONGEST_MS:.0f} ms": {place: ms[place] <= LONGEST_MS for place in places},
            f"no growth with the plots (at most {MOST_GROWTH})": {
                place: growth[place] <= MOST_GROWTH for place in places[1:]
            },
        },
    )


def _check(client: httpx.Client) -> None:
    """The server is to answer for every village, from every claim: another answer's time means nothing."""
    answer = client.get(QUERY).raise_for_status().json()
    found = answer["progress"][0]["claims"], len(answer["progress"])
    if found[0] != CLAIMS or found[1] < 2:
        raise RuntimeError(f"{client.base_url}{QUERY}: {found[0]} claims in {found[1]} units")
