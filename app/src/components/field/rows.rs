//! The rows of lists, sets and maps.

use super::*;

/// Rows with their buttons: submit buttons, so that they work without a script.
pub(super) fn rows(spot: Spot<'_>, path: &str, inner: &Kind, keyed: bool, ordered: bool) -> View {
    let indices = spot.form.entered.rows(path);
    let last = indices.len().saturating_sub(1);
    let label = spot
        .label
        .map_or_else(|| path.trim_start_matches("in.").to_owned(), str::to_owned);
    let lines: Vec<View> = indices
        .iter()
        .enumerate()
        .map(|(n, index)| {
            let row = format!("{path}.{index}");
            let name = format!("{label} {}", n + 1);
            let at = if keyed { format!("{row}.value") } else { row.clone() };
            let value = value(spot, &at, inner, &name);
            let key = keyed.then(|| {
                let key = format!("{row}.key");
                let key_label = format!("{name}, key");
                let text = if spot.field.sensitive { String::new() } else { spot.form.entered.get(&key).to_owned() };
                let error = spot.form.errors.get(&key).cloned();
                let error_id = error.as_ref().map(|_| format!("{key}-error"));
                view! {
                    <div class="key">
                        <input id=key.clone() name=key.clone() value=text placeholder="key" autocomplete="off" spellcheck="false"
                            aria-label=key_label aria-invalid=error.as_ref().map(|_| "true") aria-describedby=error_id.clone()/>
                        {error.map(|text| view! { <p class="err" id=error_id>{icon(Icon::Warn)}<span>{text}</span></p> })}
                    </div>
                }
            });
            // A row that is itself rows or a group exists by its own name.
            let mark = (!keyed && !inner.is_single()).then(|| view! { <input type="hidden" name=row.clone() value=""/> });
            let mark_value = (keyed && !inner.is_single()).then(|| view! { <input type="hidden" name=at.clone() value=""/> });
            let own = spot.form.errors.get(&row).filter(|_| keyed).cloned();
            view! {
                <li class=if inner.is_single() { "one" } else { "many" } id=keyed.then(|| row.clone())>
                    {mark}{mark_value}{key}
                    <div class="value">{value}</div>
                    <div class="rowacts">
                        {ordered.then(|| act(Icon::Up, format!("Move {name} up"), format!("up:{row}"), n == 0))}
                        {ordered.then(|| act(Icon::Down, format!("Move {name} down"), format!("down:{row}"), n == last))}
                        {act(Icon::Cross, format!("Remove {name}"), format!("remove:{row}"), false)}
                    </div>
                    {own.map(|text| view! { <p class="err">{icon(Icon::Warn)}<span>{text}</span></p> })}
                </li>
            }
            .into_any()
        })
        .collect();
    let empty = lines.is_empty();
    view! {
        <ol class=if keyed { "rows keyed" } else { "rows" }>{lines}</ol>
        {empty.then(|| view! { <p class="norows muted">"None."</p> })}
        <button class="btn small add" type="submit" name="do" value=format!("add:{path}") formnovalidate=true>{icon(Icon::Plus)}"Add"<span class="vh">{format!(" to {label}")}</span></button>
    }
    .into_any()
}

/// The value of a row: a bare control, or a group with its own legend.
fn value(spot: Spot<'_>, path: &str, kind: &Kind, name: &str) -> View {
    let inner = Spot {
        place: Place::Element,
        label: Some(name),
        ..spot
    };
    if kind.is_single() && *kind != Kind::Bool {
        let error = spot.form.errors.get(path).cloned();
        let id = error.as_ref().map(|_| format!("{path}-error"));
        view! {
            {control(inner, path, kind, id.clone())}
            {error.map(|text| view! { <p class="err" id=id>{icon(Icon::Warn)}<span>{text}</span></p> })}
            {empty_box(inner, path, kind)}
        }
        .into_any()
    } else {
        part(inner, path, kind, name, None, Vec::new(), None)
    }
}

fn act(shape: Icon, label: String, value: String, off: bool) -> View {
    view! { <button class="icon" type="submit" name="do" value=value aria-label=label.clone() title=label disabled=off formnovalidate=true>{icon(shape)}</button> }.into_any()
}
