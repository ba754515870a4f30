//! Finds Helm, and asks it and a form the same question: whether a chart takes what is given, and what it then sees.
//!
//! The form is filled in, understood and judged here; whatever it gives is handed to `helm template` as well. What we
//! accept Helm must accept, what we refuse Helm must refuse, and the values that the chart sees must be the same.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Map, Value};
use slipway_catalog::{Bundle, Template, decode, values};
use slipway_domain::{
    field::{Field, Kind, Place},
    form::{Entered, from_given},
};

/// Helm 4; `None`, said aloud, when this machine has none.
#[expect(clippy::print_stderr, reason = "a skipped proof must be seen")]
pub fn helm() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let named = env::var_os("SLIPWAY_HELM").map(PathBuf::from);
    let found = named.or_else(|| {
        let parts = Command::new(root.join("infra/lab/parts.sh"))
            .args(["path", "helm"])
            .output()
            .ok()?;
        let folder = String::from_utf8(parts.stdout).ok()?;
        Some(PathBuf::from(folder.trim()).join("bin/helm"))
    });
    let found = found.filter(|program| program.is_file());
    if found.is_none() {
        eprintln!(
            "skipped: no helm on this machine (infra/lab/parts.sh get helm, or SLIPWAY_HELM)"
        );
    }
    found
}

const MANIFEST: &str = r#"title = "A title"
summary = "A summary."
owner = "platform"
class = "preview"
needs = ["kubernetes"]
engine = { name = "helm", version = ">= 4.1" }
release = { cluster = "lab", namespace = "{environment}" }
request = { who = "member" }
"#;

const CHART: &str = "apiVersion: v2\nname: it\nversion: 1.2.3\n";

/// A chart that shows what it sees.
pub struct World {
    helm: PathBuf,
    folder: tempfile::TempDir,
    pub template: Template,
}

impl World {
    pub fn new(helm: &Path, schema: &str, own: &str) -> Self {
        let files = [
            ("template.toml", MANIFEST),
            ("Chart.yaml", CHART),
            ("values.schema.json", schema),
            ("values.yaml", own),
            (
                "templates/seen.yaml",
                "seen: {{ .Values | toJson | quote }}\n",
            ),
        ];
        let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        let bundle = Bundle::from_files(files.into()).expect("a bundle");
        let folder = tempfile::tempdir().expect("a folder");
        bundle.write_to(folder.path()).expect("written");
        Self {
            helm: helm.to_owned(),
            folder,
            template: Template::parse(&bundle)
                .unwrap_or_else(|broken| panic!("{broken}\n{schema}")),
        }
    }

    /// What the chart sees, or Helm's complaint.
    pub fn helm(&self, handed: &Value) -> Result<Value, String> {
        let file = self.folder.path().join("../").join(format!(
            "{}.json",
            self.folder
                .path()
                .file_name()
                .expect("a name")
                .to_string_lossy()
        ));
        fs::write(&file, handed.to_string()).expect("written");
        let output = Command::new(&self.helm)
            .arg("template")
            .arg(self.folder.path())
            .arg("-f")
            .arg(&file)
            .env_clear()
            .env("HOME", self.folder.path())
            .output()
            .expect("helm runs");
        fs::remove_file(&file).expect("removed");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let line = text.lines().find_map(|line| line.strip_prefix("seen: "));
        let inner: String =
            serde_json::from_str(line.expect("what the chart sees")).expect("a text");
        Ok(serde_json::from_str(&inner).expect("JSON"))
    }

    /// A form in which these values are given.
    pub fn form(&self, given: &Value) -> Entered {
        let given = given.as_object().cloned().expect("values");
        from_given(&self.template.fields, given).unwrap_or_else(|errors| panic!("{errors:?}"))
    }

    /// Asks both. Gives whether they accepted.
    pub fn ask(&self, given: &Value) -> bool {
        let decoded = decode(&self.template.fields, &self.form(given), &BTreeSet::new());
        let mut all = decoded.values.clone();
        for (name, secret) in &decoded.secrets {
            all.insert(
                name.clone(),
                serde_json::from_str(secret.expose()).expect("JSON"),
            );
        }
        if !decoded.errors.is_empty() {
            // What was refused is handed over as it was given.
            let handed = values(&self.template, given.as_object().expect("values"));
            let theirs = self.helm(&handed);
            assert!(
                theirs.is_err(),
                "we refuse {given}: {:?}, and Helm takes it",
                decoded.errors
            );
            let complaint = theirs.expect_err("seen above");
            assert!(
                complaint.contains("don't meet the specifications"),
                "{given}: {complaint}"
            );
            return false;
        }
        let handed = values(&self.template, &all);
        match self.helm(&handed) {
            Ok(seen) => {
                let wanted = self.wanted(&all);
                for (name, wanted) in wanted {
                    let seen = seen.get(&name).cloned().unwrap_or_default();
                    assert!(
                        same(&seen, &wanted),
                        "{name} of {given}: the chart sees {seen}, and the form says {wanted}"
                    );
                }
            }
            Err(complaint) => assert!(
                !decoded.at_preview.is_empty(),
                "we take {given}, and Helm says: {complaint}"
            ),
        }
        true
    }

    /// What the form says to a person: what was given, else the defaults that it shows.
    fn wanted(&self, all: &Map<String, Value>) -> Map<String, Value> {
        let fields = self.template.fields.iter();
        fields
            .map(|field: &Field| {
                let value = all.get(&field.name).or(field.default.as_ref());
                let value = value.cloned().unwrap_or_default();
                (field.name.clone(), filled(&field.kind, value))
            })
            .collect()
    }
}

/// A value with the defaults of the members that it leaves out.
fn filled(kind: &Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::Object(members), Value::Object(mut items)) => {
            for member in members {
                let value = items.remove(&member.name).filter(|v| !v.is_null());
                let value = value.or_else(|| Place::Member(member).default().cloned());
                let value = filled(&member.kind, value.unwrap_or_default());
                items.insert(member.name.clone(), value);
            }
            Value::Object(items)
        }
        (_, value) => value,
    }
}

/// Equal, where a member that is null and one that is not there are the same, and so are 1 and 1.0.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            let value = |items: &Map<String, Value>, name: &str| {
                items.get(name).cloned().unwrap_or_default()
            };
            names
                .into_iter()
                .all(|name| same(&value(a, name), &value(b, name)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}
