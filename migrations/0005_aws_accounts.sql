-- AWS accounts, the role that each kind of action takes in them, and what the workers found when they last asked. Only
-- adds: the code before it runs on it, and leaves the account of a new environment to the worker's first preview.

create table aws_account (
    id            bigint generated always as identity primary key,
    name          text not null constraint aws_account_name_check check (name ~ '^[a-z][a-z0-9-]{1,39}$'),
    -- AWS's own number.
    account       text not null constraint aws_account_account_check check (account ~ '^[0-9]{12}$'),
    region        text not null,
    -- What a worker says when it assumes a role, so that nobody else can have it assume them; not a secret.
    external_id   text,
    -- Classes of environments that are made here unless their template names an account.
    serves        text[] not null
        constraint aws_account_serves_check check (serves <@ array['preview', 'shared', 'production']),
    -- The roles, by ARN. Never a key: the worker's own identity is what may assume them.
    plan_role     text not null,
    apply_role    text not null,
    destroy_role  text not null,
    pipeline_role text,
    secrets_role  text,
    -- Set for an imitation on the worker's machine: its name.
    imitation     text,
    -- What the workers found: {"worker": …, "roles": {"plan": …}}, each an ARN or a reason.
    answers       jsonb not null default '{}',
    checked_at    timestamptz,
    -- Somebody wants it asked again.
    asked_at      timestamptz,
    -- A worker asks now; nobody else does before this moment.
    claimed_until timestamptz,
    added_by      bigint references user_account,
    removed_at    timestamptz,
    removed_by    bigint references user_account,
    created_at    timestamptz not null
);
create unique index aws_account_name_key on aws_account (name) where removed_at is null;

-- Where it was made, and stays. Null: its template needs no AWS, or no preview has been made yet.
alter table environment add column aws_account_id bigint references aws_account;
create index environment_aws_account on environment (aws_account_id) where aws_account_id is not null;

grant select on aws_account to slipway_web, slipway_worker;
-- The web process says which accounts there are, and that one is to be asked; it never says what was answered.
grant insert (name, account, region, external_id, serves, plan_role, apply_role, destroy_role, pipeline_role, secrets_role,
              added_by, created_at),
      update (removed_at, removed_by, asked_at) on aws_account to slipway_web;
-- The worker says what was answered. It makes no account but an imitation of its own.
grant insert (name, account, region, serves, plan_role, apply_role, destroy_role, imitation, created_at),
      update (region, removed_at, answers, checked_at, claimed_until) on aws_account to slipway_worker;
