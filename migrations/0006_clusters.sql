-- Clusters, as the workers find them. No credential is here: it lies with the workers, and the web process sees only
-- whether a cluster answers, and since when it does not.

create table cluster (
    name         text primary key,
    -- The API server's address, for people; null until it was read.
    server       text,
    version      text,
    -- When it last answered.
    seen_at      timestamptz,
    -- Since when it does not, and why: message, detail, hint.
    failed_since timestamptz,
    failure      jsonb,
    -- When somebody last asked it.
    asked_at     timestamptz not null,
    created_at   timestamptz not null
);

grant select on cluster to slipway_web, slipway_worker;
grant insert, update on cluster to slipway_worker;

-- The deployment that a run puts back, if it does: a rollback is a run like any other.
alter table run add column back_to bigint references deployment;

-- What a worker sees of the workloads in the namespaces of environments: how many pods are wanted and ready, and what is
-- wrong in the cluster's own words. A pod stands here only while it is in trouble.
create table workload (
    environment_id bigint not null references environment,
    -- `Deployment/web`, `Pod/web-5d…`.
    address        text not null,
    wanted         bigint not null,
    ready          bigint not null,
    -- The newest version is rolled out, and all of it is ready.
    complete       boolean not null,
    trouble        text,
    changed_at     timestamptz not null,
    created_at     timestamptz not null,
    primary key (environment_id, address)
);

grant select on workload to slipway_web, slipway_worker;
grant insert, update, delete on workload to slipway_worker;
