//! One style sheet out of `style/`: main.css's imports in their order, comments and idle space dropped.
//!
//! Not a CSS parser: it knows strings, comments and which punctuation never needs space around it.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Concatenates and shrinks the style sheets of a folder. Without a main.css: in order of their names.
pub fn bundle(folder: &Path) -> Result<String> {
    let main = folder.join("main.css");
    let text = if main.exists() {
        inline(&main)?
    } else {
        let mut files: Vec<_> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        files.retain(|file| file.extension().is_some_and(|end| end == "css"));
        files.sort();
        files
            .iter()
            .map(|file| read(file))
            .collect::<Result<Vec<_>>>()?
            .concat()
    };
    Ok(shrink(&text))
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}

/// Replaces each `@import "x.css";` line by the file beside it; `layer(name)` wraps it.
fn inline(file: &Path) -> Result<String> {
    let mut text = String::new();
    for line in read(file)?.lines() {
        match import(line) {
            Some((name, layer)) => {
                let body = inline(&file.with_file_name(name))?;
                match layer {
                    Some(layer) => text.push_str(&format!("@layer {layer} {{\n{body}\n}}\n")),
                    None => text.push_str(&body),
                }
            }
            None => text.push_str(line),
        }
        text.push('\n');
    }
    Ok(text)
}

fn import(line: &str) -> Option<(&str, Option<&str>)> {
    let rest = line
        .trim()
        .strip_prefix("@import")?
        .trim()
        .trim_start_matches("url(");
    let rest = rest.strip_prefix(['"', '\''])?;
    let (name, rest) = rest.split_once(['"', '\''])?;
    let layer = rest
        .split_once("layer(")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(layer, _)| layer);
    Some((name, layer))
}

/// Drops comments, and space where no meaning hangs on it. Around `:` and operators it may, so it stays.
pub fn shrink(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut space = false;
    while let Some(char) = chars.next() {
        if char == '/' && chars.peek() == Some(&'*') {
            chars.next();
            let mut last = ' ';
            for inner in chars.by_ref() {
                if last == '*' && inner == '/' {
                    break;
                }
                last = inner;
            }
            space = true;
            continue;
        }
        if char.is_whitespace() {
            space = true;
            continue;
        }
        if char == '}' {
            while out.ends_with(';') {
                out.pop();
            }
        } else if space
            && !out.is_empty()
            && !out.ends_with(['{', '}', ';', ',', '('])
            && !matches!(char, '{' | ';' | ',' | ')')
        {
            out.push(' ');
        }
        space = false;
        out.push(char);
        if matches!(char, '"' | '\'') {
            while let Some(inner) = chars.next() {
                out.push(inner);
                if inner == '\\' {
                    out.extend(chars.next());
                } else if inner == char {
                    break;
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{bundle, shrink};

    #[test]
    fn comments_and_idle_space_go_and_meaning_stays() {
        let text = "/* a */ a :hover , b > c { color : red; width: calc(1px + (2px - 3px)); }\n\n@media (min-width: 1px) and (x) { q { content: \"/* kept ;  */\" ; } }";
        assert_eq!(
            shrink(text),
            "a :hover,b > c{color : red;width: calc(1px + (2px - 3px))}@media (min-width: 1px) and (x){q{content: \"/* kept ;  */\"}}"
        );
    }

    #[test]
    fn imports_come_in_their_order() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            (
                "main.css",
                "@import \"z.css\";\n@import url('a.css') layer(base);\n",
            ),
            ("z.css", "z{}"),
            ("a.css", "a{}"),
        ] {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        assert_eq!(
            bundle(folder.path()).expect("bundled"),
            "z{}@layer base{a{}}"
        );
    }
}
