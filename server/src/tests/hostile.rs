//! Text that attacks whoever shows it: typed into every field of every form, sent in every parameter, brought along by
//! people, browsers, templates and engines. Then every page that anybody can reach is looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    sync::{Arc, Mutex},
};

use axum::{body::Body, http::Method};
use slipway_domain::{id::RunId, visible::is_hidden};
use slipway_services::{audit, log, session, sign_in, template};
use tracing_subscriber::fmt::MakeWriter;

use super::{
    Answer, Browser, Portal,
    crawl::{self, Form, crawl, tags},
    now,
};
use crate::say::Plain;

const ROLES: [&str; 7] = [
    "developer",
    "lead",
    "operator",
    "auditor",
    "admin",
    "other",
    "mallory",
];

/// One text for each way that a text can be more than a text. Each has the mark in it, so that it is found again.
const ATTACKS: [&str; 6] = [
    "\"'><script>mark()</script><img src=x onerror=mark()>",
    "javascript:mark()//'; drop table run; --",
    "mark\r\nSet-Cookie: slipway=mark\r\n\r\n<html>",
    "\u{1b}]0;mark\u{7}\u{1b}[2J\u{9b}31mmark",
    "mark \u{202e}kram\u{2066}\u{202d}",
    "=cmd|'/c mark'!A0",
];

/// A log that is written into memory, as `slipway` writes it.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Memory {
    type Writer = Plain<Self>;

    fn make_writer(&'w self) -> Plain<Self> {
        Plain(self.clone())
    }
}

impl Memory {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// A template whose every text attacks, and one that is broken in a hostile way.
async fn hostile_catalog(portal: &Portal) {
    let hcl = |text: &str| {
        let escaped: String = text
            .chars()
            .map(|c| match c {
                '"' | '\\' => format!("\\{c}"),
                c if is_hidden(c) || c == '\r' || c == '\n' => format!("\\u{:04x}", u32::from(c)),
                c => c.to_string(),
            })
            .collect();
        format!("\"{escaped}\"")
    };
    let toml = |text: &str| {
        let visible: String = text.chars().filter(|c| !c.is_control()).collect();
        serde_json::to_string(&visible).unwrap()
    };
    let mut module = String::from("output \"o\" {\n  value = var.f0\n}\n");
    for (n, attack) in ATTACKS.iter().enumerate() {
        let text = hcl(attack);
        module += &format!(
            "variable \"f{n}\" {{\n  type = string\n  description = {text}\n  default = {text}\n  validation {{\n    \
             condition = var.f{n} != \"no\"\n    error_message = {text}\n  }}\n}}\n"
        );
    }
    let manifest = |title: &str, summary: &str| {
        format!(
            "title = {}\nsummary = {}\nowner = {}\nclass = \"preview\"\nneeds = []\n[engine]\nname = \"terraform\"\n\
             version = \">= 1.9\"\n[life]\ndefault = \"8h\"\ngreatest = \"7d\"\n[request]\nwho = \"member\"\n",
            toml(title),
            toml(summary),
            toml(ATTACKS[0])
        )
    };
    let bundle = |manifest: String, module: String| {
        let files = BTreeMap::from([
            ("template.toml".to_owned(), manifest.into_bytes()),
            ("main.tf".to_owned(), module.into_bytes()),
        ]);
        slipway_catalog::Bundle::from_files(files).unwrap()
    };
    let evil = bundle(manifest(ATTACKS[0], ATTACKS[4]), module);
    let parsed = slipway_catalog::Template::parse(&evil).unwrap();
    let broken = bundle(
        manifest(ATTACKS[1], ATTACKS[5]),
        format!(
            "module \"m\" {{\n  source = {}\n}}\n",
            hcl(&ATTACKS.concat())
        ),
    );
    let why = slipway_catalog::Template::parse(&broken).unwrap_err();
    // What was there before stays there: a catalog is published whole.
    let hello = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/catalog/hello");
    let hello = slipway_catalog::Bundle::read_dir(&hello).unwrap();
    let hello = (slipway_catalog::Template::parse(&hello).map(|t| (hello.clone(), t))).unwrap();
    template::publish(
        &portal.db.worker,
        &[
            ("broken".to_owned(), Err(why)),
            ("evil".to_owned(), Ok((evil, parsed))),
            ("hello".to_owned(), Ok(hello)),
        ],
        now(),
    )
    .await
    .unwrap();
}

/// Somebody whose name, as Google says it, and whose browser attack.
async fn mallory(portal: &Portal) -> Browser<'_> {
    let mut cookie = String::new();
    for (n, attack) in ATTACKS.iter().enumerate() {
        let passport = sign_in::Passport {
            issuer: "https://accounts.example.com".into(),
            subject: n.to_string(),
            email: format!("{attack}{n}@example.com"),
            name: (*attack).to_owned(),
        };
        let user = sign_in::arrive(&portal.db.web, &passport, &[], "r", now())
            .await
            .unwrap();
        for _ in 0..2 {
            let token = session::begin(&portal.db.web, user, attack, "r", now())
                .await
                .unwrap();
            cookie = format!("slipway={}", token.0.expose());
        }
        sqlx::query("insert into team_member (team_id, user_id, role, source, created_at) select id, $1, 'lead', $2, now() from team where name = 'checkout'")
            .bind(user.get())
            .bind(attack)
            .execute(&portal.db.owner)
            .await
            .unwrap();
    }
    Browser {
        portal,
        host: "localhost:7070".into(),
        cookie,
    }
}

async fn browser<'p>(portal: &'p Portal, mallory: &str, who: &str) -> Browser<'p> {
    match who {
        "mallory" => Browser {
            portal,
            host: "localhost:7070".into(),
            cookie: mallory.to_owned(),
        },
        who => portal.sign_in(who).await,
    }
}

/// Looks at an answer: nothing of a text acts in it.
fn harmless(what: &str, answer: &Answer) {
    for (name, value) in &answer.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        assert!(
            !value.contains(['\r', '\n', '\u{1b}']),
            "{what}: {name} is split"
        );
        assert!(
            name != "set-cookie" || !value.contains("mark"),
            "{what}: {value}"
        );
    }
    let body = &answer.body;
    let acts = |c: char| is_hidden(c);
    if let Some(at) = body.find(acts) {
        let around: String = body[at..].chars().take(60).collect();
        panic!("{what} sends {:?}", around);
    }
    let kind = answer.header("content-type");
    if kind.starts_with("application/x-ndjson") {
        for line in body.lines() {
            assert!(line.starts_with("{\""), "{what}: {line}");
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
        return;
    }
    if kind.starts_with("application/json") {
        serde_json::from_str::<serde_json::Value>(body).unwrap();
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
        return;
    }
    if !kind.starts_with("text/html") {
        assert!(
            kind.starts_with("text/plain") || body.is_empty(),
            "{what} is {kind}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
        return;
    }
    assert!(!body.contains("<script>"), "{what} has an inline script");
    for tag in tags(body) {
        assert!(
            tag.name != "img" && tag.name != "svg:script",
            "{what} has <{}>",
            tag.name
        );
        for (name, value) in &tag.attributes {
            assert!(
                !name.starts_with("on") && name != "style" && name != "srcdoc",
                "{what}: <{} {name}>",
                tag.name
            );
            let goes = matches!(name.as_str(), "href" | "src" | "action" | "formaction");
            let scheme = value.trim_start().to_ascii_lowercase();
            let ours = value.starts_with(['/', '#', '?'])
                && !value.starts_with("//")
                && !value.starts_with("/\\")
                || scheme.starts_with("http://")
                || tag.name == "link" && scheme.starts_with("data:image/svg");
            assert!(!goes || ours, "{what}: <{} {name}={value:?}>", tag.name);
            if name == "src" {
                assert!(value.starts_with("/assets/"), "{what}: {value}");
            }
        }
    }
}

/// What two forms have in common that differ in whom they are about.
fn shape(form: &Form) -> String {
    let action = form.action.replace(|c: char| c.is_ascii_digit(), "");
    let mut fields: Vec<&str> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
    fields.dedup();
    format!("{action} {fields:?}")
}

/// Every form of a page with one field at a time replaced by each attack.
async fn attack(browser: &Browser<'_>, forms: &[Form]) -> usize {
    let mut sent = 0;
    for form in forms {
        for n in 0..form.fields.len() {
            for text in ATTACKS {
                browser.portal.limits.forget();
                let mut fields = form.fields.clone();
                fields[n].1 = text.to_owned();
                let what = format!("{} with {} = {text:?}", form.action, fields[n].0);
                let answer = if form.post {
                    let pairs: Vec<(&str, &str)> = fields
                        .iter()
                        .chain(form.buttons.first())
                        .map(|(n, v)| (n.as_str(), v.as_str()))
                        .collect();
                    browser.post(&form.action, &pairs).await
                } else {
                    browser
                        .get(&crawl::address(&Form {
                            fields,
                            ..form.clone()
                        }))
                        .await
                };
                assert!(!answer.status.is_server_error(), "{what}: {}", answer.body);
                harmless(&what, &answer);
                sent += 1;
            }
        }
    }
    sent
}

#[tokio::test]
async fn no_text_acts_on_any_page_whoever_wrote_it_and_wherever() {
    let memory = Memory::default();
    let log_of_slipway = tracing_subscriber::fmt()
        .with_env_filter("debug,sqlx=info")
        .with_writer(memory.clone())
        .with_target(false)
        .with_ansi(false)
        .compact()
        .finish();
    let _guard = super::listen(log_of_slipway);
    let portal = Portal::new().await;
    hostile_catalog(&portal).await;
    let mallory = mallory(&portal).await.cookie;

    // A run with attacks in what was typed and in what its engine said.
    let developer = portal.sign_in("developer").await;
    let ids = developer.request_environment("target").await;
    let run: RunId = ids["runs"].parse().unwrap();
    let mut lines = log::Writer::open(&portal.db.worker, run, 0).await.unwrap();
    let said: Vec<String> = ATTACKS
        .iter()
        .map(|a| a.replace(['\r', '\n'], " "))
        .collect();
    lines.append(&portal.db.worker, &said, now()).await.unwrap();
    sqlx::query("update run set reason = $1, title = $2 where id = $3")
        .bind(ATTACKS.join(" "))
        .bind(ATTACKS[0])
        .bind(run.get())
        .execute(&portal.db.owner)
        .await
        .unwrap();

    // Whatever the pages offer to type into, by everybody; a form that several have is attacked once.
    let mut sent = 0;
    let mut attacked = BTreeSet::new();
    for who in ROLES {
        let browser = browser(&portal, &mallory, who).await;
        let mut forms: Vec<Form> = crawl(&portal, &browser)
            .await
            .into_iter()
            .flat_map(|page| page.forms)
            .filter(|form| form.action != "/sign-out")
            .filter(|form| attacked.insert(shape(form)))
            .collect();
        forms.sort();
        sent += attack(&browser, &forms).await;
        // What a browser says of itself, and where it says that it comes from.
        for text in [
            "\"><script>mark()</script>",
            "http://localhost:7070/\"><script>mark()</script>",
        ] {
            for name in [
                "user-agent",
                "referer",
                "accept-language",
                "x-slipway-part",
                "x-request-id",
            ] {
                portal.limits.forget();
                let request = browser
                    .request(Method::POST, "/runs/987654/cancel")
                    .header(name, text);
                let request = request
                    .header("origin", format!("http://{}", browser.host))
                    .header("content-type", "application/x-www-form-urlencoded");
                let answer = portal.send(request.body(Body::empty()).unwrap()).await;
                harmless(name, &answer);
            }
        }
    }
    assert!(sent > 200, "only {sent} were sent");
    while audit::seal(&portal.db.worker, now()).await.unwrap() > 0 {}

    // And then everything that anybody can look at.
    let (mut pages, mut shown) = (0, BTreeMap::<&str, usize>::new());
    for who in ROLES {
        let browser = browser(&portal, &mallory, who).await;
        for page in crawl(&portal, &browser).await {
            let what = format!("{who} {}", page.path);
            assert!(!page.answer.status.is_server_error(), "{what}");
            harmless(&what, &page.answer);
            pages += 1;
            for (attack, seen) in [
                ("HTML", "&lt;script&gt;mark()"),
                ("SQL", "drop table run; --"),
                ("a terminal's", "]0;mark"),
                ("a direction's", "mark \u{fffd}kram"),
                ("a sheet's", "=cmd|"),
            ] {
                *shown.entry(attack).or_default() += usize::from(page.answer.body.contains(seen));
            }
        }
    }
    assert!(pages > 150, "only {pages} pages were looked at");
    for (attack, times) in &shown {
        assert!(
            *times >= 5,
            "{attack} text was shown {times} times: was it ever there?"
        );
    }
    let kept: i64 = sqlx::query_scalar("select count(*) from run")
        .fetch_one(&portal.db.owner)
        .await
        .unwrap();
    assert!(kept >= 1, "no table was dropped");
    let written = memory.text();
    assert!(written.contains("answered"), "the log was listened to");
    let hidden = written.find(|c: char| c != '\n' && is_hidden(c));
    assert_eq!(
        hidden.map(|at| &written[at.saturating_sub(80)..at]),
        None,
        "the log obeys somebody's text"
    );
    #[expect(
        clippy::print_stdout,
        reason = "what was looked at is shown in the test's output"
    )]
    {
        println!("{sent} hostile posts and questions, {pages} pages, shown: {shown:?}");
    }
}

/// What an error says that quotes somebody is written into the log as well: codes in it are shown there, not obeyed.
#[test]
fn the_log_shows_terminal_codes_and_does_not_obey_them() {
    let memory = Memory::default();
    for json in [false, true] {
        let build = tracing_subscriber::fmt()
            .with_writer(memory.clone())
            .with_target(false)
            .with_ansi(false);
        let hostile = "\u{1b}]0;mark\u{7}\u{1b}[2Jmark\u{202e}\n2026-11-24T00:00:00Z  INFO forged";
        let error = anyhow::anyhow!("{hostile}");
        let say = || tracing::error!(%error, text = hostile, debug = ?hostile, "failed: {hostile}");
        if json {
            tracing::subscriber::with_default(build.json().finish(), say);
        } else {
            tracing::subscriber::with_default(build.compact().finish(), say);
        }
    }
    let written = memory.text();
    assert!(written.matches("mark").count() >= 8, "{written}");
    let hidden = written.find(|c: char| c != '\n' && is_hidden(c));
    assert_eq!(hidden, None, "{written:?}");
    assert_eq!(written.lines().count(), 2, "a line of its own: {written}");
}
