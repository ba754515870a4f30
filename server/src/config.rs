//! Everything that can be set, in one place; `--help` lists every variable.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand};
use slipway_seal::Secret;
use slipway_worker::{Groups, Imitation, MailBy, PostBy};

use crate::cli;

/// Slipway: environments from templates, approved as they will be applied.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What to log: `info`, `debug`, or a filter such as `info,sqlx=debug`.
    #[arg(long, env = "SLIPWAY_LOG", global = true)]
    pub log: Option<String>,
    /// Log as JSON, a line a message.
    #[arg(long, env = "SLIPWAY_LOG_JSON", global = true)]
    pub log_json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Everything in one process on this machine: database, web, a worker, the catalog.
    Up(Settings),
    /// The web process.
    Serve(Settings),
    /// A worker.
    Work(Settings),
    /// Bring the database to this version, and end.
    Migrate(Settings),
    /// Name everything that would stop a production start.
    Check(Check),
    /// As a client: keep a token for later commands.
    Login(cli::Login),
    /// As a client: environments.
    #[command(subcommand)]
    Env(cli::Env),
    /// As a client: runs.
    #[command(subcommand)]
    Run(cli::Run),
    /// What can be said about an exported audit trail, without a portal.
    #[command(subcommand)]
    Audit(Audit),
}

/// What `slipway check` looks at.
#[derive(Debug, ClapArgs)]
pub struct Check {
    /// For which process: a web process needs neither key nor engine, a worker neither Google nor host names.
    #[arg(long = "for", value_enum, default_value_t = Part::Up)]
    pub part: Part,
    /// What the process would be started with.
    #[command(flatten)]
    pub settings: Settings,
}

/// A process, by its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Everything in one process.
    Up,
    /// The web process.
    Serve,
    /// A worker.
    Work,
}

/// Looking at an exported audit trail.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Say whether it is whole, and if not, which record is the first that was edited, removed, inserted or moved.
    Verify {
        /// The exported file.
        file: PathBuf,
        /// The public key that the portal signs with, as you noted it from its settings page.
        #[arg(long)]
        key: Option<String>,
        /// The file in which the sealer noted every signature, outside of the database: what is noted there and missing
        /// in the trail was cut off.
        #[arg(long)]
        checkpoints: Option<PathBuf>,
    },
}

/// Settings; each subcommand uses those that concern it.
#[derive(Clone, Debug, ClapArgs)]
pub struct Settings {
    /// Address to listen on.
    #[arg(long, env = "SLIPWAY_LISTEN", default_value = "127.0.0.1:7070")]
    pub listen: SocketAddr,
    /// Folder for keys, the worker's files and, with `up`, the database.
    #[arg(long, env = "SLIPWAY_DATA", default_value = ".data")]
    pub data: PathBuf,
    /// PostgreSQL to use, `postgres://…`; without it, `up` starts its own.
    #[arg(long, env = "SLIPWAY_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Folder with PostgreSQL's programs, for `up`.
    #[arg(long, env = "SLIPWAY_PG_BIN")]
    pub pg_bin: Option<PathBuf>,
    /// The Terraform binary, or OpenTofu's if its name says so.
    #[arg(long, env = "SLIPWAY_ENGINE")]
    pub engine: Option<PathBuf>,
    /// The OpenTofu binary, beside Terraform.
    #[arg(long, env = "SLIPWAY_ENGINE_TOFU")]
    pub engine_tofu: Option<PathBuf>,
    /// The Helm binary.
    #[arg(long, env = "SLIPWAY_HELM")]
    pub helm: Option<PathBuf>,
    /// Folder with a kubeconfig for each cluster, `<name>.kubeconfig`.
    #[arg(long, env = "SLIPWAY_CLUSTERS")]
    pub clusters: Option<PathBuf>,
    /// Folder with the built browser side.
    #[arg(long, env = "SLIPWAY_SITE", default_value = "target/site")]
    pub site: PathBuf,
    /// Folder with the templates.
    #[arg(long, env = "SLIPWAY_CATALOG")]
    pub catalog: Option<PathBuf>,
    /// Folder with provider packages (a filesystem mirror).
    #[arg(long, env = "SLIPWAY_PROVIDER_MIRROR")]
    pub provider_mirror: Option<PathBuf>,
    /// Address of an imitation of AWS.
    #[arg(long, env = "SLIPWAY_AWS_ENDPOINT")]
    pub aws_endpoint: Option<String>,
    /// Its name.
    #[arg(long, env = "SLIPWAY_AWS_IMITATION")]
    pub aws_imitation: Option<String>,
    /// AWS region.
    #[arg(long, env = "SLIPWAY_AWS_REGION", default_value = "eu-west-1")]
    pub aws_region: String,
    /// Host names (with port where it is not 443) that browsers may use, besides loopback's own.
    #[arg(long, env = "SLIPWAY_HOSTS", value_delimiter = ',')]
    pub hosts: Vec<String>,
    /// Browsers come by TLS (a load balancer ends it): cookies are `Secure`, origins `https`.
    #[arg(long, env = "SLIPWAY_TLS")]
    pub tls: bool,
    /// The workers' master key: a file with 32 bytes, mode 0600. `up` makes one in the data folder.
    #[arg(long, env = "SLIPWAY_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// Where the worker that seals the audit trail notes each signature, a line each, outside of the database; in the
    /// data folder by default.
    #[arg(long, env = "SLIPWAY_AUDIT_CHECKPOINTS")]
    pub audit_checkpoints: Option<PathBuf>,
    /// OpenID client of Google; with it, the demo sign-in is off.
    #[arg(long, env = "SLIPWAY_GOOGLE_CLIENT_ID")]
    pub google_client_id: Option<String>,
    /// Its secret.
    #[arg(long, env = "SLIPWAY_GOOGLE_CLIENT_SECRET", hide_env_values = true)]
    pub google_client_secret: Option<String>,
    /// Google Workspace domains whose accounts may sign in: whole names, compared whole.
    #[arg(long, env = "SLIPWAY_GOOGLE_DOMAINS", value_delimiter = ',')]
    pub google_domains: Vec<String>,
    /// Where the provider describes itself.
    #[arg(
        long,
        env = "SLIPWAY_GOOGLE_ISSUER",
        default_value = "https://accounts.google.com"
    )]
    pub google_issuer: String,
    /// Addresses that make the first person who signs in with each an admin. Without any, the first start prints a link.
    #[arg(long, env = "SLIPWAY_ADMINS", value_delimiter = ',')]
    pub admins: Vec<String>,
    /// Where browsers reach the portal: `https://HOST`. Needed for Google, except on loopback.
    #[arg(long, env = "SLIPWAY_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// File with the key of the service account that reads people's groups. Only workers need it.
    #[arg(long, env = "SLIPWAY_DIRECTORY_KEY_FILE")]
    pub directory_key_file: Option<PathBuf>,
    /// The administrator in whose name it asks.
    #[arg(long, env = "SLIPWAY_DIRECTORY_SUBJECT", default_value = "")]
    pub directory_subject: String,
    /// Hours that a membership by a group counts after the directory last confirmed it.
    #[arg(long, env = "SLIPWAY_DIRECTORY_KEEP_HOURS", default_value_t = 24)]
    pub directory_keep_hours: u32,
    /// Where the Directory API answers.
    #[arg(long, env = "SLIPWAY_DIRECTORY_URL", default_value = slipway_worker::DIRECTORY_API)]
    pub directory_url: String,
    /// Where the service account gets its tokens.
    #[arg(long, env = "SLIPWAY_DIRECTORY_TOKEN_URL", default_value = slipway_worker::DIRECTORY_TOKEN)]
    pub directory_token_url: String,
    /// Mail server for messages: `smtps://HOST` (TLS) or `smtp://HOST` (STARTTLS; without TLS on loopback alone).
    #[arg(long, env = "SLIPWAY_SMTP_URL")]
    pub smtp_url: Option<String>,
    /// Its user, if it wants one.
    #[arg(long, env = "SLIPWAY_SMTP_USER")]
    pub smtp_user: Option<String>,
    /// The user's password.
    #[arg(long, env = "SLIPWAY_SMTP_PASSWORD", hide_env_values = true)]
    pub smtp_password: Option<String>,
    /// Who writes: an address, or `Name <address>`.
    #[arg(long, env = "SLIPWAY_MAIL_FROM")]
    pub mail_from: Option<String>,
    /// Incoming webhook of a chat (Slack, Mattermost, Google Chat); its address is a secret.
    #[arg(long, env = "SLIPWAY_CHAT_WEBHOOK", hide_env_values = true)]
    pub chat_webhook: Option<String>,
    /// Proxies in front that each add an address to X-Forwarded-For: that many are believed, counted from the end.
    #[arg(long, env = "SLIPWAY_TRUSTED_HOPS", default_value_t = 0)]
    pub trusted_hops: usize,
    /// Sign in as an invented person, for trying out. Only on loopback.
    #[arg(long, env = "SLIPWAY_DEMO")]
    pub demo: Option<bool>,
    /// Seconds between being told to stop and taking no new requests; meanwhile `/health/ready` says no, so that whoever
    /// sends requests sends them elsewhere.
    #[arg(long, env = "SLIPWAY_DRAIN_SECONDS", default_value_t = 0)]
    pub drain_seconds: u32,
    /// Runs that the worker carries out at the same time.
    #[arg(long, env = "SLIPWAY_SLOTS", default_value_t = 2)]
    pub slots: usize,
    /// Seconds that a worker's claim lives without being renewed.
    #[arg(long, env = "SLIPWAY_LEASE_SECONDS", default_value_t = 30)]
    pub lease_seconds: u32,
    /// Seconds that its children may outlive that.
    #[arg(long, env = "SLIPWAY_GRACE_SECONDS", default_value_t = 30)]
    pub grace_seconds: u32,
    /// Minutes after which a run's engine is interrupted.
    #[arg(long, env = "SLIPWAY_LONGEST_RUN_MINUTES", default_value_t = 120)]
    pub longest_run_minutes: u32,
}

impl Settings {
    /// Whether the demo sign-in is on: on loopback, without a Google client, and unless it is switched off.
    ///
    /// # Errors
    /// If it was asked for where it must not be.
    pub fn demo(&self, by_default: bool) -> anyhow::Result<bool> {
        let wanted = self.demo.unwrap_or(by_default);
        let safe = self.listen.ip().is_loopback() && self.google_client_id.is_none();
        if wanted && !safe && self.demo == Some(true) {
            anyhow::bail!(
                "The demo sign-in is refused: anybody who reaches {} could be anybody.\n  Listen on 127.0.0.1, and configure no Google client beside it.",
                self.listen
            );
        }
        Ok(wanted && safe)
    }

    /// The imitation of AWS, if there is one.
    pub fn imitation(&self) -> Option<Imitation> {
        self.aws_endpoint.clone().map(|endpoint| Imitation {
            name: self
                .aws_imitation
                .clone()
                .unwrap_or_else(|| "an imitation".into()),
            endpoint,
        })
    }

    /// How workers ask for people's groups; `None` without a key.
    pub fn groups(&self) -> Option<Groups> {
        self.directory_key_file.clone().map(|key| Groups {
            key,
            subject: self.directory_subject.clone(),
            api: self.directory_url.clone(),
            token: self.directory_token_url.clone(),
            keep: time::Duration::hours(self.directory_keep_hours.into()),
            pause: std::time::Duration::from_millis(500),
        })
    }

    /// How workers send messages.
    ///
    /// # Errors
    /// If it is configured by half.
    pub fn post(&self) -> anyhow::Result<PostBy> {
        let mail = match (&self.smtp_url, &self.mail_from) {
            (None, _) => None,
            (Some(_), None) => anyhow::bail!(
                "Mail has no sender.\n  Name the address that writes in SLIPWAY_MAIL_FROM."
            ),
            (Some(url), Some(from)) => Some(MailBy {
                url: url.clone(),
                from: from.clone(),
                user: match (&self.smtp_user, &self.smtp_password) {
                    (Some(user), Some(password)) => {
                        Some((user.clone(), Secret::new(password.clone())))
                    }
                    (None, None) => None,
                    _ => anyhow::bail!(
                        "The mail server's user and password belong together.\n  Set both SLIPWAY_SMTP_USER and SLIPWAY_SMTP_PASSWORD, or neither."
                    ),
                },
            }),
        };
        let chat = self.chat_webhook.clone().map(Secret::new);
        let base = if mail.is_some() || chat.is_some() {
            self.public()?
        } else {
            String::new()
        };
        Ok(PostBy { mail, chat, base })
    }

    /// Where browsers reach the portal, for links and for the provider to send them back to.
    ///
    /// # Errors
    /// If nobody said so, or what was said cannot be.
    pub fn public(&self) -> anyhow::Result<String> {
        match &self.public_url {
            Some(url) => {
                let url = url.trim_end_matches('/');
                let path = url
                    .split_once("://")
                    .is_none_or(|(_, rest)| rest.contains('/'));
                let scheme = if self.tls { "https://" } else { "http://" };
                if path || !url.starts_with(scheme) {
                    anyhow::bail!(
                        "SLIPWAY_PUBLIC_URL is not where browsers reach this portal.\n  It must be {scheme}HOST, without a path; https needs SLIPWAY_TLS=true."
                    );
                }
                Ok(url.to_owned())
            }
            None if self.listen.ip().is_loopback() && self.listen.port() != 0 => {
                Ok(format!("http://localhost:{}", self.listen.port()))
            }
            None => anyhow::bail!(
                "The portal does not know its own address.\n  Name it with SLIPWAY_PUBLIC_URL (https://portal.example.com): Google sends people back to it, and messages lead there."
            ),
        }
    }

    /// Terraform's and OpenTofu's binaries, as named.
    pub fn engines(&self) -> (Option<PathBuf>, Option<PathBuf>) {
        let is_tofu = self
            .engine
            .as_ref()
            .and_then(|p| p.file_stem())
            .is_some_and(|n| n.to_string_lossy().contains("tofu"));
        if is_tofu {
            (None, self.engine.clone())
        } else {
            (self.engine.clone(), self.engine_tofu.clone())
        }
    }
}
