//! Who asks: a token, from the environment or from a file that its owner alone can read.

use std::{
    fs,
    io::{ErrorKind, IsTerminal, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use rustix::termios;
use serde::{Deserialize, Serialize};
use slipway_seal::Secret;
use slipway_services::token;

use super::{Done, Stop, http, show};
use crate::api::wire;

/// Keeps a token for later commands. It is asked for, or read from standard input; never an argument.
#[derive(Debug, Args)]
pub struct Login {
    /// Where the portal is: `https://HOST`.
    #[arg(long, env = "SLIPWAY_SERVER", default_value = "http://127.0.0.1:7070")]
    server: String,
}

/// A portal, and a token for it.
pub struct Account {
    /// Where.
    pub server: String,
    /// The token.
    pub token: Secret,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    server: String,
    token: String,
}

/// `$XDG_CONFIG_HOME/slipway/credentials.json`
fn place() -> anyhow::Result<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    let base = set("XDG_CONFIG_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".config")))
        .ok_or_else(|| anyhow!("Neither XDG_CONFIG_HOME nor HOME says where a token could be kept.\n  Set SLIPWAY_TOKEN and SLIPWAY_SERVER instead."))?;
    Ok(base.join("slipway/credentials.json"))
}

/// Refuses what others can read or put something else in place of.
fn is_private(path: &Path, wide: u32) -> anyhow::Result<()> {
    let meta = fs::symlink_metadata(path)
        .with_context(|| format!("{} cannot be looked at", path.display()))?;
    if meta.permissions().mode() & wide != 0 || meta.file_type().is_symlink() {
        bail!(
            "Others can get at {} (mode {:o}).\n  A token there would not be yours alone: chmod it to {}, and look at what is in it.",
            path.display(),
            meta.mode() & 0o777,
            if meta.is_dir() { "700" } else { "600" }
        );
    }
    Ok(())
}

impl Account {
    /// From `SLIPWAY_TOKEN`, or as `slipway login` kept it.
    pub fn find() -> anyhow::Result<Self> {
        if let Ok(text) = std::env::var("SLIPWAY_TOKEN") {
            let server = std::env::var("SLIPWAY_SERVER").map_err(|_| {
                anyhow!("SLIPWAY_TOKEN is set, and SLIPWAY_SERVER is not.\n  Say where the portal is: SLIPWAY_SERVER=https://HOST.")
            })?;
            return Ok(Self {
                server,
                token: Secret::new(text.trim().to_owned()),
            });
        }
        let path = place()?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!(
                    "Nobody is logged in here.\n  slipway login --server https://HOST, or set SLIPWAY_TOKEN and SLIPWAY_SERVER."
                )
            }
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read", path.display()));
            }
        };
        is_private(&path, 0o077)?;
        let kept: Kept = serde_json::from_str(&text).map_err(|_| {
            anyhow!(
                "{} is not what slipway login writes.\n  Log in again.",
                path.display()
            )
        })?;
        Ok(Self {
            server: kept.server,
            token: Secret::new(kept.token),
        })
    }

    fn keep(&self) -> anyhow::Result<PathBuf> {
        let path = place()?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        // Whoever may write there could put another file in its place.
        is_private(folder, 0o022)?;
        if path.symlink_metadata().is_ok() {
            is_private(&path, 0o077)?;
        }
        let kept = Kept {
            server: self.server.clone(),
            token: self.token.expose().to_owned(),
        };
        let fresh = folder.join(format!(".credentials.{}", std::process::id()));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)
            .with_context(|| format!("{} cannot be written", fresh.display()))?;
        file.write_all(&serde_json::to_vec_pretty(&kept)?)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(path)
    }
}

/// Reads a token without showing it.
fn ask(server: &str) -> anyhow::Result<String> {
    if let Ok(text) = std::env::var("SLIPWAY_TOKEN") {
        return Ok(text);
    }
    let mut input = std::io::stdin();
    let mut text = String::new();
    if !input.is_terminal() {
        // One line, and no more than any token has.
        (&mut input).take(4096).read_to_string(&mut text)?;
        return Ok(text);
    }
    show::aside(&format!(
        "Make a token at {server}/tokens, and paste it here. It is not shown."
    ));
    let before = termios::tcgetattr(&input)?;
    let mut silent = before.clone();
    silent.local_modes.remove(termios::LocalModes::ECHO);
    termios::tcsetattr(&input, termios::OptionalActions::Flush, &silent)?;
    let read = input.read_line(&mut text);
    termios::tcsetattr(&input, termios::OptionalActions::Flush, &before)?;
    read?;
    Ok(text)
}

/// `slipway login`
pub async fn login(asked: &Login) -> Done {
    let server = http::server(&asked.server).map_err(|error| Stop::Usage(error.to_string()))?;
    let text = ask(&server)?;
    let text = text.trim();
    if !token::is_token(text) {
        return Err(Stop::Failed(anyhow!(
            "This is no token of Slipway: it is slipway_ and 49 characters, the last six of which fit the rest.\n  Copy it again, or make another one at {server}/tokens."
        )));
    }
    let account = Account {
        server,
        token: Secret::new(text.to_owned()),
    };
    let me: wire::Me = http::Portal::new(&account)?.get("/api/v1/me").await?;
    let path = account.keep()?;
    show::line(&format!(
        "{} at {}, by the token {} ({}). Kept in {}.",
        me.person,
        account.server,
        me.token,
        me.scopes.join(", "),
        path.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// The portal that somebody is logged in at.
pub fn portal() -> anyhow::Result<http::Portal> {
    http::Portal::new(&Account::find()?)
}
