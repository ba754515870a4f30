//! What the tool shed costs beside the bare engine: ten `terraform_data`, created.
//!
//! `cargo run --release -p slipway-adapters --example overhead -- [PAIRS]` alternates bare `init`, `plan`, `show`,
//! `apply` with a cold and a warm step, and prints the medians and their ratios. Without queue and database.

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

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn bare(engine: &Engine) -> Outcome<f64> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("main.tf"), MAIN)?;
    std::fs::write(folder.path().join("terraform.tfvars.json"), "{\"v\":\"a\"}")?;
    let start = Instant::now();
    for args in [
        &["init", "-input=false"][..],
        &["plan", "-input=false", "-out=plan.bin"],
        &["show", "-json", "plan.bin"],
        &["apply", "-input=false", "plan.bin"],
    ] {
        let done = std::process::Command::new(&engine.path)
            .args(args)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", folder.path())
            .env("CHECKPOINT_DISABLE", "1")
            .current_dir(folder.path())
            .output()?;
        if !done.status.success() {
            return Err(format!("bare {args:?}: {}", String::from_utf8_lossy(&done.stderr)).into());
        }
    }
    Ok(start.elapsed().as_secs_f64() * 1e3)
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
    Ok(())
}
