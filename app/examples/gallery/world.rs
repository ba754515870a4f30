//! Example data for every page. Made up, and used by the gallery and by the tests of the views alone.

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
    id::{DeploymentId, DraftId, EnvironmentId, RunId, TeamId, UserId},
    plan::{Action, Attribute, Change, Diagnostic, Done, Outcome, Output, Preview, Shown, Tally},
    risk,
    role::{Actor, OrgRole, TeamRole},
    run::{Operation, State},
    votes::{Need, VoterRole},
};
use slipway_services::{approval, audit, deployment, draft, environment, log, run, template};
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
        teams: vec![(TeamId::new(1), TeamRole::Lead)],
        org: vec![],
    }
}

pub fn developer() -> Actor {
    Actor {
        user: UserId::new(1),
        name: "Dana Developer".into(),
        session: None,
        teams: vec![(TeamId::new(1), TeamRole::Member)],
        org: vec![],
    }
}

pub fn auditor() -> Actor {
    Actor {
        user: UserId::new(4),
        name: "Audra Auditor".into(),
        session: None,
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

    fn change(
        self,
        address: &str,
        kind: &str,
        action: Action,
        attributes: Vec<Attribute>,
        unchanged: u32,
    ) -> Change {
        Change {
            address: self.t(address),
            kind: kind.into(),
            provider: String::new(),
            action,
            reason: (action == Action::Delete).then(|| "delete_because_no_resource_config".into()),
            attributes,
            unchanged,
        }
    }

    fn attribute(self, path: &str, before: Shown, after: Shown, forces: bool) -> Attribute {
        Attribute {
            path: self.t(path),
            before,
            after,
            forces_replacement: forces,
        }
    }

    pub fn preview(self) -> Preview {
        let v = |text: &str| Shown::Value(self.t(text));
        Preview {
            changes: vec![
                self.change(
                    "module.network.aws_vpc_security_group_ingress_rule.web",
                    "aws_vpc_security_group_ingress_rule",
                    Action::Create,
                    vec![
                        self.attribute("cidr_ipv4", Shown::Absent, v("\"10.20.0.0/16\""), false),
                        self.attribute("from_port", Shown::Absent, v("443"), false),
                        self.attribute("id", Shown::Absent, Shown::Unknown, false),
                    ],
                    0,
                ),
                self.change(
                    "module.database.aws_db_instance.main",
                    "aws_db_instance",
                    Action::Replace,
                    vec![
                        self.attribute("password", Shown::Sensitive, Shown::Sensitive, false),
                        self.attribute("engine_version", v("\"16.4\""), v("\"17.2\""), true),
                        self.attribute(
                            "endpoint",
                            v("\"checkout-42.c9x.eu-west-1.rds.amazonaws.com\""),
                            Shown::Unknown,
                            false,
                        ),
                        self.attribute("snapshot", v("\"yes\""), Shown::Absent, false),
                    ],
                    18,
                ),
                self.change(
                    "module.app.aws_iam_role_policy_attachment.bucket",
                    "aws_iam_role_policy_attachment",
                    Action::Create,
                    vec![self.attribute("role", Shown::Absent, v("\"checkout-web\""), false)],
                    0,
                ),
                self.change(
                    "module.app.terraform_data.service",
                    "terraform_data",
                    Action::Update,
                    vec![self.attribute("input.replicas", v("2"), v("3"), false)],
                    4,
                ),
                self.change(
                    "module.database.aws_db_parameter_group.pg16",
                    "aws_db_parameter_group",
                    Action::Delete,
                    vec![],
                    0,
                ),
            ],
            unchanged: 31,
            drift: vec![],
            outputs: vec![self.attribute(
                "database_host",
                v("\"checkout-42.c9x\""),
                Shown::Unknown,
                false,
            )],
            warnings: vec![Diagnostic {
                severity: "warning".into(),
                summary: self.t("Deprecated attribute"),
                detail: self.t("The attribute \"vpc\" is deprecated. Use \"domain\" instead."),
                address: Some(self.t("module.network.aws_eip.nat")),
                at: Some("network.tf:42".into()),
            }],
            applyable: true,
        }
    }

    pub fn run(self, state: State) -> run::View {
        let preview = self.preview();
        let looks = risk::brief(&preview, Some(&BTreeSet::new()));
        let planned = !matches!(state, State::Queued | State::Previewing);
        let path: &[State] = match state {
            State::Queued => &[],
            State::Previewing => &[State::Previewing],
            State::AwaitingApproval => &[State::Previewing, State::AwaitingApproval],
            State::Applying => &[
                State::Previewing,
                State::AwaitingApproval,
                State::Approved,
                State::Applying,
            ],
            State::Succeeded => &[
                State::Previewing,
                State::AwaitingApproval,
                State::Approved,
                State::Applying,
                State::Verifying,
                State::Succeeded,
            ],
            State::Rejected => &[State::Previewing, State::AwaitingApproval, State::Rejected],
            other => &[
                State::Previewing,
                State::AwaitingApproval,
                State::Approved,
                State::Applying,
                other,
            ][..],
        };
        let events = path
            .iter()
            .enumerate()
            .map(|(n, state)| run::EventView {
                at: before(12) + Duration::seconds(n as i64 * 97),
                state: *state,
                kind: "run.step".into(),
                by: Some(self.t("worker-1")),
                detail: if *state == State::Failed {
                    self.t("2 resources were made, 1 was not")
                } else {
                    String::new()
                },
            })
            .collect();
        let failed = matches!(state, State::Failed | State::Unknown);
        run::View {
            id: RunId::new(42),
            environment_id: EnvironmentId::new(7),
            environment: self.t("checkout-staging"),
            class: Class::Production,
            environment_state: EnvironmentState::Ready,
            team_id: TeamId::new(1),
            team: self.t("checkout"),
            operation: Operation::Change,
            state,
            version: 4,
            behind: (state == State::Queued).then(|| self.link(41, State::Applying, Operation::Change)),
            title: self.t("Upgrade the database to PostgreSQL 17"),
            requested_by: Some(run::Person { id: UserId::new(1), name: self.t("Dana Developer") }),
            reason: self.t("SHOP-1184: the old version leaves support in January"),
            template: "every-input".into(),
            template_digest: DIGEST.into(),
            inputs: serde_json::from_value(serde_json::json!({
                "engine_version": self.t("17.2"), "replicas": 3, "zones": ["a", "b"], "labels": { "team": self.t("platform") }
            }))
            .expect("an object"),
            sensitive: vec![self.t("password")],
            steps: vec![run::Step {
                n: 1,
                action: "terraform".into(),
                preview: planned.then(|| preview.clone()),
                tally: planned.then(|| preview.tally()),
                looks: if planned { looks } else { vec![] },
                engine: planned.then(|| "terraform".into()),
                engine_version: planned.then(|| self.t("1.11.4")),
                base_serial: planned.then_some(118),
                outcome: matches!(state, State::Failed | State::Succeeded).then(|| self.outcome(failed)),
            }],
            digest: planned.then(|| "hmac-sha256:9f2c61d4aa01".into()),
            policy: planned.then(|| slipway_policy::Answer {
                deny: vec![],
                warn: vec![self.t("It replaces a database on a weekday.")],
                needs: vec![
                    Need { role: VoterRole::Lead, count: 1, because: self.t("it is a production environment") },
                    Need { role: VoterRole::Operator, count: 1, because: self.t("it destroys data") },
                ],
                rule: None,
                votes_live_hours: 72,
            }),
            votes: if planned {
                vec![run::Vote {
                    by: run::Person { id: UserId::new(3), name: self.t("Olu Operator") },
                    approve: true,
                    reason: self.t("snapshot checked"),
                    at: before(2),
                    digest: "hmac-sha256:9f2c61d4aa01".into(),
                    roles: vec![VoterRole::Operator],
                }]
            } else {
                vec![]
            },
            failure: failed.then(|| slipway_services::Refusal {
                message: self.t("The engine stopped with an error while it applied the plan."),
                detail: self.t("module.database.aws_db_instance.main: the quota of 40 instances in eu-west-1 is used up"),
                hint: self.t("Ask for a higher quota, or free an instance, then change the environment to go on."),
                ..slipway_services::Refusal::default()
            }),
            cancel_requested_at: (state == State::Applying).then(|| before(1)),
            cancel_force: false,
            touched: failed || matches!(state, State::Applying | State::Succeeded),
            votes_until: Some(now() + Duration::hours(71)),
            created_at: before(14),
            finished_at: state.is_over().then(|| before(2)),
            events,
            log_end: 4_000,
            worker: state.is_working().then(|| self.t("worker-1")),
            no_worker: state == State::Queued,
        }
    }

    fn outcome(self, failed: bool) -> Outcome {
        let done = |address: &str, action, millis| Done {
            address: self.t(address),
            action,
            millis,
        };
        Outcome {
            done: vec![
                done(
                    "module.network.aws_vpc_security_group_ingress_rule.web",
                    Action::Create,
                    1_200,
                ),
                done(
                    "module.app.aws_iam_role_policy_attachment.bucket",
                    Action::Create,
                    640,
                ),
            ],
            failed: if failed {
                vec![done(
                    "module.database.aws_db_instance.main",
                    Action::Replace,
                    83_000,
                )]
            } else {
                vec![]
            },
            untouched: if failed {
                vec![done("module.app.terraform_data.service", Action::Update, 0)]
            } else {
                vec![]
            },
            diagnostics: if failed {
                vec![Diagnostic {
                    severity: "error".into(),
                    summary: self.t("creating RDS DB Instance: InstanceQuotaExceeded"),
                    detail: self.t("You have reached your limit of 40 instances in this region."),
                    address: Some(self.t("module.database.aws_db_instance.main")),
                    at: Some("database.tf:11".into()),
                }]
            } else {
                vec![]
            },
            outputs: vec![],
        }
    }

    fn link(self, id: i64, state: State, operation: Operation) -> run::Link {
        run::Link {
            id: RunId::new(id),
            title: self.t(match operation {
                Operation::Create => "Create checkout-staging",
                Operation::Change => "Raise web to three replicas",
                Operation::Destroy => "Destroy checkout-staging",
            }),
            state,
            operation,
            waiting: false,
            created_at: before(6),
            finished_at: state.is_over().then(|| before(5)),
            requested_by: Some(self.t("Dana Developer")),
        }
    }

    pub fn log(self, lines: usize) -> log::Part {
        const TEXT: [&str; 5] = [
            "module.database.aws_db_instance.main: Refreshing state... [id=db-7XK2]",
            "module.app.terraform_data.service: Refreshing state... [id=checkout]",
            "",
            "Plan: 3 to add, 1 to change, 2 to destroy.",
            "Saved the plan to: plan.bin",
        ];
        log::Part {
            offset: 0,
            end: if lines == 0 { 0 } else { 4_000 },
            first_line: if lines == 0 { 1 } else { 214 },
            lines: (0..lines).map(|n| self.t(TEXT[n % TEXT.len()])).collect(),
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

    pub fn environment(self, state: EnvironmentState) -> environment::View {
        let gone = state.is_over();
        let resource = |address: &str, kind: &str| environment::Resource {
            address: self.t(address),
            kind: kind.into(),
            id: Some(self.t("4b1f0c52-9e1d")),
        };
        environment::View {
            id: EnvironmentId::new(7),
            name: self.t("checkout-staging"),
            team_id: TeamId::new(1),
            team: self.t("checkout"),
            class: Class::Shared,
            state,
            template: "every-input".into(),
            version: self.version("every-input"),
            newer: (!gone).then(|| "sha256:77aa01bc99".into()),
            inputs: serde_json::from_value(serde_json::json!({ "title": self.t("Checkout"), "replicas": 3, "zones": ["a", "b"] })).expect("an object"),
            sensitive: vec![self.t("password")],
            outputs: if gone {
                vec![]
            } else {
                vec![
                    Output { name: self.t("web_url"), value: Shown::Value(format!("\"{}\"", "https://checkout-staging.example.com")) },
                    Output { name: self.t("zones"), value: Shown::Value(self.t("[\"a\",\"b\"]")) },
                    Output { name: self.t("database_password"), value: Shown::Sensitive },
                ]
            },
            resources: if gone {
                vec![]
            } else {
                vec![resource("module.network.aws_vpc.main", "aws_vpc"), resource("terraform_data.service", "terraform_data")]
            },
            ends_at: (!gone).then(|| now() + Duration::hours(19)),
            greatest_end: Some(now() + Duration::days(30)),
            created_by: run::Person { id: UserId::new(1), name: self.t("Dana Developer") },
            created_at: before(9_000),
            destroyed_at: gone.then(|| before(40)),
            runs: vec![
                self.link(42, if gone { State::Succeeded } else { State::AwaitingApproval }, Operation::Change),
                self.link(41, State::Succeeded, Operation::Change),
                self.link(40, State::Failed, Operation::Create),
            ],
            deployments: self.deployments(),
        }
    }

    pub fn draft(self, name: &str, wrong: bool) -> draft::Draft {
        let version = self.version(name);
        let mut entered: Entered = form::from_values(
            &version.template.fields,
            None,
            &BTreeSet::from(["password".to_owned()]),
        );
        let mut errors = draft::Errors::new();
        if wrong {
            entered.set("in.title", self.t("x"));
            entered.set("in.labels.1.key", self.t("Not A Key"));
            entered.set("in.labels.1.value", self.t("v"));
            errors.insert(
                "name".into(),
                self.t("This name is taken. Choose another one."),
            );
            errors.insert("in.title".into(), self.t("Use 3 to 40 letters, digits, spaces, dots, hyphens or underscores, beginning with a letter."));
            errors.insert("in.labels".into(), self.t("Keys are small letters, digits and hyphens; values have at most 63 characters."));
            errors.insert(
                "in.zones.1".into(),
                self.t("Give a value, or remove the row."),
            );
            errors.insert("in.labels.1.key".into(), self.t("This key is there twice."));
        }
        draft::Draft {
            id: DraftId::new(5),
            version,
            environment: None,
            newer: None,
            about: draft::About {
                name: self.t("checkout-mr-984"),
                team: "1".into(),
                life: "8h".into(),
                reason: self.t("SHOP-1190"),
            },
            entered,
            errors,
            stored: BTreeSet::from(["password".to_owned()]),
            teams: vec![draft::TeamChoice {
                id: TeamId::new(1),
                name: self.t("checkout"),
                previews: (3, 8),
            }],
            run: None,
        }
    }

    pub fn records(self) -> Vec<audit::Record> {
        let record = |id: i64, action: &str, noun: &str, allowed, sealed, after| audit::Record {
            id,
            at: before(400 - id),
            actor: self.t("Dana Developer"),
            action: action.into(),
            noun: noun.into(),
            noun_id: Some(7),
            allowed,
            before: (action == "environment.extend").then(|| serde_json::json!({ "ends_at": 1 })),
            after,
            detail: self.t("own request"),
            request_id: self.t("01JD7XK2M4"),
            sealed,
        };
        vec![
            record(390, "run.approve", "run", true, None, None),
            record(389, "run.vote_refused", "run", false, Some(388), None),
            record(
                388,
                "environment.extend",
                "environment",
                true,
                Some(387),
                Some(serde_json::json!({ "ends_at": self.t("2") })),
            ),
            record(387, "session.begin", "session", true, Some(386), None),
        ]
    }
}

const DIGEST: &str = "sha256:4f1c9a2e0b7731d2";

fn frame(title: &str, here: Here, actor: &Actor) -> Frame {
    Frame {
        title: title.into(),
        here,
        who: Some(Who {
            name: actor.name.clone(),
            roles: "lead".into(),
            audits: actor.org.contains(&OrgRole::Auditor),
        }),
        waiting: 3,
        demo: Some(DemoSite { port: 7070 }.frame()),
        live: true,
        skip: None,
    }
}

/// Every page as a document, by name.
pub fn documents(hostile: bool) -> Vec<(&'static str, String)> {
    let w = World { hostile };
    let site = site();
    let mut list: Vec<(&'static str, Frame, Box<dyn FnOnce() -> View>)> = Vec::new();
    let lead = lead();

    let home = views::home::Home {
        inbox: w.inbox(),
        environments: w.environments(),
        more: true,
        recent: w.deployments(),
        requests: true,
    };
    list.push((
        "home",
        frame("Home", Here::Home, &lead),
        Box::new(move || views::home::view(home)),
    ));
    list.push((
        "home-empty",
        frame("Home", Here::Home, &lead),
        Box::new(|| {
            views::home::view(views::home::Home {
                requests: true,
                ..Default::default()
            })
        }),
    ));

    let (s, catalog) = (site.clone(), w.catalog());
    list.push((
        "catalog",
        frame("Catalog", Here::Catalog, &lead),
        Box::new(move || views::catalog::list(&s, &catalog, true)),
    ));
    let s = site.clone();
    list.push((
        "catalog-empty",
        frame("Catalog", Here::Catalog, &lead),
        Box::new(move || views::catalog::list(&s, &[], true)),
    ));
    for (name, n) in [
        ("template", 1),
        ("template-aws", 3),
        ("template-broken", 4),
        ("template-broken-newest", 5),
    ] {
        let (s, listed) = (site.clone(), w.catalog().remove(n));
        list.push((
            name,
            frame("Template", Here::Catalog, &lead),
            Box::new(move || views::catalog::one(&s, &listed, true)),
        ));
    }
    for (name, template, wrong) in [
        ("request", "hello", false),
        ("request-every", "every-input", false),
        ("request-wrong", "every-input", true),
    ] {
        let (s, draft) = (site.clone(), w.draft(template, wrong));
        list.push((
            name,
            frame("Request", Here::Catalog, &lead),
            Box::new(move || views::request::view(&s, &draft, false)),
        ));
    }
    let (s, mut change) = (site.clone(), w.draft("every-input", false));
    change.environment = Some((EnvironmentId::new(7), w.t("checkout-staging")));
    change.newer = Some("sha256:77aa01bc99".into());
    list.push((
        "change",
        frame("Change", Here::Environments, &lead),
        Box::new(move || views::request::view(&s, &change, true)),
    ));

    let page = environment::Page {
        environments: w.environments(),
        older: Some(4),
    };
    list.push((
        "environments",
        frame("Environments", Here::Environments, &lead),
        Box::new(move || views::environments::view(page, &environment::Filter::default(), true)),
    ));
    for (name, filter) in [
        ("environments-empty", environment::Filter::default()),
        (
            "environments-none",
            environment::Filter {
                name: Some(w.t("x")),
                ..Default::default()
            },
        ),
    ] {
        let page = environment::Page {
            environments: vec![],
            older: None,
        };
        list.push((
            name,
            frame("Environments", Here::Environments, &lead),
            Box::new(move || views::environments::view(page, &filter, true)),
        ));
    }
    for (name, state) in [
        ("environment", EnvironmentState::Ready),
        ("environment-incomplete", EnvironmentState::Incomplete),
        ("environment-gone", EnvironmentState::Destroyed),
    ] {
        let (of, actor) = (w.environment(state), lead.clone());
        list.push((
            name,
            frame("checkout-staging", Here::Environments, &lead),
            Box::new(move || views::environment::view(&of, &actor)),
        ));
    }
    let of = w.environment(EnvironmentState::Ready);
    list.push((
        "extend",
        frame("Extend", Here::Environments, &lead),
        Box::new(move || views::environment::extend(&of)),
    ));
    let (of, typed) = (
        w.environment(EnvironmentState::Ready),
        views::environment::Destroy {
            name: w.t("x"),
            reason: w.t("y"),
            error: Some(w.t("Type the name exactly.")),
        },
    );
    list.push((
        "destroy",
        frame("Destroy", Here::Environments, &lead),
        Box::new(move || views::environment::destroy(&of, &typed)),
    ));

    for (name, state, lines) in [
        ("run-queued", State::Queued, 0),
        ("run-waiting", State::AwaitingApproval, 12),
        ("run-applying", State::Applying, 60),
        ("run-failed", State::Failed, 40),
        ("run-done", State::Succeeded, 20),
        ("run-unknown", State::Unknown, 20),
        ("run-rejected", State::Rejected, 10),
    ] {
        let (run, log, actor) = (w.run(state), w.log(lines), lead.clone());
        let mut frame = frame("Run", Here::Environments, &lead);
        frame.skip = Some(("decide", "Skip to the decision"));
        if state != State::AwaitingApproval {
            frame.skip = None;
        }
        list.push((
            name,
            frame,
            Box::new(move || {
                views::run::view(views::run::RunPage {
                    run: &run,
                    actor: &actor,
                    log,
                    find: "",
                })
            }),
        ));
    }
    let (run, log, actor) = (w.run(State::AwaitingApproval), w.log(3), developer());
    list.push((
        "run-own",
        frame("Run", Here::Environments, &developer()),
        Box::new(move || {
            views::run::view(views::run::RunPage {
                run: &run,
                actor: &actor,
                log,
                find: "aws_db",
            })
        }),
    ));

    let inbox = w.inbox();
    list.push((
        "approvals",
        frame("Approvals", Here::Approvals, &lead),
        Box::new(move || views::approvals::view(&inbox)),
    ));
    list.push((
        "approvals-empty",
        frame("Approvals", Here::Approvals, &lead),
        Box::new(|| views::approvals::view(&approval::Inbox::default())),
    ));

    let page = deployment::Page {
        deployments: w.deployments(),
        older: Some(1),
    };
    list.push((
        "history",
        frame("History", Here::History, &lead),
        Box::new(move || views::history::view(page, &deployment::Filter::default())),
    ));
    let filter = deployment::Filter {
        environment: Some(w.t("x")),
        outcome: Some(State::Failed),
        before: Some(3),
        ..Default::default()
    };
    list.push((
        "history-none",
        frame("History", Here::History, &lead),
        Box::new(move || {
            views::history::view(
                deployment::Page {
                    deployments: vec![],
                    older: None,
                },
                &filter,
            )
        }),
    ));

    let page = audit::Page {
        records: w.records(),
        older: Some(300),
    };
    list.push((
        "audit",
        frame("Audit", Here::Audit, &auditor()),
        Box::new(move || views::audit::view(page, &audit::Filter::default())),
    ));
    let filter = audit::Filter {
        actor: Some(w.t("x")),
        ..Default::default()
    };
    list.push((
        "audit-none",
        frame("Audit", Here::Audit, &auditor()),
        Box::new(move || {
            views::audit::view(
                audit::Page {
                    records: vec![],
                    older: None,
                },
                &filter,
            )
        }),
    ));

    let door = Frame {
        title: "Sign in".into(),
        demo: Some(DemoSite { port: 7070 }.frame()),
        ..Frame::default()
    };
    let (s, next) = (site.clone(), w.t("/runs/42"));
    list.push((
        "sign-in",
        door.clone(),
        Box::new(move || {
            views::sign_in::view(
                &s,
                &views::sign_in::SignIn {
                    next,
                    ..Default::default()
                },
            )
        }),
    ));
    let s = site.clone();
    let trouble = Some(w.t("The session could not be made."));
    list.push((
        "sign-in-persona",
        door,
        Box::new(move || {
            views::sign_in::view(
                &s,
                &views::sign_in::SignIn {
                    persona: Some("lead"),
                    next: "/".into(),
                    trouble,
                },
            )
        }),
    ));
    list.push((
        "sign-in-none",
        Frame {
            title: "Sign in".into(),
            ..Frame::default()
        },
        Box::new(|| views::sign_in::view(&Site::default(), &Default::default())),
    ));

    list.push((
        "not-found",
        frame("Not found", Here::Elsewhere, &lead),
        Box::new(views::trouble::not_found),
    ));
    let refusal = slipway_services::Refusal {
        message: w.t("Your vote was not counted."),
        detail: w.t("The plan that you saw was replaced by another one."),
        hint: w.t("Look at the new plan and decide again."),
        ..slipway_services::Refusal::default()
    };
    let back = w.t("/runs/42");
    list.push((
        "refused",
        frame("Refused", Here::Elsewhere, &lead),
        Box::new(move || views::trouble::refused(&refusal, &back)),
    ));
    let (id, here) = (w.t("01JD"), w.t("/runs/42"));
    list.push((
        "broken",
        frame("Error", Here::Elsewhere, &lead),
        Box::new(move || views::trouble::broken(true, &id, &here)),
    ));
    list.push((
        "blank",
        frame("Blank", Here::Elsewhere, &lead),
        Box::new(|| ().into_any()),
    ));

    let assets = gallery_assets();
    list.into_iter()
        .map(|(name, frame, body)| {
            let html = render::document(&assets, &frame, now(), false, body);
            (name, html.replace("https://gallery.invalid/", "main.css"))
        })
        .collect()
}
