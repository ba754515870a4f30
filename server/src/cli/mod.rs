//! `slipway` as a client: what somebody types, or a pipeline runs, against a portal elsewhere. It knows nothing but the
//! API, and what it is told there.
//!
//! It ends with 0 when what was asked for was done, 1 when it was refused or could not be asked, 2 when it was typed
//! wrongly, 3 when the run that it watched came to nothing. A token never stands in an argument: other people on the
//! machine can read those.

mod environments;
mod http;
mod login;
mod runs;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Refused, or not reached.
const REFUSED: u8 = 1;
/// Typed wrongly.
const USAGE: u8 = 2;
/// The run that was watched failed, was rejected, or nobody knows.
const RUN_FAILED: u8 = 3;

/// How the answer is to look.
#[derive(Clone, Copy, Debug, Args)]
pub struct Look {
    /// Answer with JSON, as the API says it, for scripts.
    #[arg(long)]
    pub json: bool,
}

/// Environments.
#[derive(Debug, Subcommand)]
pub enum Env {
    /// Those that you see, newest first.
    List(environments::List),
    /// Ask for a new one.
    Create(environments::Create),
    /// Ask for the end of one. It is planned, and decided like any other run.
    Destroy(environments::Destroy),
}

/// Runs.
#[derive(Debug, Subcommand)]
pub enum Run {
    /// Follow a run and its log to its end.
    Watch(runs::Watch),
    /// Show what a run will change, and vote for exactly that.
    Approve(runs::Approve),
    /// Vote against a run.
    Reject(runs::Reject),
    /// Call a run off.
    Cancel(runs::Cancel),
}

/// What ended a command early.
#[derive(Debug)]
pub enum Stop {
    /// The portal said no, with its own words.
    Refused(Box<crate::api::problem::Problem>),
    /// It could not be asked.
    Failed(anyhow::Error),
    /// It was typed wrongly.
    Usage(String),
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// What a command answers.
pub type Done = Result<ExitCode, Stop>;

/// `slipway login`
pub async fn login(asked: login::Login) -> ExitCode {
    end(login::login(&asked).await)
}

/// `slipway env …`
pub async fn env(asked: Env) -> ExitCode {
    end(match asked {
        Env::List(asked) => environments::list(&asked).await,
        Env::Create(asked) => environments::create(&asked).await,
        Env::Destroy(asked) => environments::destroy(&asked).await,
    })
}

/// `slipway run …`
pub async fn run(asked: Run) -> ExitCode {
    end(match asked {
        Run::Watch(asked) => runs::watch(&asked).await,
        Run::Approve(asked) => runs::approve(&asked).await,
        Run::Reject(asked) => runs::reject(&asked).await,
        Run::Cancel(asked) => runs::cancel(&asked).await,
    })
}

pub use login::Login;

/// Says what went wrong, and makes an exit code of it.
fn end(done: Done) -> ExitCode {
    match done {
        Ok(code) => code,
        Err(Stop::Refused(problem)) => {
            show::problem(&problem);
            ExitCode::from(REFUSED)
        }
        Err(Stop::Failed(error)) => {
            crate::say::problem(&error);
            ExitCode::from(REFUSED)
        }
        Err(Stop::Usage(why)) => {
            crate::say::problem(&anyhow::anyhow!(why));
            ExitCode::from(USAGE)
        }
    }
}
