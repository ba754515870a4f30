//! What a schema demands, judged as Helm judges it, and said in plain words at the control that it is about.
//!
//! The judge is by the author of Helm's own; patterns were spelled out before (`unfold`), and are matched in time that
//! grows with the text alone. Forbidden: repeating what was typed, which may be secret, and loading anything.

use std::error::Error;

use boon::{Compiler, ErrorKind, InstanceToken, Schemas, Type, UrlLoader, ValidationError};
use serde_json::Value;
use slipway_domain::{
    field::{Field, Kind},
    form::{Entered, Errors},
};

use super::values;

/// The address under which a schema is compiled; nothing is ever fetched from it.
const ADDRESS: &str = "slipway:///values.schema.json";

/// A step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Item(usize),
}

/// Something that a schema refuses.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Where, from the value that was judged.
    pub at: Vec<Step>,
    /// What about.
    pub about: About,
    /// Why, in a sentence.
    pub words: String,
}

/// What a refusal is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The value itself.
    Value,
    /// A member that is not there.
    Missing(String),
    /// A member's name.
    Key(String),
    /// How the value's parts go together.
    Together,
}

impl Refusal {
    /// Where, as a JSON pointer.
    pub fn pointer(&self) -> String {
        self.at
            .iter()
            .fold(String::new(), |pointer, step| match step {
                Step::Key(key) => super::yaml::below(&pointer, key),
                Step::Item(n) => format!("{pointer}/{n}"),
            })
    }
}

/// Loads nothing: a schema is one file.
struct Nothing;

impl UrlLoader for Nothing {
    fn load(&self, _: &str) -> Result<Value, Box<dyn Error>> {
        Err("nothing is loaded".into())
    }
}

/// Compiles a schema and judges a value.
///
/// # Errors
/// When the schema itself is wrong: where in it, as a JSON pointer, and why.
pub(super) fn judge(schema: &Value, value: &Value) -> Result<Vec<Refusal>, (String, String)> {
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(Nothing));
    let mut schemas = Schemas::new();
    let wrong = |error: boon::CompileError| {
        let at = match &error {
            boon::CompileError::ValidationError { src, .. } => {
                leaf(src).instance_location.to_string()
            }
            _ => String::new(),
        };
        let why = match &error {
            boon::CompileError::ValidationError { src, .. } => {
                let (_, words) = sentence(&leaf(src).kind);
                words
            }
            boon::CompileError::UnsupportedDraft { .. }
            | boon::CompileError::LoadUrlError { .. } => {
                "its “$schema” names no draft that Helm knows".to_owned()
            }
            other => other.to_string(),
        };
        (at, why)
    };
    compiler
        .add_resource(ADDRESS, schema.clone())
        .map_err(wrong)?;
    let index = compiler.compile(ADDRESS, &mut schemas).map_err(wrong)?;
    let mut found = Vec::new();
    if let Err(error) = schemas.validate(value, index) {
        gather(&error, &mut found);
    }
    Ok(found)
}

fn leaf<'e, 's, 'v>(error: &'e ValidationError<'s, 'v>) -> &'e ValidationError<'s, 'v> {
    error.causes.first().map_or(error, leaf)
}

/// The refusals that a person can act on: not the steps of the judge, and not the branches of a choice.
fn gather(error: &ValidationError<'_, '_>, found: &mut Vec<Refusal>) {
    let at: Vec<Step> = error
        .instance_location
        .tokens
        .iter()
        .map(|token| match token {
            InstanceToken::Prop(key) => Step::Key(key.to_string()),
            InstanceToken::Item(n) => Step::Item(*n),
        })
        .collect();
    let mut add = |about: About, words: String| {
        found.push(Refusal {
            at: at.clone(),
            about,
            words,
        });
    };
    match &error.kind {
        ErrorKind::Group
        | ErrorKind::Schema { .. }
        | ErrorKind::Reference { .. }
        | ErrorKind::AllOf
            if !error.causes.is_empty() =>
        {
            for cause in &error.causes {
                gather(cause, found);
            }
        }
        ErrorKind::Required { want } => {
            for name in want {
                add(
                    About::Missing((*name).to_owned()),
                    "Fill this in.".to_owned(),
                );
            }
        }
        ErrorKind::AdditionalProperties { got } => {
            for name in got {
                let words = "The chart takes no key of this name.".to_owned();
                add(About::Key(name.to_string()), words);
            }
        }
        ErrorKind::PropertyName { prop } => {
            add(
                About::Key(prop.clone()),
                "This key has another form than the chart wants.".to_owned(),
            );
        }
        kind => {
            let (about, words) = sentence(kind);
            add(about, words);
        }
    }
}

fn sentence(kind: &ErrorKind<'_, '_>) -> (About, String) {
    let value = |words: String| (About::Value, words);
    let together = |words: String| (About::Together, words);
    match kind {
        ErrorKind::Type { want, .. } => {
            let words: Vec<&str> = want.iter().map(type_word).collect();
            value(format!("This must be {}.", words.join(" or ")))
        }
        ErrorKind::Enum { want } => {
            let words: Vec<String> = want.iter().map(shown).collect();
            value(format!("This must be one of: {}.", words.join(", ")))
        }
        ErrorKind::Const { want } => value(format!("This must be {}.", shown(want))),
        ErrorKind::MinLength { want: 1, .. } => value("Fill this in.".to_owned()),
        ErrorKind::MinLength { want, .. } => {
            value(format!("This must hold at least {want} characters."))
        }
        ErrorKind::MaxLength { want, .. } => value(format!(
            "This must hold at most {}.",
            count(*want, "character")
        )),
        ErrorKind::Pattern { want, .. } => value(format!(
            "This has another form than the chart wants, which is {want}"
        )),
        ErrorKind::Format { want, .. } => value(format!("This is no valid {want}.")),
        ErrorKind::Minimum { want, .. } => value(format!("This must be at least {want}.")),
        ErrorKind::Maximum { want, .. } => value(format!("This must be at most {want}.")),
        ErrorKind::ExclusiveMinimum { want, .. } => {
            value(format!("This must be more than {want}."))
        }
        ErrorKind::ExclusiveMaximum { want, .. } => {
            value(format!("This must be less than {want}."))
        }
        ErrorKind::MultipleOf { want, .. } => value(format!("This must be a multiple of {want}.")),
        ErrorKind::MinItems { want, .. } => {
            value(format!("This needs at least {}.", count(*want, "row")))
        }
        ErrorKind::MaxItems { want, .. } => {
            value(format!("This takes at most {}.", count(*want, "row")))
        }
        ErrorKind::UniqueItems { got: [a, b] } => {
            value(format!("Rows {} and {} are the same.", a + 1, b + 1))
        }
        ErrorKind::AdditionalItems { .. } => {
            value("This has more rows than the chart takes.".to_owned())
        }
        ErrorKind::MinProperties { want, .. } => {
            value(format!("This needs at least {}.", count(*want, "key")))
        }
        ErrorKind::MaxProperties { want, .. } => {
            value(format!("This takes at most {}.", count(*want, "key")))
        }
        ErrorKind::Dependency { prop, missing }
        | ErrorKind::DependentRequired { prop, missing } => together(format!(
            "With “{prop}”, this is needed as well: {}.",
            missing.join(", ")
        )),
        ErrorKind::AnyOf | ErrorKind::OneOf(None) => {
            together("This fits none of the forms that the chart allows.".to_owned())
        }
        ErrorKind::OneOf(Some(_)) => together(
            "This fits several forms of which the chart allows only one at a time.".to_owned(),
        ),
        ErrorKind::FalseSchema => value("The chart takes nothing here.".to_owned()),
        _ => together("The chart’s schema refuses this.".to_owned()),
    }
}

fn count(n: usize, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{n} {what}s")
    }
}

/// A value of the schema's own, as people read it.
fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn type_word(kind: Type) -> &'static str {
    match kind {
        Type::Null => "nothing",
        Type::Boolean => "true or false",
        Type::Number => "a number",
        Type::Integer => "a whole number",
        Type::String => "text",
        Type::Array => "a list",
        Type::Object => "a group of values",
    }
}

/// Judges what a form gave for a field, as Helm will: laid over the chart's own values. Of a value that was understood in
/// part only, a complaint counts where there is none yet and no row that fell away could have moved it.
pub(crate) fn check(
    field: &Field,
    given: &Value,
    in_part: bool,
    entered: &Entered,
    errors: &mut Errors,
) {
    let Some(rules) = &field.rules else { return };
    let handed = values::handed(&field.kind, given, &rules.base);
    let seen = values::laid_over(&rules.base, &handed);
    // A stored schema that no longer compiles is Helm's to judge, at the preview.
    for refusal in judge(&rules.schema, &seen).unwrap_or_default() {
        let moved = refusal.at.iter().any(|step| matches!(step, Step::Item(_)));
        if in_part && (moved || refusal.about != About::Value) {
            continue;
        }
        let (path, message) = place(field, entered, &refusal);
        if in_part && errors.contains_key(&path) {
            continue;
        }
        let known = errors.entry(path).or_default();
        if known.is_empty() {
            *known = message;
        } else if !known.contains(&message) {
            known.push('\n');
            known.push_str(&message);
        }
    }
}

/// The control that a refusal is about, and what to say there.
fn place(field: &Field, entered: &Entered, refusal: &Refusal) -> (String, String) {
    let mut path = field.path();
    let mut kind = &field.kind;
    let mut steps = refusal.at.iter();
    let mut inside = Vec::new();
    for step in steps.by_ref() {
        match below(entered, &path, kind, step) {
            Some((deeper, inner)) => (path, kind) = (deeper, inner),
            None => {
                inside.push(step);
                break;
            }
        }
    }
    inside.extend(steps);
    let key = match &refusal.about {
        About::Missing(name) | About::Key(name) => Some(Step::Key(name.clone())),
        About::Value | About::Together => None,
    };
    if let (true, Some(Step::Key(name))) = (inside.is_empty(), &key) {
        match (&refusal.about, kind) {
            (About::Key(_), Kind::Map(_)) => {
                if let Some(row) = row_of(entered, &path, name) {
                    return (format!("{path}.{row}.key"), refusal.words.clone());
                }
            }
            (About::Missing(_), Kind::Object(members))
                if members.iter().any(|m| m.name == *name) =>
            {
                return (format!("{path}.{name}"), refusal.words.clone());
            }
            _ => {}
        }
    }
    inside.extend(key.as_ref());
    // Inside of JSON there is no control to stand at. What a secret holds is not named, not even its keys.
    if inside.is_empty() || field.sensitive {
        return (path, refusal.words.clone());
    }
    let mut place = String::new();
    for step in inside {
        match step {
            Step::Key(key) if place.is_empty() => place.push_str(key),
            Step::Key(key) => {
                place.push('.');
                place.push_str(key);
            }
            Step::Item(n) => place.push_str(&format!("[{n}]")),
        }
    }
    let words = match refusal.about {
        About::Missing(_) => "This is missing.",
        _ => &refusal.words,
    };
    (path, format!("{place}: {words}"))
}

fn below<'k>(
    entered: &Entered,
    path: &str,
    kind: &'k Kind,
    step: &Step,
) -> Option<(String, &'k Kind)> {
    match (kind, step) {
        (Kind::Object(members), Step::Key(key)) => {
            let member = members.iter().find(|member| member.name == *key)?;
            Some((format!("{path}.{key}"), &member.kind))
        }
        (Kind::List(inner), Step::Item(n)) => {
            let row = *entered.rows(path).get(*n)?;
            Some((format!("{path}.{row}"), inner))
        }
        (Kind::Map(inner), Step::Key(key)) => {
            let row = row_of(entered, path, key)?;
            Some((format!("{path}.{row}.value"), inner))
        }
        _ => None,
    }
}

fn row_of(entered: &Entered, path: &str, key: &str) -> Option<u32> {
    let mut rows = entered.rows(path).into_iter();
    rows.find(|row| entered.get(&format!("{path}.{row}.key")) == key)
}
