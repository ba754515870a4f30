//! FRONT DOOR: the one binary, `slipway`.
//!
//! `up` is everything on one machine; `serve`, `work`, `migrate` and `check` do one job each over the same code. This
//! crate puts the rooms together: configuration, database connections, guards, sign-in, live streams. Forbidden: SQL,
//! and decisions about rights (the office decides).

mod api;
mod assets;
mod audit;
mod check;
mod cli;
mod config;
mod database;
mod door;
mod folder;
mod health;
mod keys;
mod limits;
mod listen;
mod live;
mod metrics;
mod mount;
mod postgres;
mod say;
mod sign_in;
mod up;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::Parser;

use config::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    say::start_logging(args.log.as_deref(), args.log_json);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            say::problem(&anyhow::Error::from(error).context("The process could not be set up"));
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        match args.command {
            Command::Up(settings) => up::up(settings).await.map(|()| ExitCode::SUCCESS),
            Command::Serve(settings) => up::serve(settings).await.map(|()| ExitCode::SUCCESS),
            Command::Work(settings) => up::work(settings).await.map(|()| ExitCode::SUCCESS),
            Command::Migrate(settings) => database::migrate_only(&settings)
                .await
                .map(|()| ExitCode::SUCCESS),
            Command::Check(asked) => check::check(&asked.settings, asked.part).await,
            Command::Login(asked) => Ok(cli::login(asked).await),
            Command::Env(asked) => Ok(cli::env(asked).await),
            Command::Run(asked) => Ok(cli::run(asked).await),
            Command::Audit(config::Audit::Verify {
                file,
                key,
                checkpoints,
            }) => audit::run(&file, key.as_deref(), checkpoints.as_deref()),
        }
    });
    // Whatever still blocks must not hold the terminal.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match done {
        Ok(code) => code,
        Err(error) => {
            say::problem(&error);
            ExitCode::FAILURE
        }
    }
}
