-- What is stopped for everybody: an agent, an edge between two, a tool. `at` is when it was last stopped or started and only
-- moves forward; a token that names an agent or an edge and was issued at or before it stays dead after a start.
CREATE TABLE stops (
    kind    TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    off     BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (kind, subject)
);

-- Finds what was derived from a token.
CREATE INDEX access_tokens_parent ON access_tokens (parent) WHERE parent IS NOT NULL;

-- At which provider somebody signed in, and which of its sessions that was: it may say later that it is over.
ALTER TABLE sessions ADD COLUMN login_issuer TEXT;
ALTER TABLE sessions ADD COLUMN login_session TEXT;

-- What providers told us, by the digest of issuer and `jti`, so that nothing counts twice.
CREATE TABLE signals (
    digest     TEXT   NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX signals_expires_at ON signals (expires_at);
