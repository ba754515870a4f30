use std::{collections::BTreeMap, fmt};

use serde_json::{Map, Value};
use slipway_seal::Secret;

/// The values of a template's variables. What is not given keeps the template's default.
#[derive(Clone, Default)]
pub struct Inputs {
    /// Values that may be seen, by variable name.
    pub plain: Map<String, Value>,
    /// Values of sensitive variables, by name, each as JSON text (a string is `"…"` with its quotes).
    pub secret: BTreeMap<String, Secret>,
}

/// Says the names only.
impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inputs")
            .field("plain", &self.plain.keys().collect::<Vec<_>>())
            .field("secret", &self.secret.keys().collect::<Vec<_>>())
            .finish()
    }
}

impl Inputs {
    /// All values as one object.
    ///
    /// # Errors
    /// The name of a variable whose secret is no JSON.
    pub fn object(&self) -> Result<Map<String, Value>, String> {
        let mut all = self.plain.clone();
        for (name, secret) in &self.secret {
            let value = serde_json::from_str(secret.expose()).map_err(|_| name.clone())?;
            all.insert(name.clone(), value);
        }
        Ok(all)
    }

    /// Every text inside the sensitive values: what the redactor has to know.
    #[must_use]
    pub fn secret_texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        for secret in self.secret.values() {
            match serde_json::from_str::<Value>(secret.expose()) {
                Ok(value) => leaves(&value, &mut texts),
                Err(_) => texts.push(secret.expose().to_owned()),
            }
        }
        texts
    }
}

fn leaves(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Number(number) => into.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, into)),
        Value::Object(map) => map.values().for_each(|item| leaves(item, into)),
        Value::Null | Value::Bool(_) => {}
    }
}
