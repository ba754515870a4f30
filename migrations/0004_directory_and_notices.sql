-- Memberships that come from Google groups, and messages about runs. Only adds: the code before it runs on it, and sees
-- memberships by hand alone.

-- Groups -----------------------------------------------------------------------------------------------------------------

-- Which groups give what in a team. Only groups that stand here are ever stored of anybody.
create table team_group (
    team_id    bigint not null references team,
    -- In small letters.
    address    text not null,
    role       text not null constraint team_group_role_check check (role in ('member', 'lead')),
    added_by   bigint references user_account,
    created_at timestamptz not null,
    primary key (team_id, address)
);
create index team_group_address on team_group (address);

-- The directory as a whole: how long its last word counts, and how asking it goes. One row, kept by the workers.
create table directory (
    one          boolean primary key default true constraint directory_one_check check (one),
    -- Seconds that a membership counts after it was last confirmed.
    keep_seconds double precision not null,
    -- When a worker that asks was last there.
    seen_at      timestamptz not null,
    success_at   timestamptz,
    failures     bigint not null default 0,
    failure_at   timestamptz,
    failure      text,
    created_at   timestamptz not null
);

-- When somebody's groups were asked for, and what came of it.
create table directory_person (
    user_id       bigint primary key references user_account,
    -- Their last sign-in, which asks out of turn.
    asked_at      timestamptz,
    due_at        timestamptz not null,
    -- A worker asks now; nobody else does before this moment.
    claimed_until timestamptz,
    -- The last answer, good or bad.
    answered_at   timestamptz,
    -- When the question was asked whose answer is in force.
    confirmed_at  timestamptz,
    failures      int not null default 0,
    failure       text,
    created_at    timestamptz not null
);
create index directory_due on directory_person (due_at);

-- The directory's last word: who is in which of the groups above.
create table person_group (
    user_id    bigint not null references user_account,
    address    text not null,
    created_at timestamptz not null,
    primary key (user_id, address)
);
create index person_group_address on person_group (address);

-- Every membership that counts at a moment, each with where it comes from: somebody may have several in one team. One
-- that a group gives counts for as long as the directory's last word is young enough, whoever does or does not sweep.
create function membership(moment timestamptz)
returns table (team_id bigint, user_id bigint, role text, source text, confirmed_at timestamptz)
language sql stable as $$
    select m.team_id, m.user_id, m.role, m.source, null::timestamptz from team_member m
    union all
    select g.team_id, p.user_id, g.role, 'group:' || g.address, d.confirmed_at
    from team_group g
    join person_group p on p.address = g.address
    join directory_person d on d.user_id = p.user_id
    where d.confirmed_at > moment - make_interval(secs => (select keep_seconds from directory))
$$;

-- Messages ---------------------------------------------------------------------------------------------------------------

-- What workers can send; without it nothing is queued. One row, kept by the workers.
create table notifier (
    one        boolean primary key default true constraint notifier_one_check check (one),
    mail       boolean not null,
    chat       boolean not null,
    -- For the page of settings: through which server, from which address. Never a secret.
    words      text not null,
    updated_at timestamptz not null,
    created_at timestamptz not null
);

-- A message to be sent, written in the transaction that it tells of. What it says is put together when it is sent.
create table notice (
    id            bigint generated always as identity primary key,
    channel       text not null constraint notice_channel_check check (channel in ('mail', 'chat')),
    kind          text not null constraint notice_kind_check check (kind in ('waits', 'ended')),
    run_id        bigint not null references run,
    -- To whom; null for the chat.
    user_id       bigint references user_account,
    -- What about: the digest that waits, or the state in which it ended. Once for each person.
    cause         text not null,
    state         text not null default 'queued'
        constraint notice_state_check check (state in ('queued', 'sent', 'failed', 'dropped')),
    tries         int not null default 0,
    next_at       timestamptz not null,
    claimed_until timestamptz,
    -- Why the last try failed, or why it was dropped.
    error         text,
    done_at       timestamptz,
    created_at    timestamptz not null
);
create unique index notice_once on notice (channel, run_id, kind, cause, coalesce(user_id, 0));
create index notice_queued on notice (next_at) where state = 'queued';
create index notice_failed on notice (id) where state = 'failed';

-- Whether somebody wants mail.
alter table user_account add column mail boolean not null default true;

-- Who may what -----------------------------------------------------------------------------------------------------------

grant select on team_group, directory, directory_person, person_group, notifier, notice to slipway_web, slipway_worker;
grant insert, delete on team_group to slipway_web;
-- The web process asks; it never answers.
grant insert (user_id, asked_at, due_at, created_at), update (asked_at, due_at) on directory_person to slipway_web;
grant insert on notice to slipway_web;
grant insert, update on directory, directory_person, notifier, notice to slipway_worker;
grant insert, delete on person_group to slipway_worker;
grant delete on notice to slipway_worker;
-- Whoever loses a group gets another token and loses open streams: that much, and no token, the worker may touch.
grant select (user_id, ended_at), update (rotate_at) on session to slipway_worker;
