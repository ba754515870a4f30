-- The front door: sign-ins that are under way, who became the first admin and how, and sessions whose token changes.
-- Only adds: the code before it runs on it.

-- A sign-in that somebody has begun and not finished. What ties its two halves together is derived from a token that only
-- the browser holds: nothing here helps anybody who reads it. Taken out once, by the callback.
create table sign_in_flow (
    -- SHA-256 of the cookie's token.
    token_hash bytea primary key,
    expires_at timestamptz not null,
    created_at timestamptz not null
);
create index sign_in_flow_end on sign_in_flow (expires_at);

-- A configured admin address makes one person an admin, once: whoever has the address later inherits nothing.
create table admin_claim (
    address    text primary key,
    user_id    bigint not null references user_account,
    created_at timestamptz not null
);

-- The printed link that makes its first bearer an admin while there is none.
create table setup_link (
    token_hash bytea primary key,
    expires_at timestamptz not null,
    used_at    timestamptz,
    used_by    bigint references user_account,
    created_at timestamptz not null
);

-- When rights change, a session gets another token at its next request. The old one counts for a moment longer, for
-- requests that were under way.
alter table session
    add column rotate_at      timestamptz,
    add column previous_hash  bytea,
    add column previous_until timestamptz;
create index session_previous on session (previous_hash) where previous_hash is not null;

grant select, insert, update, delete on sign_in_flow to slipway_web;
grant select, insert on admin_claim to slipway_web;
grant select, insert, update on setup_link to slipway_web;

-- The sealer's signature over the chain so far, with a key that is not in the database: a chain that was written anew, or
-- whose end was cut off, has none. One at the end of each batch, and one at least every ten minutes.
create table audit_checkpoint (
    id         bigint generated always as identity primary key,
    seq        bigint not null,
    chain      bytea not null,
    at         timestamptz not null,
    signature  bytea not null,
    -- The public half of the key that signed it.
    public_key bytea not null,
    created_at timestamptz not null
);
create index audit_checkpoint_seq on audit_checkpoint (seq);
grant select on audit_checkpoint to slipway_web;
grant select, insert on audit_checkpoint to slipway_worker;
create index audit_at on audit (at);
