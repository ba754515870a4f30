//! `slipway check`: everything that would stop a production start, by name.

use std::{borrow::Cow, process::ExitCode};

use slipway_services::account::Answer;
use slipway_worker::Config;

use crate::{
    config::{Part, Settings},
    database, keys, say,
};

/// Looks, says, and answers whether a start would work.
///
/// # Errors
/// None of its own: what it finds is its output.
pub async fn check(settings: &Settings, part: Part) -> anyhow::Result<ExitCode> {
    let mut findings = Findings::new();
    let role = match part {
        Part::Work => database::WORKER,
        Part::Up | Part::Serve => database::WEB,
    };
    find_database(settings, role, &mut findings).await;
    if part != Part::Serve {
        find_worker(settings, &mut findings).await?;
        find_accounts(settings, &mut findings).await;
        find_clusters(settings, &mut findings).await;
    }
    if part != Part::Work {
        find_web(settings, &mut findings);
    }
    for (what, hint) in &findings {
        say::line(&format!("✗ {what}\n    {hint}"));
    }
    if findings.is_empty() {
        say::line("✓ Nothing would stop a production start.");
        return Ok(ExitCode::SUCCESS);
    }
    say::line(&format!(
        "{} would stop a production start.",
        findings.len()
    ));
    Ok(ExitCode::FAILURE)
}

/// What is wrong, and what to do.
type Findings = Vec<(String, Cow<'static, str>)>;

async fn find_database(settings: &Settings, role: &'static str, findings: &mut Findings) {
    match database::options(settings) {
        Err(error) => findings.push((
            format!("{error:#}")
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
            "Set SLIPWAY_DATABASE_URL.".into(),
        )),
        Ok(options) => {
            let pool = database::pool(&options, role, 1);
            match tokio::time::timeout(std::time::Duration::from_secs(10), pool.acquire()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => findings.push((
                    format!("The database does not let us in: {error}"),
                    "Is it there, is its address right, and has `slipway migrate` run?".into(),
                )),
                Err(_) => findings.push((
                    "The database does not answer.".into(),
                    "Is it there, and may this machine reach it?".into(),
                )),
            }
        }
    }
}

/// What a worker needs: an engine, and the key.
async fn find_worker(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let config = Config {
        terraform: settings.engines().0,
        opentofu: settings.engines().1,
        ..Config::new("check", settings.data.clone())
    };
    let engines = slipway_worker::engines(&config).await?;
    if engines.is_empty() {
        findings.push((
            "No engine: neither Terraform nor OpenTofu was found.".into(),
            "Install one, or name it with SLIPWAY_ENGINE.".into(),
        ));
    }
    match &settings.key_file {
        None => findings.push((
            "No key file is configured.".into(),
            "Name one with SLIPWAY_KEY_FILE; every worker needs the same.".into(),
        )),
        Some(path) => {
            if let Err(error) = keys::load(path, false) {
                findings.push((
                    format!("{error:#}")
                        .lines()
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                    "32 bytes, mode 0600.".into(),
                ));
            }
        }
    }
    Ok(())
}

/// Whether each cluster that a worker would have here answers, and whether there is a Helm to release with.
async fn find_clusters(settings: &Settings, findings: &mut Findings) {
    if settings.clusters.is_none() {
        return;
    }
    let config = Config {
        helm: settings.helm.clone(),
        clusters: settings.clusters.clone(),
        ..Config::new("check", settings.data.clone())
    };
    let (helm, clusters) = slipway_worker::clusters(&config).await;
    if let Err(why) = helm {
        findings.push((why.message, why.hint.into()));
    }
    if clusters.is_empty() {
        findings.push((
            "No cluster: SLIPWAY_CLUSTERS names a folder without a kubeconfig.".into(),
            "Put one there as <name>.kubeconfig, or unset it.".into(),
        ));
    }
    for (name, answer) in clusters {
        match answer {
            Ok(version) => say::line(&format!("✓ cluster {name}: Kubernetes {version}")),
            Err(why) => findings.push((format!("{} {}", why.message, why.detail), why.hint.into())),
        }
    }
}

/// Whether each AWS account lets in whoever this is: the identity that a worker would have here.
async fn find_accounts(settings: &Settings, findings: &mut Findings) {
    // Without a database there is nothing to ask, and that was said.
    let Ok(options) = database::options(settings) else {
        return;
    };
    let pool = database::pool(&options, database::WORKER, 1);
    let config = Config {
        region: settings.aws_region.clone(),
        imitation: settings.imitation(),
        ..Config::new("check", settings.data.clone())
    };
    let patience = std::time::Duration::from_secs(120);
    let asked = slipway_worker::account_answers(&config, &pool);
    let accounts = match tokio::time::timeout(patience, asked).await {
        Ok(Ok(accounts)) => accounts,
        // The database is away, or older than this program: that was said.
        Ok(Err(_)) => return,
        Err(_) => {
            findings.push((
                "The AWS accounts did not answer within two minutes.".into(),
                "May this machine reach sts.<region>.amazonaws.com?".into(),
            ));
            return;
        }
    };
    for (account, answers) in accounts {
        let mut good = Vec::new();
        for (kind, answer) in &answers.roles {
            match answer {
                Answer::As(_) => good.push(kind.word()),
                Answer::Refused(why) => findings.push((
                    format!(
                        "AWS account {}, to {}: {} {}",
                        account.name,
                        kind.word(),
                        why.message,
                        why.detail
                    ),
                    why.hint.clone().into(),
                )),
            }
        }
        if !good.is_empty() {
            say::line(&format!(
                "✓ AWS account {} lets the worker {}.",
                account.place().words(),
                good.join(", ")
            ));
        }
    }
}

/// What a web process needs: a way in, and no other way in.
fn find_web(settings: &Settings, findings: &mut Findings) {
    if settings.google_client_id.is_none() {
        findings.push((
            "Nobody could sign in: no Google client is configured.".into(),
            "Set SLIPWAY_GOOGLE_CLIENT_ID.".into(),
        ));
    }
    if let Err(error) = crate::sign_in::google::Google::from(settings) {
        findings.push((
            format!("{error:#}")
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
            "docs/operating.md says how the Google client is made and what to set.".into(),
        ));
    }
    if let Some(groups) = settings.groups()
        && let Err(error) = groups.open()
    {
        findings.push((
            first_lines(&error),
            "docs/operating.md says how the service account is made. Without it unset SLIPWAY_DIRECTORY_KEY_FILE.".into(),
        ));
    }
    if let Err(error) = settings.post().and_then(|post| post.open().map(drop)) {
        findings.push((
            first_lines(&error),
            "docs/operating.md says what mail and chat need.".into(),
        ));
    }
    if settings.demo == Some(true)
        && (settings.demo(false).is_err() || !settings.listen.ip().is_loopback())
    {
        findings.push((
            "The demo sign-in would be reachable from outside.".into(),
            "Unset SLIPWAY_DEMO.".into(),
        ));
    }
    if !settings.listen.ip().is_loopback() && !settings.tls {
        findings.push((
            format!("{} is reachable from outside without TLS.", settings.listen),
            "Put a load balancer that ends TLS in front, and set SLIPWAY_TLS=true.".into(),
        ));
    }
    if !settings.listen.ip().is_loopback() && settings.hosts.is_empty() {
        findings.push((
            "No host name is allowed.".into(),
            "Name the portal's host in SLIPWAY_HOSTS.".into(),
        ));
    }
    if !settings.site.join("assets.json").is_file() {
        findings.push((
            format!(
                "The browser side is missing in {}.",
                settings.site.display()
            ),
            "Build it (make run does), or name its folder with SLIPWAY_SITE.".into(),
        ));
    }
}

/// What is wrong, and the reason beneath it, each by its first line.
fn first_lines(error: &anyhow::Error) -> String {
    error
        .chain()
        .map(|e| {
            let text = e.to_string();
            text.lines().next().unwrap_or_default().to_owned()
        })
        .collect::<Vec<_>>()
        .join(" ")
}
