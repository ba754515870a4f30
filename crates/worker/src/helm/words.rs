//! What a release's history says, in words.

use slipway_adapters::helm::Revision;

/// The newest revision.
pub fn newest(history: &[Revision]) -> Option<&Revision> {
    history.iter().max_by_key(|revision| revision.revision)
}

/// The newest revision that was once well: what a rollback goes back to.
pub fn last_good(history: &[Revision]) -> Option<&Revision> {
    history
        .iter()
        .filter(|r| matches!(r.status.as_str(), "deployed" | "superseded"))
        .max_by_key(|r| r.revision)
}

/// What a stuck release is, and what will be done about it.
pub fn stuck(newest: &Revision, good: Option<&Revision>) -> String {
    let way = match good {
        Some(good) => format!("Revision {} is put back first.", good.revision),
        None => "It is taken away first: no revision of it was ever well.".into(),
    };
    format!(
        "Revision {} is {}: whoever made it died over it ({}). {way}",
        newest.revision,
        newest.status,
        if newest.description.is_empty() {
            "it says nothing more"
        } else {
            &newest.description
        },
    )
}

/// A list for people: the first few, and how many more.
pub fn few(items: &[String], most: usize) -> String {
    let mut text = items
        .iter()
        .take(most)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if items.len() > most {
        text.push_str(&format!(" and {} more", items.len() - most));
    }
    text
}
