//! Text that somebody else wrote, made harmless to look at. Terminal codes move the cursor of whoever reads a file in a
//! terminal; marks of writing direction make a line read otherwise than it is. Both are shown instead of obeyed. Words
//! in any script stay what they are.

use std::borrow::Cow;

/// Whether a character does something instead of being seen: control characters but tab and line end, and the marks that
/// embed, override or isolate a direction.
#[must_use]
pub const fn is_hidden(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_ascii_control() || matches!(c, '\u{80}'..='\u{9f}'),
    }
}

/// What is shown for such a character: its picture where there is one.
#[must_use]
pub fn picture(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        _ => '\u{fffd}',
    }
}

/// The text with every hidden character shown.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.contains(is_hidden) {
        Cow::Owned(
            text.chars()
                .map(|c| if is_hidden(c) { picture(c) } else { c })
                .collect(),
        )
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_something_is_shown_and_words_stay() {
        assert_eq!(visible("\u{1b}[31mred\u{7}\u{9b}2J"), "␛[31mred␇\u{fffd}2J");
        assert_eq!(visible("a\u{202e}b\u{2066}c\u{7f}"), "a\u{fffd}b\u{fffd}c␡");
        for text in [
            "",
            "tab\tand\nline\r\n",
            "שלום",
            "مرحبا\u{200f}",
            "Ångström 🚢",
        ] {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text));
        }
    }
}
