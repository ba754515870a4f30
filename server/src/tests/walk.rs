//! Every route, as nobody, as a stranger, and as each role, against the table of rights. The list is the router's own.

use axum::http::{Method, StatusCode};
use slipway_app::routes::{Route, Rule, table};
use slipway_domain::{
    id::{TeamId, UserId},
    rights::{Right, may},
    role::{Actor, OrgRole, TeamRole},
};

use super::Portal;

pub fn path(route: &Route, ids: &std::collections::BTreeMap<&'static str, String>) -> String {
    let noun = route
        .path
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    let id = ids.get(noun).map_or("hello", String::as_str);
    // A set-up link that was never printed.
    let token = "0".repeat(64);
    route
        .path
        .replace("{id}", id)
        .replace("{name}", "hello")
        .replace("{token}", &token)
}

#[tokio::test]
async fn nobody_gets_no_further_than_the_sign_in_page() {
    let portal = Portal::new().await;
    let mut ids = portal
        .sign_in("developer")
        .await
        .request_environment("walked")
        .await;
    for noun in ["people", "teams", "sessions", "tokens", "accounts"] {
        ids.insert(noun, "1".into());
    }
    let nobody = portal.nobody();
    let mut public = Vec::new();
    for route in table() {
        let path = path(&route, &ids);
        let answer = if route.method == Method::GET {
            nobody.get(&path).await
        } else {
            nobody.post(&path, &[]).await
        };
        if route.rule == Rule::Public {
            public.push(route.path);
            assert_eq!(answer.status, StatusCode::OK, "{path}");
        } else {
            assert_eq!(
                answer.status,
                StatusCode::SEE_OTHER,
                "{} {path}: {}",
                route.method,
                answer.body
            );
            assert!(
                answer.header("location").starts_with("/sign-in"),
                "{path} leads to {}",
                answer.header("location")
            );
        }
    }
    assert_eq!(
        public,
        ["/sign-in"],
        "whatever else becomes public is a decision"
    );
    assert_eq!(
        nobody.get("/live?run=1:0").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_stranger_gets_the_same_bytes_as_for_a_missing_thing() {
    let portal = Portal::new().await;
    let ids = portal
        .sign_in("developer")
        .await
        .request_environment("hidden")
        .await;
    let mut ids = ids;
    for noun in ["people", "teams", "sessions", "tokens", "accounts"] {
        ids.insert(noun, "1".into());
    }
    let stranger = portal.sign_in("other").await;
    let missing = [
        "runs",
        "environments",
        "drafts",
        "people",
        "teams",
        "sessions",
        "tokens",
        "accounts",
    ]
    .map(|noun| (noun, "987654".to_owned()))
    .into_iter()
    .collect();
    let mut walked = 0;
    for route in table() {
        if !route.path.contains("{id}") {
            continue;
        }
        walked += 1;
        let mut bodies = Vec::new();
        for ids in [&ids, &missing] {
            let path = path(&route, ids);
            let answer = if route.method == Method::GET {
                stranger.get(&path).await
            } else {
                stranger
                    .post(
                        &path,
                        &[
                            ("digest", "x"),
                            ("reason", "x"),
                            ("for", "1d"),
                            ("name", "hidden"),
                        ],
                    )
                    .await
            };
            assert_eq!(
                answer.status,
                StatusCode::NOT_FOUND,
                "{} {path}: {}",
                route.method,
                answer.body
            );
            bodies.push(answer.body);
        }
        assert_eq!(bodies[0], bodies[1], "{} {}", route.method, route.path);
    }
    assert!(
        walked >= 25,
        "only {walked} routes have an id: has the table lost some?"
    );
    let live = stranger.get(&format!("/live?run={}:0", ids["runs"])).await;
    assert_eq!(live.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn each_role_gets_what_the_table_of_rights_says() {
    let portal = Portal::new().await;
    let ids = portal
        .sign_in("developer")
        .await
        .request_environment("shared-out")
        .await;
    let team = TeamId::new(1);
    let roles = [
        ("developer", vec![(team, TeamRole::Member)], vec![]),
        ("lead", vec![(team, TeamRole::Lead)], vec![]),
        ("operator", vec![], vec![OrgRole::Operator]),
        ("auditor", vec![], vec![OrgRole::Auditor]),
        ("admin", vec![], vec![OrgRole::Admin]),
    ];
    let mut lines = Vec::new();
    let mut ids = ids;
    // Things that everybody asks about: the stranger, and the team that everything belongs to.
    ids.insert("people", "6".into());
    ids.insert("teams", "1".into());
    for (who, teams, org) in roles {
        let actor = Actor {
            user: UserId::new(1),
            name: who.into(),
            session: None,
            token: None,
            teams,
            org,
        };
        let browser = portal.sign_in(who).await;
        for route in table() {
            let Rule::Needs(right) = route.rule else {
                continue;
            };
            // Posts would change what the next one finds; the office's own tests post. Here: that refusals are refusals.
            let allowed = may(&actor, right, route.path.contains("{id}").then_some(team));
            let path = path(&route, &ids);
            let answer = match route.method {
                Method::GET => browser.get(&path).await,
                _ if allowed => continue,
                _ => {
                    browser
                        .post(
                            &path,
                            &[
                                ("digest", "x"),
                                ("reason", "x"),
                                ("for", "1d"),
                                ("name", "shared-out"),
                            ],
                        )
                        .await
                }
            };
            let refused = matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
            let seen = right == Right::SeeEnvironment
                || right == Right::SeeCatalog
                || right == Right::RequestEnvironment
                || matches!(
                    right,
                    Right::SeeAudit | Right::SeePeople | Right::SeeAccounts
                );
            // An environment that is not made yet cannot be changed by anybody: that is a refusal of another kind.
            if allowed && seen {
                assert!(
                    answer.status.is_success(),
                    "{who} {} {path}: {}",
                    route.method,
                    answer.status
                );
            } else if !allowed {
                assert!(refused, "{who} {} {path}: {}", route.method, answer.status);
            }
            lines.push(format!(
                "{who:<10} {:<5} {:<36} {}",
                route.method,
                route.path,
                answer.status.as_u16()
            ));
        }
    }
    assert!(lines.len() > 120, "{} answers", lines.len());
    #[expect(
        clippy::print_stdout,
        reason = "the walk is shown in the test's output"
    )]
    {
        println!("{}\n{} answers", lines.join("\n"), lines.len());
    }
}

/// What the door mounts itself, beside the front rooms' table: each with its rule, and each asked as nobody.
#[tokio::test]
async fn the_doors_own_routes_are_what_their_rules_say() {
    use crate::door::Door;
    let portal = Portal::new().await;
    let nobody = portal.nobody();
    let mut public = Vec::new();
    for (method, path, rule) in Door::table() {
        // The API's own walk (`tests/api.rs`) asks with ids and tokens.
        if path.starts_with(crate::api::ROOT) {
            continue;
        }
        let answer = match method {
            Method::GET => nobody.get(path).await,
            _ => nobody.post(path, &[]).await,
        };
        match rule {
            Rule::Public => public.push(format!("{method} {path}")),
            _ => assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}"),
        }
    }
    assert_eq!(
        public,
        [
            "POST /sign-in",
            "POST /sign-out",
            "GET /auth/start",
            "GET /auth/callback",
            "GET /health/live",
            "GET /health/ready",
            "GET /metrics",
        ],
        "whatever else becomes public is a decision"
    );
}

/// A route that is mounted past the two tables would be walked by nobody.
#[test]
fn nothing_is_mounted_past_the_tables() {
    fn sources(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "../app/src"] {
        sources(&here.join(folder), &mut files);
    }
    let mut past = Vec::new();
    for file in files {
        let name = file.to_string_lossy().into_owned();
        // The two tables, the hashed assets, and this test.
        if [
            "src/mount.rs",
            "app/src/routes.rs",
            "src/assets.rs",
            "tests/walk.rs",
            // Plays the directory and a chat: nothing of it is in the portal.
            "tests/desk.rs",
        ]
        .iter()
        .any(|allowed| name.ends_with(allowed))
        {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        if [".route(", ".nest(", ".route_service(", ".nest_service("]
            .iter()
            .any(|mount| text.contains(mount))
        {
            past.push(name);
        }
    }
    assert!(past.is_empty(), "mounted past the tables: {past:?}");
}
