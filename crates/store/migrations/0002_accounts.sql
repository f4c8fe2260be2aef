-- What is known of an account besides its name, so that `allow` can mean it, and what it may do in administration.
ALTER TABLE users ADD COLUMN email TEXT;
ALTER TABLE users ADD COLUMN member_of TEXT NOT NULL DEFAULT '[]';
ALTER TABLE users ADD COLUMN provider TEXT;
ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'user';

-- An account that nobody can sign in to was never the first.
DELETE FROM settings WHERE name = 'first_user' AND value IN (SELECT id FROM users WHERE password = '!');
UPDATE users SET role = 'admin' WHERE id IN (SELECT value FROM settings WHERE name = 'first_user');
