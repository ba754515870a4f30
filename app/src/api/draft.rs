//! The request form's post.

use axum::{body::Bytes, extract::Path};
use slipway_domain::form::Edit;
use slipway_services::draft::{self, Draft, Sent};

use crate::{
    api::posted::pairs,
    pages::{Answer, Desk, id, see},
};

/// `POST /drafts/{id}`
///
/// # Errors
/// If there is no such draft of the reader's, or they may not ask for it.
pub async fn post(desk: Desk, Path(of): Path<String>, body: Bytes) -> Answer {
    let pairs = pairs(&body);
    let button = pairs
        .iter()
        .rev()
        .find(|(name, _)| name == "do")
        .map(|(_, value)| value.clone())
        .unwrap_or_default();
    let sent = draft::post(&desk.app.office.web, &desk.ctx, id(&of)?, pairs).await?;
    Ok(see(&match sent {
        Sent::Run(run) => format!("/runs/{run}"),
        Sent::Discarded => "/catalog".to_owned(),
        Sent::Again(draft) => again(&draft, &button),
    }))
}

/// The form again, at the place that the button was about.
fn again(draft: &Draft, button: &str) -> String {
    let url = format!("/drafts/{}", draft.id);
    if button == "save" && draft.errors.is_empty() {
        return format!("{url}?saved=1");
    }
    match Edit::parse(button) {
        Some(edit) if draft.errors.is_empty() => format!("{url}#{}", place(draft, &edit)),
        _ => format!("{url}#problem"),
    }
}

/// Where to go on after a row button: the new row, the moved one, or the one that took the place of the removed one.
fn place(draft: &Draft, edit: &Edit) -> String {
    let row = |list: &str, wanted: usize| {
        let rows = draft.entered.rows(list);
        match rows.len() {
            0 => list.to_owned(),
            n => format!("{list}.{}", rows[wanted.min(n - 1)]),
        }
    };
    let split = |path: &str| {
        path.rsplit_once('.')
            .and_then(|(list, n)| Some((list.to_owned(), n.parse::<usize>().ok()?)))
    };
    let place = match edit {
        Edit::Add(list) => Some(row(list, usize::MAX)),
        Edit::Remove(path) => split(path).map(|(list, n)| row(&list, n)),
        Edit::Up(path) => split(path).map(|(list, n)| row(&list, n.saturating_sub(1))),
        Edit::Down(path) => split(path).map(|(list, n)| row(&list, n + 1)),
    };
    // Names of controls are HCL identifiers, digits and dots: what else was posted leads nowhere.
    place
        .filter(|p| {
            p.chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        })
        .unwrap_or_default()
}
