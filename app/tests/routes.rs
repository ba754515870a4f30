//! The route table, as a table.

#![cfg(feature = "ssr")]

use std::collections::BTreeSet;

use axum::http::Method;
use slipway_app::routes::{Rule, table};

#[test]
fn each_route_is_there_once_and_no_post_is_public() {
    let mut seen = BTreeSet::new();
    for route in table() {
        assert!(
            seen.insert((route.method.to_string(), route.path)),
            "{} {} is there twice",
            route.method,
            route.path
        );
        assert!(
            route.path.starts_with('/') && (route.path.len() == 1 || !route.path.ends_with('/')),
            "{}",
            route.path
        );
        if route.method != Method::GET {
            assert_ne!(route.rule, Rule::Public, "{} {}", route.method, route.path);
        }
    }
    let public: Vec<&str> = table()
        .iter()
        .filter(|r| r.rule == Rule::Public)
        .map(|r| r.path)
        .collect();
    assert_eq!(
        public,
        ["/sign-in"],
        "what anybody may see is a list that only shrinks"
    );
}
