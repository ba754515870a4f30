//! What people see: tables that stay in line, and nothing that a terminal would obey.

use std::io::Write;

use crate::{api::problem::Problem, say};

/// Text without what a terminal would obey.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            let obeyed =
                c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if obeyed && c != '\t' { '\u{fffd}' } else { c }
        })
        .collect()
}

/// A line for people.
pub fn line(text: &str) {
    say::line(&clean(text));
}

/// A line beside the answer, so that a script that reads the answer does not read it.
pub fn aside(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", clean(text));
}

/// JSON for scripts.
pub fn json(of: &impl serde::Serialize) {
    say::line(&serde_json::to_string_pretty(of).unwrap_or_default());
}

/// What went wrong, why, and what to do.
pub fn problem(of: &Problem) {
    aside(&format!("slipway: {}", of.title));
    for (name, why) in &of.errors {
        aside(&format!("  {name}: {why}"));
    }
    for text in [&of.detail, &of.hint] {
        if !text.is_empty() && (of.errors.is_empty() || text != &of.hint) {
            aside(&format!("  {text}"));
        }
    }
}

/// Rows under a head, each column as wide as its widest.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|h| h.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let write = |cells: Vec<&str>| {
        let line: String = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}  "))
            .collect();
        line.trim_end().to_owned()
    };
    let mut lines = vec![write(head.to_vec())];
    lines.extend(
        rows.iter()
            .map(|row| write(row.iter().map(String::as_str).collect())),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_that_is_shown() {
        assert_eq!(
            clean("a\u{1b}[2Jb\u{202e}c\r\n"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}\u{fffd}"
        );
        assert_eq!(clean("Zürich\t→"), "Zürich\t→");
    }

    #[test]
    fn columns_stay_in_line() {
        let rows = vec![
            vec!["1".into(), "größer".into(), "x".into()],
            vec!["20".into(), "b".into(), String::new()],
        ];
        assert_eq!(
            table(&["ID", "NAME", ""], &rows),
            "ID  NAME\n1   größer  x\n20  b"
        );
    }
}
