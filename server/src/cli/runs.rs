//! `slipway run`: following one, and deciding about one.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::anyhow;
use clap::Args;
use serde_json::Value;

use super::{Done, Look, RUN_FAILED, Stop, http::Portal, login, show};
use crate::api::wire;

/// Which run.
#[derive(Debug, Args)]
pub struct Watch {
    /// The run.
    run: i64,
    #[command(flatten)]
    look: Look,
}

/// What to vote for.
#[derive(Debug, Args)]
pub struct Approve {
    /// The run.
    run: i64,
    /// The digest of the plan that you looked at; without it you are asked to type the environment's name.
    #[arg(long)]
    digest: Option<String>,
    /// Why.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    look: Look,
}

/// What to vote against.
#[derive(Debug, Args)]
pub struct Reject {
    /// The run.
    run: i64,
    /// Why, for the person who asked.
    #[arg(long)]
    reason: String,
    /// The digest of the plan that you looked at; without it, the one at hand.
    #[arg(long)]
    digest: Option<String>,
    #[command(flatten)]
    look: Look,
}

/// What to call off.
#[derive(Debug, Args)]
pub struct Cancel {
    /// The run.
    run: i64,
    /// Kill what did not stop when it was asked to: state may be lost.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    look: Look,
}

/// Has a name typed, or takes it from an argument.
pub fn confirm(name: &str, given: Option<&str>, by: &str) -> Result<(), Stop> {
    let typed = match given {
        Some(given) => given.to_owned(),
        None if std::io::stdin().is_terminal() => {
            let mut out = std::io::stderr().lock();
            let _ = write!(out, "Type {} to go on: ", show::clean(name));
            let _ = out.flush();
            let mut typed = String::new();
            std::io::stdin()
                .read_line(&mut typed)
                .map_err(anyhow::Error::from)?;
            typed.trim().to_owned()
        }
        None => {
            return Err(Stop::Usage(format!(
                "Nobody is there to be asked.\n  Say it by {by}."
            )));
        }
    };
    if typed == name {
        Ok(())
    } else {
        Err(anyhow!("That is not its name: nothing was done.").into())
    }
}

async fn look_at(portal: &Portal, run: i64) -> Result<wire::Run, Stop> {
    portal.get(&format!("/api/v1/runs/{run}")).await
}

/// `slipway run watch`
pub async fn watch(asked: &Watch) -> Done {
    follow(&login::portal()?, asked.run, &asked.look).await
}

/// Follows a run to its end: the log to standard output, what becomes of it beside that.
pub async fn follow(portal: &Portal, id: i64, look: &Look) -> Done {
    let mut offset = 0;
    let mut state = String::new();
    let mut failures = 0;
    loop {
        // A stream begins with all that is missing, and ends now and then: it is opened again from where it stood.
        let opened = portal
            .listen(&format!("/api/v1/runs/{id}/live?offset={offset}"))
            .await;
        let mut events = match opened {
            Ok(events) => events,
            Err(Stop::Failed(error)) if failures < 20 => {
                failures += 1;
                show::aside(&format!("{error} Trying again."));
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            Err(stop) => return Err(stop),
        };
        while let Some((event, data)) = events.next().await {
            failures = 0;
            let Ok(data) = serde_json::from_str::<Value>(&data) else {
                continue;
            };
            match event.as_str() {
                "log" => {
                    offset = data["end"].as_i64().unwrap_or(offset);
                    for line in data["lines"].as_array().into_iter().flatten() {
                        let line = line.as_str().unwrap_or_default();
                        if look.json {
                            show::line(&serde_json::json!({ "log": line }).to_string());
                        } else {
                            show::line(line);
                        }
                    }
                }
                "run" => {
                    let now = data["state"].as_str().unwrap_or_default();
                    if now != state {
                        state = now.to_owned();
                        if let Some(code) = stands(portal, id, &state, look).await? {
                            return Ok(code);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// Says where it stands; an exit code if that is the end.
async fn stands(
    portal: &Portal,
    id: i64,
    state: &str,
    look: &Look,
) -> Result<Option<ExitCode>, Stop> {
    let run = look_at(portal, id).await?;
    let words = state.replace('_', " ");
    if look.json {
        show::line(&serde_json::json!({ "run": id, "state": state }).to_string());
    } else {
        show::aside(&format!("── {}: {words}", run.title));
        if run.no_worker && state == "queued" {
            show::aside("   No worker is there to take it: it waits.");
        }
        if run.state == "awaiting_approval" {
            for seat in run.votes.iter().filter(|seat| seat.by.is_none()) {
                show::aside(&format!(
                    "   Waits for the vote of a {}: {}",
                    seat.role, seat.because
                ));
            }
        }
    }
    // It went on meanwhile: the stream says so next, after what the engine said until then.
    if run.state != state {
        return Ok(None);
    }
    // Nobody knows what it did: only a person leads out of that, so there is nothing to wait for.
    if !run.over && run.state != "unknown" {
        return Ok(None);
    }
    if matches!(run.state.as_str(), "succeeded" | "no_changes") {
        return Ok(Some(ExitCode::SUCCESS));
    }
    if let (Some(why), false) = (&run.failure, look.json) {
        for text in [&why.message, &why.detail, &why.hint] {
            if !text.is_empty() {
                show::aside(&format!("   {text}"));
            }
        }
    }
    Ok(Some(ExitCode::from(RUN_FAILED)))
}

fn show_plan(run: &wire::Run, plan: &wire::Plan) {
    let by = run.requested_by.as_deref().unwrap_or("a rule");
    show::aside(&format!(
        "{} ({}, team {}), asked for by {by}",
        run.title, run.class, run.team
    ));
    if !run.reason.is_empty() {
        show::aside(&format!("  “{}”", run.reason));
    }
    for look in &plan.looks {
        let address = look.address.as_deref().unwrap_or_default();
        let words = format!("  ! {address} {}. {}", look.what, look.detail);
        show::aside(words.trim_end());
    }
    let rows: Vec<Vec<String>> = plan
        .changes
        .iter()
        .map(|of| vec![format!("  {}", of.action), of.address.clone()])
        .collect();
    for line in show::table(&["  WHAT", "WHERE"], &rows).lines() {
        show::aside(line);
    }
    show::aside(&format!(
        "  {} made, {} changed, {} replaced, {} destroyed. Plan {}",
        plan.create,
        plan.update,
        plan.replace,
        plan.delete,
        plan.digest.as_deref().unwrap_or("without a digest")
    ));
}

fn voted(stands: &wire::Stands, look: &Look) -> ExitCode {
    if look.json {
        show::json(stands);
    } else {
        show::line(&format!(
            "Your vote counts. The run stands at: {}.",
            stands.state.replace('_', " ")
        ));
    }
    ExitCode::SUCCESS
}

/// `slipway run approve`: what is voted for is what was shown, whatever happens meanwhile.
pub async fn approve(asked: &Approve) -> Done {
    let portal = login::portal()?;
    let run = look_at(&portal, asked.run).await?;
    let plan: wire::Plan = portal
        .get(&format!("/api/v1/runs/{}/plan", asked.run))
        .await?;
    if !asked.look.json {
        show_plan(&run, &plan);
    }
    let digest = match &asked.digest {
        Some(digest) => digest.clone(),
        None => {
            confirm(&run.environment_name, None, "--digest DIGEST")?;
            plan.digest
                .ok_or_else(|| anyhow!("This plan has no digest, so nobody can vote for it."))?
        }
    };
    let vote = wire::Vote {
        digest,
        reason: asked.reason.clone(),
    };
    let path = format!("/api/v1/runs/{}/approve", asked.run);
    Ok(voted(&portal.post(&path, &vote, None).await?, &asked.look))
}

/// `slipway run reject`
pub async fn reject(asked: &Reject) -> Done {
    let portal = login::portal()?;
    let digest = match &asked.digest {
        Some(digest) => digest.clone(),
        None => look_at(&portal, asked.run)
            .await?
            .digest
            .unwrap_or_default(),
    };
    let vote = wire::Vote {
        digest,
        reason: asked.reason.clone(),
    };
    let path = format!("/api/v1/runs/{}/reject", asked.run);
    Ok(voted(&portal.post(&path, &vote, None).await?, &asked.look))
}

/// `slipway run cancel`
pub async fn cancel(asked: &Cancel) -> Done {
    let portal = login::portal()?;
    let path = format!("/api/v1/runs/{}/cancel", asked.run);
    let body = wire::Cancel { force: asked.force };
    let stands: wire::Stands = portal.post(&path, &body, None).await?;
    if asked.look.json {
        show::json(&stands);
    } else {
        let state = stands.state.replace('_', " ");
        show::line(&if stands.over {
            format!("Called off. The run stands at: {state}.")
        } else {
            format!(
                "It was asked to stop, and ends when its state is saved. It stands at: {state}."
            )
        });
    }
    Ok(ExitCode::SUCCESS)
}
