-- How many calls of tools a grant for a long job was given, and how many it made. What else was agreed stands in the grant.
CREATE TABLE budgets (
    grant_id TEXT   NOT NULL PRIMARY KEY REFERENCES grants (id) ON DELETE CASCADE,
    calls    BIGINT NOT NULL,
    spent    BIGINT NOT NULL DEFAULT 0
);
