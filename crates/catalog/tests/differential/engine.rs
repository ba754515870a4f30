//! Finds the engine and runs it on one file.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Map, Value};

/// The engine's program; `None`, said aloud, when this machine has none.
#[expect(clippy::print_stderr, reason = "a skipped proof must be seen")]
pub fn engine() -> Option<PathBuf> {
    let named = env::var_os("SLIPWAY_ENGINE").map(PathBuf::from);
    let found = named.or_else(|| {
        let path = env::var_os("PATH")?;
        env::split_paths(&path)
            .flat_map(|folder| ["terraform", "tofu"].map(|name| folder.join(name)))
            .find(|program| program.is_file())
    });
    if found.is_none() {
        assert!(
            env::var_os("CI").is_none(),
            "CI must have an engine: set SLIPWAY_ENGINE"
        );
        eprintln!("skipped: no terraform or tofu on this machine");
    }
    found
}

/// Runs the engine in a folder, with nothing of our environment, and gives what it printed.
pub fn run_in(engine: &Path, folder: &Path, args: &[&str]) -> String {
    let output = Command::new(engine)
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("CHECKPOINT_DISABLE", "1")
        .output()
        .expect("the engine runs");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A module of one file in a folder of its own, and which question stands on which lines.
pub struct Module {
    folder: tempfile::TempDir,
    engine: PathBuf,
    text: String,
    ends: Vec<usize>,
    values: Map<String, Value>,
}

impl Module {
    /// An empty module.
    pub fn new(engine: PathBuf) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            folder,
            engine,
            text: String::new(),
            ends: Vec::new(),
            values: Map::new(),
        }
    }

    /// Adds a question: a variable called `q<n>` with this body, in which `var.v` means itself, and its value.
    pub fn ask(&mut self, body: &str, value: Option<Value>) -> String {
        let name = format!("q{}", self.ends.len());
        let body = body.replace("var.v", &format!("var.{name}"));
        writeln!(self.text, "variable \"{name}\" {{\n{body}\n}}").expect("memory");
        self.ends.push(self.text.lines().count());
        if let Some(value) = value {
            self.values.insert(name.clone(), value);
        }
        name
    }

    /// Adds anything else, behind all questions.
    pub fn add(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Runs the engine and gives what it printed.
    pub fn run(&self, args: &[&str]) -> String {
        fs::write(self.folder.path().join("main.tf"), &self.text).expect("written");
        let values = Value::Object(self.values.clone()).to_string();
        fs::write(self.folder.path().join("terraform.tfvars.json"), values).expect("written");
        let text = run_in(&self.engine, self.folder.path(), args);
        assert!(!text.is_empty(), "the engine said nothing");
        text
    }

    /// The questions that an error of the engine stands in.
    pub fn refused<'d>(&self, diagnostics: impl Iterator<Item = &'d Value>) -> BTreeSet<usize> {
        diagnostics
            .filter(|diagnostic| diagnostic["severity"] == "error")
            .map(|diagnostic| {
                // A violated rule points at the value; where the rule stands is only said in words.
                let detail = diagnostic["detail"].as_str().unwrap_or_default();
                let told = detail
                    .rsplit_once("main.tf:")
                    .and_then(|(_, rest)| rest.split(',').next()?.parse().ok());
                let line = told
                    .or_else(|| diagnostic["range"]["start"]["line"].as_u64())
                    .unwrap_or_default();
                let line = usize::try_from(line).expect("a line");
                assert!(line > 0, "an error without a place: {diagnostic}");
                self.ends.partition_point(|end| *end < line)
            })
            .collect()
    }
}

/// Which of these variables (their bodies, and the values that they get) the engine refuses while it plans.
pub fn refused(engine: &Path, questions: &[(String, Value)]) -> BTreeSet<usize> {
    let mut refused = BTreeSet::new();
    // The engine's graph costs the square of its size.
    for start in (0..questions.len()).step_by(150) {
        let mut waiting: Vec<usize> = (start..questions.len().min(start + 150)).collect();
        // What it refuses before it looks at any value hides the rest: ask again without.
        loop {
            let mut module = Module::new(engine.to_owned());
            for n in &waiting {
                module.ask(&questions[*n].0, Some(questions[*n].1.clone()));
            }
            let printed = module.run(&["plan", "-json", "-input=false", "-refresh=false"]);
            let messages: Vec<Value> = printed
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect();
            let diagnostics = messages
                .iter()
                .map(|m| &m["diagnostic"])
                .filter(|d| !d.is_null());
            let found: Vec<usize> = module
                .refused(diagnostics)
                .into_iter()
                .map(|n| waiting[n])
                .collect();
            if found.is_empty() {
                break;
            }
            waiting.retain(|n| !found.contains(n));
            refused.extend(found);
        }
    }
    refused
}
