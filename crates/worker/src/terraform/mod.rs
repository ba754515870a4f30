//! The Terraform action: preview by a saved plan, apply of exactly that plan, verification by looking again, recovery
//! by comparing what is recorded with what was planned.

mod apply;
mod engines;
mod preview;
mod reconcile;
mod store;

use std::{collections::BTreeMap, sync::Arc};

use slipway_adapters::terraform::{
    Cancel, Failed, Inputs, Step, StepSpec, Stop as Reason, Terraform,
};
use slipway_catalog::{Need, Template};
use slipway_services::{
    Refusal,
    account::{self, Kind},
    template, work,
    work::Claim,
};

pub use apply::apply;
pub use engines::Engines;
pub use preview::{place, preview};
pub use reconcile::reconcile;
pub use store::{drain, rescue};

use crate::{
    Shared,
    cloud::Cloud,
    lease::{Hold, Stop, Why},
    logging::Log,
    patiently,
};

/// A step with all that belongs to carrying it out.
pub struct Bench {
    step: Step,
    template: Template,
    cloud: Option<Cloud>,
    store: Arc<store::Store>,
}

/// Makes the step's folder, and takes the role for what is to be done. A refusal is for people: the run ends with it.
async fn prepare(
    shared: &Shared,
    claim: &Claim,
    kind: Kind,
) -> anyhow::Result<Result<Bench, Refusal>> {
    let bundle = patiently("a step", || async {
        template::bundle(&shared.pool, &claim.template_digest).await
    })
    .await?;
    let template = match Template::parse(&bundle) {
        Ok(template) => template,
        Err(broken) => anyhow::bail!("the stored template cannot be read: {broken:?}"),
    };
    let engine = match shared
        .engines
        .get(&claim.stack.engine, &template.engine.version)
    {
        Ok(engine) => engine,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let cloud = match cloud(shared, claim, &template).await? {
        Ok(cloud) => cloud,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let aws = match &cloud {
        None => None,
        Some(cloud) => match cloud.act(claim, kind).await {
            Ok(aws) => Some(aws),
            Err(refusal) => return Ok(Err(refusal)),
        },
    };
    let store = Arc::new(store::Store::new(shared, claim));
    let files: BTreeMap<String, Vec<u8>> = bundle
        .iter()
        .map(|(path, bytes)| (path.to_owned(), bytes.to_vec()))
        .collect();
    let spec = StepSpec {
        name: &format!("{}-1", claim.run),
        files: &files,
        template: &claim.template_digest,
        inputs: Inputs {
            plain: claim.inputs.clone(),
            secret: work::open_inputs(claim, &shared.key)?,
        },
        lock_file: claim.lock_file.clone(),
        aws,
        store: store.clone(),
    };
    Ok(engine
        .prepare(spec)
        .map(|step| Bench {
            step,
            template,
            cloud,
            store,
        })
        .map_err(refusal))
}

/// Where a template that needs AWS acts; `None` for one that does not.
async fn cloud(
    shared: &Shared,
    claim: &Claim,
    template: &Template,
) -> anyhow::Result<Result<Option<Cloud>, Refusal>> {
    if template.needs.contains(&Need::Kubernetes) {
        return Ok(Err(Refusal {
            message: "This template needs a Kubernetes cluster.".into(),
            detail: "This worker has none to act on.".into(),
            hint: "Choose a template that needs none.".into(),
            ..Refusal::default()
        }));
    }
    if !template.needs.contains(&Need::Aws) {
        return Ok(Ok(None));
    }
    let account = patiently("an account", || async {
        account::of_claim(&shared.pool, claim, template).await
    })
    .await?;
    Ok(account
        .and_then(|account| Cloud::of(shared, account))
        .map(Some))
}

impl Bench {
    /// For the apply of what was just planned here, under its own claim and by the role that applies.
    async fn hand_over(
        mut self,
        shared: &Shared,
        claim: &Claim,
        kind: Kind,
    ) -> Result<Self, Refusal> {
        self.store = Arc::new(store::Store::new(shared, claim));
        self.step.hand_over(self.store.clone());
        self.act_as(claim, kind).await?;
        Ok(self)
    }

    /// Takes another role. Whatever knew the one before gets no credentials any more.
    async fn act_as(&mut self, claim: &Claim, kind: Kind) -> Result<(), Refusal> {
        self.step.act_as(None);
        if let Some(cloud) = &self.cloud {
            self.step.act_as(Some(cloud.act(claim, kind).await?));
        }
        Ok(())
    }

    /// Says in a log where it acts, and as whom.
    fn introduce(&self, log: &Log) {
        if let (Some(cloud), Some(aws)) = (&self.cloud, self.step.aws()) {
            log.say(format!(
                "slipway: in the {}, as {}",
                cloud.words(),
                aws.lending.arn()
            ));
        }
    }

    /// Clears its folder away without keeping anybody waiting.
    fn clear(self) {
        tokio::task::spawn_blocking(move || drop(self));
    }
}

/// What a failed step tells people: the engine's errors, each once, and which inputs they are about.
pub(crate) fn refusal(failed: Failed) -> Refusal {
    let mut why = Refusal::new(failed.message, failed.detail.trim(), failed.hint);
    let errors = failed.diagnostics.iter().filter(|d| d.severity == "error");
    for error in errors.clone().take(5) {
        let said = error.detail.trim();
        let known = why.message == error.summary || why.detail.contains(&error.summary);
        let more = match (known, why.detail.contains(said)) {
            (true, true) => continue,
            (true, false) => said.to_owned(),
            (false, _) => format!("{}: {said}", error.summary),
        };
        why.detail = format!("{}\n{more}", why.detail).trim().to_owned();
    }
    for error in errors {
        let Some(name) = error
            .address
            .as_deref()
            .and_then(|a| a.strip_prefix("var."))
        else {
            continue;
        };
        // Where the rule stands in the template is the author's business.
        let said = error.detail.split("\n\nThis was checked by").next();
        let said = said.map(str::trim).filter(|said| !said.is_empty());
        let all = why.inputs.entry(name.to_owned()).or_default();
        *all = format!("{all} {}", said.unwrap_or(&error.summary))
            .trim()
            .to_owned();
    }
    why
}

/// Passes on to the engine when, how hard and why it should stop.
pub(crate) fn tie(hold: &Hold) -> (Cancel, tokio::task::JoinHandle<()>) {
    let cancel = Cancel::new();
    let mut stop = hold.stop();
    let tied = cancel.clone();
    let task = tokio::spawn(async move {
        loop {
            let (how, why) = *stop.borrow_and_update();
            let why = match why {
                Why::Canceled => Reason::Canceled,
                Why::LeaseLost => Reason::LeaseLost,
                Why::Leaving => Reason::Shutdown,
            };
            match how {
                Stop::No => {}
                Stop::Gently => tied.interrupt(why),
                Stop::Now => tied.force(why),
            }
            if stop.changed().await.is_err() {
                return;
            }
        }
    });
    (cancel, task)
}

/// Opens the run's log for this claim.
pub(crate) async fn log(shared: &Shared, claim: &Claim) -> anyhow::Result<Log> {
    let writer = patiently("the log", || async {
        slipway_services::log::Writer::open(&shared.pool, claim.run, claim.fence).await
    })
    .await?;
    Ok(Log::start(shared.pool.clone(), writer))
}

/// Heads a part of the log.
fn head(terraform: &Terraform, what: &str) -> String {
    let engine = terraform.engine();
    format!(
        "── {what} with {} {} ──",
        engine.kind.name(),
        engine.version
    )
}
