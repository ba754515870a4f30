//! `slipway env`: what exists, another one, the end of one.

use std::{io::Read, process::ExitCode};

use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::{Map, Value};
use slipway_app::views::encode;

use super::{Done, Look, Stop, http::Portal, login, runs, show};
use crate::api::wire;

/// Which environments.
#[derive(Debug, Args)]
pub struct List {
    /// Only this team's.
    #[arg(long)]
    team: Option<String>,
    /// Only names that contain this.
    #[arg(long)]
    name: Option<String>,
    /// Those that are over, too.
    #[arg(long)]
    over: bool,
    /// The page before: what the last one said.
    #[arg(long)]
    before: Option<i64>,
    #[command(flatten)]
    look: Look,
}

/// What to ask for.
#[derive(Debug, Args)]
pub struct Create {
    /// The template.
    template: String,
    /// The environment's name.
    name: String,
    /// The team; needed if you may ask for several.
    #[arg(long)]
    team: Option<String>,
    /// An input: `size=2`, `tags=["a","b"]`. Not for what is secret: others can read arguments.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// A JSON file with inputs by name; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    values: Option<String>,
    /// How long it lives: `8h`, `7d`.
    #[arg(long)]
    life: Option<String>,
    /// Why, for those who decide.
    #[arg(long, default_value = "")]
    reason: String,
    /// Two requests with the same key within a day are one. Without it, each command is a request of its own.
    #[arg(long)]
    key: Option<String>,
    /// Follow the run to its end.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    look: Look,
}

/// What is to end.
#[derive(Debug, Args)]
pub struct Destroy {
    /// The environment's name, or its id.
    environment: String,
    /// Its name once more, instead of typing it when asked.
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    /// Why, for those who decide.
    #[arg(long, default_value = "")]
    reason: String,
    /// Follow the run to its end.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    look: Look,
}

/// `slipway env list`
pub async fn list(asked: &List) -> Done {
    let mut path = format!("/api/v1/environments?over={}", asked.over);
    for (name, value) in [("team", &asked.team), ("name", &asked.name)] {
        if let Some(value) = value {
            path += &format!("&{name}={}", encode(value));
        }
    }
    if let Some(before) = asked.before {
        path += &format!("&before={before}");
    }
    let page: wire::Environments = login::portal()?.get(&path).await?;
    if asked.look.json {
        show::json(&page);
        return Ok(ExitCode::SUCCESS);
    }
    if page.environments.is_empty() {
        show::aside("No environments. slipway env create TEMPLATE NAME asks for one.");
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = page
        .environments
        .iter()
        .map(|of| {
            let run = of.active_run.as_ref();
            vec![
                of.id.to_string(),
                of.name.clone(),
                of.team.clone(),
                of.class.clone(),
                of.state.clone(),
                of.ends_at
                    .map_or_else(|| "never".to_owned(), slipway_domain::time_text::exact),
                run.map_or_else(String::new, |r| format!("run {} {}", r.id, r.state)),
            ]
        })
        .collect();
    let head = ["ID", "NAME", "TEAM", "CLASS", "STATE", "ENDS", "NOW"];
    for line in show::table(&head, &rows).lines() {
        show::line(line);
    }
    if let Some(older) = page.older {
        show::aside(&format!("There are older ones: --before {older}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// What is typed after `--set`: JSON where it looks like a list or an object, else text, which the template's types
/// read as they read a form.
fn given(text: &str) -> Result<(String, Value), Stop> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| Stop::Usage(format!("--set {text}: write NAME=VALUE.")))?;
    let value = if value.starts_with(['[', '{']) {
        serde_json::from_str(value).map_err(|error| {
            Stop::Usage(format!("--set {name}: this is not valid JSON: {error}"))
        })?
    } else {
        Value::String(value.to_owned())
    };
    Ok((name.to_owned(), value))
}

fn inputs(asked: &Create) -> Result<Map<String, Value>, Stop> {
    let mut inputs = match asked.values.as_deref() {
        None => Map::new(),
        Some(file) => {
            let mut text = String::new();
            if file == "-" {
                std::io::stdin()
                    .read_to_string(&mut text)
                    .map_err(anyhow::Error::from)?;
            } else {
                text = std::fs::read_to_string(file)
                    .with_context(|| format!("{file} cannot be read"))?;
            }
            serde_json::from_str(&text).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                Stop::Usage(format!("--values {file}: line {line}, column {column}: inputs are a JSON object, by name."))
            })?
        }
    };
    for text in &asked.set {
        let (name, value) = given(text)?;
        inputs.insert(name, value);
    }
    Ok(inputs)
}

/// `slipway env create`
pub async fn create(asked: &Create) -> Done {
    let portal = login::portal()?;
    let inputs = inputs(asked)?;
    if !asked.set.is_empty() {
        let path = format!("/api/v1/templates/{}", encode(&asked.template));
        let template: wire::Template = portal.get(&path).await?;
        let secret = template.inputs.iter().find(|input| {
            let begins = format!("{}=", input.name);
            input.sensitive && asked.set.iter().any(|set| set.starts_with(&begins))
        });
        if let Some(input) = secret {
            return Err(Stop::Usage(format!(
                "{} is secret, and others on this machine can read arguments.\n  Give it by --values FILE, or --values - and standard input.",
                input.name
            )));
        }
    }
    let new = wire::NewEnvironment {
        template: asked.template.clone(),
        name: asked.name.clone(),
        team: asked.team.clone(),
        life: asked.life.clone(),
        reason: asked.reason.clone(),
        inputs,
    };
    let key = asked
        .key
        .clone()
        .unwrap_or_else(|| slipway_seal::hex(&slipway_seal::random::<16>()));
    let mut made = portal.post("/api/v1/environments", &new, Some(&key)).await;
    if let Err(Stop::Failed(_)) = &made {
        // The answer was lost, or the request: with the same key it is the same one.
        made = portal.post("/api/v1/environments", &new, Some(&key)).await;
    }
    asked_for(&portal, made?, &asked.look, asked.watch).await
}

async fn asked_for(portal: &Portal, made: wire::Asked, look: &Look, watch: bool) -> Done {
    if look.json {
        show::json(&made);
    } else {
        show::line(&format!(
            "Asked for: environment {}, run {}.",
            made.environment, made.run
        ));
        if !watch {
            show::aside(&format!("slipway run watch {} follows it.", made.run));
        }
    }
    if watch {
        return runs::follow(portal, made.run, look).await;
    }
    Ok(ExitCode::SUCCESS)
}

/// The environment with this id or name.
async fn find(portal: &Portal, wanted: &str) -> Result<(i64, String), Stop> {
    if let Ok(id) = wanted.parse::<i64>() {
        let of: wire::Environment = portal.get(&format!("/api/v1/environments/{id}")).await?;
        return Ok((of.id, of.name));
    }
    let mut before = String::new();
    loop {
        let path = format!("/api/v1/environments?name={}{before}", encode(wanted));
        let page: wire::Environments = portal.get(&path).await?;
        if let Some(of) = page.environments.into_iter().find(|e| e.name == wanted) {
            return Ok((of.id, of.name));
        }
        match page.older {
            Some(older) => before = format!("&before={older}"),
            None => {
                return Err(anyhow!("There is no environment {wanted} that you may see.\n  slipway env list shows those that there are.").into());
            }
        }
    }
}

/// `slipway env destroy`
pub async fn destroy(asked: &Destroy) -> Done {
    let portal = login::portal()?;
    let (id, name) = find(&portal, &asked.environment).await?;
    show::aside(&format!(
        "You see the plan of its destruction first, and it is decided like any other run. Nothing of {name} is destroyed by this request."
    ));
    runs::confirm(&name, asked.confirm.as_deref(), "--confirm NAME")?;
    let body = wire::Destroy {
        name,
        reason: asked.reason.clone(),
    };
    let made = portal
        .post(&format!("/api/v1/environments/{id}/destroy"), &body, None)
        .await?;
    asked_for(&portal, made, &asked.look, asked.watch).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_text_unless_it_looks_like_more() {
        assert_eq!(given("a=b=c").unwrap(), ("a".into(), "b=c".into()));
        assert_eq!(given("n=2").unwrap().1, Value::from("2"));
        assert_eq!(given("t=[\"x\"]").unwrap().1, serde_json::json!(["x"]));
        assert!(matches!(given("t=[x"), Err(Stop::Usage(_))));
        assert!(matches!(given("t"), Err(Stop::Usage(_))));
    }
}
