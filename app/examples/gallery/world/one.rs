//! One environment, one draft, one trail.

use super::*;

impl World {
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
            account: Some(self.place()),
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

    pub fn place(self) -> account::Place {
        self.accounts()[0].place()
    }

    /// One that answers, and one that lets nobody in by half.
    pub fn accounts(self) -> Vec<account::Account> {
        let role = |name: &str| self.t(&format!("arn:aws:iam::210987654321:role/slipway/{name}"));
        let session = |name: &str| {
            account::Answer::As(self.t(&format!(
                "arn:aws:sts::210987654321:assumed-role/{name}/slipway-check"
            )))
        };
        let refused = account::Answer::Refused(slipway_services::Refusal::new(
            self.t("AWS does not let the worker be arn:aws:iam::210987654321:role/slipway/destroy."),
            self.t("AccessDenied: User: arn:aws:sts::999999999999:assumed-role/worker/i-0 is not authorized to perform: sts:AssumeRole (AWS’s request 5b1d-77)"),
            self.t("The role’s trust policy must allow sts:AssumeRole and sts:TagSession to arn:aws:sts::999999999999:assumed-role/worker/i-0."),
        ));
        let good = account::Account {
            id: AccountId::new(1),
            name: self.t("staging"),
            account: "210987654321".into(),
            region: "eu-central-1".into(),
            external_id: Some(self.t("portal-7")),
            serves: vec![Class::Preview, Class::Shared],
            roles: account::Kind::ALL[..3]
                .iter()
                .map(|kind| (*kind, role(kind.word())))
                .collect(),
            imitation: None,
            answers: account::Answers {
                worker: Some(session("worker")),
                roles: account::Kind::ALL[..3]
                    .iter()
                    .map(|kind| (*kind, session(kind.word())))
                    .collect(),
            },
            checked_at: Some(before(4)),
            asking: false,
            environments: 12,
            created_at: before(9_000),
            removed_at: None,
        };
        let mut half = account::Account {
            id: AccountId::new(2),
            name: self.t("live"),
            serves: vec![Class::Production],
            asking: true,
            environments: 1,
            ..good.clone()
        };
        half.answers.roles.insert(account::Kind::Destroy, refused);
        vec![good, half]
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
            account: Some(Ok(self.place())),
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
