//! What the API server would make of an object, beside what is live.

use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use slipway_domain::plan::{Action, Change};

use super::{Cluster, Object, manifest};
use crate::terraform::{
    Failed, Failure, Redactor,
    flatten::{Flatten, Side},
};

/// Who applies: Helm's own name for itself, so that what it owns is what the comparison speaks for.
const MANAGER: &str = "helm";

static NULL: Value = Value::Null;

/// What a step would do to one object.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// The change; `None` if it stays as it is.
    pub change: Option<Change>,
    /// Fields that somebody else set and this would take over, in the server's words.
    pub taken: Vec<String>,
    /// It is there already.
    pub exists: bool,
    /// The release that it belongs to, by Helm's own mark.
    pub release: Option<String>,
}

impl Cluster {
    /// Asks the server what it would make of an object, without making it. `volatile` are fields that may differ.
    ///
    /// # Errors
    /// With the server's own words when it refuses the object: a schema, a quota, a webhook, a field that cannot change.
    pub async fn compare(
        &self,
        object: &Object,
        target: (&str, &str),
        volatile: &[String],
        redactor: &Redactor,
    ) -> Result<Compared, Failed> {
        // A server that refuses a value quotes it.
        let asked = self.ask_of(object, target, volatile, redactor).await;
        let mut compared = asked.map_err(|mut failed| {
            failed.detail = redactor.text(&failed.detail).into_owned();
            failed
        })?;
        for taken in &mut compared.taken {
            *taken = redactor.text(taken).into_owned();
        }
        Ok(compared)
    }

    async fn ask_of(
        &self,
        object: &Object,
        (release, namespace): (&str, &str),
        volatile: &[String],
        redactor: &Redactor,
    ) -> Result<Compared, Failed> {
        let api = self.api(object, namespace).await?;
        let what = format!("show {}", object.address());
        let live = self.ask(&what, api.get_opt(&object.name)).await?;
        let wanted = object.as_helm_makes_it(release, namespace);
        let what = format!("accept {}", object.address());
        let mut params = PatchParams::apply(MANAGER).dry_run();
        let mut taken = Vec::new();
        let patch = Patch::Apply(&wanted);
        let made = match api.patch(&object.name, &params, &patch).await {
            Err(kube::Error::Api(status)) if status.code == 409 && live.is_some() => {
                taken.push(format!("{}: {}", object.address(), status.message));
                params.force = true;
                self.ask(&what, api.patch(&object.name, &params, &patch))
                    .await?
            }
            Err(kube::Error::Api(status)) if live.is_some() && is_fixed(&status.message) => {
                return Err(Failed::new(
                    Failure::Engine,
                    format!("{} cannot be changed like this.", object.address()),
                    status.message.clone(),
                    "The field is fixed once the object exists: give the object another name, or keep the old value.",
                ));
            }
            other => self.ask(&what, async { other }).await?,
        };
        let release = live.as_ref().and_then(|live| {
            live.metadata
                .annotations
                .as_ref()?
                .get("meta.helm.sh/release-name")
                .cloned()
        });
        let before = live.map(|live| seen(object, live, volatile));
        let after = seen(object, made, volatile);
        Ok(Compared {
            exists: before.is_some(),
            release,
            change: changed(object, before.as_ref(), Some(&after), &self.name, redactor),
            taken,
        })
    }

    /// An object that goes away; `None` if it is gone already.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn compare_gone(
        &self,
        object: &Object,
        namespace: &str,
        redactor: &Redactor,
    ) -> Result<Option<Change>, Failed> {
        let api = self.api(object, namespace).await?;
        let what = format!("show {}", object.address());
        let live = self.ask(&what, api.get_opt(&object.name)).await?;
        let before = live.map(|live| seen(object, live, &[]));
        Ok(before.and_then(|before| changed(object, Some(&before), None, &self.name, redactor)))
    }

    /// An object as it is; `None` if it is not there.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn live(&self, object: &Object, namespace: &str) -> Result<Option<Value>, Failed> {
        let api = self.api(object, namespace).await?;
        let what = format!("show {}", object.address());
        let live = self.ask(&what, api.get_opt(&object.name)).await?;
        Ok(live.and_then(|live| serde_json::to_value(live).ok()))
    }

    /// An object of which nothing is there yet, and which the server cannot be asked about because its namespace is
    /// missing: what the chart says is all that is known.
    #[must_use]
    pub fn as_rendered(&self, object: &Object, redactor: &Redactor) -> Option<Change> {
        changed(object, None, Some(&object.value), &self.name, redactor)
    }
}

fn is_fixed(message: &str) -> bool {
    [
        "immutable",
        "may not change",
        "are forbidden",
        "field is immutable",
    ]
    .iter()
    .any(|word| message.contains(word))
}

/// Without what the server itself keeps, and without what may differ.
fn seen(object: &Object, live: DynamicObject, volatile: &[String]) -> Value {
    let mut value = serde_json::to_value(live).unwrap_or_default();
    if let Some(top) = value.as_object_mut() {
        top.remove("status");
        if let Some(metadata) = top.get_mut("metadata").and_then(Value::as_object_mut) {
            for own in [
                "managedFields",
                "resourceVersion",
                "uid",
                "creationTimestamp",
                "generation",
                "selfLink",
            ] {
                metadata.remove(own);
            }
            if let Some(annotations) = metadata
                .get_mut("annotations")
                .and_then(Value::as_object_mut)
            {
                annotations.remove("deployment.kubernetes.io/revision");
                annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
            }
        }
    }
    let steady = Object {
        value,
        ..object.clone()
    };
    manifest::steady(&steady, volatile)
}

/// Which parts of an object are never shown.
fn mask(object: &Object) -> Value {
    if object.kind == "Secret" {
        json!({ "data": true, "stringData": true })
    } else {
        Value::Null
    }
}

fn changed(
    object: &Object,
    before: Option<&Value>,
    after: Option<&Value>,
    cluster: &str,
    redactor: &Redactor,
) -> Option<Change> {
    let mask = mask(object);
    let side = |value: Option<&'_ Value>| value.is_some();
    let flat = Flatten::new(redactor, &[]).resource(
        Side {
            value: before.unwrap_or(&NULL),
            sensitive: &mask,
            unknown: &NULL,
        },
        Side {
            value: after.unwrap_or(&NULL),
            sensitive: &mask,
            unknown: &NULL,
        },
    );
    let action = match (side(before), side(after)) {
        (false, true) => Action::Create,
        (true, false) => Action::Delete,
        // A Secret's data differs without a line that says how.
        _ if before != after => Action::Update,
        _ => return None,
    };
    Some(Change {
        address: object.address(),
        kind: object.kind.clone(),
        provider: format!("{}/{}", cluster, object.api_version),
        action,
        reason: object.hook.as_ref().map(|events| format!("hook: {events}")),
        attributes: flat.attributes,
        unchanged: flat.unchanged,
        keeps_data: object.kind == "PersistentVolumeClaim",
    })
}
