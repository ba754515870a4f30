//! The chain as it leaves the house: lines that anybody can check without us (`slipway audit verify`).
//!
//! One JSON object a line. First what it is; then each sealed record with its hash, its link of the chain and, unless it is
//! nobody's business here, its text; checkpoints where they belong; at the end what was not sealed yet.

use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_domain::{id::RunId, rights::Right};
use slipway_seal::{WorkerKey, hex};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use super::store;
use crate::{Ctx, Error, Result, run};

/// A checkpoint is written at least this often, so that an end that was cut off shows by its age.
pub const HEARTBEAT: Duration = Duration::minutes(10);

/// What a file of lines is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Always `slipway audit`.
    pub kind: String,
    /// The version of this form.
    pub version: u32,
    /// When it was written, as seconds since 1970.
    pub at: i64,
    /// The place in the chain before the first line.
    pub after: i64,
    /// The chain up to there, in hexadecimal; empty at the beginning.
    pub before: String,
    /// The run that it is the evidence of; `None` for a whole trail.
    pub run: Option<i64>,
}

/// One sealed record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its place in the chain.
    pub seq: i64,
    /// Its text; `None` where only its place matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// SHA-256 of the text.
    pub record: String,
    /// SHA-256 of the chain before and `record`.
    pub chain: String,
}

/// A signature over the chain up to a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The place.
    pub seq: i64,
    /// The chain there.
    pub chain: String,
    /// When, as seconds since 1970.
    pub at: i64,
    /// The signature.
    pub signature: String,
    /// The public half of the key.
    pub key: String,
}

impl Checkpoint {
    /// What is signed.
    #[must_use]
    pub fn message(&self) -> String {
        message(self.seq, &self.chain, self.at)
    }
}

fn message(seq: i64, chain: &str, at: i64) -> String {
    format!("slipway audit checkpoint\n{seq}\n{chain}\n{at}\n")
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The first.
    Head(Head),
    /// A sealed record.
    Link(Link),
    /// A checkpoint.
    Checkpoint(Checkpoint),
    /// A record that is not sealed yet.
    Unsealed(String),
}

/// Signs the end of the chain, if it has grown or the last signature is old. The worker calls it after sealing.
///
/// # Errors
/// [`Error::Broken`] if the chain is shorter than what was signed already, or is not what was signed: somebody has
/// changed the database.
pub async fn checkpoint(worker: &PgPool, key: &WorkerKey, now: OffsetDateTime) -> Result<bool> {
    Ok(sign(worker, key, now).await?.is_some())
}

/// As [`checkpoint`], and gives what was signed, so that it can be noted outside of the database.
///
/// # Errors
/// As [`checkpoint`].
pub async fn sign(
    worker: &PgPool,
    key: &WorkerKey,
    now: OffsetDateTime,
) -> Result<Option<Checkpoint>> {
    let Some((seq, chain)) = store::end_of_chain(worker).await? else {
        return match store::last_checkpoint(worker).await? {
            None => Ok(None),
            Some((seq, ..)) => Err(cut(seq, 0)),
        };
    };
    if let Some((signed, signed_chain, at, _)) = store::last_checkpoint(worker).await? {
        if signed > seq {
            return Err(cut(signed, seq));
        }
        if signed == seq {
            if signed_chain != chain {
                return Err(Error::broken(
                    "the audit trail's chain is not the one that was signed: it was written anew",
                ));
            }
            if now - at < HEARTBEAT {
                return Ok(None);
            }
        }
    }
    let key = key.signing();
    let signature = key.sign(message(seq, &hex(&chain), now.unix_timestamp()).as_bytes());
    store::insert_checkpoint(worker, seq, &chain, &signature, &key.public(), now).await?;
    Ok(Some(Checkpoint {
        seq,
        chain: hex(&chain),
        at: now.unix_timestamp(),
        signature: hex(&signature),
        key: hex(&key.public()),
    }))
}

/// The public half of the key that the trail is signed with, in hexadecimal; `None` before the first signature.
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn key(web: &PgPool, ctx: &Ctx) -> Result<Option<String>> {
    ctx.require(Right::SeeAudit)?;
    Ok(store::last_checkpoint(web).await?.map(|last| hex(&last.3)))
}

fn cut(signed: i64, seq: i64) -> Error {
    Error::broken(format_args!(
        "the audit trail was signed up to record {signed} and ends at {seq}: its end was cut off"
    ))
}

/// The whole trail as lines, or those after a place in the chain. It is asked for piece by piece.
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn export_head(web: &PgPool, ctx: &Ctx) -> Result<Line> {
    ctx.require(Right::SeeAudit)?;
    store::exported(web, ctx, "the whole trail").await?;
    Ok(head(ctx, 0, String::new(), None))
}

fn head(ctx: &Ctx, after: i64, before: String, run: Option<i64>) -> Line {
    Line::Head(Head {
        kind: "slipway audit".into(),
        version: 1,
        at: ctx.now.unix_timestamp(),
        after,
        before,
        run,
    })
}

/// The next lines after a place in the chain; empty at its end.
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn export_links(web: &PgPool, ctx: &Ctx, after: i64) -> Result<Vec<Line>> {
    ctx.require(Right::SeeAudit)?;
    links(web, after, i64::MAX, None).await
}

/// What is not sealed yet: the last lines.
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn export_rest(web: &PgPool, ctx: &Ctx) -> Result<Vec<Line>> {
    ctx.require(Right::SeeAudit)?;
    let texts = store::unsealed(web, None, 1000).await?;
    Ok(texts.into_iter().map(Line::Unsealed).collect())
}

async fn links(web: &PgPool, after: i64, until: i64, run: Option<i64>) -> Result<Vec<Line>> {
    let rows = store::links(web, after, until, run, 500).await?;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(vec![]);
    };
    let mut signed = store::checkpoints(web, first.seq, last.seq)
        .await?
        .into_iter()
        .peekable();
    let mut lines = Vec::with_capacity(rows.len());
    for link in rows {
        let seq = link.seq;
        lines.push(Line::Link(link));
        while let Some(checkpoint) = signed.next_if(|c| c.seq <= seq) {
            lines.push(Line::Checkpoint(checkpoint));
        }
    }
    Ok(lines)
}

/// The evidence of one change, self-contained: every record about the run in clear, the hashes of what lies between them,
/// up to a signature that covers them all.
///
/// # Errors
/// For everybody but auditors and admins it is not there.
pub async fn evidence(web: &PgPool, ctx: &Ctx, of: RunId) -> Result<Vec<String>> {
    ctx.require(Right::SeeAudit)?;
    // A run that may not be seen is one that is not there.
    let view = run::find(web, ctx, of).await?;
    store::exported(web, ctx, &format!("the evidence of run {of}")).await?;
    let mut lines = Vec::new();
    if let Some((first, last)) = store::span(web, of.get()).await? {
        let until = store::signed_from(web, last).await?.unwrap_or(last);
        let before = store::chain_at(web, first - 1).await?;
        lines.push(head(ctx, first - 1, before, Some(of.get())));
        let mut after = first - 1;
        loop {
            let more = links(web, after, until, Some(of.get())).await?;
            let seqs = more.iter().filter_map(|l| match l {
                Line::Link(link) => Some(link.seq),
                _ => None,
            });
            match seqs.max() {
                Some(seq) => after = seq,
                None => break,
            }
            lines.extend(more);
        }
    } else {
        lines.push(head(ctx, 0, String::new(), Some(of.get())));
    }
    let rest = store::unsealed(web, Some(of.get()), 1000).await?;
    lines.extend(rest.into_iter().map(Line::Unsealed));
    let mut texts = Vec::with_capacity(lines.len() + 1);
    for line in &lines {
        texts.push(serde_json::to_string(line)?);
    }
    texts.push(about(&view).to_string());
    Ok(texts)
}

/// What the run was, for people: what was asked for, what it would have changed, who voted, by which policy. No secret is
/// in it; the records are the proof.
fn about(of: &run::View) -> serde_json::Value {
    let step = of.steps.first();
    let votes: Vec<_> = of
        .votes
        .iter()
        .map(|vote| {
            json!({
                "by": vote.by.name, "approve": vote.approve, "reason": vote.reason, "at": vote.at.unix_timestamp(),
                "digest": vote.digest, "roles_now": vote.roles,
            })
        })
        .collect();
    json!({ "about": {
        "run": of.id, "page": format!("/runs/{}", of.id), "title": of.title, "state": of.state,
        "environment": of.environment, "team": of.team,
        "request": {
            "operation": of.operation, "by": of.requested_by.as_ref().map(|p| &p.name), "reason": of.reason,
            "at": of.created_at.unix_timestamp(), "inputs": of.inputs, "secret_inputs": of.sensitive,
            "template": of.template, "template_digest": of.template_digest,
        },
        "plan": {
            "digest": of.digest, "tally": step.and_then(|s| s.tally), "brief": step.map(|s| &s.looks),
            "engine": step.and_then(|s| s.engine.as_ref()), "engine_version": step.and_then(|s| s.engine_version.as_ref()),
        },
        "policy": {
            "answer": of.policy, "text": slipway_policy::DEFAULT,
            "digest": hex(&slipway_seal::sha256(slipway_policy::DEFAULT.as_bytes())),
        },
        "votes": votes,
    } })
}
