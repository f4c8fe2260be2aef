"""Random houses: who is there, who may call whom, and the bailiwick.toml that says so."""

import json
from dataclasses import dataclass, field
from random import Random

USERS = ["alice", "bob", "carol"]
# What an agent or a door proves itself by here, weakest first; floors may be higher than anybody reaches.
ASSURANCES = ["none", "client_secret", "jwt_svid", "private_key_jwt"]
MOST_ACTORS = 4


@dataclass
class Edge:
    to: str
    acts_for: list[str] | None = None
    after: list[str] | None = None
    scopes: set[str] | None = None
    max_depth: int = MOST_ACTORS
    reentrant: bool = False


@dataclass
class Agent:
    name: str
    resource: str
    edges: list[Edge] = field(default_factory=list)
    acts_for: list[str] | None = None
    scopes: set[str] | None = None
    max_depth: int = MOST_ACTORS
    floor: str = "none"
    own: set[str] = field(default_factory=set)
    behind: str | None = None


@dataclass
class Place:
    """A server behind the gateway, or an API elsewhere."""

    name: str
    resource: str
    scopes: set[str]
    upstream: str | None = None
    allow: dict[str, list[str]] = field(default_factory=dict)
    floor: str = "none"


@dataclass
class Door:
    """An app at the front door."""

    name: str
    secret: str | None
    hands_to: set[str]


@dataclass
class World:
    issuer: str
    user: str
    agents: dict[str, Agent]
    places: dict[str, Place]
    doors: dict[str, Door]

    def secret(self, name: str) -> str:
        """What an agent, or an app with a secret, proves itself by."""
        return f"{name} says who it is in this house only"


def drawn(dice: Random, issuer: str) -> World:
    """A house as chance makes it: mostly open, so that chains get somewhere, and closed in every way there is."""
    names = [f"agent-{letter}" for letter in "abcdefgh"[: dice.randint(5, 8)]]
    places = {place.name: place for place in _places(dice, issuer)}
    agents = {name: _agent(dice, name, issuer) for name in names}
    inside = agents[names[-1]]
    inside.behind = "files"
    inside.resource = places["files"].upstream
    everybody = [*names, *places]
    every_scope = sorted(set().union(*(place.scopes for place in places.values())))
    for agent in agents.values():
        agent.edges = list(_edges(dice, everybody, every_scope))
        agent.scopes = _some(dice, every_scope, 0.15)
        agent.own = set(dice.sample(every_scope, 2)) if dice.random() < 0.4 else set()
    doors = [Door("web", None, _any(dice, names)), Door("kiosk", "secret", _any(dice, names)), Door("shut", None, set())]
    return World(issuer, dice.choice(USERS), agents, places, {door.name: door for door in doors})


def _places(dice: Random, issuer: str):
    # One scope is served by several places, each with a list of its own.
    for name in ("files", "notes"):
        upstream = f"http://127.0.0.1:9/{name}"
        scopes = {f"{name}:read", f"{name}:write", *_maybe(dice, "common:read", 0.3)}
        yield Place(name, f"{issuer}/mcp/{name}", scopes, upstream, _allow(dice, scopes), _floor(dice))
    for name in ("ledger", "mail"):
        scopes = {f"{name}:read", f"{name}:send", *_maybe(dice, "common:read", 0.8)}
        yield Place(name, f"http://127.0.0.1:9/api/{name}", scopes, None, _allow(dice, scopes), _floor(dice))


def _agent(dice: Random, name: str, issuer: str) -> Agent:
    own_place = f"http://127.0.0.1:9/{name}" if dice.random() < 0.3 else f"{issuer}/agent/{name}"
    agent = Agent(name, own_place, floor=_floor(dice), acts_for=_people(dice, 0.08))
    if dice.random() < 0.12:
        agent.max_depth = dice.randint(1, 3)
    return agent


def _edges(dice: Random, everybody: list[str], every_scope: list[str]):
    for to in everybody:
        while dice.random() < 0.6:
            edge = Edge(to)
            edge.scopes = _some(dice, every_scope, 0.25)
            edge.acts_for = _people(dice, 0.06)
            if dice.random() < 0.12:
                edge.after = dice.sample([*everybody, "web", "kiosk"], 3)
            if dice.random() < 0.12:
                edge.max_depth = dice.randint(1, 3)
            edge.reentrant = dice.random() < 0.25
            yield edge
            if dice.random() < 0.8:
                break


def _allow(dice: Random, scopes: set[str]) -> dict[str, list[str]]:
    lists = {scope: _people(dice, 0.3) for scope in sorted(scopes)}
    return {scope: people for scope, people in lists.items() if people is not None}


def _people(dice: Random, chance: float) -> list[str] | None:
    """A list of people, which may or may not mean the user of this house."""
    if dice.random() >= chance:
        return None
    named = [f"user:{user}" for user in USERS if dice.random() < 0.5]
    return named or dice.choice([["group:dev"], ["domain:example.com"]])


def _some(dice: Random, scopes: list[str], chance: float) -> set[str] | None:
    return set(dice.sample(scopes, dice.randint(1, len(scopes)))) if dice.random() < chance else None


def _maybe(dice: Random, scope: str, chance: float) -> list[str]:
    return [scope] if dice.random() < chance else []


def _any(dice: Random, names: list[str]) -> set[str]:
    return set(dice.sample(names, dice.randint(1, len(names))))


def _floor(dice: Random) -> str:
    return dice.choices(ASSURANCES, [80, 12, 4, 4])[0]


# ---------------------------------------------------------------- as the configuration says it


def toml(world: World) -> str:
    """The house as bailiwick.toml; JSON's strings and lists are TOML's."""
    lines = [f"public_url = {json.dumps(world.issuer)}"]
    for place in world.places.values():
        lines += _place(place)
    for door in world.doors.values():
        lines += [f"[client.{door.name}]", 'redirect_uris = ["http://127.0.0.1/callback"]']
        lines += [f"hands_to = {_list(door.hands_to)}"] if door.hands_to else []
        lines += [f'client_secret = {{ env = "{variable(door.name)}" }}'] if door.secret else []
    for agent in world.agents.values():
        lines += _section(agent)
    return "\n".join(lines) + "\n"


def variable(name: str) -> str:
    """The environment variable of a secret."""
    return f"{name.upper().replace('-', '_')}_SECRET"


def _place(place: Place) -> list[str]:
    kind = "server" if place.upstream else "api"
    here = f"upstream = {json.dumps(place.upstream)}" if place.upstream else f"resource = {json.dumps(place.resource)}"
    lines = [f"[{kind}.{place.name}]", here, f'assurance_floor = "{place.floor}"', f"[{kind}.{place.name}.scopes]"]
    tools = "tools = [], " if place.upstream else ""
    lines += [f'"{scope}" = {{ {tools}says = "Do {scope}", risk = "read" }}' for scope in sorted(place.scopes)]
    lines += [f"[{kind}.{place.name}.allow]"]
    return lines + [f'"{scope}" = {json.dumps(people)}' for scope, people in place.allow.items()]


def _section(agent: Agent) -> list[str]:
    lines = [f"[agent.{agent.name}]", f'authenticate = {{ client_secret = {{ env = "{variable(agent.name)}" }} }}']
    lines += [f"resource = {json.dumps(agent.resource)}", f'assurance_floor = "{agent.floor}"']
    lines += [f"max_depth = {agent.max_depth}", f"own_scopes = {_list(agent.own)}"]
    lines += [f"acts_for = {json.dumps(agent.acts_for)}"] if agent.acts_for is not None else []
    lines += [f"scopes = {_list(agent.scopes)}"] if agent.scopes is not None else []
    # The short form says the same as an edge without bounds.
    plain = [edge for edge in agent.edges if edge == Edge(edge.to)]
    lines += [f"may_call = {json.dumps([edge.to for edge in plain])}"]
    for edge in agent.edges:
        lines += _edge(agent, edge) if edge not in plain else []
    return lines


def _edge(agent: Agent, edge: Edge) -> list[str]:
    lines = [f"[[agent.{agent.name}.edge]]", f'to = "{edge.to}"', f"max_depth = {edge.max_depth}"]
    lines += [f"reentrant = {json.dumps(edge.reentrant)}"]
    lines += [f"acts_for = {json.dumps(edge.acts_for)}"] if edge.acts_for is not None else []
    lines += [f"after = {json.dumps(edge.after)}"] if edge.after is not None else []
    return lines + ([f"scopes = {_list(edge.scopes)}"] if edge.scopes is not None else [])


def _list(scopes: set[str]) -> str:
    return json.dumps(sorted(scopes))
