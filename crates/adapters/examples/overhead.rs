//! What the tool shed costs beside the bare engine: ten `terraform_data`, created.
//!
//! `cargo run --release -p slipway-adapters --example overhead -- [PAIRS]` alternates bare `init`, `plan`, `show`,
//! `apply` with a cold and a warm step, and prints the medians and their ratios. Without queue and database. Then the
//! same for a `local-exec` that writes 50,000 lines, applied: bare, bare with `-json`, and here.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use slipway_adapters::terraform::{
    Backend, Cancel, Constraint, End, Engine, EngineKind, Inputs, Limits, Locked, Mode, Settings,
    Sink, StateStore, StateVersion, StepSpec, StoreError, Terraform,
};

const MAIN: &str = "variable \"v\" { type = string }\nresource \"terraform_data\" \"x\" {\n  count = 10\n  input = \"${var.v} ${count.index}\"\n}\n";

#[derive(Default)]
struct Memory(Mutex<Option<Bytes>>);

impl StateStore for Memory {
    fn load(&self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(async { Ok(self.0.lock().ok().and_then(|state| state.clone())) })
    }
    fn save(&self, _version: StateVersion, state: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async {
            if let Ok(mut kept) = self.0.lock() {
                *kept = Some(state);
            }
            Ok(())
        })
    }
    fn lock(&self, _id: String, _info: Bytes) -> BoxFuture<'_, Result<Locked, StoreError>> {
        Box::pin(async { Ok(Locked::Taken) })
    }
    fn unlock(&self, _id: String) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

struct Silent;
impl Sink for Silent {
    fn line(&mut self, _text: &str) {}
}

/// Counts what it hears.
#[derive(Default)]
struct Counting {
    lines: usize,
}
impl Sink for Counting {
    fn line(&mut self, _text: &str) {
        self.lines += 1;
    }
}

const TALKER: &str = "resource \"terraform_data\" \"x\" {\n  provisioner \"local-exec\" { command = \"seq 1 50000\" }\n}\n";

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn run(engine: &Engine, folder: &Path, args: &[&str]) -> Outcome<f64> {
    let start = Instant::now();
    let done = std::process::Command::new(&engine.path)
        .args(args)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder)
        .env("CHECKPOINT_DISABLE", "1")
        .current_dir(folder)
        .stdout(std::process::Stdio::null())
        .output()?;
    if !done.status.success() {
        return Err(format!("bare {args:?}: {}", String::from_utf8_lossy(&done.stderr)).into());
    }
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn bare(engine: &Engine) -> Outcome<f64> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("main.tf"), MAIN)?;
    std::fs::write(folder.path().join("terraform.tfvars.json"), "{\"v\":\"a\"}")?;
    let mut sum = 0.0;
    for args in [
        &["init", "-input=false"][..],
        &["plan", "-input=false", "-out=plan.bin"],
        &["show", "-json", "plan.bin"],
        &["apply", "-input=false", "plan.bin"],
    ] {
        sum += run(engine, folder.path(), args)?;
    }
    Ok(sum)
}

/// Milliseconds of the apply of 50,000 lines.
fn bare_talk(engine: &Engine, apply: &[&str]) -> Outcome<f64> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("main.tf"), TALKER)?;
    run(engine, folder.path(), &["init", "-input=false"])?;
    run(
        engine,
        folder.path(),
        &["plan", "-input=false", "-out=plan.bin"],
    )?;
    run(engine, folder.path(), apply)
}

async fn our_talk(terraform: &Terraform) -> Outcome<f64> {
    let files = BTreeMap::from([("main.tf".to_owned(), TALKER.as_bytes().to_vec())]);
    let store = Arc::new(Memory::default());
    let mut step = terraform.prepare(StepSpec {
        name: "bench",
        files: &files,
        template: "talker",
        inputs: Inputs::default(),
        lock_file: None,
        aws: None,
        store,
    })?;
    let planned = step.plan(Mode::Change, &Cancel::new(), &mut Silent).await?;
    let mut heard = Counting::default();
    let start = Instant::now();
    step.apply(&planned.saved, &planned.preview, &Cancel::new(), &mut heard)
        .await?;
    let millis = start.elapsed().as_secs_f64() * 1e3;
    if heard.lines < 50_000 {
        Err(format!("{} lines", heard.lines).into())
    } else {
        Ok(millis)
    }
}

/// Milliseconds of a step, and how many tools it started.
async fn ours(terraform: &Terraform) -> Outcome<(f64, u32)> {
    let files = BTreeMap::from([("main.tf".to_owned(), MAIN.as_bytes().to_vec())]);
    let mut inputs = Inputs::default();
    inputs.plain.insert("v".to_owned(), "a".into());
    let store = Arc::new(Memory::default());
    let start = Instant::now();
    let mut step = terraform.prepare(StepSpec {
        name: "bench",
        files: &files,
        template: "bench",
        inputs,
        lock_file: None,
        aws: None,
        store,
    })?;
    let planned = step.plan(Mode::Change, &Cancel::new(), &mut Silent).await?;
    let applied = step
        .apply(
            &planned.saved,
            &planned.preview,
            &Cancel::new(),
            &mut Silent,
        )
        .await?;
    if applied.end != End::Done || applied.outcome.done.len() != 10 {
        return Err(format!("{applied:?}").into());
    }
    Ok((start.elapsed().as_secs_f64() * 1e3, step.execs()))
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn shop(engine: &Engine, backend: &Backend, folder: &Path) -> Outcome<Terraform> {
    let settings = Settings {
        engine: engine.clone(),
        backend: backend.clone(),
        folders: folder.join("steps"),
        cache: folder.join("cache"),
        mirror: None,
        limits: Limits::default(),
    };
    Ok(Terraform::new(settings)?)
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let pairs: usize = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(20);
    let named = std::env::var_os("SLIPWAY_ENGINE").map(std::path::PathBuf::from);
    let any: Constraint = ">= 1.9".parse()?;
    let tofu = std::env::var_os("SLIPWAY_ENGINE_TOFU").map(std::path::PathBuf::from);
    let engine = match tofu {
        Some(tofu) => Engine::find(EngineKind::OpenTofu, Some(&tofu), &any).await?,
        None => Engine::find(EngineKind::Terraform, named.as_deref(), &any).await?,
    };
    let backend = Backend::start().await?;
    let folder = tempfile::tempdir()?;
    let kept = shop(&engine, &backend, folder.path()).await?;
    ours(&kept).await?;
    let (mut bares, mut colds, mut warms, mut execs) = (Vec::new(), Vec::new(), Vec::new(), (0, 0));
    for _ in 0..pairs {
        for turn in ["bare", "cold", "warm", "warm", "cold", "bare"] {
            match turn {
                "bare" => bares.push(bare(&engine)?),
                "cold" => {
                    let folder = tempfile::tempdir()?;
                    let (millis, n) = ours(&shop(&engine, &backend, folder.path()).await?).await?;
                    execs.0 = n;
                    colds.push(millis);
                }
                _ => {
                    let (millis, n) = ours(&kept).await?;
                    execs.1 = n;
                    warms.push(millis);
                }
            }
        }
    }
    let (bare, cold, warm) = (median(bares), median(colds), median(warms));
    writeln!(
        std::io::stdout(),
        "{} {}: bare {bare:.0} ms (4 execs); cold {cold:.0} ms = {:.2}x ({} execs); warm {warm:.0} ms = {:.2}x ({} execs)",
        engine.kind,
        engine.version,
        cold / bare,
        execs.0,
        warm / bare,
        execs.1
    )?;
    let (mut plain, mut json, mut here) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..(pairs / 3).max(3) {
        plain.push(bare_talk(&engine, &["apply", "-input=false", "plan.bin"])?);
        json.push(bare_talk(
            &engine,
            &["apply", "-json", "-input=false", "plan.bin"],
        )?);
        here.push(our_talk(&kept).await?);
    }
    let (plain, json, here) = (median(plain), median(json), median(here));
    writeln!(
        std::io::stdout(),
        "50,000 lines applied: bare {plain:.0} ms; bare -json {json:.0} ms = {:.2}x; here {here:.0} ms = {:.2}x of bare, {:.2}x of -json",
        json / plain,
        here / plain,
        here / json
    )?;
    Ok(())
}
