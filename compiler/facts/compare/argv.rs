//! Commands as what they say: without shells, with flags in any order.

use std::collections::BTreeMap;

use super::normal::{SECRET, is_credential};
use crate::facts::compose::shell;

/// Shells that only run a line.
const SHELLS: &[&str] = &["sh", "/bin/sh", "bash", "/bin/bash", "/usr/bin/bash", "ash", "/bin/ash"];

/// Commands of a line that only prepare the next one.
const PREPARING: &[&str] = &["chown", "chmod", "mkdir", "until", "while", "sleep", "echo", "set", "wait-for-it", "cd"];

/// What a command says: words in order, and flags.
pub(super) fn normal(words: &[String]) -> String {
    let words = unwrapped(words);
    let (mut plain, mut flags) = (Vec::new(), BTreeMap::<String, Vec<String>>::new());
    let mut at = 0;
    while at < words.len() {
        let word = &words[at];
        at += 1;
        if !word.starts_with('-') || word == "-" || word == "--" || is_number(word) {
            plain.push(word.clone());
        } else if let Some((flag, value)) = word.split_once('=') {
            flags.entry(flag.to_owned()).or_default().push(value.to_owned());
        } else if let Some(value) = words.get(at).filter(|next| !next.starts_with('-') || is_number(next)) {
            flags.entry(word.clone()).or_default().push(value.clone());
            at += 1;
        } else {
            flags.entry(word.clone()).or_default();
        }
    }
    let mut said = plain.join(" ");
    for (flag, values) in flags {
        said.push_str(&format!(" {flag}"));
        let hidden = is_credential(&flag);
        for value in values {
            let value = if hidden { SECRET } else { &value };
            said.push_str(&format!("={value}"));
        }
    }
    said.trim().to_owned()
}

fn is_number(word: &str) -> bool {
    word.parse::<f64>().is_ok()
}

/// The command that a shell, `exec`, an init or something that waits runs in the end.
fn unwrapped(words: &[String]) -> Vec<String> {
    let first = words.first().map_or("", String::as_str);
    let rest = words.get(1..).unwrap_or_default();
    let line_flag = |word: &String| word.starts_with('-') && word.ends_with('c') && !word.starts_with("--");
    match (first, rest) {
        (shell, [flag, line, ..]) if SHELLS.contains(&shell) && line_flag(flag) => unwrapped(&last_command(line)),
        ("exec" | "tini" | "dumb-init" | "/sbin/tini" | "/usr/bin/tini", rest) => {
            let rest = if rest.first().is_some_and(|word| word == "--") { &rest[1..] } else { rest };
            unwrapped(rest)
        }
        (waits, rest) if waits.contains("wait-for") || waits.contains("wait_for") => {
            match rest.iter().position(|word| word == "--") {
                Some(at) => unwrapped(&rest[at + 1..]),
                None => words.to_vec(),
            }
        }
        _ => words.to_vec(),
    }
}

/// The last command of a line, if those before only prepare it; else the whole line.
fn last_command(line: &str) -> Vec<String> {
    let line = line.trim();
    let parts: Vec<&str> = line.split("&&").flat_map(|part| part.split([';', '\n'])).map(str::trim).collect();
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty() && !part.starts_with('#')).collect();
    let prepares = |part: &&str| {
        let first = part.split_whitespace().next().unwrap_or_default();
        PREPARING.contains(&first) || matches!(first, "do" | "done")
    };
    match parts.split_last() {
        Some((last, before)) if before.iter().all(prepares) => shell::words(last),
        _ => vec![line.to_owned()],
    }
}

/// Where a command that checks health looks: scheme, port and path of a URL of its own host, or a port alone.
pub(super) fn asked(words: &[String]) -> Option<(i64, Option<String>)> {
    let line = words.join(" ");
    for own in ["localhost", "127.0.0.1", "0.0.0.0", "[::1]"] {
        for (at, _) in line.match_indices(own) {
            let (before, rest) = (&line[..at], &line[at + own.len()..]);
            let default =
                if before.ends_with("https://") { Some(443) } else { before.ends_with("http://").then_some(80) };
            let (port, rest) = match rest
                .strip_prefix(':')
                .or_else(|| rest.strip_prefix('/').filter(|_| before.ends_with("/dev/tcp/")))
            {
                Some(rest) => {
                    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                    (rest[..end].parse().ok(), &rest[end..])
                }
                None => (default, rest),
            };
            let Some(port) = port else { continue };
            if before.ends_with("/dev/tcp/") {
                let path = line.split_once("GET ").and_then(|(_, rest)| rest.split_whitespace().next());
                return Some((port, path.map(str::to_owned)));
            }
            let end = rest.find([' ', '"', '\'', ')', '|', '&', ';', '`']).unwrap_or(rest.len());
            let path = &rest[..end];
            let web = default.is_some() || line.contains("curl") || line.contains("wget");
            return Some((port, web.then(|| if path.is_empty() { "/".to_owned() } else { path.to_owned() })));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        shell::words(line)
    }

    #[test]
    fn wrappers_and_the_order_of_flags_say_nothing() {
        let same = [
            ("serve --a=b --c", "serve --c --a b"),
            ("sh -c 'exec serve --a b'", "serve --a=b"),
            ("sh -c 'chown -R app /data && exec serve'", "serve"),
            ("sh -c 'until nc -z db 5432; do sleep 1; done; exec serve'", "serve"),
            ("./wait-for-it.sh db:5432 -- serve", "serve"),
            ("tini -- serve", "serve"),
        ];
        for (one, other) in same {
            assert_eq!(normal(&words(one)), normal(&words(other)), "{one} | {other}");
        }
        let different =
            [("serve --a=b", "serve --a=c"), ("serve x", "serve y"), ("sh -c 'a && b'", "b"), ("serve", "serve --x")];
        for (one, other) in different {
            assert_ne!(normal(&words(one)), normal(&words(other)), "{one} | {other}");
        }
    }

    #[test]
    fn checks_ask_a_port_and_a_path() {
        let cases = [
            ("curl -f http://localhost:6333/health", Some((6333, Some("/health")))),
            ("wget -qO- 127.0.0.1:8080/x", Some((8080, Some("/x")))),
            ("curl localhost", None),
            ("curl http://localhost", Some((80, Some("/")))),
            (
                r#"python3 -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7002/healthcheck', timeout=3)""#,
                Some((7002, Some("/healthcheck"))),
            ),
            (
                r#"bash -c "exec 3<>/dev/tcp/127.0.0.1/6333 && printf 'GET /readyz HTTP/1.0' >&3""#,
                Some((6333, Some("/readyz"))),
            ),
            ("pg_isready -U x", None),
        ];
        for (line, expected) in cases {
            let expected = expected.map(|(port, path): (i64, Option<&str>)| (port, path.map(str::to_owned)));
            assert_eq!(asked(&words(line)), expected, "{line}");
        }
    }
}
