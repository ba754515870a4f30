//! The stages of a run, top to bottom, with what each took.

use leptos::prelude::*;

use super::{Icon, Tone, View, icon};

/// One stage.
pub struct Stage {
    /// Its colour.
    pub tone: Tone,
    /// Its shape.
    pub shape: Icon,
    /// Its name.
    pub name: String,
    /// What happened in it.
    pub note: View,
    /// How long it took, or when it was.
    pub took: Option<View>,
}

/// Stages in a column.
#[must_use]
pub fn stages(list: Vec<Stage>) -> View {
    let items: Vec<View> = list
        .into_iter()
        .map(|stage| {
            view! {
                <li>
                    <span class=format!("at {}", stage.tone.class())>{icon(stage.shape)}</span>
                    <div class="grow">{stage.name}<small>{stage.note}</small></div>
                    {stage.took.map(|took| view! { <span class="took">{took}</span> })}
                </li>
            }
            .into_any()
        })
        .collect();
    view! { <ol class="steps">{items}</ol> }.into_any()
}
