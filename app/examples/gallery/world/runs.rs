//! Runs, their plans, outcomes and logs.

use super::*;

impl World {
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
            keeps_data: false,
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
            account: Some(self.place()),
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

    pub fn link(self, id: i64, state: State, operation: Operation) -> run::Link {
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
}
