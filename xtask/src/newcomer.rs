//! What a new user does, without a screen: sign in as a developer, request an environment, wait for it.

use crate::Result;
use crate::http::{Form, Page, Visitor};
use std::time::{Duration, Instant};

/// Signs in as a persona, on that persona's own host name.
pub fn sign_in(port: u16, persona: &str) -> Result<Visitor> {
    let mut visitor = Visitor::new(&format!("{persona}.localhost"), port);
    let page = visitor.get("/sign-in")?;
    let mut form = page.form("/sign-in")?;
    form.fill("persona", persona);
    let home = visitor.post(&form, None)?;
    if home.status == 200 && !home.path.starts_with("/sign-in") {
        return Ok(visitor);
    }
    Err(format!(
        "signing in as {persona} led to {} ({})",
        home.path, home.status
    ))
}

/// Sends the form of a template; the address of the run.
pub fn request(
    visitor: &mut Visitor,
    template: &str,
    name: &str,
    inputs: &[(&str, &str)],
) -> Result<String> {
    let form = open(visitor, template, name, inputs)?;
    send(visitor, &form)
}

/// Opens the form of a template and fills it in.
pub fn open(
    visitor: &mut Visitor,
    template: &str,
    name: &str,
    inputs: &[(&str, &str)],
) -> Result<Form> {
    let page = visitor.get(&format!("/catalog/{template}/request"))?;
    let mut form = page.form("/drafts/")?;
    form.fill("name", name);
    for (input, value) in inputs {
        form.fill(input, value);
    }
    Ok(form)
}

/// Sends a filled form; the address of the run that it made.
pub fn send(visitor: &mut Visitor, form: &Form) -> Result<String> {
    let page = visitor.post(form, Some(("do", "send")))?;
    if page.path.starts_with("/runs/") {
        return Ok(page.path);
    }
    Err(format!(
        "the request led to {} ({}): {}",
        page.path,
        page.status,
        excerpt(&page)
    ))
}

/// Waits until a run is over, looking as often as told; an error unless it succeeded.
pub fn wait(visitor: &mut Visitor, run: &str, every: Duration, patience: Duration) -> Result<()> {
    let began = Instant::now();
    loop {
        let page = visitor.get(run)?;
        // The page says to refresh itself for as long as something may still happen.
        if page.status == 200 && !page.body.contains("data-refresh") {
            let words = page.words();
            let good = ["succeeded", "applied", "ready"]
                .iter()
                .any(|word| words.to_lowercase().contains(word));
            return if good {
                Ok(())
            } else {
                Err(format!("{run} ended: {}", excerpt(&page)))
            };
        }
        if began.elapsed() > patience {
            return Err(format!(
                "{run} is not over after {} s: {}",
                patience.as_secs(),
                excerpt(&page)
            ));
        }
        std::thread::sleep(every);
    }
}

/// `first-environment PORT`: the whole of it against a running portal.
pub fn first_environment(args: &[String]) -> Result<()> {
    let port = args
        .first()
        .and_then(|port| port.parse().ok())
        .ok_or("first-environment needs a port")?;
    println!("{}", first(port)?);
    Ok(())
}

/// Signs in, requests `hello`, waits, and sees the environment with its outputs. A line about it.
pub fn first(port: u16) -> Result<String> {
    let began = Instant::now();
    let mut developer = sign_in(port, "developer")?;
    let run = request(&mut developer, "hello", "first", &[])?;
    wait(
        &mut developer,
        &run,
        Duration::from_millis(200),
        Duration::from_secs(180),
    )?;
    let list = developer.get("/environments")?;
    if !list.words().contains("first") {
        return Err(format!(
            "{run} is over and the environment is not listed: {}",
            excerpt(&list)
        ));
    }
    Ok(format!(
        "environment `first` from template hello, {run}, applied in {:.1} s",
        began.elapsed().as_secs_f64()
    ))
}

fn excerpt(page: &Page) -> String {
    page.words().chars().take(600).collect()
}
