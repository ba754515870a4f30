-- Personal tokens for programs, and what makes two same requests of a program one. Only adds: the code before it runs on
-- it, and knows of no token.

create table token (
    id           bigint generated always as identity primary key,
    user_id      bigint not null references user_account,
    name         text not null,
    -- SHA-256 of the whole token: a copy of this table opens nothing.
    token_hash   bytea not null constraint token_hash_key unique,
    -- Its first characters after the prefix, so that somebody who finds one can tell which it is.
    starts_with  text not null,
    scopes       text[] not null constraint token_scopes_check check (scopes <@ array['read', 'write', 'approve']),
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    revoked_by   bigint references user_account,
    constraint token_end_check check (expires_at <= created_at + interval '366 days')
);
-- Two posts of one form are one token; a name says which one it is.
create unique index token_name on token (user_id, name) where revoked_at is null;

-- A request that a program may send again when it did not hear the answer. The digest is over what was asked for without
-- what is secret, which could be guessed from it.
create table idempotency (
    user_id    bigint not null references user_account,
    key        text not null,
    request    bytea not null,
    run_id     bigint references run,
    created_at timestamptz not null,
    primary key (user_id, key)
);

grant select, insert, update on token, idempotency to slipway_web;
