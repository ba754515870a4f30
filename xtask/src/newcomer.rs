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
    let address = format!("/catalog/{template}/request");
    let began = Instant::now();
    // A portal answers a moment before its worker has published the catalog.
    let mut form = loop {
        match visitor.get(&address)?.form("/drafts/") {
            Ok(form) => break form,
            Err(error) if began.elapsed() > Duration::from_secs(20) => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
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

/// Waits until a run is over, looking as often as told; its page, or an error unless it is done.
pub fn wait(visitor: &mut Visitor, run: &str, every: Duration, patience: Duration) -> Result<Page> {
    let began = Instant::now();
    loop {
        let page = visitor.get(run)?;
        // The page says to refresh itself for as long as something may still happen.
        if page.status == 200 && !page.body.contains("data-refresh") {
            let state = page.state();
            return if state == "Done" {
                Ok(page)
            } else {
                Err(format!("{run} ended as {state}: {}", excerpt(&page)))
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

/// Destroys an environment and waits until it is gone.
pub fn destroy(visitor: &mut Visitor, environment: &str, name: &str) -> Result<()> {
    let address = format!("{environment}/destroy");
    let mut form = visitor.get(&address)?.form(&address)?;
    form.fill("name", name);
    let run = send(visitor, &form)?;
    let (every, patience) = (Duration::from_millis(50), Duration::from_secs(60));
    wait(visitor, &run, every, patience).map(|_| ())
}

/// `first-environment PORT [TEMPLATE]`: the whole of it against a running portal.
pub fn first_environment(args: &[String]) -> Result<()> {
    let port = args
        .first()
        .and_then(|port| port.parse().ok())
        .ok_or("first-environment needs a port")?;
    let template = args.get(1).map_or("hello", String::as_str);
    println!("{}", first(port, template)?);
    Ok(())
}

/// Signs in, requests a template with its defaults, waits, and sees the environment. A line about it.
pub fn first(port: u16, template: &str) -> Result<String> {
    let began = Instant::now();
    // A name that is free when the same portal is tried again.
    let name = format!("first-{}", std::process::id());
    let mut developer = sign_in(port, "developer")?;
    let run = request(&mut developer, template, &name, &[])?;
    let page = wait(
        &mut developer,
        &run,
        Duration::from_millis(200),
        Duration::from_secs(180),
    )?;
    let link = page
        .first_link("/environments/")
        .ok_or("the run names no environment")?;
    let environment = developer.get(&link)?;
    if environment.state() != "Ready" {
        return Err(format!(
            "{link} is {}: {}",
            environment.state(),
            excerpt(&environment)
        ));
    }
    Ok(format!(
        "environment `{name}` from template {template}, {run}, applied in {:.1} s",
        began.elapsed().as_secs_f64()
    ))
}

fn excerpt(page: &Page) -> String {
    page.words().chars().take(600).collect()
}
