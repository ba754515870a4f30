//! AWS accounts: roles of the imitation's token service, assumed for one phase of one run, lent to the real provider.
//!
//! The imitation assumes roles that are not there, and judges no condition: what is shown here is who asks as whom with
//! what, never that a policy works.

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

use slipway_domain::run::State;
use slipway_services::{account, draft::Target, environment};
use slipway_worker::{Imitation, Span};

use crate::{
    cloud::{ask_as, cloud},
    house::{House, now, shown},
    wire::Wire,
};

const TEMPLATE: &str = r#"
title = "Two buckets, slowly"
summary = "Makes one, looks around, makes the other."
owner = "tests"
class = "shared"
needs = ["aws"]

[engine]
name = "terraform"
version = ">= 1.9"

[life]
default = "7d"

[request]
who = "member"
"#;

const MAIN: &str = r#"
variable "name" {
  description = "Begins the buckets' names."
  type        = string
}

variable "notes" {
  description = "Where it writes down what it sees."
  type        = string
}

resource "aws_s3_bucket" "first" {
  bucket = "${var.name}-a"
}

resource "terraform_data" "look" {
  input = aws_s3_bucket.first.id

  provisioner "local-exec" {
    command = "env > '${var.notes}/env'; cat /proc/[0-9]*/environ > '${var.notes}/all' 2>/dev/null; sleep 3"
  }
}

resource "aws_s3_bucket" "second" {
  bucket     = "${var.name}-b"
  depends_on = [terraform_data.look]
}

data "aws_caller_identity" "me" {
  depends_on = [terraform_data.look]
}

output "arn" {
  description = "Who made the second."
  value       = data.aws_caller_identity.me.arn
}
"#;

/// A catalog with that one template.
fn catalog(at: &Path) {
    let folder = at.join("catalog/slow");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("template.toml"), TEMPLATE).unwrap();
    std::fs::write(folder.join("main.tf"), MAIN).unwrap();
}

/// The role by whose credentials somebody did this.
fn role_of(wire: &Wire, endpoint: &str, method: &str, path: &str) -> Vec<String> {
    let mut roles: Vec<String> = wire
        .requests()
        .into_iter()
        .filter(|r| r.method == method && r.path.split('?').next() == Some(path))
        .map(|r| {
            assert!(r.key.starts_with("ASIA"), "no short-lived key: {r:?}");
            let said = ask_as(
                endpoint,
                "sts",
                "Action=GetCallerIdentity&Version=2011-06-15",
                &r.key,
            );
            let arn = said.split("<Arn>").nth(1).unwrap();
            arn.split('<').next().unwrap().to_owned()
        })
        .collect();
    roles.dedup();
    roles
}

/// A house that talks over this wire and has that one template, and the folder in which an apply leaves its notes.
async fn slow(wire: &Wire, mirror: PathBuf) -> Option<(House, PathBuf)> {
    let mut house = House::without_worker(slipway_testkit::database().await).await?;
    let notes = std::env::temp_dir().join(format!("slipway-notes-{}", house.db.name));
    std::fs::create_dir_all(&notes).unwrap();
    catalog(&notes);
    house
        .start(30, |config| {
            config.imitation = Some(Imitation {
                endpoint: wire.endpoint.clone(),
                name: "moto".into(),
            });
            config.provider_mirror = Some(mirror);
            config.catalog = Some(notes.join("catalog"));
            // A quarter of an hour, on a shortened clock: the provider is told that it ends in two seconds.
            config.lend = Span {
                asked: Duration::from_secs(900),
                told: Duration::from_secs(2),
                least: Duration::from_secs(1),
            };
        })
        .await;
    Some((house, notes))
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_end_and_cannot_be_renewed_stop_the_apply_and_the_run_says_so() {
    let Some((endpoint, mirror)) = cloud() else {
        return;
    };
    let wire = Wire::to(&endpoint);
    let Some((house, notes)) = slow(&wire, mirror).await else {
        return;
    };
    let name = format!("ended-{}", std::process::id());
    let fields = [
        ("in.name", name.as_str()),
        ("in.notes", notes.to_str().unwrap()),
    ];
    let run = house.create("slow", &name, &fields).await;
    house.reaches(run, State::AwaitingApproval).await;
    house.approve("lead", run).await;
    // In mid-apply, after the first bucket, the trust policy is changed.
    house
        .until("the first bucket", async |_| notes.join("all").exists())
        .await;
    wire.deny();
    let view = house.ends(run).await;
    let why = view.failure.clone().unwrap();
    assert_eq!(view.state, State::Failed, "{why:?}");
    assert!(why.detail.contains("could not be renewed"), "{why:?}");
    assert!(why.detail.contains("sts:AssumeRole"), "{why:?}");
    let log = house.log(run).await;
    assert!(
        log.contains("CannotAssumeRole"),
        "the engine's own words\n{log}"
    );
    let made = house.environment(view.environment_id).await;
    let kinds: Vec<&str> = made.resources.iter().map(|r| &*r.address).collect();
    assert!(kinds.contains(&"aws_s3_bucket.first"), "{kinds:?}");
    assert!(!kinds.contains(&"aws_s3_bucket.second"), "{kinds:?}");
    // The next one is refused before anything is begun, in words.
    let dev = house.ctx("developer").await;
    let run = environment::destroy(&house.db.web, &dev, view.environment_id, "")
        .await
        .unwrap();
    let why = house.ends(run).await.failure.unwrap();
    assert!(
        why.message.contains("does not let the worker be"),
        "{why:?}"
    );
    assert!(why.hint.contains("sts:TagSession"), "{why:?}");
    house.end().await;
    let _ = std::fs::remove_dir_all(&notes);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_phase_has_its_own_role_that_is_renewed_and_is_dead_when_the_run_is_over() {
    let Some((endpoint, mirror)) = cloud() else {
        return;
    };
    let wire = Wire::to(&endpoint);
    let Some((house, notes)) = slow(&wire, mirror).await else {
        return;
    };
    let name = format!("slow-{}", std::process::id());
    let fields = [
        ("in.name", name.as_str()),
        ("in.notes", notes.to_str().unwrap()),
    ];
    let run = house.create("slow", &name, &fields).await;
    house.reaches(run, State::AwaitingApproval).await;
    let session = format!("slipway-run-{run}");
    let of_run = |role: &str| -> Vec<String> {
        let all = wire.assumed(role).into_iter();
        all.filter(|f| f.contains(&format!("RoleSessionName={session}&")))
            .collect()
    };
    assert_eq!(of_run("slipway-apply").len(), 0, "before the votes");
    house.approve("lead", run).await;
    let view = house.reaches(run, State::Succeeded).await;

    // As whom, with which tags, under which name.
    let (plan, apply) = (of_run("slipway-plan"), of_run("slipway-apply"));
    assert!(plan.len() >= 2, "it planned, and it looked again: {plan:?}");
    assert_eq!(of_run("slipway-destroy").len(), 0);
    for form in plan.iter().chain(&apply) {
        for part in [
            "Tags.member.1.Key=slipway%3Aenvironment&".to_owned(),
            format!("Tags.member.1.Value={name}&"),
            "Tags.member.2.Key=slipway%3Ateam&".to_owned(),
            "Tags.member.3.Key=slipway%3Arun&".to_owned(),
            format!("Tags.member.3.Value={run}&"),
            "DurationSeconds=900".to_owned(),
        ] {
            assert!(form.contains(&part), "{part} is not in {form}");
        }
    }
    let made = house.environment(view.environment_id).await;
    let arn = format!("arn:aws:sts::123456789012:assumed-role/slipway-apply/{session}");
    assert_eq!(shown(&made, "arn"), format!("\"{arn}\""));
    for bucket in ["a", "b"] {
        let path = format!("/{name}-{bucket}");
        assert_eq!(role_of(&wire, &endpoint, "PUT", &path), [arn.as_str()]);
    }

    // Renewed while it applied: the imitation was asked that often, and the second bucket has another key than the first.
    let log = house.log(run).await;
    let renewed = apply.len() - 1;
    assert!(renewed >= 1, "{apply:?}");
    assert!(
        log.contains(&format!("its credentials were renewed {renewed} times")),
        "{log}"
    );
    let key = |bucket: &str| {
        let path = format!("/{name}-{bucket}");
        let of = |r: &crate::wire::Request| {
            r.method == "PUT" && r.path.split('?').next() == Some(&*path)
        };
        wire.requests().into_iter().find(of).unwrap().key
    };
    assert_ne!(key("a"), key("b"));
    assert!(log.contains(&format!("as {arn}")), "{log}");

    // What the engine had in its environment opens nothing any more.
    let env = std::fs::read_to_string(notes.join("env")).unwrap();
    let of = |name: &str| {
        let line = env.lines().find_map(|l| l.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} is not there"))
            .to_owned()
    };
    let address = of("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://");
    let address = address.strip_suffix("/credentials").unwrap();
    assert!(!of("AWS_CONTAINER_AUTHORIZATION_TOKEN=").is_empty());
    assert!(
        TcpStream::connect(address).is_err(),
        "{address} still answers"
    );

    // The credentials themselves: in no environment of any process, no table, no log, no file.
    let secrets = wire.secrets();
    assert!(secrets.len() >= 8, "{}", secrets.len());
    let everywhere = std::fs::read(notes.join("all")).unwrap();
    let everywhere = String::from_utf8_lossy(&everywhere);
    assert!(everywhere.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
    let tables = tables(&house).await;
    for secret in &secrets {
        assert!(secret.len() > 20, "{secret}");
        assert!(!env.contains(secret) && !everywhere.contains(secret));
        assert!(!tables.contains(secret) && !log.contains(secret));
        let found = std::process::Command::new("grep")
            .args(["-raF", "--binary-files=text", "-l", secret])
            .arg(&house.folder)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    }

    // It is destroyed by the role that destroys.
    let dev = house.ctx("developer").await;
    let run = environment::destroy(&house.db.web, &dev, view.environment_id, "")
        .await
        .unwrap();
    house.reaches(run, State::AwaitingApproval).await;
    house.approve("lead", run).await;
    house.approve("operator", run).await;
    house.reaches(run, State::Succeeded).await;
    let arn = format!("arn:aws:sts::123456789012:assumed-role/slipway-destroy/slipway-run-{run}");
    let path = format!("/{name}-a");
    assert_eq!(role_of(&wire, &endpoint, "DELETE", &path), [arn]);
    house.end().await;
    let _ = std::fs::remove_dir_all(&notes);
}

/// Every table as text.
async fn tables(house: &House) -> String {
    let names: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.tables where table_schema = 'public'",
    )
    .fetch_all(&house.db.owner)
    .await
    .unwrap();
    let mut all = String::new();
    for name in names {
        let sql = format!("select coalesce(string_agg(t::text, ' '), '') from \"{name}\" t");
        let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&house.db.owner)
            .await
            .unwrap();
        all.push_str(&text);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_asks_each_role_and_the_page_has_its_answer() {
    let Some((endpoint, _)) = cloud() else { return };
    let imitation = Imitation {
        endpoint,
        name: "moto".into(),
    };
    let house = House::with(30, |config| config.imitation = Some(imitation)).await;
    let Some(house) = house else { return };
    let admin = house.ctx("admin").await;
    house
        .until("an answer", async |house| {
            let all = account::list(&house.db.web, &admin).await.unwrap();
            all.len() == 1 && all[0].checked_at.is_some()
        })
        .await;
    let found = account::list(&house.db.web, &admin)
        .await
        .unwrap()
        .remove(0);
    assert_eq!((&*found.name, &*found.account), ("moto", "123456789012"));
    for kind in ["plan", "apply", "destroy"] {
        let kind = account::Kind::ALL
            .into_iter()
            .find(|k| k.word() == kind)
            .unwrap();
        let arn = format!(
            "arn:aws:sts::123456789012:assumed-role/slipway-{}/slipway-check",
            kind.word()
        );
        assert_eq!(found.answers.roles[&kind], account::Answer::As(arn));
    }
    // Asked for, it is asked again.
    let admin = house.ctx("admin").await;
    account::ask(&house.db.web, &admin, found.id).await.unwrap();
    house
        .until("another answer", async |house| {
            let all = account::list(&house.db.web, &admin).await.unwrap();
            all[0].checked_at > found.checked_at
        })
        .await;
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_gone_is_not_acted_in_and_comes_back_with_its_environments() {
    let Some((endpoint, mirror)) = cloud() else {
        return;
    };
    let imitation = Imitation {
        endpoint,
        name: "moto".into(),
    };
    let house = House::with(30, |config| {
        config.imitation = Some(imitation);
        config.provider_mirror = Some(mirror);
    })
    .await;
    let Some(house) = house else { return };
    let name = format!("gone-{}", std::process::id());
    let target = Target::Template("network-bucket".into());
    let about = [("name", name.as_str()), ("life", "8h"), ("in.name", &name)];
    let run = house.send(&target, &about).await;
    house.reaches(run, State::AwaitingApproval).await;
    // Between the votes and the apply somebody removes it.
    sqlx::query("update aws_account set removed_at = $1")
        .bind(now())
        .execute(&house.db.owner)
        .await
        .unwrap();
    house.approve("lead", run).await;
    let view = house.ends(run).await;
    let why = view.failure.clone().unwrap();
    assert_eq!(view.state, State::Failed);
    assert!(why.message.contains("moto was removed"), "{why:?}");
    assert!(why.detail.contains("Nothing was begun"), "{why:?}");
    // Moved by hand to another account, an approved plan does not open there.
    sqlx::query("update aws_account set removed_at = null")
        .execute(&house.db.owner)
        .await
        .unwrap();
    let name = format!("moved-{}", std::process::id());
    let about = [("name", name.as_str()), ("life", "8h"), ("in.name", &name)];
    let run = house.send(&target, &about).await;
    house.reaches(run, State::AwaitingApproval).await;
    sqlx::query("update aws_account set region = 'eu-west-3'")
        .execute(&house.db.owner)
        .await
        .unwrap();
    house.approve("lead", run).await;
    let why = house.ends(run).await.failure.unwrap();
    assert!(
        why.message.contains("not made for this AWS account"),
        "{why:?}"
    );
    house.end().await;
}
