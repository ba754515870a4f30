//! Reading JSON: what cargo and Playwright say about themselves. No writing, no numbers beyond f64.

use crate::Result;
use std::str::Chars;

/// A JSON value. Objects keep their order; a key is looked up from the front.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one value that fills the text.
    pub fn read(text: &str) -> Result<Json> {
        let mut reader = Reader { rest: text.chars() };
        let value = reader.value()?;
        reader.space();
        match reader.rest.next() {
            None => Ok(value),
            Some(more) => Err(format!("after the JSON stands {more:?}")),
        }
    }

    /// A member of an object; null where there is none.
    pub fn get(&self, key: &str) -> &Json {
        match self {
            Json::Object(members) => members
                .iter()
                .find(|(name, _)| name == key)
                .map_or(&Json::Null, |(_, value)| value),
            _ => &Json::Null,
        }
    }

    /// The elements of a list; none where it is none.
    pub fn list(&self) -> &[Json] {
        if let Json::List(values) = self {
            values
        } else {
            &[]
        }
    }

    /// A text; the empty one where it is none.
    pub fn text(&self) -> &str {
        if let Json::Text(text) = self {
            text
        } else {
            ""
        }
    }

    /// A number; 0 where it is none.
    pub fn number(&self) -> f64 {
        if let Json::Number(number) = self {
            *number
        } else {
            0.0
        }
    }

    /// Whether it is `true`.
    pub fn is_true(&self) -> bool {
        *self == Json::Bool(true)
    }
}

struct Reader<'a> {
    rest: Chars<'a>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.rest.next();
        }
    }

    fn take(&mut self, wanted: char) -> Result<()> {
        match self.rest.next() {
            Some(char) if char == wanted => Ok(()),
            other => Err(format!("JSON: {wanted:?} was expected, not {other:?}")),
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json> {
        word.chars()
            .try_for_each(|char| self.take(char))
            .map(|()| value)
    }

    fn value(&mut self) -> Result<Json> {
        self.space();
        match self.peek() {
            Some('{') => self.object(),
            Some('[') => self.items(),
            Some('"') => self.string().map(Json::Text),
            Some('t') => self.word("true", Json::Bool(true)),
            Some('f') => self.word("false", Json::Bool(false)),
            Some('n') => self.word("null", Json::Null),
            _ => self.digits(),
        }
    }

    fn digits(&mut self) -> Result<Json> {
        let mut text = String::new();
        while let Some(char) = self
            .peek()
            .filter(|char| char.is_ascii_digit() || "+-.eE".contains(*char))
        {
            text.push(char);
            self.rest.next();
        }
        text.parse()
            .map(Json::Number)
            .map_err(|_| format!("JSON: {text:?} is no number"))
    }

    fn items(&mut self) -> Result<Json> {
        self.take('[')?;
        let mut values = Vec::new();
        self.space();
        if self.peek() == Some(']') {
            self.rest.next();
            return Ok(Json::List(values));
        }
        loop {
            values.push(self.value()?);
            self.space();
            match self.rest.next() {
                Some(',') => {}
                Some(']') => return Ok(Json::List(values)),
                other => return Err(format!("JSON: a list goes on with {other:?}")),
            }
        }
    }

    fn object(&mut self) -> Result<Json> {
        self.take('{')?;
        let mut members = Vec::new();
        self.space();
        if self.peek() == Some('}') {
            self.rest.next();
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.take(':')?;
            members.push((name, self.value()?));
            self.space();
            match self.rest.next() {
                Some(',') => {}
                Some('}') => return Ok(Json::Object(members)),
                other => return Err(format!("JSON: an object goes on with {other:?}")),
            }
        }
    }

    fn string(&mut self) -> Result<String> {
        self.take('"')?;
        let mut text = String::new();
        loop {
            match self.rest.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(char) => text.push(char),
                None => return Err("JSON: a string does not end".into()),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        match self.rest.next() {
            Some('n') => Ok('\n'),
            Some('t') => Ok('\t'),
            Some('r') => Ok('\r'),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('u') => {
                let digits: String = self.rest.by_ref().take(4).collect();
                let code =
                    u32::from_str_radix(&digits, 16).map_err(|_| format!("JSON: \\u{digits}"))?;
                // Halves of pairs do not occur in what we read; they become the replacement character.
                Ok(char::from_u32(code).unwrap_or('\u{fffd}'))
            }
            Some(char) => Ok(char),
            None => Err("JSON: a string does not end".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn reads_what_cargo_writes() {
        let json =
            Json::read(r#" {"a":[1,-2.5e1,true,null],"b":{"c":"x\"\u0041\n"}} "#).expect("JSON");
        assert_eq!(json.get("a").list()[1].number(), -25.0);
        assert!(json.get("a").list()[2].is_true());
        assert_eq!(json.get("b").get("c").text(), "x\"A\n");
        assert_eq!(json.get("nothing").get("here"), &Json::Null);
    }

    #[test]
    fn refuses_halves() {
        for text in ["{", "[1,", "\"a", "{\"a\" 1}", "1 2", ""] {
            assert!(Json::read(text).is_err(), "{text}");
        }
    }
}
