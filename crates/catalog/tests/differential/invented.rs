//! Conditions that nobody thought of: invented by chance, the same ones on every run, and judged by both.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use slipway_catalog::{Verdict, judge};

use crate::{
    conversions::parse,
    engine::{engine, refused},
};

/// How many conditions are judged: `SLIPWAY_INVENTED` of them, to look harder by hand. Another count begins elsewhere.
fn count() -> usize {
    std::env::var("SLIPWAY_INVENTED")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(450)
}

/// A generator that needs no other crate and gives the same numbers everywhere (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("64 bits") % n
    }

    fn of<'t>(&mut self, choices: &[&'t str]) -> &'t str {
        choices[self.below(choices.len())]
    }

    /// Fills each `B`, `N`, `T`, `L`, `M` of a pattern with an expression that is, most of the time, of that kind.
    fn fill(&mut self, pattern: &str, depth: usize) -> String {
        let mut out = String::new();
        let mut text = false;
        for c in pattern.chars() {
            text ^= c == '"';
            if text || !"BNTLM".contains(c) {
                out.push(c);
                continue;
            }
            let meant = c.to_string();
            let wanted = if self.below(12) == 0 {
                self.of(&["B", "N", "T", "L", "M"])
            } else {
                &meant
            };
            out.push_str(&self.expression(wanted, depth));
        }
        out
    }

    fn expression(&mut self, kind: &str, depth: usize) -> String {
        let patterns: &[&str] = match (kind, depth) {
            ("B", 0) => &["true", "false", "var.v.b", "null", "\"true\""],
            ("N", 0) => &["0", "1", "-2", "2.5", "10", "var.v.n", "\"3\"", "null"],
            ("T", 0) => &[
                "\"\"",
                "\"a\"",
                "\"abc\"",
                "\"a b\"",
                "\"A-1\"",
                "var.v.t",
                "\"${var.v.t}x\"",
                "null",
            ],
            ("L", 0) => &[
                "[]",
                "[\"a\", \"b\"]",
                "var.v.l",
                "[1, 2]",
                "[true, false]",
                "[\"a\", 1]",
                "toset(var.v.l)",
            ],
            ("M", 0) => &[
                "{}",
                "{ a = \"b\" }",
                "var.v.m",
                "{ a = 1, b = \"x\" }",
                "null",
            ],
            ("B", _) => &[
                "(N < N)",
                "(N >= N)",
                "(N == N)",
                "(T == T)",
                "(T != T)",
                "(B == B)",
                "(L == L)",
                "(M != M)",
                "!B",
                "(B && B)",
                "(B || B)",
                "(B ? B : B)",
                "can(N)",
                "can(T)",
                "can(L[N])",
                "can(M[T])",
                "contains(L, T)",
                "contains(L, N)",
                "alltrue([for x in L : x == T])",
                "anytrue([for x in L : B])",
                "alltrue([B, B])",
                "startswith(T, T)",
                "endswith(T, T)",
                "strcontains(T, T)",
                "can(regex(\"^[a-z]*$\", T))",
                "tobool(B)",
                "alltrue([for k, x in M : k != x])",
                "try(B, B)",
                "can(tonumber(T))",
                "can([for k, x in M : x][N])",
            ],
            ("N", _) => &[
                "(N + N)",
                "(N - N)",
                "(N * N)",
                "-N",
                "length(T)",
                "length(L)",
                "length(M)",
                "(B ? N : N)",
                "try(N, N)",
                "max(N, N)",
                "min(N, N, N)",
                "abs(N)",
                "floor(N)",
                "ceil(N)",
                "sum(L)",
                "tonumber(T)",
                "L[N]",
                "length(distinct(L))",
                "length([for x in L : x if B])",
                "length(split(T, T))",
                "length(keys(M))",
                "one(L)",
                "lookup(M, T, N)",
                "length(flatten([L, [L]]))",
                "length(concat(L, L))",
                "(N % N)",
                "(N / N)",
            ],
            ("T", _) => &[
                "lower(T)",
                "upper(T)",
                "trimspace(T)",
                "\"${T}-${N}\"",
                "(B ? T : T)",
                "try(T, T)",
                "tostring(N)",
                "join(T, L)",
                "replace(T, T, T)",
                "trimprefix(T, T)",
                "trimsuffix(T, T)",
                "L[N]",
                "M[T]",
                "M.a",
                "substr(T, N, N)",
                "lookup(M, T, T)",
                "coalesce(T, T)",
                "one(L)",
                "element(L, N)",
                "regex(\"[a-z]+\", T)",
                "trim(T, T)",
                "chomp(T)",
                "tostring(B)",
                "\"${B}\"",
                "sort(L)[N]",
                "reverse(L)[N]",
            ],
            ("L", _) => &[
                "[T, T]",
                "[N, N]",
                "[B]",
                "concat(L, L)",
                "distinct(L)",
                "flatten([L, L])",
                "split(T, T)",
                "keys(M)",
                "values(M)",
                "[for x in L : x]",
                "[for x in L : x if B]",
                "[for k, x in M : k]",
                "toset(L)",
                "tolist(L)",
                "reverse(L)",
                "sort(L)",
                "compact(L)",
                "(B ? L : L)",
                "try(L, L)",
                "L[*]",
                "regexall(\"[a-z]\", T)",
            ],
            _ => &[
                "{ a = T, b = T }",
                "{ a = N }",
                "merge(M, M)",
                "(B ? M : M)",
                "try(M, M)",
                "{ for x in L : x => B }",
                "{ for k, x in M : k => x }",
                "{ (T) = N }",
            ],
        };
        let pattern = self.of(patterns).to_owned();
        if depth == 0 {
            pattern
        } else {
            self.fill(&pattern, depth - 1)
        }
    }
}

const KIND: &str = "object({ t = optional(string), n = optional(number), b = optional(bool), l = optional(list(string)), m = optional(map(string)) })";

const VALUES: &[&str] = &[
    r#"{"t":"abc","n":3,"b":true,"l":["a","b"],"m":{"a":"b"}}"#,
    r#"{"t":"","n":-1,"b":false,"l":[],"m":{}}"#,
    r#"{"t":"5","n":0.5,"l":["b","a","a"],"m":{"a":"x","b":"y"}}"#,
    r#"{"n":100000000000000000000,"b":true,"l":["1","true"],"m":{"x":"1"}}"#,
];

#[test]
fn verdicts_on_invented_conditions_are_the_engines() {
    let Some(engine) = engine() else { return };
    let mut chance = Chance(0x5115_0a15 ^ count() as u64);
    let mut asked = Vec::new();
    while asked.len() < count() {
        let depth = 1 + chance.below(3);
        let rule = format!("[{}, var.v][0]", chance.expression("B", depth));
        let body = format!(
            "  type = {KIND}\n  validation {{\n    condition     = {rule}\n    error_message = \"violated\"\n  }}"
        );
        let field = parse(&body).unwrap_or_else(|broken| panic!("{rule}: {broken}"));
        let value = chance.of(VALUES);
        let json: Value = serde_json::from_str(value).expect("JSON");
        let values = Map::from_iter([("v".to_owned(), json.clone())]);
        let verdict = judge(std::slice::from_ref(&field), &values, &BTreeSet::new())
            .remove("v")
            .expect("a verdict");
        if verdict != Verdict::AtPreview {
            asked.push((rule, value, verdict, body, json));
        }
    }
    let questions: Vec<_> = asked
        .iter()
        .map(|case| (case.3.clone(), case.4.clone()))
        .collect();
    let refused = refused(&engine, &questions);
    let wrong: Vec<String> = asked
        .iter()
        .enumerate()
        .filter(|(n, (_, _, verdict, ..))| (*verdict == Verdict::Holds) == refused.contains(n))
        .map(|(_, (rule, value, verdict, ..))| format!("{rule} | {value} | here {verdict:?}"))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        asked.len(),
        wrong.join("\n")
    );
    assert!(
        asked.len() - refused.len() > count() / 10,
        "nearly all were refused"
    );
}
