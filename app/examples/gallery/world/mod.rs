//! Example data for every page. Made up, and used by the gallery and by the tests of the views alone.

mod one;
mod pages;
mod runs;

pub use pages::documents;

use std::{collections::BTreeSet, path::Path, sync::Arc};

use leptos::prelude::IntoAny;
use slipway_app::{
    assets::Assets,
    components::{Frame, Here, View, Who},
    render,
    site::{Aws, DemoSite, Site},
    views,
};
use slipway_catalog::{Broken, Template};
use slipway_domain::{
    environment::{Class, EnvironmentState},
    form::{self, Entered},
    id::{AccountId, DeploymentId, DraftId, EnvironmentId, RunId, TeamId, UserId},
    plan::{Action, Attribute, Change, Diagnostic, Done, Outcome, Output, Preview, Shown, Tally},
    risk,
    role::{Actor, OrgRole, TeamRole},
    run::{Operation, State},
    votes::{Need, VoterRole},
};
use slipway_services::{
    account, approval, audit, deployment, draft, environment, log, run, template,
};
use time::{Duration, OffsetDateTime};

/// What a hostile person writes wherever they may write.
pub const HOSTILE: &str =
    "\"'></textarea></title></option><img src=x onerror=alert(1)><script>alert(1)</script>";

pub fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_795_513_000).expect("a time")
}

fn before(minutes: i64) -> OffsetDateTime {
    now() - Duration::minutes(minutes)
}

pub fn site() -> Site {
    Site {
        assets: Arc::new(Assets::from_pairs([("style.css", "../gallery/main.css")])),
        demo: Some(DemoSite { port: 7070 }),
        google: None,
        aws: Aws::Imitation("http://127.0.0.1:5000".into()),
    }
}

fn gallery_assets() -> Assets {
    Assets::from_pairs([
        ("style.css", "https://gallery.invalid/"),
        ("boot.js", "/boot.js"),
        ("live.js", "/live.js"),
        ("slipway.js", "/slipway.js"),
        ("slipway.wasm", "/slipway.wasm"),
    ])
}

pub fn lead() -> Actor {
    Actor {
        user: UserId::new(2),
        name: "Lee Lead".into(),
        session: None,
        token: None,
        teams: vec![(TeamId::new(1), TeamRole::Lead)],
        org: vec![],
    }
}

pub fn developer() -> Actor {
    Actor {
        user: UserId::new(1),
        name: "Dana Developer".into(),
        session: None,
        token: None,
        teams: vec![(TeamId::new(1), TeamRole::Member)],
        org: vec![],
    }
}

pub fn auditor() -> Actor {
    Actor {
        user: UserId::new(4),
        name: "Audra Auditor".into(),
        session: None,
        token: None,
        teams: vec![],
        org: vec![OrgRole::Auditor],
    }
}

/// Writes texts, as a friendly person or as a hostile one.
#[derive(Clone, Copy)]
pub struct World {
    pub hostile: bool,
}

impl World {
    fn t(self, text: &str) -> String {
        if self.hostile {
            format!("{text}{HOSTILE}")
        } else {
            text.to_owned()
        }
    }

    pub fn templates() -> Vec<(String, Template)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/catalog");
        slipway_catalog::read_catalog(&root)
            .expect("the catalog's folder")
            .into_iter()
            .filter_map(|entry| {
                entry
                    .template
                    .ok()
                    .map(|(_, template)| (entry.name, template))
            })
            .collect()
    }

    fn template(self, name: &str) -> Template {
        let mut template = Self::templates()
            .into_iter()
            .find(|t| t.0 == name)
            .expect("a template of the catalog")
            .1;
        template.title = self.t(&template.title);
        template.summary = self.t(&template.summary);
        template.owner = self.t(&template.owner);
        if self.hostile {
            for field in &mut template.fields {
                field.description = Some(self.t(field.description.as_deref().unwrap_or_default()));
                for rule in &mut field.validations {
                    rule.message = self.t(&rule.message);
                    rule.condition = self.t(&rule.condition);
                }
            }
            for output in &mut template.outputs {
                output.description = Some(self.t("x"));
            }
        }
        template
    }

    fn version(self, name: &str) -> template::Version {
        template::Version {
            name: name.into(),
            digest: DIGEST.into(),
            template: self.template(name),
        }
    }

    pub fn catalog(self) -> Vec<template::Listed> {
        let listed = |name: &str, environments| template::Listed {
            name: name.into(),
            digest: Some(DIGEST.into()),
            template: Some(self.template(name)),
            broken: None,
            environments,
            updated_at: before(600),
        };
        let mut all = vec![
            listed("hello", 2),
            listed("every-input", 1),
            listed("playground", 0),
            listed("network-bucket", 0),
        ];
        all.push(template::Listed {
            name: "queue-worker".into(),
            digest: None,
            template: None,
            broken: Some(self.broken()),
            environments: 0,
            updated_at: before(4),
        });
        all.push(template::Listed {
            broken: Some(self.broken()),
            ..listed("hello", 3)
        });
        all
    }

    fn broken(self) -> Broken {
        Broken {
            file: self.t("variables.tf"),
            line: 14,
            reason: self
                .t("A closing brace is missing: the block “variable” of line 9 is still open."),
            hint: self.t("Add the brace, then the template is whole again within a few seconds."),
        }
    }

    fn listed(
        self,
        id: i64,
        name: &str,
        state: EnvironmentState,
        active: Option<run::Link>,
        last: Option<run::Link>,
        hours: Option<i64>,
    ) -> environment::Listed {
        environment::Listed {
            id: EnvironmentId::new(id),
            name: self.t(name),
            team: self.t("checkout"),
            class: Class::Preview,
            state,
            template: "hello".into(),
            template_title: self.t("Hello"),
            ends_at: hours.map(|h| now() + Duration::hours(h)),
            active,
            last,
            created_at: before(3_000),
        }
    }

    pub fn environments(self) -> Vec<environment::Listed> {
        use EnvironmentState as E;
        vec![
            self.listed(
                9,
                "checkout-production",
                E::Ready,
                None,
                Some(self.link(30, State::Succeeded, Operation::Change)),
                None,
            ),
            self.listed(
                7,
                "checkout-staging",
                E::Ready,
                Some(self.link(42, State::AwaitingApproval, Operation::Change)),
                None,
                Some(144),
            ),
            self.listed(
                8,
                "payments-mr-981",
                E::Pending,
                Some(self.link(43, State::Applying, Operation::Create)),
                None,
                Some(5),
            ),
            self.listed(
                6,
                "checkout-mr-977",
                E::Ready,
                None,
                Some(self.link(31, State::Succeeded, Operation::Create)),
                Some(2),
            ),
            self.listed(
                5,
                "payments-load",
                E::Incomplete,
                None,
                Some(self.link(32, State::Failed, Operation::Create)),
                Some(48),
            ),
            self.listed(
                4,
                "checkout-regional-failover-rehearsal",
                E::Ready,
                None,
                Some(self.link(33, State::Succeeded, Operation::Create)),
                Some(400),
            ),
        ]
    }

    fn waiting(
        self,
        run: i64,
        title: &str,
        tally: Tally,
        looks: Vec<risk::Look>,
        own: bool,
    ) -> approval::Waiting {
        approval::Waiting {
            run: RunId::new(run),
            title: self.t(title),
            operation: Operation::Change,
            environment_id: EnvironmentId::new(7),
            environment: self.t("checkout-staging"),
            class: Class::Shared,
            team: self.t("checkout"),
            requested_by: Some(self.t("Dana Developer")),
            reason: self.t("SHOP-1184: the old version leaves support in January"),
            since: before(6 + run),
            until: Some(now() + Duration::hours(70)),
            digest: "hmac-sha256:9f2c61d4aa01".into(),
            tally,
            looks,
            votes: (1, 2),
            yours: !own,
            own,
        }
    }

    pub fn inbox(self) -> approval::Inbox {
        let looks = risk::brief(&self.preview(), Some(&BTreeSet::new()));
        let tally = |create, update, replace, delete| Tally {
            create,
            update,
            replace,
            delete,
        };
        approval::Inbox {
            asking: false,
            yours: vec![
                self.waiting(
                    42,
                    "Upgrade the database to PostgreSQL 17",
                    tally(3, 1, 1, 1),
                    looks,
                    false,
                ),
                self.waiting(
                    44,
                    "Create payments-mr-981",
                    tally(12, 0, 0, 0),
                    vec![],
                    false,
                ),
            ],
            others: vec![self.waiting(
                45,
                "Destroy checkout-load",
                tally(0, 0, 0, 9),
                vec![],
                true,
            )],
            ending: vec![approval::Ending {
                id: EnvironmentId::new(6),
                name: self.t("checkout-mr-977"),
                team: self.t("checkout"),
                ends_at: now() + Duration::hours(2),
            }],
            decided: vec![
                approval::Decided {
                    run: RunId::new(38),
                    title: self.t("Raise web to 6 replicas"),
                    environment: self.t("checkout-production"),
                    decision: approval::Decision::Approve,
                    reason: String::new(),
                    at: before(1_500),
                    state: State::Succeeded,
                },
                approval::Decided {
                    run: RunId::new(37),
                    title: self.t("Open the bastion to 0.0.0.0/0"),
                    environment: self.t("payments-staging"),
                    decision: approval::Decision::Reject,
                    reason: self.t("ask for the VPN instead"),
                    at: before(1_600),
                    state: State::Rejected,
                },
            ],
        }
    }

    fn deployment(
        self,
        id: i64,
        operation: Operation,
        outcome: State,
        title: &str,
        by_rule: bool,
    ) -> deployment::Deployment {
        deployment::Deployment {
            id: DeploymentId::new(id),
            run: RunId::new(id + 20),
            environment_id: EnvironmentId::new(7),
            environment: self.t("checkout-staging"),
            team: self.t("checkout"),
            operation,
            outcome,
            title: self.t(title),
            template: "every-input".into(),
            template_digest: DIGEST.into(),
            tally: Tally {
                create: 4,
                update: 0,
                replace: 0,
                delete: u32::from(operation == Operation::Destroy) * 3,
            },
            requested_by: (!by_rule).then(|| self.t("Dana Developer")),
            approved_by: if by_rule {
                vec![]
            } else {
                vec![self.t("Lee Lead"), self.t("Olu Operator")]
            },
            finished_at: before(12 * id),
        }
    }

    pub fn deployments(self) -> Vec<deployment::Deployment> {
        vec![
            self.deployment(
                4,
                Operation::Change,
                State::Succeeded,
                "Raise web to three replicas",
                false,
            ),
            self.deployment(
                3,
                Operation::Create,
                State::Failed,
                "Create payments-load",
                false,
            ),
            self.deployment(
                2,
                Operation::Change,
                State::Degraded,
                "Move checkout-staging to a newer template",
                false,
            ),
            self.deployment(
                1,
                Operation::Destroy,
                State::Succeeded,
                "Destroy checkout-mr-960",
                true,
            ),
        ]
    }
}

const DIGEST: &str = "sha256:4f1c9a2e0b7731d2";
