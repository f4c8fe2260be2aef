-- Parties that are stopped under one grant, for good: an agent by its `sub`, what is called by its audience or
-- by the step that leads to it.
CREATE TABLE grant_stops (
    grant_id TEXT   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    party    TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (grant_id, party)
);

-- The newest tokens and calls below a grant, which its tree is drawn from.
CREATE INDEX access_tokens_grant_issued ON access_tokens (grant_id, issued_at);
DROP INDEX access_tokens_grant_id;
CREATE INDEX audit_grant_at ON audit (grant_id, at);
DROP INDEX audit_grant_id;
