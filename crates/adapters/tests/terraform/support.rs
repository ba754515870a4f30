use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::Value;
use slipway_adapters::terraform::{
    Applied, Aws, Backend, Cancel, Constraint, Engine, EngineKind, Failed, Inputs, Limits, Locked,
    Mode, Planned, Progress, Settings, Sink, StateStore, StateVersion, Step, StepSpec, StoreError,
    Terraform,
};
use slipway_domain::plan::Diagnostic;
use slipway_seal::Secret;
use tempfile::TempDir;
use tokio::sync::watch;

/// Says that a part is missing, past the test harness's capture: the runner counts it.
pub fn skipped(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "\nskipped: {why}");
}

/// Every engine that this machine has.
pub async fn engines() -> Vec<Engine> {
    let all: Constraint = ">= 1.9".parse().unwrap();
    let named = std::env::var_os("SLIPWAY_ENGINE").map(PathBuf::from);
    let mut engines = vec![
        Engine::find(EngineKind::Terraform, named.as_deref(), &all)
            .await
            .unwrap(),
    ];
    match std::env::var_os("SLIPWAY_ENGINE_TOFU") {
        Some(tofu) => {
            engines.push(
                Engine::find(EngineKind::OpenTofu, Some(Path::new(&tofu)), &all)
                    .await
                    .unwrap(),
            );
        }
        None => skipped("OpenTofu is not here: SLIPWAY_ENGINE_TOFU names none"),
    }
    engines
}

/// A worker's tools on a folder of their own.
pub struct Shop {
    pub terraform: Terraform,
    pub folder: TempDir,
}

impl Shop {
    pub async fn open(engine: &Engine) -> Self {
        Self::with(engine, None, Limits::default()).await
    }

    pub async fn with(engine: &Engine, mirror: Option<PathBuf>, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            engine: engine.clone(),
            backend: Backend::start().await.unwrap(),
            folders: folder.path().join("steps"),
            cache: folder.path().join("cache"),
            mirror,
            limits,
        };
        Self {
            terraform: Terraform::new(settings).unwrap(),
            folder,
        }
    }

    pub fn step(&self, template: &Template, store: &Arc<Memory>) -> Step {
        self.try_step(template, store).unwrap()
    }

    pub fn try_step(&self, template: &Template, store: &Arc<Memory>) -> Result<Step, Failed> {
        self.terraform.prepare(StepSpec {
            name: "7-1",
            files: &template.files,
            template: &template.digest(),
            inputs: template.inputs.clone(),
            lock_file: template.lock_file.clone(),
            aws: template.aws.clone(),
            store: Arc::clone(store) as Arc<dyn StateStore>,
        })
    }

    /// Plans and applies in one go.
    pub async fn run(
        &self,
        mode: Mode,
        template: &Template,
        store: &Arc<Memory>,
    ) -> (Planned, Applied, Log) {
        let mut log = Log::default();
        let mut step = self.step(template, store);
        let planned = step.plan(mode, &Cancel::new(), &mut log).await.unwrap();
        let applied = step
            .apply(&planned.saved, &planned.preview, &Cancel::new(), &mut log)
            .await
            .unwrap();
        (planned, applied, log)
    }

    pub fn steps_left(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("steps"))
            .unwrap()
            .count()
    }
}

/// A template and its inputs.
#[derive(Clone, Default)]
pub struct Template {
    pub files: BTreeMap<String, Vec<u8>>,
    pub inputs: Inputs,
    pub aws: Option<Aws>,
    pub lock_file: Option<String>,
}

impl Template {
    pub fn new(main: &str) -> Self {
        Self::default().file("main.tf", main)
    }

    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.as_bytes().to_vec());
        self
    }

    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.inputs.plain.insert(name.to_owned(), value.into());
        self
    }

    pub fn secret(mut self, name: &str, value: &Value) -> Self {
        self.inputs
            .secret
            .insert(name.to_owned(), Secret::new(value.to_string()));
        self
    }

    pub fn digest(&self) -> String {
        slipway_seal::hex(&slipway_seal::sha256(
            format!("{:?}", self.files).as_bytes(),
        ))
    }
}

/// `terraform_data` resources `x[0..n]` that hold `v`.
pub fn boxes(n: u32, v: &str) -> Template {
    Template::new(
        r#"
variable "n" { type = number }
variable "v" { type = string }
resource "terraform_data" "x" {
  count = var.n
  input = "${var.v} ${count.index}"
}
output "all" { value = terraform_data.x[*].output }
"#,
    )
    .with("n", n)
    .with("v", v)
}

/// A state kept in memory.
#[derive(Default)]
pub struct Memory {
    pub saved: Mutex<Vec<(StateVersion, Bytes)>>,
    pub lock: Mutex<Option<(String, Bytes)>>,
    pub locks_taken: Mutex<u32>,
    /// Refuse uploads as a fenced worker's.
    pub fenced: Mutex<bool>,
}

impl Memory {
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    pub fn current(&self) -> Option<Bytes> {
        self.saved
            .lock()
            .unwrap()
            .last()
            .map(|(_, bytes)| bytes.clone())
    }

    pub fn put(&self, state: &Value) {
        let version = StateVersion {
            lineage: state["lineage"].as_str().unwrap().to_owned(),
            serial: state["serial"].as_u64().unwrap(),
        };
        self.saved
            .lock()
            .unwrap()
            .push((version, state.to_string().into()));
    }

    pub fn is_locked(&self) -> bool {
        self.lock.lock().unwrap().is_some()
    }
}

impl StateStore for Memory {
    fn load(&self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(async { Ok(self.current()) })
    }

    fn save(&self, version: StateVersion, state: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async {
            if *self.fenced.lock().unwrap() {
                return Err(StoreError::Fenced);
            }
            self.saved.lock().unwrap().push((version, state));
            Ok(())
        })
    }

    fn lock(&self, id: String, info: Bytes) -> BoxFuture<'_, Result<Locked, StoreError>> {
        Box::pin(async move {
            let mut lock = self.lock.lock().unwrap();
            if let Some((_, held)) = &*lock {
                return Ok(Locked::Held(held.clone()));
            }
            *lock = Some((id, info));
            *self.locks_taken.lock().unwrap() += 1;
            Ok(Locked::Taken)
        })
    }

    fn unlock(&self, _id: String) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async {
            *self.lock.lock().unwrap() = None;
            Ok(())
        })
    }
}

/// Keeps what was said, and lets a test wait for a line.
pub struct Log {
    lines: watch::Sender<Vec<String>>,
    pub progress: Vec<Progress>,
    pub diagnostics: Vec<Diagnostic>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            lines: watch::Sender::new(Vec::new()),
            progress: Vec::new(),
            diagnostics: Vec::new(),
        }
    }
}

impl Log {
    pub fn watch(&self) -> watch::Receiver<Vec<String>> {
        self.lines.subscribe()
    }

    pub fn text(&self) -> String {
        self.lines.borrow().join("\n")
    }
}

impl Sink for Log {
    fn line(&mut self, text: &str) {
        self.lines.send_modify(|lines| lines.push(text.to_owned()));
    }

    fn progress(&mut self, progress: &Progress) {
        self.progress.push(progress.clone());
    }

    fn diagnostic(&mut self, diagnostic: &Diagnostic) {
        self.diagnostics.push(diagnostic.clone());
    }
}

/// Waits until a line contains `what`.
pub async fn said(mut log: watch::Receiver<Vec<String>>, what: &str) {
    let heard = log.wait_for(|lines| lines.iter().any(|line| line.contains(what)));
    tokio::time::timeout(Duration::from_secs(60), heard)
        .await
        .expect("it was never said")
        .unwrap();
}

/// Processes that still run a program whose arguments contain `marker`.
pub fn alive(marker: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let zombie = stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('Z'));
        let args = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let args = String::from_utf8_lossy(&args).replace('\0', " ");
        if !zombie && args.contains(marker) {
            found.push(args);
        }
    }
    found
}
