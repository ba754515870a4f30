use std::fmt::Write as _;

use serde_json::json;
use slipway_adapters::terraform::{Cancel, End, Mode};
use slipway_domain::plan::Shown;

use crate::support::{Log, Memory, Shop, Template, engines};

const CANARY: &str = "canary-7f3a\"<quoted>";

/// Does with a secret what careless templates do.
fn careless() -> Template {
    Template::new(
        r#"
variable "pw" {
  type      = string
  sensitive = true
}
variable "deep" {
  type      = object({ user = string, keys = list(string) })
  sensitive = true
}
resource "terraform_data" "held" { input = { pw = var.pw, seen = "x" } }
resource "terraform_data" "leaky" {
  input = nonsensitive(var.pw)
  provisioner "local-exec" {
    command     = "printf '%s\\n' \"$PW\"; printf '%s' \"$PW\" | base64; printf '%s' \"$PW\" >&2; echo \"$KEY\""
    environment = { PW = nonsensitive(var.pw), KEY = nonsensitive(var.deep.keys[0]) }
  }
}
resource "terraform_data" "fails" {
  input = terraform_data.leaky.output
  provisioner "local-exec" {
    command     = "echo \"it was $PW\" >&2; exit 3"
    environment = { PW = nonsensitive(var.pw) }
  }
}
output "pw" {
  value     = var.pw
  sensitive = true
}
output "leaked" { value = "pw=${nonsensitive(var.pw)}" }
"#,
    )
    .secret("pw", &json!(CANARY))
    .secret("deep", &json!({ "user": "canary-user", "keys": ["canary-key-1\ncanary-key-2"] }))
}

#[tokio::test]
async fn no_secret_is_in_anything_that_may_be_shown() {
    for engine in engines().await {
        let shop = Shop::open(&engine).await;
        let store = Memory::new();
        let mut log = Log::default();
        let mut step = shop.step(&careless(), &store);
        let planned = step
            .plan(Mode::Change, &Cancel::new(), &mut log)
            .await
            .unwrap();
        let applied = step
            .apply(&planned.saved, &planned.preview, &Cancel::new(), &mut log)
            .await
            .unwrap();
        assert!(matches!(applied.end, End::Failed(_)), "{:?}", applied.end);

        // The secret went all the way: it is where it belongs.
        let state = String::from_utf8(store.current().unwrap().to_vec()).unwrap();
        assert!(state.contains("canary-7f3a"));
        let projection = String::from_utf8(planned.projection.expose().to_vec()).unwrap();
        assert!(projection.contains("canary-7f3a"));

        let mut shown = log.text();
        write!(
            shown,
            "{:?} {:?} {:?} {:?}",
            planned, applied, log.diagnostics, step
        )
        .unwrap();
        shown.push_str(&serde_json::to_string(&planned.preview).unwrap());
        shown.push_str(&serde_json::to_string(&applied.outcome).unwrap());
        assert!(
            !shown.contains("canary"),
            "{}",
            &shown[shown.find("canary").unwrap().saturating_sub(300)..]
        );
        assert!(!shown.contains("Y2FuYXJ5"), "base64 of it");
        assert!(log.text().contains("(sensitive)"));
        let pw = applied
            .outcome
            .outputs
            .iter()
            .find(|o| o.name == "pw")
            .unwrap();
        assert_eq!(pw.value, Shown::Sensitive);
        let held = planned
            .preview
            .changes
            .iter()
            .find(|c| c.address == "terraform_data.held")
            .unwrap();
        let seen: Vec<_> = held
            .attributes
            .iter()
            .map(|a| (a.path.as_str(), a.after.clone()))
            .collect();
        assert!(seen.contains(&("input.pw", Shown::Sensitive)), "{seen:?}");
        assert!(
            seen.contains(&("input.seen", Shown::Value("\"x\"".into()))),
            "{seen:?}"
        );
    }
}

#[tokio::test]
async fn an_engine_sees_nothing_of_the_worker_s_environment() {
    let engine = &engines().await[0];
    let shop = Shop::open(engine).await;
    let template = Template::new(
        "resource \"terraform_data\" \"x\" {\n  provisioner \"local-exec\" { command = \"env | cut -d= -f1 | sort | tr '\\\\n' ' '; echo; ls -ld . | cut -c1-10; ls -l terraform.tfvars.json | cut -c1-10\" }\n}\n",
    );
    let (_, applied, log) = shop.run(Mode::Change, &template, &Memory::new()).await;
    assert_eq!(applied.end, End::Done);
    let text = log.text();
    let line = text
        .lines()
        .find(|line| line.contains("CHECKPOINT_DISABLE"))
        .unwrap();
    let allowed = [
        "CHECKPOINT_DISABLE",
        "GOGC",
        "GOMEMLIMIT",
        "HOME",
        "LANG",
        "OLDPWD",
        "PATH",
        "PWD",
        "SHLVL",
        "TMPDIR",
        "_",
    ];
    for name in line
        .split("local-exec): ")
        .nth(1)
        .unwrap()
        .split_whitespace()
    {
        assert!(allowed.contains(&name) || name.starts_with("TF_"), "{name}");
    }
    assert!(text.contains("drwx------"), "{text}");
    assert!(text.contains("-rw-------"), "{text}");
}
