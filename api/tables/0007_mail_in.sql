-- Mailboxes that order mails are taken from over IMAP, one a shop; and who vouches for a message of the inbox.

-- Where a mailbox is and how far it was read. User and password are among the shop's sealed secrets.
CREATE TABLE {schema}.mailboxes (
    shop          text COLLATE "C" PRIMARY KEY,
    host          text COLLATE "C" NOT NULL,
    port          integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    tls           text COLLATE "C" NOT NULL CHECK (tls IN ('tls', 'starttls', 'none')),
    folder        text COLLATE "C" NOT NULL,
    after_reading text COLLATE "C" NOT NULL CHECK (after_reading IN ('leave', 'seen', 'move')),
    move_to       text COLLATE "C" NOT NULL,
    authserv_id   text COLLATE "C" NOT NULL,
    since         date NOT NULL,
    uid_validity  bigint,                     -- NULL: it was not read yet
    last_uid      bigint NOT NULL DEFAULT 0,  -- up to it every message is in the inbox
    touched_uid   bigint NOT NULL DEFAULT 0,  -- up to it every message was marked or moved
    taken         bigint NOT NULL DEFAULT 0,
    too_large     bigint NOT NULL DEFAULT 0,  -- left in the mailbox
    due_at        timestamptz NOT NULL,
    read_at       timestamptz,
    failures      integer NOT NULL DEFAULT 0,
    code          text COLLATE "C" NOT NULL DEFAULT '',
    claimed_until timestamptz
);
CREATE INDEX mailboxes_due_idx ON {schema}.mailboxes (due_at);

-- vouched_by: whose Authentication-Results may be believed in this message, '' nobody's (RFC 8601, authserv-id).
-- proof: how the sender was proven, or why not; '' as long as it was not looked at.
ALTER TABLE {schema}.inbox
    ADD COLUMN vouched_by text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN proof text COLLATE "C" NOT NULL DEFAULT '';

GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.mailboxes TO daicho_app;
