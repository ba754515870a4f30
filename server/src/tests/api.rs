//! The API through the real router: who gets in, what they get, and that its description is of what is mounted.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use serde_json::{Value, json};
use slipway_app::routes::Rule;
use slipway_domain::{
    id::{TeamId, UserId},
    rights::may,
    role::{Actor, OrgRole, TeamRole},
    token::{Bearer, Scopes},
};
use slipway_services::{Ctx, person, session, token};

use super::{Answer, Portal, now};
use crate::{
    api::{document, streams, table},
    mount::Mounted,
};

pub const ALL: Scopes = Scopes {
    write: true,
    approve: true,
};

impl Portal {
    /// A token of a persona's.
    pub async fn token(&self, who: &str, scopes: Scopes) -> String {
        let web = &self.db.web;
        let user = person::persona(web, who).await.unwrap().unwrap();
        let session = session::begin(web, user, "test", "test", now())
            .await
            .unwrap();
        let actor = session::find(web, session.0.expose(), now()).await.unwrap();
        let ctx = Ctx {
            actor,
            request_id: "test".into(),
            now: now(),
        };
        let name = format!("t{}", slipway_seal::hex(&slipway_seal::random::<4>()));
        let made = token::create(web, &ctx, &name, scopes, token::USUAL).await;
        made.unwrap().expose().to_owned()
    }

    pub async fn api(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost:7070");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            None => Body::empty(),
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
        };
        self.send(request.body(body).unwrap()).await
    }
}

fn routes() -> Vec<Mounted> {
    [table().1, streams().1].concat()
}

fn path(of: &str, ids: &BTreeMap<&'static str, String>) -> String {
    let noun = of.split('/').nth(3).unwrap_or_default();
    let id = ids.get(noun).map_or("hello", String::as_str);
    of.replace("{id}", id).replace("{name}", "hello")
}

/// A body that is refused for who sends it, or for what is in it, and changes nothing.
pub fn body(of: &str) -> Value {
    match of.rsplit('/').next() {
        Some("extend") => json!({ "for": "1d" }),
        Some("destroy") => json!({ "name": "walked" }),
        Some("approve" | "reject") => json!({ "digest": "x", "reason": "x" }),
        Some("cancel") => json!({}),
        _ => json!({ "template": "hello", "name": "NOT A NAME", "inputs": {} }),
    }
}

fn problem(answer: &Answer) -> Value {
    assert_eq!(
        answer.header("content-type"),
        "application/problem+json",
        "{}",
        answer.body
    );
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["status"], answer.status.as_u16());
    assert!(
        problem["type"]
            .as_str()
            .unwrap()
            .starts_with("urn:slipway:")
    );
    assert!(!problem["title"].as_str().unwrap().is_empty());
    problem
}

#[tokio::test]
async fn every_route_of_the_api_as_nobody_as_a_stranger_and_as_each_role_by_token() {
    let portal = Portal::new().await;
    let ids = portal
        .sign_in("developer")
        .await
        .request_environment("walked")
        .await;
    let missing = BTreeMap::from([("environments", "987654".into()), ("runs", "987654".into())]);
    let team = TeamId::new(1);
    let read = Scopes::default();
    let roles = [
        ("developer", vec![(team, TeamRole::Member)], vec![], ALL),
        ("developer", vec![(team, TeamRole::Member)], vec![], read),
        ("lead", vec![(team, TeamRole::Lead)], vec![], ALL),
        ("operator", vec![], vec![OrgRole::Operator], ALL),
        ("operator", vec![], vec![OrgRole::Operator], read),
        ("auditor", vec![], vec![OrgRole::Auditor], ALL),
        ("admin", vec![], vec![OrgRole::Admin], ALL),
    ];
    let mut walked = 0;
    for (method, of, rule) in routes() {
        let send = async |token: &str, ids| {
            let body = (method == Method::POST).then(|| body(of));
            portal
                .api(token, method.clone(), &path(of, ids), body)
                .await
        };
        // Nobody, and whoever comes with what is no token.
        for no in ["", "slipway_x", &format!("slipway_{}", "A".repeat(49))] {
            let answer = send(no, &ids).await;
            if rule == Rule::Public {
                assert_eq!(
                    of, "/api/v1/openapi.json",
                    "whatever else becomes public is a decision"
                );
                assert_eq!(answer.status, StatusCode::OK);
                continue;
            }
            assert_eq!(
                answer.status,
                StatusCode::UNAUTHORIZED,
                "{method} {of}: {}",
                answer.body
            );
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
            problem(&answer);
        }
        // A stranger: the same bytes as for a missing thing.
        if of.contains("{id}") {
            let stranger = portal.token("other", ALL).await;
            let (there, gone) = (send(&stranger, &ids).await, send(&stranger, &missing).await);
            assert_eq!(
                there.status,
                StatusCode::NOT_FOUND,
                "{method} {of}: {}",
                there.body
            );
            assert_eq!(there.body, gone.body, "{method} {of}");
            problem(&there);
        }
        // The stream stays open: it has a test of its own.
        let Rule::Needs(right) = rule else { continue };
        if of.ends_with("/live") {
            continue;
        }
        for (who, teams, org, scopes) in &roles {
            let actor = Actor {
                user: UserId::new(1),
                name: (*who).into(),
                session: None,
                token: Some(Bearer {
                    id: 1.into(),
                    name: "t".into(),
                    scopes: *scopes,
                }),
                teams: teams.clone(),
                org: org.clone(),
            };
            let allowed = may(&actor, right, of.contains("{id}").then_some(team));
            if allowed && method == Method::POST {
                continue;
            }
            let token = portal.token(who, *scopes).await;
            let answer = send(&token, &ids).await;
            walked += 1;
            if allowed {
                // A run that no worker took has no plan.
                let fits = answer.status.is_success() || of.ends_with("/plan");
                assert!(
                    fits,
                    "{who} {method} {of}: {} {}",
                    answer.status, answer.body
                );
            } else {
                let refused =
                    matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
                assert!(
                    refused,
                    "{who} {method} {of}: {} {}",
                    answer.status, answer.body
                );
                problem(&answer);
            }
        }
    }
    assert!(walked > 60, "{walked} answers");
}

#[tokio::test]
async fn a_token_opens_no_page_and_a_cookie_no_api() {
    let portal = Portal::new().await;
    let text = portal.token("admin", ALL).await;
    for (method, page) in [
        (Method::GET, "/"),
        (Method::GET, "/people"),
        (Method::POST, "/tokens"),
        (Method::GET, "/live?run=1:0"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(page)
            .header("host", "localhost:7070")
            .header("authorization", format!("Bearer {text}"))
            .header("content-type", "application/x-www-form-urlencoded");
        let body = Body::from("name=another&for=7d");
        let answer = portal.send(request.body(body).unwrap()).await;
        let out = answer.status == StatusCode::UNAUTHORIZED
            || answer.header("location").starts_with("/sign-in");
        assert!(out, "{page}: {} {}", answer.status, answer.body);
    }
    let browser = portal.sign_in("admin").await;
    let answer = browser.get("/api/v1/environments").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    // Not even both at once make a token's answer another one, and a token in another place is none.
    for (name, value) in [
        ("authorization", format!("Basic {text}")),
        ("authorization", text.clone()),
        ("cookie", format!("slipway={text}")),
        ("x-api-key", text.clone()),
    ] {
        let request = Request::builder()
            .uri("/api/v1/me")
            .header("host", "localhost:7070")
            .header(name, value);
        let answer = portal.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
    }
    let path = format!("/api/v1/me?token={text}&access_token={text}");
    let answer = portal.api("", Method::GET, &path, None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn no_page_of_another_site_can_use_it() {
    let portal = Portal::new().await;
    let text = portal.token("developer", ALL).await;
    let from = |method: Method, site: &str| {
        Request::builder()
            .method(method)
            .uri("/api/v1/environments")
            .header("host", "localhost:7070")
            .header("origin", "https://evil.example")
            .header("sec-fetch-site", site.to_owned())
            .header("sec-fetch-mode", "cors")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {text}"))
            .body(Body::from("{}"))
            .unwrap()
    };
    for method in [Method::GET, Method::POST, Method::OPTIONS] {
        let answer = portal.send(from(method.clone(), "cross-site")).await;
        assert!(
            answer.status.is_client_error(),
            "{method}: {}",
            answer.status
        );
        assert_eq!(answer.header("access-control-allow-origin"), "", "{method}");
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "",
            "{method}"
        );
        problem(&answer);
    }
}

#[tokio::test]
async fn a_suspended_persons_token_is_out_at_once_and_a_revoked_one_too() {
    let portal = Portal::new().await;
    let text = portal.token("developer", ALL).await;
    let revoked = portal.token("developer", ALL).await;
    let of = async |token: &str| {
        let answer = portal.api(token, Method::GET, "/api/v1/me", None).await;
        answer.status
    };
    assert_eq!(of(&text).await, StatusCode::OK);
    assert_eq!(of(&revoked).await, StatusCode::OK);
    let admin = portal.sign_in("admin").await;
    let person = person::persona(&portal.db.web, "developer")
        .await
        .unwrap()
        .unwrap();
    // An admin sees both, newest first, and revokes one of them.
    let here = format!("/people/{person}/tokens");
    let page = admin.get(&here).await;
    let id = super::between(&page.body, "action=\"/tokens/", "/revoke").to_owned();
    let number = person.to_string();
    let back = [("person", number.as_str())];
    let done = admin.post(&format!("/tokens/{id}/revoke"), &back).await;
    assert_eq!(done.header("location"), here);
    assert_eq!(of(&revoked).await, StatusCode::UNAUTHORIZED);
    assert_eq!(of(&text).await, StatusCode::OK);
    let done = admin.post(&format!("/people/{person}/suspend"), &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(of(&text).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_page_shows_a_token_once_and_revokes_it() {
    let portal = Portal::new().await;
    let dev = portal.sign_in("developer").await;
    let form = [("name", "laptop"), ("for", "7d"), ("write", "1")];
    let made = dev.post("/tokens", &form).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    assert_eq!(made.header("cache-control"), "no-store");
    let text = super::between(&made.body, "value=\"slipway_", "\"");
    let text = format!("slipway_{text}");
    let answer = portal.api(&text, Method::GET, "/api/v1/me", None).await;
    let me: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        me,
        json!({ "person": "Dana Developer", "token": "laptop", "scopes": ["read", "write"] })
    );
    let page = dev.get("/tokens").await;
    assert!(page.body.contains("laptop") && !page.body.contains(&text));
    // A reload of the answer makes no second one.
    let again = dev.post("/tokens", &form).await;
    assert!(
        again.body.contains("You have a token of this name")
            && !again.body.contains("value=\"slipway_")
    );
    let id = super::between(&page.body, "action=\"/tokens/", "/revoke").to_owned();
    let gone = dev.post(&format!("/tokens/{id}/revoke"), &[]).await;
    assert_eq!(gone.header("location"), "/tokens");
    let answer = portal.api(&text, Method::GET, "/api/v1/me", None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_environment_is_asked_for_twice_with_one_key_and_made_once() {
    let portal = Portal::new().await;
    let text = portal.token("developer", ALL).await;
    let ask = |name: &str, inputs: Value| {
        let body = json!({ "template": "hello", "name": name, "life": "8h", "inputs": inputs });
        Request::builder()
            .method(Method::POST)
            .uri("/api/v1/environments")
            .header("host", "localhost:7070")
            .header("authorization", format!("Bearer {text}"))
            .header("idempotency-key", "one")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap()
    };
    let right = json!({ "who": "world", "copies": 1, "language": "English" });
    let wrong = portal
        .send(ask(
            "by-api",
            json!({ "who": "world", "copies": "many", "nope": 1 }),
        ))
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        problem(&wrong)["errors"]["inputs.nope"].is_string(),
        "{}",
        wrong.body
    );
    let first = portal.send(ask("by-api", right.clone())).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    let second = portal.send(ask("by-api", right)).await;
    assert_eq!(second.status, StatusCode::OK);
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("location"), second.header("location"));
    let run = portal
        .api(&text, Method::GET, first.header("location"), None)
        .await;
    let run: Value = serde_json::from_str(&run.body).unwrap();
    assert_eq!(
        (&run["state"], &run["title"]),
        (&json!("queued"), &json!("Create by-api"))
    );
    let list = portal
        .api(&text, Method::GET, "/api/v1/environments?name=by-api", None)
        .await;
    let list: Value = serde_json::from_str(&list.body).unwrap();
    assert_eq!(list["environments"].as_array().unwrap().len(), 1);
    assert_eq!(list["older"], Value::Null);
}

#[tokio::test]
async fn what_cannot_be_read_is_said_by_its_place_and_never_repeated() {
    let portal = Portal::new().await;
    let text = portal.token("developer", ALL).await;
    let send = async |kind: &str, body: &str| {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/api/v1/environments")
            .header("host", "localhost:7070")
            .header("authorization", format!("Bearer {text}"))
            .header("content-type", kind)
            .body(Body::from(body.to_owned()))
            .unwrap();
        portal.send(request).await
    };
    for (kind, body, status) in [
        ("application/json", "{\"template\": \"hunter2", 400),
        (
            "application/json",
            "{\"template\": \"hello\", \"name\": \"x\", \"inputs\": \"hunter2\"}",
            400,
        ),
        (
            "application/json",
            "{\"template\": \"hello\", \"name\": \"x\", \"hunter2\": 1}",
            400,
        ),
        (
            "application/json",
            "{\"template\": \"hello\", \"name\": \"x\", \"inputs\": {\"copies\": 1.00000000000000000000001}}",
            400,
        ),
        ("application/x-www-form-urlencoded", "template=hunter2", 415),
        ("text/plain", "{\"template\": \"hunter2\"}", 415),
    ] {
        let answer = send(kind, body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.body);
        problem(&answer);
        assert!(!answer.body.contains("hunter2"), "{}", answer.body);
    }
    let large = format!("{{\"template\": \"{}\"}}", "x".repeat(3 << 20));
    assert_eq!(
        send("application/json", &large).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    for (method, path, status) in [
        (Method::GET, "/api/v1/nothing", 404),
        (Method::GET, "/api/v2/environments", 404),
        (Method::DELETE, "/api/v1/environments", 405),
        (Method::GET, "/api/v1/environments?before=x", 400),
        (Method::GET, "/api/v1/runs/007", 404),
    ] {
        let answer = portal.api(&text, method, path, None).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        problem(&answer);
    }
}

/// Every mounted route is described, and nothing else is.
#[test]
fn the_description_is_of_what_is_mounted() {
    let document = serde_json::to_value(document::document()).unwrap();
    let (mut described, mut names) = (BTreeSet::new(), BTreeSet::new());
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            described.insert(format!("{} {path}", method.to_uppercase()));
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(names.insert(name), "{method} {path}: its name is another's");
            let public = path.ends_with("openapi.json");
            let known = operation["responses"].get("401").is_some();
            assert!(
                public || known,
                "{method} {path} does not say that it needs a token"
            );
            assert_eq!(
                path.contains("{id}"),
                operation["responses"].get("404").is_some() && path.contains("{id}"),
                "{path}"
            );
        }
    }
    let mounted: BTreeSet<String> = routes()
        .into_iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    assert_eq!(described, mounted);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    insta::assert_snapshot!("openapi", serde_json::to_string_pretty(&document).unwrap());
}
