//! Reading a posted form, within limits.

use super::{EMPTY, Entered, Errors, KEEP, MAX_INDEX};

/// How much a form may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Fields that are looked at at all, of this scheme or not.
    pub fields: usize,
    /// Controls.
    pub controls: usize,
    /// Bytes of text in one control.
    pub bytes_each: usize,
    /// Bytes of text and names in all.
    pub bytes: usize,
    /// Levels of nesting.
    pub depth: usize,
}

impl Limits {
    /// What a request form may hold.
    pub const FORM: Limits = Limits {
        fields: 4_000,
        controls: 1_000,
        bytes_each: 64 * 1024,
        bytes: 1024 * 1024,
        depth: crate::field::MAX_DEPTH,
    };
}

/// A form that holds more than it may. Nothing else is lost: `kept` is all that was within the limits.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct TooMuch {
    /// What is too much, in a sentence that names the field.
    pub message: String,
    /// The controls that were left out, each with its reason (at most 20 of them).
    pub refused: Errors,
    /// The rest of the form; `None` when so much was sent that it was not read.
    pub kept: Option<Entered>,
}

/// Reads a posted form. Names that are not of the form's scheme are left to the caller and ignored here; of a name that
/// comes twice the last counts. Line ends become `\n`, as they were before the browser changed them.
///
/// # Errors
/// When something exceeds `limits` or holds a NUL character, which neither PostgreSQL nor Terraform can store.
pub fn parse_pairs(pairs: Vec<(String, String)>, limits: Limits) -> Result<Entered, TooMuch> {
    if pairs.len() > limits.fields {
        return Err(TooMuch {
            message: format!(
                "This was sent with more than {} fields, and was not read. What was kept before is still here.",
                limits.fields
            ),
            refused: Errors::new(),
            kept: None,
        });
    }
    let mut kept = Entered::default();
    let mut refused = Errors::new();
    let mut bytes = 0;
    for (name, text) in pairs {
        let Some(path) = path_of(&name) else { continue };
        let text = if text.contains('\r') {
            text.replace("\r\n", "\n").replace('\r', "\n")
        } else {
            text
        };
        let problem = if name.len() > 1_000 || path.split('.').count() > 2 * limits.depth {
            Some(format!("This nests deeper than {} levels.", limits.depth))
        } else if path
            .split('.')
            .any(|s| s.len() > 3 && s.bytes().all(|b| b.is_ascii_digit()))
        {
            Some(format!("More than {} rows.", MAX_INDEX + 1))
        } else if text.len() > limits.bytes_each {
            Some(format!(
                "This holds {}; {} is the limit.",
                size(text.len()),
                size(limits.bytes_each)
            ))
        } else if text.contains('\0') {
            Some("This contains a NUL character, which cannot be stored.".to_owned())
        } else if bytes + name.len() + text.len() > limits.bytes {
            Some(format!(
                "The form is larger than {} in all.",
                size(limits.bytes)
            ))
        } else if kept.0.len() >= limits.controls && !kept.has(&name) {
            Some(format!(
                "The form has more than {} fields.",
                limits.controls
            ))
        } else {
            None
        };
        match problem {
            None => {
                bytes += name.len() + text.len();
                kept.set(name, text);
            }
            Some(problem) if refused.len() < 20 => {
                let mut end = path.len().min(200);
                while !path.is_char_boundary(end) {
                    end -= 1;
                }
                refused.insert(path[..end].to_owned(), problem);
            }
            Some(_) => {}
        }
    }
    let Some((path, problem)) = refused.first_key_value() else {
        return Ok(kept);
    };
    let field = path.strip_prefix("in.").unwrap_or(path);
    let message = format!("“{field}” was not kept. {problem} Everything else is still here.");
    Err(TooMuch {
        message,
        refused,
        kept: Some(kept),
    })
}

/// The path of a control of this scheme; of a box, the control that it belongs to.
fn path_of(name: &str) -> Option<&str> {
    if let Some(field) = name.strip_prefix(KEEP) {
        return (!field.is_empty()).then_some(name);
    }
    let path = name.strip_prefix(EMPTY).unwrap_or(name);
    path.strip_prefix("in.")
        .filter(|rest| !rest.is_empty())
        .map(|_| path)
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
