//! URLs with a host.

use super::{
    Value, host,
    scalar::{Attributes, Bad, Raw, shown, text_of, typed},
};
use crate::diag::codes::{BAD_SCHEME, BAD_URL, PASSWORD_IN_URL};

/// The pieces of a URL; missing ones are empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Url {
    pub(super) scheme: String,
    /// The user, without `@` and never with a password.
    pub(super) user: String,
    /// The host, an IPv6 address in its brackets.
    pub(super) host: String,
    pub(super) port: String,
    pub(super) path: String,
    /// Query and fragment, from `?` or `#` on.
    pub(super) query: String,
}

/// Takes a text apart at its marks; checks nothing.
pub(super) fn split(text: &str) -> Url {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (path, query) = tail.split_at(tail.find(['?', '#']).unwrap_or(tail.len()));
    let (user, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = host::split(address).unwrap_or((address, ""));
    let own = str::to_owned;
    Url { scheme: own(scheme), user: own(user), host: own(host), port: own(port), path: own(path), query: own(query) }
}

/// Puts the pieces together.
pub(super) fn join(url: &Url) -> String {
    let at = if url.user.is_empty() { "" } else { "@" };
    let colon = if url.port.is_empty() { "" } else { ":" };
    let Url { scheme, user, host, port, path, query } = url;
    format!("{scheme}://{user}{at}{host}{colon}{port}{path}{query}")
}

pub(super) fn parse(raw: &Raw<'_>, attributes: &Attributes) -> Result<Value, Bad> {
    let text = text_of(raw, "a url")?;
    let mut url = split(text);
    if url.user.contains(':') {
        return Err(Bad::new(&PASSWORD_IN_URL, "a password stands in this url")
            .underline("holds a user and a password")
            .hint("remove `USER:PASSWORD@`; give the password where the stack asks for a secret"));
    }
    if url.scheme.is_empty() || !is_scheme(&url.scheme) {
        return Err(no_scheme(text, &url, attributes));
    }
    url.scheme.make_ascii_lowercase();
    allowed(&url, attributes)?;
    url.host = authority(&url).ok_or_else(|| bad(text, "the host or the port is wrong"))?;
    if !(url.path.chars().chain(url.query.chars()).chain(url.user.chars())).all(is_url_character) {
        return Err(bad(text, "holds a character that a url cannot hold"));
    }
    // A lone slash means nothing, and would double in text that appends a path.
    if url.path == "/" && url.query.is_empty() && !url.host.is_empty() {
        url.path.clear();
    }
    Ok(Value::string(join(&url)))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

fn is_url_character(c: char) -> bool {
    !c.is_control() && !c.is_whitespace() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
}

/// The host in normal form, if host and port are right. The web's schemes have a real host; others have buckets,
/// lists of hosts, or, for files, none.
fn authority(url: &Url) -> Option<String> {
    if !url.port.is_empty() && host::port(&url.port).is_none() && !url.host.contains(',') {
        return None;
    }
    if let Some(known) = host::normal(&url.host) {
        return Some(if known.contains(':') { format!("[{known}]") } else { known });
    }
    if matches!(url.scheme.as_str(), "http" | "https" | "ws" | "wss") {
        return None;
    }
    if url.host.is_empty() {
        return (url.scheme == "file" && url.path.starts_with('/')).then(String::new);
    }
    let loose =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'~' | b',' | b':' | b'%');
    let edge = |at: Option<u8>| at.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let bytes = url.host.as_bytes();
    let plain = bytes.iter().copied().all(loose) && edge(bytes.first().copied()) && edge(bytes.last().copied());
    let several = url.host.contains(',');
    (plain && (several || !url.host.contains(':'))).then(|| url.host.clone())
}

fn allowed(url: &Url, attributes: &Attributes) -> Result<(), Bad> {
    if attributes.schemes.is_empty() || attributes.schemes.iter().any(|scheme| **scheme == *url.scheme) {
        return Ok(());
    }
    let schemes = attributes.schemes.iter().map(|scheme| shown(scheme)).collect::<Vec<_>>().join(", ");
    let meant = Url { scheme: attributes.schemes[0].to_string(), ..url.clone() };
    Err(Bad::new(&BAD_SCHEME, format!("{} is not a scheme that is allowed here, wanted {schemes}", shown(&url.scheme)))
        .underline(format!("wanted {schemes}"))
        .hint(format!("write {}", typed(&join(&meant)))))
}

/// The finding for a text without a scheme. `http:` alone is what is left of a URL without quotes.
fn no_scheme(text: &str, url: &Url, attributes: &Attributes) -> Bad {
    let scheme = attributes.schemes.first().map_or("https", |scheme| &**scheme);
    let meant = format!("{scheme}://{text}");
    let fits = url.scheme.is_empty() && parse(&Raw::String(&meant), attributes).is_ok();
    bad(text, "`SCHEME://HOST` is wanted").maybe_hint(fits.then(|| format!("write {}", typed(&meant))))
}

fn bad(text: &str, underline: &str) -> Bad {
    // What stands before an `@` may be a password.
    let found = if text.contains('@') { "this".to_owned() } else { shown(text) };
    Bad::new(&BAD_URL, format!("{found} is not a url")).underline(underline)
}

/// The port that a scheme stands for where none is written.
pub(super) fn default_port(scheme: &str) -> Option<i64> {
    Some(match scheme {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        "redis" | "rediss" => 6379,
        "postgres" | "postgresql" => 5432,
        "mongodb" => 27017,
        "amqp" => 5672,
        "amqps" => 5671,
        "nats" => 4222,
        _ => return None,
    })
}
