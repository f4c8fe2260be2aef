"""Random chains against a model that shares no code with what it judges.

    chain_model.py [--full] [--seed N] [--chains N]

Draws houses (agents, edges, ceilings, floors, users), starts the binary on each, and runs chains of up to six exchanges
over HTTP, some honest and some not. For each answer the model (chains/model.py) says beforehand whether it must be a
token, and of exactly which scope, chain, audience and end, or a refusal, and for which reasons. 60 chains, or 1,000
with --full. The closing line counts chains; one mismatch fails its chain.
"""

import argparse
import os
import sys
from collections import Counter
from random import Random

from chains.house import House, free_port
from chains.model import LIFE, REASONS, Asked, Model, Verdict, actors
from chains.world import Agent, Place, World, drawn

PER_HOUSE = 12
MOST_EXCHANGES = 6
CLASSES = ["id_token", "refresh_token", "jwt"]


class Told:
    """What a run found."""

    def __init__(self) -> None:
        self.accepted = 0
        self.refused: Counter[str] = Counter()
        self.depths: Counter[int] = Counter()
        self.mismatches: list[str] = []

    def exchanges(self) -> int:
        return self.accepted + sum(count for _, count in self.refused.items())


class Chain:
    """One chain, with its branches: from a token at the front door, or of an agent's own, as far as it goes."""

    def __init__(self, house: House, dice: Random, told: Told) -> None:
        self.house, self.world, self.dice, self.told = house, house.world, dice, told
        self.model = Model(house.world)
        self.everybody = [*self.world.agents.values(), *self.world.places.values()]
        self.seen: list[tuple[str, dict]] = []

    def run(self) -> bool:
        """True when everything was as the model says."""
        before = len(self.told.mismatches)
        start = self.alone() if self.dice.random() < 0.1 else self.front()
        if start is None:
            return len(self.told.mismatches) == before
        token, claims = start
        for _ in range(MOST_EXCHANGES):
            self.seen.append((token, claims))
            asked = self.asked(token, claims)
            answer = self.house.exchange(asked)
            verdict = self.model.judge(asked)
            token, claims = self.onward(self.judged(asked, verdict, answer) or (token, claims))
        return len(self.told.mismatches) == before

    def onward(self, now: tuple[str, dict]) -> tuple[str, dict]:
        """The token to go on with: from a server or an API mostly another branch, because nobody goes on from there."""
        agents = {agent.resource for agent in self.world.agents.values()}
        if now[1]["aud"] in agents or self.dice.random() < 0.4:
            return now
        return self.dice.choice([seen for seen in self.seen if seen[1]["aud"] in agents] or [now])

    # ------------------------------------------------------------ how it begins

    def front(self) -> tuple[str, dict] | None:
        target = self.dice.choice(self.everybody if self.dice.random() < 0.2 else [*self.world.agents.values()])
        reach = self.model.reach(target)
        wants = self.wanted(reach) if reach else {"nothing:there"}
        door = self.dice.choice(["web", "kiosk"])
        expected = self.model.front(target, wants)
        token = self.house.front(door, target.resource, wants)
        if token is None or not expected:
            if bool(token) != bool(expected):
                self.wrong(f"front door: {sorted(expected)} expected, and {token and 'a token' or 'none'} given")
            return None
        claims = self.house.claims(token, target.resource)
        said = (set(claims["scope"].split()), claims.get("act"), claims["dlg"]["hop"], claims["client_id"])
        if said != (expected, None, 0, door):
            self.wrong(f"front door: {sorted(expected)} expected, {said} given")
        return token, claims

    def alone(self) -> tuple[str, dict] | None:
        agent = self.dice.choice([*self.world.agents.values()])
        able = [one for one in self.everybody if agent.own & self.model.reach(one)]
        if not able:
            return None
        agents = [one for one in able if isinstance(one, Agent)]
        target = self.dice.choice(agents or able)
        answer = self.house.alone(agent.name, target.resource)
        if "access_token" not in answer:
            self.wrong(f"own account of {agent.name} at {target.name}: {answer}")
            return None
        claims = self.house.claims(answer["access_token"], target.resource)
        if claims["sub"] != f"agent:{agent.name}" or "act" in claims or not set(claims["scope"].split()) <= agent.own:
            self.wrong(f"own account of {agent.name}: {claims}")
        return answer["access_token"], claims

    # ------------------------------------------------------------ what is asked

    def asked(self, token: str, claims: dict) -> Asked:
        """Mostly what would work; else what a thief, a fool or a liar would send."""
        dice = self.dice
        at = next((agent for agent in self.world.agents.values() if agent.resource == claims["aud"]), None)
        holder = claims["client_id"]
        client = at.name if at else holder
        if dice.random() < (0.08 if at else 0.5):
            client = dice.choice([*self.world.agents, *self.world.doors])
        if holder in self.world.doors and dice.random() < 0.15:
            return self.handed_on(token, claims)
        actor = self.world.agents.get(client)
        edges = actor.edges if actor else []
        ahead = [self.model.named(edge.to) for edge in edges] or self.everybody
        ahead = [one for one in ahead if isinstance(one, Agent)] * 3 + ahead
        before = {act["sub"] for act in actors(claims)} | {f"agent:{client}"}
        if dice.random() < 0.7:
            ahead = [one for one in ahead if f"agent:{one.name}" not in before] or ahead
        target = dice.choice(ahead if dice.random() < 0.88 else self.everybody)
        asked = Asked(client, token, claims, target=target.name)
        if dice.random() < 0.5:
            asked.scope = self.wanted(set(claims["scope"].split()) | self.model.reach(target))
        self.twist(asked, target)
        return asked

    def handed_on(self, token: str, claims: dict) -> Asked:
        """An app that hands its user on, as it may where the token is not for an agent already."""
        door = claims["client_id"]
        return Asked(door, token, claims, target=self.dice.choice(sorted(self.world.doors[door].hands_to)))

    def twist(self, asked: Asked, target: Agent | Place) -> None:
        """Another way to say the same, or something that must be refused, or must make no difference."""
        dice = self.dice
        how = dice.random()
        if how < 0.1:
            asked.target, asked.resource = None, target.resource
        elif how < 0.15:
            asked.target = target.resource
        elif how < 0.18:
            asked.resource = dice.choice(self.everybody).resource
        elif how < 0.2:
            asked.target = "nobody"
        elif how < 0.22:
            asked.subject_type = f"urn:ietf:params:oauth:token-type:{dice.choice(CLASSES)}"
        elif how < 0.24:
            asked.requested_type = f"urn:ietf:params:oauth:token-type:{dice.choice(CLASSES)}"
        elif how < 0.28:
            asked.actor = dice.choice(self.seen)
        elif how < 0.34:
            asked.more = {"act": '{"sub":"agent:agent-a"}', "actor": "agent-a", "hop": "0", "client": "web"}

    def wanted(self, scopes: set[str]) -> set[str]:
        return set(self.dice.sample(sorted(scopes), self.dice.randint((len(scopes) + 1) // 2, len(scopes))))

    # ------------------------------------------------------------ what came

    def judged(self, asked: Asked, verdict: Verdict, answer: dict) -> tuple[str, dict] | None:
        """The new token, if there is one."""
        told = self.told
        if "access_token" not in answer:
            fitting = {REASONS[reason] for reason in verdict.reasons}
            if answer.get("error") not in fitting:
                self.wrong(f"{sorted(verdict.reasons) or 'a token'} expected, {answer} given", asked)
            told.refused.update([next(iter(sorted(verdict.reasons)))] if len(verdict.reasons) == 1 else ["several"])
            return None
        told.accepted += 1
        if verdict.reasons:
            self.wrong(f"{sorted(verdict.reasons)} expected, a token given", asked)
            return None
        claims = self.house.claims(answer["access_token"], verdict.claims["aud"])
        told.depths[len(actors(claims))] += 1
        for fault in faults(asked.claims, claims, verdict, answer):
            self.wrong(fault, asked)
        return answer["access_token"], claims

    def wrong(self, says: str, asked: Asked | None = None) -> None:
        chain = [actor["sub"] for actor in actors(asked.claims)] if asked else []
        about = f"{asked.client} to {asked.target or asked.resource}, {asked.scope}, from {asked.claims}" if asked else ""
        self.told.mismatches.append(f"{says}\n      {about} {chain}")


def faults(before: dict, claims: dict, verdict: Verdict, answer: dict):
    """Everything in which a token is not what it must be."""
    said = {name: claims.get(name) for name in ("iss", "sub", "aud", "client_id", "act", "txn", "may_act")}
    said |= {name: claims["dlg"].get(name) for name in ("gid", "pjti", "hop", "asr")}
    said["scope"] = set(claims["scope"].split())
    for name, value in said.items():
        if value != verdict.claims.get(name):
            yield f"{name}: {verdict.claims.get(name)} expected, {value} given"
    if claims["exp"] != min(before["exp"], claims["iat"] + LIFE):
        yield f"exp: {before['exp']} before, {claims['exp']} after, issued at {claims['iat']}"
    if claims["jti"] == before["jti"]:
        yield "jti: the same twice"
    fixed = {"token_type": "Bearer", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}
    if any(answer.get(name) != value for name, value in fixed.items()) or "refresh_token" in answer:
        yield f"answer: {answer}"
    if set(answer["scope"].split()) != said["scope"] or not 0 <= answer["expires_in"] <= claims["exp"] - claims["iat"]:
        yield f"answer: {answer}"


def main() -> int:
    options = argparse.ArgumentParser(description="Random chains against a model")
    options.add_argument("--full", action="store_true", default=bool(os.environ.get("BAILIWICK_FULL")))
    options.add_argument("--seed", type=int, default=2)
    options.add_argument("--chains", type=int)
    wish = options.parse_args()
    chains = wish.chains or (1000 if wish.full else 60)
    told, passed = Told(), 0
    for number, start in enumerate(range(0, chains, PER_HOUSE)):
        dice = Random(wish.seed * 1000 + number)
        world: World = drawn(dice, f"http://localhost:{free_port()}")
        with House(world) as house:
            passed += sum(Chain(house, dice, told).run() for _ in range(min(PER_HOUSE, chains - start)))
    return report(told, passed, chains - passed)


def report(told: Told, passed: int, failed: int) -> int:
    for mismatch in told.mismatches[:20]:
        print(f"  FAIL  {mismatch}")
    exchanges = told.exchanges()
    share = told.accepted / max(1, exchanges)
    print(f"  {exchanges} exchanges: {told.accepted} accepted ({share:.0%}), {exchanges - told.accepted} refused")
    print(f"  accepted by actors in the chain: {dict(sorted(told.depths.items()))}")
    print(f"  refused by reason: {dict(sorted(told.refused.items()))}")
    print(f"  {len(told.mismatches)} mismatches")
    # A model that refuses everything, or never meets a rule, shows nothing.
    unmet = sorted(set(REASONS) - set(told.refused))
    for says, holds in [
        ("a quarter of the exchanges or more are accepted", share >= 0.25),
        (f"every reason to refuse occurs alone {unmet or ''}", not unmet),
        ("chains of every depth up to the limit occur", set(told.depths) == {1, 2, 3, 4}),
    ]:
        passed, failed = passed + holds, failed + (not holds)
        print(f"  {'ok  ' if holds else 'FAIL'}  {says}")
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
