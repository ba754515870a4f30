//! The AWS accounts that this worker acts in: as whom it does what, and whether it is let in.
//!
//! A role is assumed for one phase of one run, after the votes were judged, under a session that names the run. The
//! worker's own identity may do nothing but assume roles.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use slipway_adapters::{
    aws::{Assume, Denied, Lending, Reason, Sts},
    terraform::Aws,
};
use slipway_domain::run::Operation;
use slipway_services::{
    PgPool, Refusal,
    account::{self, Account, Answer, Answers, Kind},
    live::Event,
    work::Claim,
};
use tokio::task::JoinHandle;

use crate::{Config, Leaving, Shared, heard, now};

pub use slipway_adapters::aws::Span;

/// An imitation of AWS on this machine: `slipway up` with `AWS=moto`.
#[derive(Clone, Debug)]
pub struct Imitation {
    /// Its address on loopback.
    pub endpoint: String,
    /// Its name, for the page that says so.
    pub name: String,
}

impl Imitation {
    /// The name of its account.
    #[must_use]
    pub fn account(&self) -> String {
        let name: String = self
            .name
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let name = name.trim_matches(|c: char| !c.is_ascii_lowercase());
        if name.len() < 2 {
            "imitation".to_owned()
        } else {
            name.chars().take(40).collect()
        }
    }
}

/// Without a hint the accounts are looked at this often.
const POLL: Duration = Duration::from_secs(20);

/// The account of a run.
pub struct Cloud {
    account: Account,
    sts: Sts,
    endpoint: Option<String>,
    span: Span,
}

impl Cloud {
    /// Somewhere to act. A refusal is for people.
    pub fn of(shared: &Shared, account: Account) -> Result<Self, Refusal> {
        let endpoint = match (&account.imitation, &shared.config.imitation) {
            (None, _) => None,
            (Some(_), Some(imitation)) => Some(imitation.endpoint.clone()),
            (Some(name), None) => {
                return Err(Refusal::new(
                    format!("{name} is an imitation of AWS, and this worker has none."),
                    "The environment was made in it.",
                    "Start the worker with it again: make run AWS=moto.",
                ));
            }
        };
        Ok(Self {
            account,
            sts: shared.sts.clone(),
            endpoint,
            span: shared.config.lend,
        })
    }

    /// What a saved plan is bound to, beside its run and digest.
    pub fn binding(&self) -> String {
        format!("{}/{}", self.account.account, self.account.region)
    }

    /// Assumes the role for this kind of action, for as long as what it gives lives.
    pub async fn act(&self, claim: &Claim, kind: Kind) -> Result<Aws, Refusal> {
        let tags = tags(&claim.environment, &claim.team, &claim.run.to_string());
        let session = format!("slipway-run-{}", claim.run);
        let wanted = wanted(&self.account, kind, session, tags, self.span)?;
        let role = wanted.role.clone();
        match Lending::open(self.sts.clone(), wanted, self.span).await {
            Ok(lending) => Ok(Aws {
                account: self.account.account.clone(),
                region: self.account.region.clone(),
                carried_out_by: carries_out(claim.operation).word(),
                endpoint: self.endpoint.clone(),
                lending: Arc::new(lending),
                tags: BTreeMap::from([
                    ("slipway:environment".to_owned(), claim.environment.clone()),
                    ("slipway:team".to_owned(), claim.team.clone()),
                ]),
            }),
            Err(denied) => Err(why(&self.sts, &self.account, &role, &denied).await),
        }
    }

    /// For the head of a log.
    pub fn words(&self) -> String {
        let Account {
            name,
            account,
            region,
            imitation,
            ..
        } = &self.account;
        let imitated = if imitation.is_some() {
            ", an imitation"
        } else {
            ""
        };
        format!("AWS account {name} ({account}{imitated}), {region}")
    }
}

/// The kind of role that carries an operation out.
pub const fn carries_out(operation: Operation) -> Kind {
    match operation {
        Operation::Destroy => Kind::Destroy,
        Operation::Create | Operation::Change => Kind::Apply,
    }
}

/// Tags of a session. The last two are the names by which the roles of our own module know the same
/// (infra/modules/access).
fn tags(environment: &str, team: &str, run: &str) -> Vec<(String, String)> {
    [
        ("slipway:environment", environment),
        ("slipway:team", team),
        ("slipway:run", run),
        ("env-id", environment),
        ("request-id", run),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn wanted(
    account: &Account,
    kind: Kind,
    session: String,
    tags: Vec<(String, String)>,
    span: Span,
) -> Result<Assume, Refusal> {
    let role = account.roles.get(&kind).cloned().ok_or_else(|| {
        Refusal::new(
            format!(
                "The AWS account {} has no role to {}.",
                account.name,
                kind.word()
            ),
            "",
            "An admin removes the account and adds it again with that role.",
        )
    })?;
    Ok(Assume {
        role,
        region: account.region.clone(),
        imitated: account.imitation.is_some(),
        external_id: account.external_id.clone(),
        session,
        tags,
        length: span.asked,
    })
}

/// Why there are no credentials, and what to do about it.
async fn why(sts: &Sts, account: &Account, role: &str, denied: &Denied) -> Refusal {
    let name = &account.name;
    match denied.reason {
        Reason::Refused => {
            let me = sts
                .myself(&account.region, account.imitation.is_some())
                .await
                .map_or_else(|_| "the worker’s own identity".to_owned(), |me| me.arn);
            let external = account.external_id.as_ref().map_or_else(String::new, |id| {
                format!(", under the condition sts:ExternalId = {id}")
            });
            Refusal::new(
                format!("AWS does not let the worker be {role}."),
                denied.words.clone(),
                format!(
                    "The role’s trust policy must allow sts:AssumeRole and sts:TagSession to {me}{external}. AWS says the same of a role that is not there."
                ),
            )
        }
        Reason::Throttled => Refusal::new(
            "AWS was asked too often to hand out credentials.",
            format!(
                "It was asked again, with growing pauses, in vain. {}",
                denied.words
            ),
            "Try again in a few minutes.",
        ),
        Reason::Away => Refusal::new(
            format!("AWS did not answer for the account {name}."),
            denied.words.clone(),
            format!(
                "Try again when sts.{}.amazonaws.com can be reached from the worker.",
                account.region
            ),
        ),
        Reason::Nobody => Refusal::new(
            "The worker has no identity at AWS.",
            denied.words.clone(),
            "Give the worker one: a pod identity, an instance’s role, or a profile. Slipway asks for no key (docs/operating.md).",
        ),
        Reason::Unacceptable => Refusal::new(
            format!("AWS did not accept how {role} was asked for."),
            denied.words.clone(),
            "The region may be off in that account, or the role’s longest session shorter than 15 minutes.",
        ),
    }
}

/// Asks whether an account lets the worker in, role by role, and as whom.
async fn ask(sts: &Sts, account: &Account, span: Span) -> Answers {
    let imitated = account.imitation.is_some();
    let worker = match sts.myself(&account.region, imitated).await {
        Ok(me) => Answer::As(me.arn),
        Err(denied) => Answer::Refused(why(sts, account, "itself", &denied).await),
    };
    let mut roles = BTreeMap::new();
    for kind in account.roles.keys().copied() {
        let tags = tags("check", "check", "check");
        let answer = match wanted(account, kind, "slipway-check".into(), tags, span) {
            Err(refusal) => Answer::Refused(refusal),
            Ok(wanted) => be(sts, account, &wanted).await,
        };
        roles.insert(kind, answer);
    }
    Answers {
        worker: Some(worker),
        roles,
    }
}

/// Becomes a role for a moment, and asks AWS who that is.
async fn be(sts: &Sts, account: &Account, wanted: &Assume) -> Answer {
    let given = match sts.assume(wanted).await {
        Ok(given) => given,
        Err(denied) => return Answer::Refused(why(sts, account, &wanted.role, &denied).await),
    };
    match sts.whose(&given, &wanted.region, wanted.imitated).await {
        Ok(who) if who.account == account.account => Answer::As(who.arn),
        Ok(who) => Answer::Refused(Refusal::new(
            format!("{} is in another account.", wanted.role),
            format!(
                "AWS says {}, and {} was added.",
                who.account, account.account
            ),
            "An admin removes the account and adds it with its own number.",
        )),
        Err(denied) => Answer::Refused(why(sts, account, &wanted.role, &denied).await),
    }
}

/// Asks each account now and then, and at once when somebody wants it.
pub fn start(shared: &Arc<Shared>) -> JoinHandle<()> {
    let shared = shared.clone();
    tokio::spawn(async move {
        let mut leaving = shared.leaving.clone();
        let mut events = shared.hub.subscribe();
        while *leaving.borrow() == Leaving::No {
            tokio::select! {
                done = round(&shared) => if let Err(error) = done {
                    tracing::warn!(%error, "what the AWS accounts answered could not be written down; tried again");
                },
                _ = leaving.changed() => return,
            }
            tokio::select! {
                () = heard(&mut events, |event| *event == Event::Account) => {}
                () = tokio::time::sleep(POLL) => {}
                _ = leaving.changed() => return,
            }
        }
    })
}

async fn round(shared: &Shared) -> slipway_services::Result<()> {
    while let Some(account) = account::due(&shared.pool, now()).await? {
        let answers = ask(&shared.sts, &account, shared.config.lend).await;
        account::answered(&shared.pool, account.id, &answers, now()).await?;
    }
    Ok(())
}

/// What every account answers to this worker's identity, asked now.
///
/// # Errors
/// Database errors.
pub async fn answers(config: &Config, pool: &PgPool) -> anyhow::Result<Vec<(Account, Answers)>> {
    let sts = sts(config).await;
    let mut all = Vec::new();
    for account in account::all(pool).await? {
        let answers = ask(&sts, &account, config.lend).await;
        all.push((account, answers));
    }
    Ok(all)
}

/// How the worker asks AWS who it is.
pub async fn sts(config: &Config) -> Sts {
    let endpoint = config.imitation.as_ref().map(|i| i.endpoint.as_str());
    Sts::new(&config.region, endpoint).await
}
