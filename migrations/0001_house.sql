-- The house. What is expensive to change later stands here from the first day, however thin its first use: ordered
-- steps, stacks, fences, sealed bytes, drafts, an append-only audit trail, and three database roles.
--
-- Rules: lower case; named constraints; every table has created_at; a later migration expands, then contracts, because
-- the old code still runs. What is secret is in columns named sealed_*: bytes that only a worker can open.

-- The roles: the owner migrates; the web process writes intent; the worker acts. Both are roles to set, not to log in
-- with: whoever connects is granted them (docs/operating.md).
do $$
begin
    if not exists (select from pg_roles where rolname = 'slipway_web') then
        create role slipway_web nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'slipway_worker') then
        create role slipway_worker nologin;
    end if;
exception
    -- Two databases of one cluster may be migrated at the same moment.
    when duplicate_object or unique_violation then null;
end $$;
do $$
begin
    execute format('grant slipway_web, slipway_worker to %I', current_user);
exception
    when others then raise notice 'slipway_web and slipway_worker were not granted to %: %', current_user, sqlerrm;
end $$;

-- People, teams, roles -------------------------------------------------------------------------------------------------

create table user_account (
    id           bigint generated always as identity primary key,
    -- OpenID's subject; the key of a person. A demo persona has 'demo:<persona>'.
    subject      text not null constraint user_account_subject_key unique,
    email        text,
    name         text not null,
    suspended_at timestamptz,
    created_at   timestamptz not null
);

create table team (
    id            bigint generated always as identity primary key,
    name          text not null constraint team_name_key unique,
    -- How many preview environments the team may have at once without anybody's vote.
    preview_quota int not null constraint team_preview_quota_check check (preview_quota >= 0),
    created_at    timestamptz not null
);

create table team_member (
    team_id    bigint not null references team,
    user_id    bigint not null references user_account,
    role       text not null constraint team_member_role_check check (role in ('member', 'lead')),
    -- Where the membership comes from: by hand, by a group, by the demo.
    source     text not null,
    created_at timestamptz not null,
    primary key (team_id, user_id)
);
create index team_member_user on team_member (user_id);

create table org_role (
    user_id    bigint not null references user_account,
    role       text not null constraint org_role_role_check check (role in ('operator', 'auditor', 'admin')),
    source     text not null,
    created_at timestamptz not null,
    primary key (user_id, role)
);

create table session (
    id           bigint generated always as identity primary key,
    -- SHA-256 of the cookie's token: a copy of this table signs nobody in.
    token_hash   bytea not null constraint session_token_hash_key unique,
    user_id      bigint not null references user_account,
    user_agent   text not null,
    created_at   timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at   timestamptz not null,
    ended_at     timestamptz
);
create index session_of_user on session (user_id) where ended_at is null;

-- The catalog ----------------------------------------------------------------------------------------------------------

-- Bundles are addressed by what they contain and never change: an environment is changed and destroyed with the
-- version that it runs, whatever became of the catalog.
create table template_version (
    digest     text primary key,
    name       text not null,
    -- The template's files, compressed.
    bundle     bytea not null,
    -- What was read from them: title, class, engine, fields, outputs.
    parsed     jsonb not null,
    created_at timestamptz not null
);

create table template (
    name       text primary key,
    -- The current version; null while the template is broken and never was whole.
    digest     text references template_version,
    -- Why it is broken now: file, line, reason, hint; null when it is whole.
    broken     jsonb,
    -- Set when its folder is gone from the catalog.
    removed_at timestamptz,
    updated_at timestamptz not null,
    created_at timestamptz not null
);

-- Environments and stacks ------------------------------------------------------------------------------------------------

create table environment (
    id              bigint generated always as identity primary key,
    team_id         bigint not null references team,
    name            text not null,
    class           text not null constraint environment_class_check check (class in ('preview', 'shared', 'production')),
    state           text not null constraint environment_state_check
        check (state in ('pending', 'ready', 'incomplete', 'unknown', 'destroyed', 'withdrawn')),
    version         bigint not null default 1,
    template_name   text not null,
    -- What it runs now; until the first deployment what was asked for.
    template_digest text not null references template_version,
    inputs          jsonb not null default '{}',
    -- Sensitive inputs in force: name → input_secret.id.
    sensitive       jsonb not null default '{}',
    outputs         jsonb not null default '[]',
    resources       jsonb not null default '[]',
    -- When it ends by itself; null = never.
    ends_at         timestamptz,
    warned_at       timestamptz,
    last_deployment bigint,
    created_by      bigint not null references user_account,
    destroyed_at    timestamptz,
    created_at      timestamptz not null
);
-- A name is taken while its environment is not over.
create unique index environment_name_key on environment (name) where state not in ('destroyed', 'withdrawn');
create index environment_team on environment (team_id, id desc);
create index environment_end on environment (ends_at) where ends_at is not null and state not in ('destroyed', 'withdrawn');

-- One Terraform state each. An environment owns one or more.
create table stack (
    id             bigint generated always as identity primary key,
    environment_id bigint not null references environment,
    name           text not null,
    engine         text not null,
    -- The engine's version that last wrote the state.
    engine_version text,
    lineage        text,
    serial         bigint not null default 0,
    -- Terraform's own lock info while it holds the state; one lock per stack.
    lock_id        text,
    lock_info      jsonb,
    locked_by_run  bigint,
    created_at     timestamptz not null,
    constraint stack_name_key unique (environment_id, name)
);

-- Sensitive inputs, sealed by the web process to the worker's key. They live as long as their environment or draft.
create table input_secret (
    id             bigint generated always as identity primary key,
    environment_id bigint references environment,
    draft_id       bigint,
    name           text not null,
    sealed_value   bytea not null,
    -- The worker's key that it is sealed to.
    created_at     timestamptz not null
);
create index input_secret_environment on input_secret (environment_id);
create index input_secret_draft on input_secret (draft_id);

-- A form that is being filled in: never lost, and one request for two clicks.
create table draft (
    id              bigint generated always as identity primary key,
    user_id         bigint not null references user_account,
    template_name   text not null,
    template_digest text not null references template_version,
    -- Set when it changes an environment instead of asking for a new one.
    environment_id  bigint references environment,
    -- What was typed, control by control, without the text of sensitive ones.
    entered         jsonb not null default '{}',
    -- What is wrong with it, control by control, as of the last send.
    errors          jsonb not null default '{}',
    -- Sensitive values typed so far: name → input_secret.id.
    sensitive       jsonb not null default '{}',
    -- The run that it became.
    run_id          bigint,
    created_at      timestamptz not null,
    updated_at      timestamptz not null
);
create unique index draft_open on draft (user_id, template_name, coalesce(environment_id, 0)) where run_id is null;
alter table input_secret add constraint input_secret_draft_id_fkey foreign key (draft_id) references draft;

-- Runs ------------------------------------------------------------------------------------------------------------------

create table run (
    id               bigint generated always as identity primary key,
    environment_id   bigint not null references environment,
    operation        text not null constraint run_operation_check check (operation in ('create', 'change', 'destroy')),
    state            text not null constraint run_state_check check (state in (
        'queued', 'previewing', 'awaiting_approval', 'approved', 'applying', 'verifying', 'succeeded', 'no_changes',
        'failed', 'rejected', 'expired', 'canceled', 'degraded', 'unknown', 'reconciling', 'not_applied',
        'partly_applied')),
    -- Compare-and-set: every change of state raises it.
    version          bigint not null default 1,
    -- Raised by every claim; a worker's write with an older one is refused.
    fence            bigint not null default 0,
    -- Waits behind another run of its environment: true until it is its turn.
    waiting          boolean not null default false,
    title            text not null,
    -- Null when a rule asked: the end of an environment's time.
    requested_by     bigint references user_account,
    reason           text not null default '',
    template_digest  text not null references template_version,
    inputs           jsonb not null,
    sensitive        jsonb not null default '{}',
    -- Over all steps; what a vote names.
    digest           text,
    -- The policy's answer to the preview: needs, warnings, rule.
    policy           jsonb,
    -- Why it stopped, for people: message, detail, hint.
    failure          jsonb,
    cancel_requested_at timestamptz,
    cancel_force     boolean not null default false,
    -- Set once an apply has begun: from then on the world may differ.
    touched          boolean not null default false,
    votes_until      timestamptz,
    created_at       timestamptz not null,
    finished_at      timestamptz
);
-- One active run per environment. The others wait in order.
create unique index run_active on run (environment_id) where not waiting and state not in (
    'succeeded', 'no_changes', 'failed', 'rejected', 'expired', 'canceled', 'degraded', 'not_applied', 'partly_applied');
create index run_environment on run (environment_id, id desc);
create index run_open on run (state, id) where finished_at is null;

-- A run is a list of ordered steps from the first day on, with one step at first.
create table run_step (
    run_id         bigint not null references run,
    n              int not null,
    action         text not null,
    stack_id       bigint references stack,
    state          text not null,
    preview        jsonb,
    -- Of the preview, so that lists need not read it: the count of changes, and what deserves a look.
    tally          jsonb,
    looks          jsonb not null default '[]',
    digest         text,
    fence          bigint not null default 0,
    -- The saved plan and its lock file; deleted when the run is over.
    sealed_plan    bytea,
    lock_file      text,
    engine         text,
    engine_version text,
    -- The state that the preview was made on; another one makes it stale.
    base_lineage   text,
    base_serial    bigint,
    outcome        jsonb,
    created_at     timestamptz not null,
    primary key (run_id, n)
);

create table state_version (
    id           bigint generated always as identity primary key,
    stack_id     bigint not null references stack,
    serial       bigint not null,
    lineage      text not null,
    sealed_state bytea not null,
    run_id       bigint references run,
    fence        bigint not null,
    -- A late upload: evidence for people, never current by itself.
    candidate    boolean not null default false,
    created_at   timestamptz not null
);
create index state_version_stack on state_version (stack_id, id desc);

create table run_event (
    id         bigint generated always as identity primary key,
    run_id     bigint not null references run,
    at         timestamptz not null,
    state      text not null,
    -- What happened, in the vocabulary of the run page.
    kind       text not null,
    actor_id   bigint references user_account,
    worker     text,
    detail     jsonb not null default '{}',
    created_at timestamptz not null
);
create index run_event_run on run_event (run_id, id);

-- One person's vote on one preview.
create table approval (
    id         bigint generated always as identity primary key,
    run_id     bigint not null references run,
    digest     text not null,
    user_id    bigint not null references user_account,
    decision   text not null constraint approval_decision_check check (decision in ('approve', 'reject')),
    reason     text not null default '',
    created_at timestamptz not null,
    constraint approval_once unique (run_id, digest, user_id)
);
create index approval_user on approval (user_id, id desc);

-- The queue ---------------------------------------------------------------------------------------------------------------

create table worker (
    id         bigint generated always as identity primary key,
    name       text not null,
    -- Engines and versions that it has, and its key's id.
    facts      jsonb not null default '{}',
    started_at timestamptz not null,
    seen_at    timestamptz not null,
    stopped_at timestamptz,
    created_at timestamptz not null
);

create table job (
    id          bigint generated always as identity primary key,
    kind        text not null constraint job_kind_check check (kind in ('preview', 'apply', 'reconcile')),
    run_id      bigint not null references run,
    state       text not null constraint job_state_check check (state in ('queued', 'claimed', 'done', 'dropped', 'lost')),
    fence       bigint not null default 0,
    worker_id   bigint references worker,
    lease_until timestamptz,
    -- A worker that cannot renew kills its children until here; nothing new starts on the stack before.
    grace_until timestamptz,
    claimed_at  timestamptz,
    finished_at timestamptz,
    created_at  timestamptz not null
);
create index job_queued on job (id) where state = 'queued';
create index job_claimed on job (lease_until) where state = 'claimed';
create unique index job_open on job (run_id) where state in ('queued', 'claimed');

-- The public half of the workers' key: all that the web process has, and it can only seal.
create table worker_key (
    id         text primary key,
    public_key bytea not null,
    created_at timestamptz not null
);

-- Logs -------------------------------------------------------------------------------------------------------------------

-- Batches by size and time, compressed, addressed by byte offset within the run's log.
create table log_chunk (
    run_id     bigint not null references run,
    start      bigint not null,
    size       int not null,
    first_line bigint not null,
    lines      int not null,
    fence      bigint not null,
    data       bytea not null,
    created_at timestamptz not null,
    primary key (run_id, start)
);

-- History ----------------------------------------------------------------------------------------------------------------

create table deployment (
    id              bigint generated always as identity primary key,
    environment_id  bigint not null references environment,
    team_id         bigint not null references team,
    run_id          bigint not null constraint deployment_run_key unique references run,
    operation       text not null,
    outcome         text not null,
    title           text not null,
    template_name   text not null,
    template_digest text not null,
    inputs          jsonb not null,
    tally           jsonb not null,
    requested_by    bigint references user_account,
    approved_by     jsonb not null default '[]',
    finished_at     timestamptz not null,
    created_at      timestamptz not null
);
create index deployment_time on deployment (id desc);
create index deployment_environment on deployment (environment_id, id desc);
create index deployment_team on deployment (team_id, id desc);

-- Audit -------------------------------------------------------------------------------------------------------------------

-- Append-only: nobody but the owner may change or remove a row. Written in the transaction that it belongs to; the
-- chain is another table, so that sealing needs no right to change what was written.
create table audit (
    id         bigint generated always as identity primary key,
    at         timestamptz not null,
    actor_id   bigint references user_account,
    actor      text not null,
    session_id bigint,
    action     text not null,
    noun       text not null,
    noun_id    bigint,
    team_id    bigint,
    allowed    boolean not null,
    before     jsonb,
    after      jsonb,
    detail     text not null default '',
    request_id text not null,
    created_at timestamptz not null
);
create index audit_actor on audit (actor_id, id desc);
create index audit_noun on audit (noun, noun_id, id desc);

create table audit_seal (
    seq        bigint primary key,
    audit_id   bigint not null constraint audit_seal_audit_key unique references audit,
    -- SHA-256 over the record's canonical text.
    record     bytea not null,
    -- SHA-256 over the chain so far and this record.
    chain      bytea not null,
    created_at timestamptz not null
);

-- Who may what -----------------------------------------------------------------------------------------------------------

grant usage on schema public to slipway_web, slipway_worker;

-- The web process writes intent, and appends to the audit.
grant select on all tables in schema public to slipway_web;
revoke select on state_version from slipway_web;
grant insert, update on user_account, team, team_member, org_role, session, environment, draft, run, job to slipway_web;
grant delete on team_member, org_role, draft to slipway_web;
grant insert on stack, run_step, run_event, approval, input_secret, audit to slipway_web;
grant update (environment_id, draft_id) on input_secret to slipway_web;
grant update (sealed_plan, state) on run_step to slipway_web;
grant delete on input_secret to slipway_web;

-- The worker acts. It keeps the catalog, and never touches people, sessions or votes.
grant select on all tables in schema public to slipway_worker;
revoke select on session from slipway_worker;
grant insert, update on template, template_version, environment, stack, run, run_step, job, worker, worker_key to slipway_worker;
grant insert on run_event, audit, audit_seal, state_version, log_chunk, deployment to slipway_worker;
grant delete on input_secret, worker_key to slipway_worker;
