//! A small house to test in: the demo's people, one template of each class, a worker without an engine.

use std::collections::BTreeMap;

use slipway_catalog::{Bundle, Template};
use slipway_domain::{
    id::{EnvironmentId, RunId},
    plan::{Action, Change, Preview},
    role::Actor,
    run::State,
};
use slipway_seal::{Sealed, WorkerKey};
use slipway_services::{
    Ctx, Result, draft,
    draft::Sent,
    draft::Target,
    person, run, session, template,
    work::{self, Applied, Claim, Lease, Next, Planned, Worker},
};
use slipway_testkit::Database;
use time::{Duration, OffsetDateTime, macros::datetime};

pub const LEASE: Lease = Lease {
    length: Duration::seconds(30),
    grace: Duration::seconds(30),
};

pub struct House {
    pub db: Database,
    pub key: WorkerKey,
    pub worker: Worker,
    pub now: OffsetDateTime,
}

fn bundle(class: &str) -> Bundle {
    let toml = format!(
        "title = \"A {class} thing\"\nsummary = \"For tests.\"\nowner = \"platform\"\nclass = \"{class}\"\nneeds = []\n\
         [engine]\nname = \"terraform\"\nversion = \">= 1.9\"\n[life]\ndefault = \"8h\"\ngreatest = \"7d\"\n\
         [request]\nwho = \"member\"\n"
    );
    let tf = r#"
variable "size" {
  type        = number
  default     = 1
  description = "How many."
  validation {
    condition     = var.size <= 4
    error_message = "Between 1 and 4."
  }
}
variable "password" {
  type      = string
  default   = "unset"
  sensitive = true
}
variable "tags" {
  type    = list(string)
  default = []
}
resource "terraform_data" "it" { input = var.size }
"#;
    Bundle::from_files(BTreeMap::from([
        ("template.toml".to_owned(), toml.into_bytes()),
        ("main.tf".to_owned(), tf.as_bytes().to_vec()),
    ]))
    .unwrap()
}

impl House {
    pub async fn new() -> Self {
        let db = slipway_testkit::database().await;
        let now = datetime!(2026-11-24 09:00 UTC);
        person::seed_demo(&db.web, now).await.unwrap();
        let found: Vec<_> = ["preview", "shared", "production"]
            .into_iter()
            .map(|class| {
                let bundle = bundle(class);
                let template = Template::parse(&bundle).unwrap();
                (class.to_owned(), Ok((bundle, template)))
            })
            .collect();
        template::publish(&db.worker, &found, now).await.unwrap();
        let key = WorkerKey::from_master(&[7; 32]);
        let worker = work::register(
            &db.worker,
            "worker-a",
            &serde_json::json!({}),
            (&key.id(), &key.public()),
            now,
        )
        .await
        .unwrap();
        Self {
            db,
            key,
            worker,
            now,
        }
    }

    /// The context of a persona, signed in for real.
    pub async fn ctx(&self, persona: &str) -> Ctx {
        Ctx {
            actor: Some(self.actor(persona).await),
            request_id: format!("test/{persona}"),
            now: self.now,
        }
    }

    pub async fn actor(&self, persona: &str) -> Actor {
        let user = person::persona(&self.db.web, persona)
            .await
            .unwrap()
            .unwrap();
        let token = session::begin(&self.db.web, user, "test", "test", self.now)
            .await
            .unwrap();
        session::find(&self.db.web, token.0.expose(), self.now)
            .await
            .unwrap()
            .unwrap()
    }

    /// Fills and sends the form of a template.
    pub async fn request(
        &self,
        persona: &str,
        template: &str,
        name: &str,
        inputs: &[(&str, &str)],
    ) -> RunId {
        let ctx = self.ctx(persona).await;
        let draft = draft::open(&self.db.web, &ctx, &Target::Template(template.into()))
            .await
            .unwrap();
        let mut pairs = vec![
            ("do".to_owned(), "send".to_owned()),
            ("name".to_owned(), name.to_owned()),
            ("life".to_owned(), "8h".to_owned()),
            ("reason".to_owned(), "because".to_owned()),
            ("in.size".to_owned(), "1".to_owned()),
        ];
        pairs.extend(
            inputs
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned())),
        );
        match draft::post(&self.db.web, &ctx, draft.id, pairs)
            .await
            .unwrap()
        {
            Sent::Run(run) => run,
            Sent::Again(draft) => panic!("the form came back: {:?}", draft.errors),
            Sent::Discarded => panic!("discarded"),
        }
    }

    pub async fn claim(&self) -> Option<Claim> {
        work::claim(&self.db.worker, &self.worker, LEASE, self.now)
            .await
            .unwrap()
    }

    /// A preview as a worker would store it: one change of a type, under a digest made from `content`.
    pub fn planned(&self, action: Action, kind: &str, content: &str) -> Planned {
        Planned {
            preview: Preview {
                changes: vec![Change {
                    address: format!("{kind}.it"),
                    kind: kind.into(),
                    provider: "test".into(),
                    action,
                    reason: None,
                    attributes: vec![],
                    unchanged: 0,
                    keeps_data: false,
                }],
                applyable: true,
                ..Preview::default()
            },
            digest: self.key.digest([content.as_bytes()]),
            plan: Sealed(vec![1, 2, 3]),
            lock_file: None,
            engine_version: "1.11.4".into(),
            base_lineage: None,
            base_serial: 0,
        }
    }

    /// Claims and previews the oldest queued run.
    pub async fn preview(&self, content: &str) -> (Claim, Next) {
        let claim = self.claim().await.expect("a job");
        let planned = self.planned(Action::Create, "terraform_data", content);
        let next = work::finish_preview(
            &self.db.worker,
            &self.worker,
            &claim,
            planned,
            LEASE,
            self.now,
        )
        .await
        .unwrap();
        (claim, next)
    }

    /// Applies a claim to its end.
    pub async fn apply(&self, claim: &Claim) -> Result<State> {
        let seen = Some(slipway_domain::run::Seen::AsPlanned);
        let outcome = slipway_domain::plan::Outcome::default();
        work::finish_apply(
            &self.db.worker,
            &self.worker,
            claim,
            &Applied::Done,
            &outcome,
            None,
            seen,
            self.now,
        )
        .await
    }

    /// An environment of this class that is ready, made by the developer and, where needed, approved.
    pub async fn ready(&self, class: &str, name: &str) -> EnvironmentId {
        let run = self.request("developer", class, name, &[]).await;
        let (_, next) = self.preview(name).await;
        let claim = match next {
            Next::Apply(claim) => *claim,
            Next::Done(_) => {
                self.approve("lead", run).await.unwrap();
                if class == "production" {
                    self.approve("operator", run).await.unwrap();
                }
                self.claim().await.expect("the apply")
            }
        };
        assert_eq!(self.apply(&claim).await.unwrap(), State::Succeeded);
        claim.environment_id
    }

    pub async fn approve(&self, persona: &str, run: RunId) -> Result<State> {
        let ctx = self.ctx(persona).await;
        let view = run::find(&self.db.web, &ctx, run).await?;
        let digest = view.digest.unwrap_or_default();
        slipway_services::approval::vote(
            &self.db.web,
            &ctx,
            run,
            &digest,
            slipway_services::approval::Decision::Approve,
            "",
        )
        .await
    }

    pub async fn state(&self, run: RunId) -> State {
        run::find(&self.db.web, &self.ctx("operator").await, run)
            .await
            .unwrap()
            .state
    }

    /// Every row of every table as text, for canaries.
    pub async fn dump(&self) -> String {
        let tables: Vec<String> = sqlx::query_scalar(
            "select table_name::text from information_schema.tables where table_schema = 'public'",
        )
        .fetch_all(&self.db.owner)
        .await
        .unwrap();
        let mut text = String::new();
        for table in tables {
            let sql =
                format!("select coalesce(string_agg(t::text, E'\\n'), '') from \"{table}\" t");
            text += &sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(sql))
                .fetch_one(&self.db.owner)
                .await
                .unwrap();
            // bytea prints as hexadecimal: look at the bytes too.
        }
        text
    }
}
