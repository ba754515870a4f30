//! What somebody from another team can learn or do by naming things that are not theirs: nothing, at the same cost as for
//! a thing that is not there. Routes come from the route tables, parameters from the pages themselves.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{Method, StatusCode};
use slipway_app::routes::table;

use super::{
    Browser, Portal,
    crawl::{self, Form, crawl},
    queries::Statements,
};
use crate::door::Door;

/// Fields enough for every form with an id in its address.
const FIELDS: [(&str, &str); 9] = [
    ("do", "send"),
    ("digest", "x"),
    ("reason", "x"),
    ("for", "1d"),
    ("name", "hidden"),
    ("who", "1"),
    ("role", "lead"),
    ("person", "1"),
    ("force", "1"),
];

/// The ids of everything that belongs to the team checkout, by the noun that stands in addresses.
async fn theirs(portal: &Portal) -> BTreeMap<&'static str, String> {
    // Ids far apart, so that one of them means one thing alone.
    for (n, of) in ["environment", "run", "draft", "session", "token"]
        .iter()
        .enumerate()
    {
        let statement = format!(
            "alter table {of} alter column id restart with {}",
            50_000 * (n + 1)
        );
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&portal.db.owner)
            .await
            .unwrap();
    }
    let developer = portal.sign_in("developer").await;
    let mut ids = developer.request_environment("hidden-canary").await;
    // A draft that is still open.
    let form = developer.get("/catalog/hello/request").await;
    let draft = super::between(&form.body, "action=\"/drafts/", "\"").to_owned();
    ids.insert("drafts", draft);
    portal.token("developer", super::api::ALL).await;
    for (noun, question) in [
        (
            "people",
            "select id from user_account where subject = 'demo:developer'",
        ),
        ("teams", "select id from team where name = 'checkout'"),
        (
            "sessions",
            "select s.id from session s join user_account u on u.id = s.user_id where u.subject = 'demo:developer' limit 1",
        ),
        (
            "tokens",
            "select t.id from token t join user_account u on u.id = t.user_id where u.subject = 'demo:developer'",
        ),
        (
            "accounts",
            "insert into aws_account (name, account, region, serves, plan_role, apply_role, destroy_role, created_at)
             values ('hidden-canary', '123456789012', 'eu-west-1', '{}', 'p', 'a', 'd', now()) returning id",
        ),
    ] {
        let id: i64 = sqlx::query_scalar(question)
            .fetch_one(&portal.db.owner)
            .await
            .unwrap();
        ids.insert(noun, id.to_string());
    }
    ids
}

async fn ask(browser: &Browser<'_>, method: &Method, path: &str) -> super::Answer {
    match *method {
        Method::GET => browser.get(path).await,
        _ => browser.post(path, &FIELDS).await,
    }
}

/// A clock would say too little: the same statements in the same order are the same way through the house.
#[tokio::test]
async fn a_strangers_refusal_costs_exactly_what_a_missing_thing_costs() {
    let seen = Statements::default();
    let _guard = super::listen(seen.clone());
    let portal = Portal::new().await;
    let theirs = theirs(&portal).await;
    let missing: BTreeMap<&'static str, String> = theirs
        .keys()
        .map(|noun| (*noun, "987654".to_owned()))
        .collect();
    let other = portal.sign_in("other").await;
    let program = portal.token("other", super::api::ALL).await;
    // Its first use is written down.
    portal.api(&program, Method::GET, "/api/v1/me", None).await;
    let routes: Vec<(Method, String)> = table()
        .into_iter()
        .map(|route| (route.method, route.path.to_owned()))
        .chain(
            Door::table()
                .into_iter()
                .map(|(method, path, _)| (method, path.to_owned())),
        )
        // The one route of the door that takes an id takes it in its query.
        .map(|(method, path)| match path.as_str() {
            "/live" => (method, "/live?run={id}:0".to_owned()),
            _ => (method, path),
        })
        .filter(|(_, path)| path.contains("{id}"))
        .collect();
    let mut compared = 0;
    for role in ["member", "nothing"] {
        if role == "nothing" {
            sqlx::query("delete from team_member where user_id = (select id from user_account where subject = 'demo:other')")
                .execute(&portal.db.owner)
                .await
                .unwrap();
        }
        for (method, route) in &routes {
            let by_program = route.starts_with(crate::api::ROOT);
            let below = route.trim_start_matches("/api/v1");
            let noun = match below.trim_start_matches('/').split(['/', '?']).next() {
                Some("live") => "runs",
                Some(noun) => noun,
                None => "",
            };
            let mut ways = Vec::new();
            for ids in [&theirs, &missing] {
                portal.limits.forget();
                let path = route.replace("{id}", &ids[noun]);
                seen.take();
                let answer = if by_program {
                    let body = (method == Method::POST).then(|| super::api::body(&path));
                    portal.api(&program, method.clone(), &path, body).await
                } else {
                    ask(&other, method, &path).await
                };
                assert_eq!(
                    answer.status,
                    StatusCode::NOT_FOUND,
                    "{role} {method} {path}"
                );
                ways.push((seen.take(), answer.body));
            }
            assert!(
                !ways[0].0.is_empty(),
                "{method} {route}: nothing was counted"
            );
            assert_eq!(ways[0], ways[1], "{role} {method} {route}");
            compared += 1;
        }
    }
    assert!(compared >= 50, "only {compared} were compared");
}

/// What belongs to the team checkout and its people, as the database has it.
async fn state_of_theirs(portal: &Portal) -> Vec<(&'static str, String)> {
    const MINE: &str = "(select id from environment where team_id = (select id from team where name = 'checkout'))";
    const RUNS: &str = "(select r.id from run r join environment e on e.id = r.environment_id
        where e.team_id = (select id from team where name = 'checkout'))";
    const OTHERS: &str = "(select id from user_account where subject <> 'demo:other')";
    let mut found = Vec::new();
    for (of, which) in [
        ("environment", format!("id in {MINE}")),
        ("run", format!("id in {RUNS}")),
        ("run_event", format!("run_id in {RUNS}")),
        ("approval", format!("run_id in {RUNS}")),
        ("job", format!("run_id in {RUNS}")),
        ("team", "name = 'checkout'".to_owned()),
        (
            "team_member",
            format!(
                "user_id in {OTHERS} or team_id <> (select id from team where name = 'payments')"
            ),
        ),
        ("team_group", "true".to_owned()),
        ("org_role", "true".to_owned()),
        ("draft", format!("user_id in {OTHERS}")),
        ("session", format!("user_id in {OTHERS}")),
        ("token", format!("user_id in {OTHERS}")),
        ("user_account", format!("id in {OTHERS}")),
    ] {
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "select coalesce(string_agg(to_jsonb(t)::text, E'\\n' order by to_jsonb(t)::text), '') from {of} t where {which}"
        )))
        .fetch_one(&portal.db.owner)
        .await
        .unwrap();
        found.push((of, rows));
    }
    found
}

/// The id of another team's thing in every parameter that takes one: in the address, in its query, in a field.
#[tokio::test]
async fn an_id_of_another_team_in_any_parameter_shows_and_changes_nothing() {
    let portal = Portal::new().await;
    let theirs = theirs(&portal).await;
    let other = portal.sign_in("other").await;
    // As much as somebody of another team can be, with things of their own, so that every form is there.
    sqlx::query("update team_member set role = 'lead' where user_id = (select id from user_account where subject = 'demo:other')")
        .execute(&portal.db.owner)
        .await
        .unwrap();
    other.request_environment("own").await;
    let before = state_of_theirs(&portal).await;

    // Which parameters there are, the pages say: of everybody, because a stranger may send what only others are shown.
    let mut queries = BTreeMap::<String, BTreeSet<String>>::new();
    let mut forms = BTreeSet::<Form>::new();
    let mut own = Vec::new();
    for who in ["other", "developer", "lead", "operator", "auditor", "admin"] {
        let browser = portal.sign_in(who).await;
        let mut reached = crawl(&portal, &browser).await;
        for page in &reached {
            let asks = page.forms.iter().filter(|f| !f.post).map(crawl::address);
            for link in page.links.iter().cloned().chain(asks) {
                let (path, query) = link.split_once('?').unwrap_or((&link, ""));
                let names = form_names(query);
                queries.entry(path.to_owned()).or_default().extend(names);
            }
            forms.extend(page.forms.iter().filter(|f| f.post).cloned());
        }
        if who == "other" {
            own = reached
                .drain(..)
                .flat_map(|page| page.forms)
                .filter(|f| f.post)
                .collect();
        }
    }
    let before = {
        // Looking around as everybody signed everybody in: what is compared is from here on.
        drop(before);
        state_of_theirs(&portal).await
    };
    let canaries = ["hidden-canary", "Dana Developer", "Lee Lead"];
    let foreign: BTreeSet<String> = theirs.values().cloned().collect();
    let words: Vec<String> = foreign
        .iter()
        .cloned()
        .chain(["checkout".to_owned(), "hidden".to_owned()])
        .collect();
    let mut tried = 0;
    let mut look = |what: String, answer: &super::Answer| {
        tried += 1;
        assert!(!answer.status.is_server_error(), "{what}: {}", answer.body);
        for canary in canaries {
            assert!(
                !answer.body.contains(canary),
                "{what} shows {canary}:\n{}",
                answer.body
            );
        }
    };
    // In the address: every route with every foreign id, with the fields that its form has anywhere.
    for route in table().into_iter().filter(|r| r.path.contains("{id}")) {
        for id in &foreign {
            portal.limits.forget();
            let path = route.path.replace("{id}", id);
            let last = route.path.rsplit('/').next().unwrap_or_default();
            let shaped = forms.iter().find(|f| {
                f.action.rsplit('/').next() == Some(last)
                    && f.action.split('/').nth(1) == path.split('/').nth(1)
            });
            let answer = match (&route.method, shaped) {
                (&Method::GET, _) => other.get(&path).await,
                (_, Some(form)) => post(&other, &path, &form.fields, form.buttons.first()).await,
                (_, None) => other.post(&path, &FIELDS).await,
            };
            look(format!("{} {path}", route.method), &answer);
        }
    }
    // In a query: every parameter of every address that any page links to.
    for (path, names) in &queries {
        for name in names {
            for value in &words {
                portal.limits.forget();
                let path = format!("{path}?{}={}", super::encode(name), super::encode(value));
                look(path.clone(), &other.get(&path).await);
            }
        }
    }
    let live = other.get(&format!("/live?run={}:0", theirs["runs"])).await;
    look("/live".to_owned(), &live);
    // In a field: every field of every form of one's own, one at a time.
    for form in &own {
        for n in 0..form.fields.len() {
            for id in &foreign {
                portal.limits.forget();
                let mut fields = form.fields.clone();
                fields[n].1.clone_from(id);
                let answer = post(&other, &form.action, &fields, form.buttons.first()).await;
                look(format!("{} {fields:?}", form.action), &answer);
            }
        }
    }
    assert!(tried >= 200, "only {tried} were tried");
    for (was, is) in before.into_iter().zip(state_of_theirs(&portal).await) {
        assert_eq!(was, is, "something of another team was changed");
    }
}

fn form_names(query: &str) -> Vec<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split('=').next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

async fn post(
    browser: &Browser<'_>,
    path: &str,
    fields: &[(String, String)],
    button: Option<&(String, String)>,
) -> super::Answer {
    let pairs: Vec<(&str, &str)> = fields
        .iter()
        .chain(button)
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    browser.post(path, &pairs).await
}
