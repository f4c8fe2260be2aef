-- What is good once and was used: `key` is a digest, and nobody asks after `expires_at`.
CREATE TABLE replay (
    kind       TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX replay_expires_at ON replay (expires_at);
