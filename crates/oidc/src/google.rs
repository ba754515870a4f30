//! What a Google token must say besides: a verified address, and an account of one of our organisations.

use serde::Deserialize;

use crate::{Refused, Verified};

/// Google's own claims.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Claims {
    /// The address. A label: people are keyed on the subject.
    pub email: Option<String>,
    /// Must be `true`: not the text `"true"`, which no careful provider sends.
    pub email_verified: Option<serde_json::Value>,
    /// The organisation that the account belongs to. Google sets it; the part of the address after `@` proves nothing.
    pub hd: Option<String>,
    /// The display name.
    pub name: Option<String>,
}

/// One of our people, as Google knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The issuer.
    pub issuer: String,
    /// Their key within it.
    pub subject: String,
    /// Their verified address, in lower case.
    pub email: String,
    /// What to call them.
    pub name: String,
}

/// Takes a verified token's bearer for one of ours, or says why not. `domains` are whole names in lower case.
///
/// # Errors
/// [`Refused::Email`] or [`Refused::Domain`].
pub fn person(token: Verified<Claims>, domains: &[String]) -> Result<Person, Refused> {
    let Verified { standard, claims } = token;
    if claims.email_verified != Some(serde_json::Value::Bool(true)) {
        return Err(Refused::Email);
    }
    let email = claims.email.unwrap_or_default().to_lowercase();
    let readable = email.len() <= 320 && email.contains('@') && !email.contains(char::is_control);
    if !readable {
        return Err(Refused::Email);
    }
    // Exactly one of the names: never a suffix.
    let ours = claims.hd.is_some_and(|hd| domains.contains(&hd));
    if !ours {
        return Err(Refused::Domain);
    }
    let name: String = claims
        .name
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(120)
        .collect();
    let name = match name.trim() {
        "" => email.clone(),
        name => name.to_owned(),
    };
    Ok(Person {
        issuer: standard.issuer,
        subject: standard.subject,
        email,
        name,
    })
}
