//! Taking known secrets out of text before anything is written.
//!
//! The engine hides what it knows to be sensitive; this is the second belt, for what programs print that a template
//! starts. Each text of a sensitive input is looked for as it is, as JSON writes it, in base64 (at each of the three
//! places that it can stand within longer data) and URL-encoded; a value of several lines is looked for line by line.
//!
//! Not found: values, and lines of values, under four characters (they would take half of every log with them), true
//! and false, keys of a sensitive map, and what a program changes in another way (hex, upper case, a hash).

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use slipway_seal::Secret;

/// What stands in a secret's place.
const MASK: &str = "(sensitive)";

/// Shorter texts are not looked for, in bytes.
const SHORTEST: usize = 4;

/// Knows the secrets of a step.
#[derive(Clone)]
pub struct Redactor {
    /// `None` when there is nothing to look for.
    finder: Option<AhoCorasick>,
    longest: usize,
    forms: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor(…)")
    }
}

impl Redactor {
    /// Looks for these texts in all their forms.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms: Vec<Vec<u8>> = Vec::new();
        for secret in secrets {
            let lines = secret.lines().map(str::trim_end);
            // Encodings are of the whole value; a program may also encode a line of it.
            for text in lines.chain(std::iter::once(secret)) {
                all_forms(text, &mut forms);
            }
        }
        Self::of(forms)
    }

    /// One that looks for these, too.
    #[must_use]
    pub(crate) fn knowing(&self, more: &[Secret]) -> Self {
        let mut forms = Self::new(more.iter().map(Secret::expose)).forms;
        forms.extend(self.forms.iter().cloned());
        Self::of(forms)
    }

    fn of(mut forms: Vec<Vec<u8>>) -> Self {
        forms.retain(|form| form.len() >= SHORTEST && !form.contains(&b'\n'));
        forms.sort();
        forms.dedup();
        let longest = forms.iter().map(Vec::len).max().unwrap_or(0);
        // It fails only beyond four billion patterns' states; then nothing is shown rather than anything.
        let finder = (!forms.is_empty()).then(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(&forms)
                .unwrap_or_else(|_| unreachable!("inputs are limited to megabytes"))
        });
        Self {
            finder,
            longest,
            forms,
        }
    }

    /// A whole text, redacted.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match &self.finder {
            Some(finder) if finder.is_match(text) => {
                let mut out = String::with_capacity(text.len());
                let mut from = 0;
                for found in finder.find_iter(text) {
                    // A form is valid UTF-8, so it begins and ends between characters.
                    out.push_str(text.get(from..found.start()).unwrap_or_default());
                    out.push_str(MASK);
                    from = found.end();
                }
                out.push_str(text.get(from..).unwrap_or_default());
                Cow::Owned(out)
            }
            _ => Cow::Borrowed(text),
        }
    }

    /// Redacts bytes that come in pieces cut anywhere.
    #[must_use]
    pub fn stream(&self) -> Stream<'_> {
        Stream {
            redactor: self,
            held: Vec::new(),
        }
    }
}

/// Bytes on their way through a [`Redactor`]. It holds back what might be the beginning of a secret, and nothing
/// beyond a line's end.
#[derive(Debug)]
pub struct Stream<'a> {
    redactor: &'a Redactor,
    held: Vec<u8>,
}

impl Stream<'_> {
    /// Takes the next piece, gives what is certain by now.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        // No form contains a line's end.
        let whole = self
            .held
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let mut out = Vec::with_capacity(bytes.len());
        self.release(whole, true, &mut out);
        self.release(self.held.len(), false, &mut out);
        out
    }

    /// The rest.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.release(self.held.len(), true, &mut out);
        out
    }

    /// What is held back, as it came: for who continues later with another stream.
    pub(crate) fn into_held(self) -> Vec<u8> {
        self.held
    }

    fn release(&mut self, end: usize, last: bool, out: &mut Vec<u8>) {
        let Some(finder) = &self.redactor.finder else {
            out.extend(self.held.drain(..end));
            return;
        };
        let text = &self.held[..end];
        // A form that begins here could still be growing.
        let open = if last {
            end
        } else {
            (end + 1).saturating_sub(self.redactor.longest)
        };
        let mut done = 0;
        for found in finder.find_iter(text) {
            if found.start() >= open {
                break;
            }
            out.extend_from_slice(&text[done..found.start()]);
            out.extend_from_slice(MASK.as_bytes());
            done = found.end();
        }
        if done < open {
            out.extend_from_slice(&text[done..open]);
            done = open;
        }
        self.held.drain(..done);
    }
}

fn all_forms(text: &str, forms: &mut Vec<Vec<u8>>) {
    let text = text.trim_matches('\0');
    if text.len() < SHORTEST {
        return;
    }
    let json = serde_json::Value::from(text).to_string();
    let json = &json[1..json.len() - 1];
    // Go writes JSON for HTML.
    let html = json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026");
    let url = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let kept = |keep: &[(&str, &str)]| {
        keep.iter()
            .fold(url.clone(), |url, (from, to)| url.replace(from, to))
    };
    let unreserved = [("%2D", "-"), ("%2E", "."), ("%5F", "_"), ("%7E", "~")];
    let form = [("%2D", "-"), ("%2E", "."), ("%5F", "_"), ("%20", "+")];
    let mut texts = vec![
        text.to_owned(),
        json.to_owned(),
        html,
        kept(&unreserved),
        kept(&form),
        url,
    ];
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for before in 0..3 {
            // Within longer data a value starts at one of three places; the digits that its neighbours share are left
            // out, and what remains is long enough not to be found by chance.
            let padded = [vec![0; before], text.as_bytes().to_vec()].concat();
            let digits = engine.encode(&padded);
            let start = [0, 2, 3][before];
            let end = digits.len() - usize::from(padded.len() % 3 != 0);
            let inner = digits.get(start..end).unwrap_or_default();
            if inner.len() >= 6 {
                texts.push(inner.to_owned());
            }
        }
    }
    forms.extend(texts.into_iter().map(String::into_bytes));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn streamed(redactor: &Redactor, text: &[u8], cuts: &[usize]) -> Vec<u8> {
        let mut stream = redactor.stream();
        let mut out = Vec::new();
        let mut from = 0;
        for cut in cuts {
            out.extend(stream.push(&text[from..*cut]));
            from = *cut;
        }
        out.extend(stream.push(&text[from..]));
        out.extend(stream.finish());
        out
    }

    #[test]
    fn every_form_is_found() {
        let secret = "pa\"ss<w&ö rd+/=";
        let redactor = Redactor::new([secret]);
        let url = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        for form in [
            secret.to_owned(),
            r#"pa\"ss<w&ö rd+/="#.to_owned(),
            r#"pa\"ss\u003cw\u0026ö rd+/="#.to_owned(),
            url.clone(),
            url.replace("%20", "+"),
        ] {
            assert_eq!(
                redactor.text(&format!("a {form} b")),
                "a (sensitive) b",
                "{form}"
            );
        }
        for around in ["", "x", "xy", "xyz"] {
            let encoded = base64::engine::general_purpose::STANDARD
                .encode(format!("{around}{secret}{around}"));
            let redacted = redactor.text(&encoded);
            assert!(redacted.contains(MASK), "{around}: {redacted}");
            assert!(
                redacted.len() < MASK.len() + 2 * around.len() + 8,
                "{around}: {redacted}"
            );
        }
    }

    #[test]
    fn several_lines_are_found_one_by_one_and_short_ones_are_not() {
        let redactor = Redactor::new(["-----BEGIN KEY-----\nabcd1234\nxy\n"]);
        let text = "start\n-----BEGIN KEY-----\nabcd1234\nxy\n";
        assert_eq!(redactor.text(text), "start\n(sensitive)\n(sensitive)\nxy\n");
        assert_eq!(
            redactor.text(r"k=-----BEGIN KEY-----\nabcd1234\nxy\n"),
            "k=(sensitive)"
        );
    }

    #[test]
    fn nothing_to_hide_passes_untouched() {
        let redactor = Redactor::new(["abc"]);
        assert_eq!(redactor.text("abcabc"), "abcabc");
        assert_eq!(streamed(&redactor, b"abcabc", &[2]), b"abcabc");
    }

    #[test]
    fn a_line_is_not_held_back_once_it_is_whole() {
        let redactor = Redactor::new(["correct horse battery staple"]);
        let mut stream = redactor.stream();
        assert_eq!(stream.push(b"correct horse\nnext"), b"correct horse\n");
        assert_eq!(stream.finish(), b"next");
    }

    #[test]
    fn a_secret_split_at_any_byte_is_found() {
        let secrets = ["hunter2hunter", "hunter2", "ünïcode-sécret"];
        let redactor = Redactor::new(secrets);
        let text = "a hunter2hunter2 b ünïcode-sécret\nhunter2 huntehunter2hunter".as_bytes();
        let whole = redactor
            .text(std::str::from_utf8(text).unwrap())
            .into_owned()
            .into_bytes();
        for cut in 0..=text.len() {
            assert_eq!(streamed(&redactor, text, &[cut]), whole, "cut at {cut}");
        }
        let every: Vec<_> = (1..text.len()).collect();
        assert_eq!(streamed(&redactor, text, &every), whole);
    }

    proptest! {
        #[test]
        fn pieces_give_the_same_as_the_whole(
            secrets in prop::collection::vec("[ab\"<é\n]{1,9}", 0..4),
            text in "[ab\"<é\n\\\\]{0,60}",
            mut cuts in prop::collection::vec(0usize..120, 0..8),
        ) {
            let redactor = Redactor::new(secrets.iter().map(String::as_str));
            let bytes = text.as_bytes();
            cuts.retain(|cut| *cut <= bytes.len());
            cuts.sort_unstable();
            let whole = redactor.text(&text).into_owned().into_bytes();
            prop_assert_eq!(streamed(&redactor, bytes, &cuts), whole);
        }

        #[test]
        fn a_secret_between_any_words_is_gone(
            secret in "[A-Za-z0-9!?%&+/=]{12,40}",
            before in "[a-z ]{0,20}",
            after in "[a-z ]{0,20}",
            cut in 0usize..80,
        ) {
            let redactor = Redactor::new([secret.as_str()]);
            let text = format!("{before}{secret}{after}");
            let out = streamed(&redactor, text.as_bytes(), &[cut.min(text.len())]);
            prop_assert!(!String::from_utf8(out).unwrap().contains(&secret));
        }
    }
}
