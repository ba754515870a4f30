//! Mail and chat, against servers on loopback that write down what they are told.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use slipway_adapters::post::{Access, Chat, Letter, Mail, Trouble};
use slipway_seal::Secret;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// What an SMTP server heard: each envelope and its letter, raw.
#[derive(Default)]
struct Heard {
    letters: Vec<(Vec<String>, String)>,
    commands: Vec<String>,
}

/// An SMTP server (RFC 5321) without extensions, that answers RCPT with `rcpt` and a letter's end with `end`.
async fn server(rcpt: &'static str, end: &'static str) -> (u16, Arc<Mutex<Heard>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Heard::default()));
    let to = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, to.clone(), rcpt, end));
        }
    });
    (port, heard)
}

async fn talk(
    mut stream: TcpStream,
    heard: Arc<Mutex<Heard>>,
    rcpt: &'static str,
    end: &'static str,
) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.test ESMTP\r\n").await?;
    let mut envelope = Vec::new();
    while let Some(line) = lines.next_line().await? {
        heard.lock().unwrap().commands.push(line.clone());
        let word = line
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250-mail.test\r\n250 8BITMIME",
            "MAIL" => "250 ok",
            "RCPT" => {
                envelope.push(line.clone());
                rcpt
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut letter = String::new();
                while let Some(line) = lines.next_line().await? {
                    if line == "." {
                        break;
                    }
                    letter += &line;
                    letter += "\n";
                }
                heard
                    .lock()
                    .unwrap()
                    .letters
                    .push((std::mem::take(&mut envelope), letter));
                end
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        if word == "QUIT" {
            break;
        }
    }
    Ok(())
}

fn mail(port: u16) -> Mail {
    Mail::new(&Access {
        url: format!("smtp://127.0.0.1:{port}"),
        user: None,
        from: "Slipway <slipway@example.com>".into(),
    })
    .unwrap()
}

fn letter(subject: &str) -> Letter {
    Letter {
        to: "lee@example.com".into(),
        subject: subject.into(),
        text: "demo-1 waits.\n\nhttps://portal.example.com/runs/17\n".into(),
        id: "slipway-4".into(),
    }
}

/// The letter's headers, unfolded.
fn headers(letter: &str) -> Vec<String> {
    let head = letter.split("\n\n").next().unwrap();
    let mut out: Vec<String> = Vec::new();
    for line in head.lines() {
        match (line.strip_prefix([' ', '\t']), out.last_mut()) {
            (Some(more), Some(last)) => {
                *last += " ";
                *last += more;
            }
            _ => out.push(line.to_owned()),
        }
    }
    out
}

#[tokio::test]
async fn a_letter_arrives_from_us_at_one_person_with_its_link() {
    let (port, heard) = server("250 ok", "250 ok").await;
    mail(port)
        .send(&letter("demo-1 waits for your vote"))
        .await
        .unwrap();
    let heard = heard.lock().unwrap();
    let [(envelope, text)] = &heard.letters[..] else {
        panic!("{} letters", heard.letters.len());
    };
    assert_eq!(envelope, &["RCPT TO:<lee@example.com>"]);
    let headers = headers(text);
    for wanted in [
        "Subject: demo-1 waits for your vote",
        "To: lee@example.com",
        "Message-ID: <slipway-4@example.com>",
        "Auto-Submitted: auto-generated",
    ] {
        assert!(
            headers.iter().any(|h| h == wanted),
            "{wanted}: {headers:#?}"
        );
    }
    assert!(
        headers
            .iter()
            .any(|h| h.starts_with("From:") && h.contains("<slipway@example.com>"))
    );
    assert!(
        text.contains("\nhttps://portal.example.com/runs/17\n"),
        "{text}"
    );
}

#[tokio::test]
async fn no_name_can_write_a_header_a_recipient_or_a_command() {
    let (port, heard) = server("250 ok", "250 ok").await;
    let mail = mail(port);
    for hostile in [
        "demo\r\nBcc: everybody@example.com",
        "demo\nBcc: everybody@example.com\n\nanother letter",
        "demo\r\n.\r\nMAIL FROM:<x@example.com>\r\n",
        "demo\u{0}\u{b}\u{c}\u{85}\u{2028}Bcc: everybody@example.com",
        "=?utf-8?q?demo=0D=0ABcc:_everybody@example.com?=",
    ] {
        mail.send(&letter(hostile)).await.unwrap();
    }
    let mut text = letter("demo");
    text.text = "one\n.\nQUIT\n..\nRCPT TO:<everybody@example.com>\n".into();
    mail.send(&text).await.unwrap();
    for to in [
        "lee@example.com\r\nRCPT TO:<x@example.com>",
        "lee@example.com, x@example.com",
        "<lee@example.com>",
        "lee",
        "",
    ] {
        let bad = Letter {
            to: to.into(),
            ..letter("demo")
        };
        let answer = mail.send(&bad).await;
        assert!(answer.is_err_and(|e| e.is_hopeless()), "{to:?}");
    }
    let heard = heard.lock().unwrap();
    assert_eq!(heard.letters.len(), 6);
    let known = [
        "From",
        "To",
        "Subject",
        "Message-ID",
        "Auto-Submitted",
        "Content-Type",
        "Date",
        "Content-Transfer-Encoding",
        "MIME-Version",
    ];
    for (envelope, text) in &heard.letters {
        assert_eq!(envelope, &["RCPT TO:<lee@example.com>"]);
        for header in headers(text) {
            let name = header.split(':').next().unwrap();
            assert!(known.contains(&name), "an invented header: {header}");
        }
    }
    let envelopes = heard
        .commands
        .iter()
        .filter(|c| c.starts_with("MAIL") || c.starts_with("RCPT"))
        .count();
    assert_eq!(envelopes, 12, "{:#?}", heard.commands);
    // The text is whole: a lone dot ended nothing.
    assert!(
        heard.letters[5]
            .1
            .contains("RCPT TO:<everybody@example.com>")
    );
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_is_hopeless_and_a_full_one_is_not() {
    for (rcpt, end, hopeless) in [
        ("550 5.1.1 no such user\u{1b}[31m", "250 ok", true),
        ("452 4.2.2 mailbox full", "250 ok", false),
        ("250 ok", "451 try later", false),
        ("250 ok", "554 5.7.1 not today", false),
    ] {
        let (port, _) = server(rcpt, end).await;
        let error = mail(port).send(&letter("demo")).await.unwrap_err();
        assert_eq!(error.is_hopeless(), hopeless, "{error}");
        assert!(!error.to_string().contains('\u{1b}'), "{error:?}");
    }
    // Nobody there.
    let error = mail(1).send(&letter("demo")).await.unwrap_err();
    assert!(matches!(error, Trouble::Later(_)), "{error:?}");
}

#[test]
fn a_mail_server_elsewhere_is_not_told_in_clear_and_half_settings_are_named() {
    let access = |url: &str, from: &str| {
        Mail::new(&Access {
            url: url.into(),
            user: Some(("u".into(), Secret::new("hush"))),
            from: from.into(),
        })
    };
    let shown = format!(
        "{:?}",
        access("smtps://mail.example.com", "a@example.com").map(|m| m.words())
    );
    assert_eq!(shown, r#"Ok("a@example.com through mail.example.com")"#);
    assert!(access("smtp://mail.example.com:587", "a@example.com").is_ok());
    for (url, from) in [
        ("mail.example.com", "a@example.com"),
        ("http://mail.example.com", "a@example.com"),
        ("smtp://", "a@example.com"),
        ("smtp://user@mail.example.com", "a@example.com"),
        ("smtp://mail.example.com:mail", "a@example.com"),
        ("smtps://mail.example.com", "nobody"),
        (
            "smtps://mail.example.com",
            "a@example.com\nBcc: b@example.com",
        ),
    ] {
        let error = access(url, from).unwrap_err();
        assert!(!format!("{error:?}").contains("hush"));
    }
}

#[tokio::test]
async fn a_server_that_offers_no_tls_gets_nothing_unless_it_is_this_machine() {
    // By another name of this machine, for which TLS is asked for: the server has none.
    let (port, heard) = server("250 ok", "250 ok").await;
    let mail = Mail::new(&Access {
        url: format!("smtp://127.0.0.2:{port}"),
        user: Some(("u".into(), Secret::new("hush"))),
        from: "a@example.com".into(),
    })
    .unwrap();
    // 127.0.0.2 is answered by a listener on 127.0.0.1 nowhere; either way nothing was said.
    assert!(mail.send(&letter("demo")).await.is_err());
    let heard = heard.lock().unwrap();
    assert!(heard.letters.is_empty() && !heard.commands.iter().any(|c| c.contains("AUTH")));
}

#[derive(Clone)]
struct Room {
    said: Arc<Mutex<Vec<serde_json::Value>>>,
    status: StatusCode,
}

async fn room(status: StatusCode) -> (String, Arc<Mutex<Vec<serde_json::Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/services/T0/B0/hush",
        listener.local_addr().unwrap()
    );
    let said: Arc<Mutex<Vec<serde_json::Value>>> = Arc::default();
    let router = Router::new()
        .route(
            "/services/T0/B0/hush",
            post(|State(room): State<Room>, body: String| async move {
                room.said
                    .lock()
                    .unwrap()
                    .push(serde_json::from_str(&body).unwrap());
                (room.status, "no_service\u{1b}")
            }),
        )
        .with_state(Room {
            said: said.clone(),
            status,
        });
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, said)
}

#[tokio::test]
async fn a_chat_is_told_in_its_own_form_and_its_address_stands_in_no_error() {
    let (url, said) = room(StatusCode::OK).await;
    let text = "“demo”\n\"quoted\" \\ \u{1f6a2} https://portal.example.com/runs/17";
    Chat::new(Secret::new(url))
        .unwrap()
        .send(text)
        .await
        .unwrap();
    assert_eq!(*said.lock().unwrap(), [serde_json::json!({ "text": text })]);

    let (url, _) = room(StatusCode::NOT_FOUND).await;
    let error = Chat::new(Secret::new(url))
        .unwrap()
        .send("x")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("404: no_service"), "{error}");
    let away = Chat::new(Secret::new("http://127.0.0.1:1/services/T0/B0/hush")).unwrap();
    let gone = away.send("x").await.unwrap_err();
    let open = Chat::new(Secret::new("http://chat.example.com/services/T0/B0/hush")).unwrap_err();
    for error in [error, gone, open] {
        let said = format!("{error} {error:?}");
        assert!(!said.contains("hush") && !said.contains('\u{1b}'), "{said}");
    }
}
