//! What a release would change, asked of the API server itself.

use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use slipway_adapters::{
    helm::Rendered,
    kubernetes::{Object, manifest},
    terraform::{Cancel, Failed},
};
use slipway_domain::{
    plan::{Action, Attribute, Change, Diagnostic, Preview, Shown},
    run::Operation,
};
use slipway_services::{
    Refusal,
    work::{self, Claim, Next, Planned},
};

use super::{Bench, prepare, saved::Saved, words};
use crate::{
    Shared,
    lease::Hold,
    now, patiently,
    terraform::{log, place, refusal, tie},
};

/// Questions to the API server at the same time.
const AT_ONCE: usize = 8;

/// Works out what would change, stores it, and goes on as the policy says.
pub async fn preview(shared: &Shared, claim: &Claim, hold: &Hold) -> anyhow::Result<Next> {
    let bench = match prepare(shared, claim).await? {
        Ok(bench) => bench,
        Err(refusal) => return fail(shared, claim, &refusal).await,
    };
    let log = log(shared, claim).await?;
    log.say(format!(
        "── preview with Helm {}: {} in {} of {} ──",
        bench.helm.version, claim.environment, bench.namespace, bench.cluster.name
    ));
    let (cancel, tied) = tie(hold);
    let owner = bench.owner(shared, claim);
    let made = make(&bench, claim, &owner, &cancel).await;
    tied.abort();
    let (preview, saved) = match made {
        Ok(made) => made,
        Err(why) if cancel.is_raised() => {
            log.say(format!("slipway: {}", why.message));
            log.finish().await?;
            let told = patiently("a stop", || async {
                work::stop_preview(&shared.pool, &shared.me, claim, now()).await
            });
            return Ok(Next::Done(told.await?));
        }
        Err(why) => {
            log.say(format!("slipway: {} {}", why.message, why.detail));
            log.finish().await?;
            return fail(shared, claim, &why).await;
        }
    };
    let digest = shared
        .key
        .digest([saved.projection(&bench, claim)?.expose()]);
    log.say(format!("slipway: this preview is {}", digest.short()));
    log.finish().await?;
    let sealed = shared
        .key
        .seal(&serde_json::to_vec(&saved)?, &place(claim, &digest, None));
    let planned = Planned {
        preview,
        digest,
        plan: sealed,
        lock_file: None,
        engine_version: bench.helm.version.clone(),
        // The release's own revision is in what was saved: the stack's is what the portal recorded last.
        base_serial: claim.stack.serial,
        base_lineage: claim.stack.lineage.clone(),
    };
    Ok(patiently("a preview", || async {
        work::finish_preview(
            &shared.pool,
            &shared.me,
            claim,
            planned.clone(),
            shared.config.lease,
            now(),
        )
        .await
    })
    .await?)
}

async fn make(
    bench: &Bench,
    claim: &Claim,
    owner: &str,
    cancel: &Cancel,
) -> Result<(Preview, Saved), Refusal> {
    let namespace = bench
        .cluster
        .namespace(&bench.namespace)
        .await
        .map_err(refusal)?;
    if namespace.terminating {
        return Err(Refusal::new(
            format!("The namespace {} is being taken away.", bench.namespace),
            "Nothing can be made in it until it is gone.",
            "Plan it again in a minute.",
        ));
    }
    if namespace.exists && namespace.owner.as_deref() != Some(owner) {
        let whose = namespace.environment.map_or_else(
            || "nobody's that the portal knows".to_owned(),
            |other| format!("one that was made for the environment {other}, by another portal or an earlier one"),
        );
        return Err(Refusal::new(
            format!(
                "The namespace {} is not this environment's.",
                bench.namespace
            ),
            format!("It is {whose}."),
            "Choose another name for the environment, or ask the platform team.",
        ));
    }
    let history = bench.release.history().await.map_err(refusal)?;
    let newest = words::newest(&history);
    let revision = newest.map_or(0, |r| r.revision);
    let was = match words::last_good(&history) {
        Some(good) => bench
            .release
            .manifest(good.revision)
            .await
            .map_err(refusal)?,
        None => Vec::new(),
    };
    let mut preview = Preview {
        applyable: true,
        ..Preview::default()
    };
    if let Some(stuck) = newest.filter(|r| r.is_stuck()) {
        preview.warnings.push(warning(
            "The release is stuck.",
            words::stuck(stuck, words::last_good(&history)),
        ));
    }
    if claim.operation == Operation::Destroy {
        let gone = goes(bench, &was, namespace.exists, &mut preview)
            .await
            .map_err(refusal)?;
        return Ok((
            preview,
            Saved::of(bench, &Rendered::default(), gone, revision),
        ));
    }
    let stuck = newest.is_some_and(|r| r.is_stuck());
    let rendered = twice(bench, stuck, cancel).await?;
    if !namespace.exists {
        preview
            .changes
            .push(namespace_change(bench, Action::Create));
        for object in rendered.all() {
            preview
                .changes
                .extend(bench.cluster.as_rendered(object, bench.release.redactor()));
        }
        preview.warnings.push(warning(
            "The API server was not asked about each object.",
            format!(
                "The namespace {} is not there yet; it is made first.",
                bench.namespace
            ),
        ));
        return Ok((preview, Saved::of(bench, &rendered, Vec::new(), revision)));
    }
    compare(bench, claim, &rendered, &was, &mut preview).await?;
    let left: Vec<&Object> = was
        .iter()
        .filter(|old| {
            !rendered
                .objects
                .iter()
                .any(|new| new.address() == old.address())
        })
        .collect();
    let mut gone = Vec::new();
    for object in left {
        let change = bench
            .cluster
            .compare_gone(object, &bench.namespace, bench.release.redactor())
            .await
            .map_err(refusal)?;
        if let Some(change) = change {
            gone.push(change.address.clone());
            preview.changes.push(change);
        }
    }
    // A hook runs whenever something is released; by itself it is no reason to.
    if !preview.changes.is_empty() {
        for hook in &rendered.hooks {
            preview
                .changes
                .extend(bench.cluster.as_rendered(hook, bench.release.redactor()));
        }
    }
    Ok((preview, Saved::of(bench, &rendered, gone, revision)))
}

/// Renders the chart two times: what differs between them would differ from what is approved too.
async fn twice(bench: &Bench, stuck: bool, cancel: &Cancel) -> Result<Rendered, Refusal> {
    let one = bench.release.render(stuck, cancel).await.map_err(refusal)?;
    let two = bench.release.render(stuck, cancel).await.map_err(refusal)?;
    let all = |rendered: &Rendered| rendered.all().cloned().collect::<Vec<_>>();
    let mut differing = manifest::differing(&all(&one), &all(&two));
    differing.retain(|field| !manifest::is_volatile(field, bench.volatile()));
    if !differing.is_empty() {
        return Err(Refusal::new(
            "This chart is another one each time it is rendered.",
            format!(
                "Rendered twice, it differs in {}.",
                words::few(&differing, 5)
            ),
            "What is approved must be what is released: give the chart a fixed value, or let the template declare the \
             field in [release] volatile.",
        ));
    }
    Ok(one)
}

async fn compare(
    bench: &Bench,
    claim: &Claim,
    rendered: &Rendered,
    was: &[Object],
    preview: &mut Preview,
) -> Result<(), Refusal> {
    let mut asked: Vec<BoxFuture<'_, _>> = Vec::new();
    for object in &rendered.objects {
        let target = bench.target(claim);
        asked.push(
            bench
                .cluster
                .compare(object, target, bench.volatile(), bench.release.redactor())
                .boxed(),
        );
    }
    let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    let mut refused = Vec::new();
    for (object, answer) in rendered.objects.iter().zip(answers) {
        let compared = match answer {
            Ok(compared) => compared,
            // The cluster itself does not answer: no object's fault.
            Err(failed) if failed.failure == slipway_adapters::terraform::Failure::Worker => {
                return Err(refusal(failed));
            }
            Err(failed) => {
                refused.push(format!("{}: {}", object.address(), failed.detail));
                continue;
            }
        };
        let known = was.iter().any(|old| old.address() == object.address());
        if compared.exists && !known && compared.release.as_deref() != Some(&claim.environment) {
            refused.push(format!(
                "{}: it is there already and belongs to {}.",
                object.address(),
                compared
                    .release
                    .as_deref()
                    .map_or("no release".to_owned(), |r| format!("the release {r}")),
            ));
        }
        match compared.change {
            Some(change) => preview.changes.push(change),
            None => preview.unchanged += 1,
        }
        for taken in compared.taken {
            preview.warnings.push(warning(
                "A field that somebody else set is taken over.",
                taken,
            ));
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(
        format!(
            "The API server refuses {} of {} objects.",
            refused.len(),
            rendered.objects.len()
        ),
        refused.join("\n"),
        "The words are the server's own. Change the inputs that they are about, or the chart.",
    ))
}

/// What a destroy takes away: the release's objects, what was claimed beside them, the namespace.
async fn goes(
    bench: &Bench,
    was: &[Object],
    there: bool,
    preview: &mut Preview,
) -> Result<Vec<String>, Failed> {
    let mut asked: Vec<BoxFuture<'_, _>> = Vec::new();
    for object in was {
        asked.push(
            bench
                .cluster
                .compare_gone(object, &bench.namespace, bench.release.redactor())
                .boxed(),
        );
    }
    let found: Vec<Option<Change>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    let mut changes: Vec<Change> = found.into_iter().flatten().collect();
    if there {
        for claim in bench.cluster.volume_claims(&bench.namespace).await? {
            let address = format!("PersistentVolumeClaim/{claim}");
            if !changes.iter().any(|c| c.address == address) {
                changes.push(Change {
                    address,
                    kind: "PersistentVolumeClaim".into(),
                    provider: format!("{}/v1", bench.cluster.name),
                    action: Action::Delete,
                    reason: None,
                    attributes: Vec::new(),
                    unchanged: 0,
                    keeps_data: true,
                });
            }
        }
        changes.push(namespace_change(bench, Action::Delete));
    }
    let gone = changes
        .iter()
        .map(|change| change.address.clone())
        .collect();
    preview.changes = changes;
    Ok(gone)
}

fn namespace_change(bench: &Bench, action: Action) -> Change {
    let attribute = |path: String, value: &str| Attribute {
        path,
        before: Shown::Absent,
        after: Shown::Value(serde_json::Value::from(value).to_string()),
        forces_replacement: false,
    };
    let made = action == Action::Create;
    let labels = bench.labels();
    let labels = labels.iter().filter(|_| made);
    Change {
        address: format!("Namespace/{}", bench.namespace),
        kind: "Namespace".into(),
        provider: format!("{}/v1", bench.cluster.name),
        action,
        reason: None,
        attributes: labels
            .map(|(key, value)| attribute(format!("metadata.labels[\"{key}\"]"), value))
            .collect(),
        unchanged: 0,
        keeps_data: false,
    }
}

fn warning(summary: &str, detail: String) -> Diagnostic {
    Diagnostic {
        severity: "warning".into(),
        summary: summary.into(),
        detail,
        ..Diagnostic::default()
    }
}

async fn fail(shared: &Shared, claim: &Claim, refusal: &Refusal) -> anyhow::Result<Next> {
    let told = patiently("a refusal", || async {
        work::fail_preview(&shared.pool, &shared.me, claim, refusal, now()).await
    });
    Ok(Next::Done(told.await?))
}
