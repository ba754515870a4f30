//! What a chart renders, taken apart into objects.

use kube::api::GroupVersionKind;
use serde_json::{Map, Value};

use crate::terraform::{Failed, Failure};

/// One object, as a chart renders it.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// If the chart says one; else it is the release's.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The events at which Helm makes it, if it is a hook: `pre-install,pre-upgrade`.
    pub hook: Option<String>,
    /// All of it.
    pub value: Value,
}

impl Object {
    /// Takes a document that is an object.
    #[must_use]
    pub fn of(value: Value) -> Option<Self> {
        let text = |pointer: &str| {
            value
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        Some(Self {
            api_version: text("/apiVersion")?,
            kind: text("/kind")?,
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name")?,
            hook: text("/metadata/annotations/helm.sh~1hook"),
            value,
        })
    }

    /// As the plan viewer names it: `Deployment/web`.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{}/{}/{}", self.kind, namespace, self.name),
            None => format!("{}/{}", self.kind, self.name),
        }
    }

    /// Its group, version and kind.
    #[must_use]
    pub fn kind_of(&self) -> GroupVersionKind {
        let (group, version) = self
            .api_version
            .split_once('/')
            .unwrap_or(("", &self.api_version));
        GroupVersionKind::gvk(group, version, &self.kind)
    }

    /// With what Helm adds to everything that it makes, so that the comparison is about the chart alone.
    #[must_use]
    pub fn as_helm_makes_it(&self, release: &str, namespace: &str) -> Value {
        let mut value = self.value.clone();
        let set = |value: &mut Value, under: &str, key: &str, to: &str| {
            let metadata = value.as_object_mut().map(|o| {
                o.entry("metadata")
                    .or_insert_with(|| Value::Object(Map::new()))
            });
            let within = metadata
                .and_then(Value::as_object_mut)
                .map(|m| m.entry(under).or_insert(Value::Null));
            if let Some(within) = within {
                if within.is_null() {
                    *within = Value::Object(Map::new());
                }
                within[key] = to.into();
            }
        };
        set(&mut value, "labels", "app.kubernetes.io/managed-by", "Helm");
        set(
            &mut value,
            "annotations",
            "meta.helm.sh/release-name",
            release,
        );
        set(
            &mut value,
            "annotations",
            "meta.helm.sh/release-namespace",
            namespace,
        );
        value
    }
}

/// Reads a manifest of several documents; empty ones are passed over.
///
/// # Errors
/// [`Failure::Engine`] for what is no object of Kubernetes.
pub fn read(manifest: &str) -> Result<Vec<Object>, Failed> {
    let bad = |why: String| {
        Failed::new(
            Failure::Engine,
            "The chart renders something that is no Kubernetes object.",
            why,
            "Mend the chart.",
        )
    };
    // The reader's own words quote the lines around, which may hold a secret.
    let documents: Vec<Value> = serde_saphyr::from_multiple(manifest).map_err(|error| {
        let line = error.location().map_or(0, |at| at.line());
        bad(format!("Line {line} of what it renders is no valid YAML."))
    })?;
    documents
        .into_iter()
        .filter(|document| !document.is_null())
        .map(|document| {
            Object::of(document)
                .ok_or_else(|| bad("A document has no apiVersion, kind or name.".into()))
        })
        .collect()
}

/// The objects of a release: those that say its own namespace are as if they said none, so that an address is as short
/// as a person says it.
#[must_use]
pub fn within(mut objects: Vec<Object>, namespace: &str) -> Vec<Object> {
    for object in &mut objects {
        if object.namespace.as_deref() == Some(namespace) {
            object.namespace = None;
        }
    }
    objects
}

/// Where two renderings of one chart differ, as `Kind/name:path`; without order, each once.
#[must_use]
pub fn differing(one: &[Object], two: &[Object]) -> Vec<String> {
    let mut found = Vec::new();
    for object in one {
        match two.iter().find(|o| o.address() == object.address()) {
            Some(other) => paths(
                &object.value,
                &other.value,
                &mut String::new(),
                &mut |path| {
                    found.push(format!("{}:{path}", object.address()));
                },
            ),
            None => found.push(format!("{}:", object.address())),
        }
    }
    for object in two {
        if !one.iter().any(|o| o.address() == object.address()) {
            found.push(format!("{}:", object.address()));
        }
    }
    found.sort();
    found.dedup();
    found
}

fn paths(one: &Value, two: &Value, at: &mut String, say: &mut impl FnMut(&str)) {
    match (one, two) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let before = at.len();
                if !at.is_empty() {
                    at.push('.');
                }
                at.push_str(key);
                paths(
                    a.get(key).unwrap_or(&Value::Null),
                    b.get(key).unwrap_or(&Value::Null),
                    at,
                    say,
                );
                at.truncate(before);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (n, (a, b)) in a.iter().zip(b).enumerate() {
                let before = at.len();
                at.push_str(&format!("[{n}]"));
                paths(a, b, at, say);
                at.truncate(before);
            }
        }
        (a, b) if a == b => {}
        _ => say(at),
    }
}

/// True if `field` (`Kind/name:path`) is one that the template declares volatile; `*` stands for any name.
#[must_use]
pub fn is_volatile(field: &str, declared: &[String]) -> bool {
    let Some((object, path)) = field.split_once(':') else {
        return false;
    };
    let kind = object.split('/').next().unwrap_or_default();
    declared
        .iter()
        .filter_map(|d| d.split_once(':'))
        .any(|(wanted, below)| {
            let same = wanted == object || wanted.strip_suffix("/*") == Some(kind);
            same && (path == below
                || path
                    .strip_prefix(below)
                    .is_some_and(|rest| rest.starts_with(['.', '['])))
        })
}

/// The object without its volatile fields.
#[must_use]
pub fn steady(object: &Object, declared: &[String]) -> Value {
    fn without(value: &mut Value, address: &str, at: &mut String, declared: &[String]) {
        match value {
            Value::Object(map) => {
                let keys: Vec<String> = map.keys().cloned().collect();
                for key in keys {
                    let before = at.len();
                    if !at.is_empty() {
                        at.push('.');
                    }
                    at.push_str(&key);
                    if is_volatile(&format!("{address}:{at}"), declared) {
                        map.remove(&key);
                    } else if let Some(inner) = map.get_mut(&key) {
                        without(inner, address, at, declared);
                    }
                    at.truncate(before);
                }
            }
            Value::Array(items) => {
                for (n, item) in items.iter_mut().enumerate() {
                    let before = at.len();
                    at.push_str(&format!("[{n}]"));
                    without(item, address, at, declared);
                    at.truncate(before);
                }
            }
            _ => {}
        }
    }
    let mut value = object.value.clone();
    without(&mut value, &object.address(), &mut String::new(), declared);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "---\n# Source: a\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: one, user: web}\n---\n\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  annotations: {sum: a1}\n";

    #[test]
    fn documents_become_objects_and_nothing_else_does() {
        let objects = read(TWO).unwrap();
        let addresses: Vec<_> = objects.iter().map(Object::address).collect();
        assert_eq!(addresses, ["Secret/s", "Deployment/web"]);
        assert_eq!(objects[1].kind_of().group, "apps");
        for bad in [
            "a: 1",
            "- 1",
            "kind: X\napiVersion: v1",
            "a: [",
            "apiVersion: v1\nkind: X\nmetadata: {name: 1}",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(read("").unwrap(), []);
        let failed = read("a: 1\nstringData: {password: hunter2canary\n").unwrap_err();
        assert!(
            !format!("{failed:?}").contains("hunter2canary"),
            "{failed:?}"
        );
    }

    #[test]
    fn what_differs_is_named_and_only_what_is_declared_may() {
        let one = read(TWO).unwrap();
        let two = read(&TWO.replace("one", "two").replace("a1", "a2")).unwrap();
        let differing = differing(&one, &two);
        assert_eq!(
            differing,
            [
                "Deployment/web:metadata.annotations.sum",
                "Secret/s:stringData.password"
            ]
        );
        let declared = ["Secret/*:stringData.password".to_owned()];
        assert!(is_volatile(&differing[1], &declared) && !is_volatile(&differing[0], &declared));
        assert!(!is_volatile("Secret/s:stringData.passwords", &declared));
        assert!(!is_volatile("SecretStore/s:stringData.password", &declared));
        assert_eq!(steady(&one[0], &declared), steady(&two[0], &declared));
        assert_ne!(steady(&one[1], &declared), steady(&two[1], &declared));
        assert_eq!(
            steady(&one[0], &declared)["stringData"],
            serde_json::json!({"user": "web"})
        );
    }

    #[test]
    fn what_helm_adds_is_added_whatever_is_there() {
        for text in ["labels: null", "labels: {a: b}", "annotations: {}", ""] {
            let object = read(&format!(
                "apiVersion: v1\nkind: X\nmetadata:\n  name: x\n  {text}\n"
            ))
            .unwrap();
            let made = object[0].as_helm_makes_it("r", "n");
            assert_eq!(
                made["metadata"]["labels"]["app.kubernetes.io/managed-by"], "Helm",
                "{text}"
            );
            assert_eq!(
                made["metadata"]["annotations"]["meta.helm.sh/release-name"], "r",
                "{text}"
            );
        }
    }
}
