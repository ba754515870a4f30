//! Just enough of PostgreSQL's wire protocol to run SQL scripts over a private socket.
//!
//! Why: not every set of binaries has `psql` (npm's has none), and xtask has no dependencies.

use crate::Result;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// A session that trusts the socket: no password is known or asked for.
pub struct Session {
    stream: UnixStream,
}

impl Session {
    /// Connects through the socket in `folder`.
    pub fn open(folder: &Path, user: &str, database: &str) -> Result<Self> {
        let socket = folder.join(".s.PGSQL.5432");
        let stream = UnixStream::connect(&socket)
            .map_err(|error| format!("{}: {error}", socket.display()))?;
        let mut session = Session { stream };
        let mut body = 196_608_i32.to_be_bytes().to_vec();
        for text in ["user", user, "database", database, ""] {
            body.extend(text.as_bytes());
            body.push(0);
        }
        session.send(None, &body)?;
        session.until_ready()?;
        Ok(session)
    }

    /// Runs one or more statements as one implicit transaction.
    pub fn run(&mut self, sql: &str) -> Result<()> {
        let mut body = sql.as_bytes().to_vec();
        body.push(0);
        self.send(Some(b'Q'), &body)?;
        self.until_ready()
    }

    fn send(&mut self, tag: Option<u8>, body: &[u8]) -> Result<()> {
        let length =
            i32::try_from(body.len() + 4).map_err(|_| "an SQL script is too long".to_owned())?;
        let mut message: Vec<u8> = tag.into_iter().collect();
        message.extend(length.to_be_bytes());
        message.extend(body);
        self.stream
            .write_all(&message)
            .map_err(|error| format!("PostgreSQL went away: {error}"))
    }

    /// Reads answers until the server is ready again; the first error among them is the outcome.
    fn until_ready(&mut self) -> Result<()> {
        let mut outcome = Ok(());
        loop {
            let mut head = [0; 5];
            // A refused start-up ends the connection right after its error.
            if let Err(error) = self.stream.read_exact(&mut head) {
                return outcome.and(Err(format!("PostgreSQL went away: {error}")));
            }
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let mut body = vec![0; length.saturating_sub(4)];
            self.stream
                .read_exact(&mut body)
                .map_err(|error| format!("PostgreSQL went away: {error}"))?;
            match head[0] {
                b'Z' => return outcome,
                b'E' if outcome.is_ok() => outcome = Err(error_text(&body)),
                b'R' if body != [0, 0, 0, 0] => {
                    return Err("PostgreSQL asks for a password on its private socket".into());
                }
                _ => {}
            }
        }
    }
}

/// Severity, message, detail, hint and position of an ErrorResponse, in one text.
fn error_text(body: &[u8]) -> String {
    let mut text = String::new();
    for field in body
        .split(|byte| *byte == 0)
        .filter(|field| field.len() > 1)
    {
        let value = String::from_utf8_lossy(&field[1..]).into_owned();
        match field[0] {
            b'M' => text.push_str(&value),
            b'D' => text.push_str(&format!("; {value}")),
            b'H' => text.push_str(&format!("; hint: {value}")),
            b'P' => text.push_str(&format!(" (at character {value})")),
            b'W' => text.push_str(&format!("; in {value}")),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::error_text;

    #[test]
    fn an_error_response_reads_as_one_sentence() {
        let body = b"SERROR\0C42601\0Msyntax error\0P17\0Hlook again\0\0";
        assert_eq!(
            error_text(body),
            "syntax error (at character 17); hint: look again"
        );
    }
}
