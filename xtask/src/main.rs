//! xtask: how Slipway is built, run and proven.
//!
//! Why it exists: a newcomer has `make` and nothing else. This program finds or installs every other
//! part, shows what it does and how long that takes, and does nothing the second time. It has no
//! dependencies, so that one call of `rustc` makes it (see run.sh). It forbids itself to ask
//! questions: it installs where it may, and otherwise says in one line what to install.

mod aws;
mod bare;
mod bench;
mod browser;
mod check;
mod cmd;
mod engine;
mod http;
mod image;
mod imports;
mod json;
mod lab;
mod newcomer;
mod pg;
mod pgwire;
mod platform;
mod python;
mod queries;
mod serve;
mod test;
mod tiers;
mod tree;
mod ui;
mod wasm;

use std::process::ExitCode;

/// What went wrong, in words for the person at the terminal.
pub type Result<T> = std::result::Result<T, String>;

const HELP: &str = "\
Slipway: make TARGET, or sh xtask/run.sh TARGET

  run          find or install what is missing, build, and start the portal (AWS=moto: with an imitated AWS)
  lab          run, connected to a Kubernetes control plane and Helm on this machine (built once, with Go)
  build        the browser side and the server, without starting (--release: as for production)
  parts        find or install PostgreSQL and the engine, and print where they are
  site         the browser side alone: target/site
  test         everything, with the count; or some tiers: ARGS='check tools rules office engine door browser platform'
  journeys     the browser tier alone: ARGS='login.spec.mjs -g name'
  test-bare    that bare machines get to an applied environment: ARGS='root user image', as the superuser
  test-platform the tier platform alone, without the portal; or some of its tiers: ARGS='unit charts'
  bench        what Slipway costs beside the bare engine, as ratios
  check        fast: format, lints, types, import rules, query data
  imports      the import rules alone
  queries      write .sqlx (what the SQL in the house means) from the migrations; --check only compares
  help         this text
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let outcome = match args.first().map_or("help", String::as_str) {
        "run" => serve::run(rest, false),
        "lab" => serve::run(rest, true),
        "build" => serve::everything(rest.iter().any(|arg| arg == "--release")).map(|_| ()),
        "check" => check::run(),
        "test" => test::run(rest),
        "test-bare" => bare::run(rest),
        "test-platform" => platform::run(rest),
        "image-build" => image::build(rest),
        "journeys" => browser::journeys(rest),
        "first-environment" => newcomer::first_environment(rest),
        "bench" => bench::run(rest),
        "imports" => imports::check().map(|_| ()),
        "parts" => serve::parts().map(|env| {
            env.iter()
                .for_each(|(name, value)| println!("{name}={value}"))
        }),
        "site" => wasm::ensure().map(|_| ()),
        "queries" => queries::run(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!(
            "there is no target `{other}`; `make help` lists them"
        )),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("slipway: {message}");
            ExitCode::FAILURE
        }
    }
}
