"""What must come of an exchange, told from the rules and not from the code (docs/security/rules.md, R2 to R11, R18, R29).

`judge` answers with every reason to refuse, each with the error that fits it, or with what the new token must say.
"""

from dataclasses import dataclass, field

from chains.world import ASSURANCES, MOST_ACTORS, Agent, Door, Place, World

LIFE = 300
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
# Each reason, and the error that tells it.
REASONS = {
    "class": "invalid_request",
    "stranger": "unauthorized_client",
    "target": "invalid_target",
    "recipient": "invalid_grant",
    "may_act": "actor_unauthorized",
    "actor_token": "invalid_grant",
    "own_account": "actor_unauthorized",
    "depth": "invalid_request",
    "loop": "invalid_request",
    "edge": "actor_unauthorized",
    "floor": "actor_unauthorized",
    "scope": "invalid_scope",
}


@dataclass
class Asked:
    """One exchange, as it is sent."""

    client: str
    token: str
    claims: dict
    target: str | None = None  # by name, in `audience`
    resource: str | None = None
    scope: set[str] | None = None
    subject_type: str = ACCESS_TOKEN
    requested_type: str | None = None
    actor: tuple[str, dict] | None = None  # the text and the claims of an actor_token
    more: dict[str, str] = field(default_factory=dict)  # what must make no difference


@dataclass
class Verdict:
    """Refused for all these reasons; with none, the claims the new token must carry."""

    reasons: set[str]
    claims: dict


class Model:
    """The rules, applied to one house."""

    def __init__(self, world: World) -> None:
        self.world = world

    # ------------------------------------------------------------ who is who

    def target(self, asked: Asked) -> Agent | Place | None:
        """R7: exactly one target; two names must mean the same."""
        everybody = [*self.world.agents.values(), *self.world.places.values()]
        named = [one for one in everybody if asked.target in (one.name, one.resource)]
        at = [one for one in everybody if asked.resource == one.resource]
        if asked.target is None or asked.resource is None:
            found = named or at
        else:
            found = [one for one in named if one in at]
        return found[0] if found else None

    def means(self, people: list[str] | None) -> bool:
        """True when a list means the user of this house, who is in no group and has no address."""
        return people is None or f"user:{self.world.user}" in people

    # ------------------------------------------------------------ how far authority reaches

    def reach(self, target: Agent | Place, acts: int = MOST_ACTORS) -> set[str]:
        """What a token for a target may say: what is served there, and what can be asked further along."""
        if isinstance(target, Place):
            inside = [agent for agent in self.world.agents.values() if agent.behind == target.name]
            return target.scopes.union(*(self.reach(agent, acts) for agent in inside))
        if acts == 0:
            return set()
        found = set()
        for edge in target.edges:
            beyond = self.reach(self.named(edge.to), acts - 1)
            found |= beyond if edge.scopes is None else beyond & edge.scopes
        return found if target.scopes is None else found & target.scopes

    def named(self, name: str) -> Agent | Place:
        return self.world.agents.get(name) or self.world.places[name]

    def entitled(self, target: Agent | Place) -> set[str]:
        """What the user may hold: at the target where that serves the scope itself, else anywhere beyond."""
        reach = self.reach(target)
        serving = lambda scope: [place for place in self.world.places.values() if scope in place.scopes]  # noqa: E731
        itself = target.scopes if isinstance(target, Place) else set()
        asked_of = lambda scope: [target] if scope in itself else serving(scope)  # noqa: E731
        return {scope for scope in reach if any(self.means(place.allow.get(scope)) for place in asked_of(scope))}

    def front(self, target: Agent | Place, asked: set[str]) -> set[str]:
        """What a token of the front door says (empty: there is none)."""
        return asked & self.entitled(target)

    # ------------------------------------------------------------ an exchange

    def judge(self, asked: Asked) -> Verdict:
        subject, reasons = asked.claims, set()
        actor = self.world.agents.get(asked.client) or self.world.doors.get(asked.client)
        if asked.subject_type != ACCESS_TOKEN or asked.requested_type not in (None, ACCESS_TOKEN):
            reasons.add("class")
        if actor is None or (isinstance(actor, Door) and not actor.hands_to):
            return Verdict(reasons | {"stranger"}, {})
        target = self.target(asked)
        if target is None:
            return Verdict(reasons | {"target"}, {})
        if not self._received(actor, subject):
            reasons.add("recipient")
        who = self.identity(actor)
        if subject.get("may_act") and (subject["may_act"]["iss"], subject["may_act"]["sub"]) != (who["iss"], who["sub"]):
            reasons.add("may_act")
        if asked.actor and (asked.actor[1]["sub"] != who["sub"] or asked.actor[1].get("act")):
            reasons.add("actor_token")
        if subject["sub"].startswith("agent:"):
            reasons.add("own_account")
        chain = [who, *actors(subject)]
        weakest = min([self._assurance(actor), *known(subject)], key=ASSURANCES.index)
        if ASSURANCES.index(weakest) < ASSURANCES.index(target.floor):
            reasons.add("floor")
        if len(chain) > MOST_ACTORS:
            reasons.add("depth")
        passing, refused = self._along(chain, target)
        reasons |= refused
        scope = passing & self.entitled(target) & set(subject["scope"].split())
        scope = scope if asked.scope is None else scope & asked.scope
        if not scope:
            reasons.add("scope")
        return Verdict(reasons, {} if reasons else self._claims(asked, target, scope, weakest))

    def _received(self, actor: Agent | Door, subject: dict) -> bool:
        """R4: a token is exchanged by whom it was handed to; at the front door also by the app that got it there."""
        if isinstance(actor, Agent):
            return subject["aud"] == actor.resource
        return subject["dlg"]["hop"] == 0 and subject["client_id"] == actor.name

    def identity(self, actor: Agent | Door) -> dict:
        if isinstance(actor, Agent):
            return {"iss": self.world.issuer, "sub": f"agent:{actor.name}", "sub_profile": "ai_agent"}
        return {"iss": self.world.issuer, "sub": f"client:{actor.name}", "sub_profile": "service"}

    def _assurance(self, actor: Agent | Door) -> str:
        return "client_secret" if isinstance(actor, Agent) or actor.secret else "none"

    def _along(self, chain: list[dict], target: Agent | Place) -> tuple[set[str], set[str]]:
        """What passes from the first actor to the target, and what stands in the way (R5, R10, R18)."""
        passing, refused = self.reach(target), set()
        line = [actor["sub"].split(":", 1) for actor in reversed(chain)]
        for place, (kind, name) in enumerate(line):
            before = [known for _, known in line[:place]]
            last = place + 1 == len(line)
            ahead = target.name if last else line[place + 1][1]
            if kind == "client":
                if ahead not in self.world.doors[name].hands_to:
                    refused.add("edge")
                continue
            step, no = self._step(self.world.agents[name], before, ahead, last)
            refused |= no
            passing &= step if step is not None else passing
        return passing, refused

    def _step(self, agent: Agent, before: list[str], ahead: str, last: bool) -> tuple[set[str] | None, set[str]]:
        """One step; None lets everything pass."""
        # Whoever calls a server behind the gateway meets the agent that it is; the way there is the gateway, though.
        names = {ahead}
        if not last and ahead in self.world.agents:
            names.add(self.world.agents[ahead].behind or ahead)
        depth = len(before) + 1
        refused = {"depth"} if depth > agent.max_depth else set()
        fits = [edge for edge in agent.edges if edge.to in names and self._fits(agent, edge, before)]
        if not fits:
            return None, refused | {"edge"}
        fits = [edge for edge in fits if depth <= edge.max_depth]
        if not fits:
            return None, refused | {"depth"}
        # R18: nobody twice; a server that is an agent as well is that agent.
        inside = [other.name for other in self.world.agents.values() if other.behind == ahead]
        if {ahead, *inside} & {*before, agent.name}:
            fits = [edge for edge in fits if edge.reentrant]
            if not fits:
                return None, refused | {"loop"}
        bounds = [edge.scopes for edge in fits]
        passing = None if None in bounds else set().union(*bounds)
        if agent.scopes is not None:
            passing = agent.scopes if passing is None else passing & agent.scopes
        return passing, refused

    def _fits(self, agent: Agent, edge, before: list[str]) -> bool:
        after = edge.after is None or bool(set(edge.after) & set(before))
        return after and self.means(agent.acts_for) and self.means(edge.acts_for)

    def _claims(self, asked: Asked, target: Agent | Place, scope: set[str], weakest: str) -> dict:
        """R6, R8, R12: the new token, but for its own id and times."""
        subject = asked.claims
        actor = self.identity(self.world.agents.get(asked.client) or self.world.doors[asked.client])
        act = {**actor, "act": subject["act"]} if "act" in subject else actor
        claims = {"iss": self.world.issuer, "sub": subject["sub"], "aud": target.resource, "client_id": asked.client}
        claims |= {"scope": scope, "act": act, "txn": subject["txn"], "gid": subject["dlg"]["gid"]}
        claims |= {"pjti": subject["jti"], "hop": subject["dlg"]["hop"] + 1, "asr": weakest}
        if isinstance(target, Agent):
            claims["may_act"] = {"iss": self.world.issuer, "sub": f"agent:{target.name}"}
        return claims


def actors(claims: dict) -> list[dict]:
    """The actors of a token, current one first."""
    found, act = [], claims.get("act")
    while act:
        found.append(act)
        act = act.get("act")
    return found


def known(claims: dict) -> list[str]:
    """The weakest assurance so far, where anybody acted."""
    return [claims["dlg"]["asr"]] if "asr" in claims["dlg"] else []
