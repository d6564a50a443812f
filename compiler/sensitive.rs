//! What in a text has the form of a secret.
//!
//! In: any text, or the name of a key or variable. Out: where something stands that nobody should read, and what it is.
//! Never: settings; who asks knows where secrets belong.
//! Invariant: what is found begins and ends between two characters, and the pieces of one text do not overlap.

use std::{borrow::Cow, ops::Range};

/// A piece of text that has the form of a secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// What it is, with an article: `a token of GitHub`.
    pub what: &'static str,
    /// Where it stands, in bytes.
    pub range: Range<usize>,
}

/// A form of keys that one provider issues: a fixed beginning, and how many characters of which kind follow.
pub struct Form {
    /// What it is, with an article.
    pub what: &'static str,
    /// How it begins.
    pub prefixes: &'static [&'static str],
    /// Which bytes follow.
    body: fn(u8) -> bool,
    /// The fewest of them.
    pub least: usize,
    /// The most of them; more is something else.
    most: usize,
    /// Whether a digit must be among them, because the beginning is also one of plain words.
    digit: bool,
}

const fn form(what: &'static str, prefixes: &'static [&'static str], body: fn(u8) -> bool, least: usize) -> Form {
    Form { what, prefixes, body, least, most: usize::MAX, digit: false }
}

/// The forms that are known. The first that fits counts, so a longer beginning stands above a shorter one.
pub static FORMS: &[Form] = &[
    Form { most: 16, ..form("an access key of AWS", &["AKIA", "ASIA"], upper, 16) },
    form("a token of GitHub", &["github_pat_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"], word, 20),
    form("a token of GitLab", &["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-"], dashed, 16),
    form("a token of Slack", &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xoxe.", "xapp-"], dotted, 10),
    form("a webhook of Slack", &["hooks.slack.com/services/", "hooks.slack.com/workflows/"], pathlike, 16),
    form("a key of Anthropic", &["sk-ant-"], dashed, 10),
    form("a key of OpenAI", &["sk-proj-", "sk-svcacct-", "sk-admin-"], dashed, 16),
    form("a key of OpenRouter", &["sk-or-"], dashed, 16),
    Form { digit: true, ..form("an API key", &["sk-"], dashed, 20) },
    form("an API key of Google", &["AIza"], dashed, 35),
    form("an OAuth secret of Google", &["GOCSPX-", "ya29."], dashed, 20),
    form("a key of Stripe", &["sk_live_", "rk_live_", "sk_test_", "rk_test_", "whsec_"], word, 16),
    form("a token of npm", &["npm_"], word, 36),
    form("a token of PyPI", &["pypi-AgE"], dashed, 40),
    form("a token of Docker Hub", &["dckr_pat_", "dckr_oat_"], dashed, 20),
    form("a token of HashiCorp Vault", &["hvs.", "hvb.", "hvr."], dashed, 24),
    form("a token of Hugging Face", &["hf_"], word, 30),
    form("a token of DigitalOcean", &["dop_v1_", "doo_v1_", "dor_v1_"], word, 64),
    form("a token of Shopify", &["shpat_", "shpca_", "shppa_", "shpss_"], word, 32),
    form("a token of Grafana", &["glsa_", "glc_"], base64, 30),
    form("a token of Sentry", &["sntrys_", "sntryu_"], base64, 30),
    form("a key of SendGrid", &["SG."], dotted, 40),
    form("a key of Groq", &["gsk_"], word, 30),
    form("a key of Databricks", &["dapi"], hex, 32),
    form("a key of an Azure account", &["AccountKey=", "SharedAccessKey="], base64, 40),
    form("a private key of age", &["AGE-SECRET-KEY-1", "age-secret-key-1"], word, 20),
];

fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}
fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
fn hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}
fn dashed(byte: u8) -> bool {
    word(byte) || byte == b'-'
}
fn dotted(byte: u8) -> bool {
    dashed(byte) || byte == b'.'
}
fn pathlike(byte: u8) -> bool {
    dashed(byte) || byte == b'/'
}
fn base64(byte: u8) -> bool {
    dashed(byte) || matches!(byte, b'+' | b'/' | b'=')
}

/// Everything in a text that has the form of a secret, in order.
///
/// Besides [`FORMS`]: private keys in PEM (to the end of the text, where they do not end), JSON web tokens, and the
/// passwords in URLs.
pub fn find(text: &str) -> impl Iterator<Item = Found> {
    pieces(text, |_, _| None)
}

/// What of a text nobody should read: what [`find`] finds, and long words of mixed letters and digits, as the lines of
/// a private key are.
pub fn find_hidden(text: &str) -> impl Iterator<Item = Found> {
    pieces(text, random_word)
}

fn pieces(text: &str, other: fn(&[u8], usize) -> Option<Found>) -> impl Iterator<Item = Found> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let found = next(text, at, other)?;
        at = found.range.end;
        Some(found)
    })
}

/// The fewest bytes that a form takes with its beginning.
const SHORTEST: usize = 15;

/// The first piece that begins at `from` or behind.
fn next(text: &str, from: usize, other: fn(&[u8], usize) -> Option<Found>) -> Option<Found> {
    let bytes = text.as_bytes();
    if bytes.len() - from < SHORTEST && !text.contains("://") {
        return None; // most texts are a word or two
    }
    (from..bytes.len()).find_map(|at| {
        if bytes[at..].starts_with(b"://") {
            return url_password(text, at).map(|range| Found { what: "a url with a password", range });
        }
        begins_word(bytes, at).then(|| secret_at(text, at).or_else(|| other(bytes, at))).flatten()
    })
}

/// Whether something that is one word could begin here.
fn begins_word(bytes: &[u8], at: usize) -> bool {
    // A prefix may end in a digit or letter, but none begins inside of a word.
    at == 0 || !bytes[at - 1].is_ascii_alphanumeric()
}

fn secret_at(text: &str, at: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    match bytes[at] {
        b'-' => private_key(text, at),
        b'e' => web_token(bytes, at),
        _ => None,
    }
    .or_else(|| FORMS.iter().find_map(|form| form.at(bytes, at)))
}

impl Form {
    /// What of this form begins at a place.
    fn at(&self, bytes: &[u8], at: usize) -> Option<Found> {
        let first = bytes[at];
        let mut prefixes = self.prefixes.iter().filter(|prefix| prefix.as_bytes().first() == Some(&first));
        let prefix = prefixes.find(|prefix| bytes[at..].starts_with(prefix.as_bytes()))?;
        let start = at + prefix.len();
        let begin = bytes.get(start..start + self.least)?;
        let body = || bytes[start..].iter().take_while(|byte| (self.body)(**byte));
        // Only the beginning is looked at until it is known to fit: a text may begin like a key a million times.
        let fits = begin.iter().all(|byte| (self.body)(*byte))
            && !is_placeholder(begin)
            && (!self.digit || body().take(2 * self.least).any(u8::is_ascii_digit));
        let length = fits.then(|| body().take(self.most.saturating_add(1)).count())?;
        (length <= self.most).then_some(Found { what: self.what, range: at..start + length })
    }
}

/// Whether one character is repeated, as in `xxxxxxxx`.
fn is_placeholder(body: &[u8]) -> bool {
    body.iter().all(|byte| *byte == body[0])
}

/// A long word with small letters, capitals and digits in it, which nobody would choose as a name.
fn random_word(bytes: &[u8], at: usize) -> Option<Found> {
    const LEAST: usize = 20;
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'+';
    let length = bytes[at..].iter().take_while(|byte| is_part(byte)).count();
    let word = &bytes[at..at + length];
    let has = |is: fn(&u8) -> bool| word.iter().any(is);
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit);
    (length >= LEAST && mixed).then_some(Found { what: "a random word", range: at..at + length })
}

/// A private key in PEM: from its first line to its last, or to the end of the text.
fn private_key(text: &str, at: usize) -> Option<Found> {
    const END: &str = "-----END ";
    let rest = text.get(at..)?.strip_prefix("-----BEGIN ")?;
    let head = rest.split("-----").next()?;
    if head.len() > 40 || !(head.ends_with("PRIVATE KEY") || head.ends_with("PRIVATE KEY BLOCK")) {
        return None;
    }
    let end = match text[at..].find(END) {
        Some(end) => {
            let last = at + end + END.len();
            text[last..].find("-----").map_or(text.len(), |found| last + found + 5)
        }
        None => text.len(),
    };
    Some(Found { what: "a private key", range: at..end })
}

/// A JSON web token: three parts, of which the first two are JSON.
fn web_token(bytes: &[u8], at: usize) -> Option<Found> {
    let first = token_part(bytes, at, b"eyJ", 10)?;
    let second = token_part(bytes, dot(bytes, first)?, b"eyJ", 6)?;
    let end = token_part(bytes, dot(bytes, second)?, b"", 6)?;
    Some(Found { what: "a JSON web token", range: at..end })
}

/// Where the part of a token ends that begins at `from` and so.
fn token_part(bytes: &[u8], from: usize, begin: &[u8], least: usize) -> Option<usize> {
    let rest = bytes.get(from..).filter(|rest| rest.starts_with(begin))?;
    let length = rest.iter().take_while(|byte| dashed(**byte)).count();
    (length >= least).then_some(from + length)
}

/// The place behind the dot that stands at `at`.
fn dot(bytes: &[u8], at: usize) -> Option<usize> {
    (bytes.get(at) == Some(&b'.')).then_some(at + 1)
}

/// How far behind its scheme a URL is looked at, in bytes.
const LONGEST_URL: usize = 512;

/// The password of `SCHEME://USER:PASSWORD@HOST`, whose `://` stands at `at`.
fn url_password(text: &str, at: usize) -> Option<Range<usize>> {
    if !text.as_bytes()[..at].last().is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let start = at + "://".len();
    let rest = &text[start..text.floor_char_boundary(start + LONGEST_URL)];
    let line = &rest[..rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len())];
    let ends = |c: char| matches!(c, '/' | '?' | '#' | '\'' | '<' | '>');
    let authority = &line[..line.find(ends).unwrap_or(line.len())];
    // A password may hold `/` where it was not encoded, so the last `@` before a blank or quote counts.
    let scope = if authority.contains('@') || !is_userinfo(line) { authority } else { line };
    let user_end = scope.rfind('@')?;
    let colon = scope[..user_end].find(':')?;
    let password = &scope[colon + 1..user_end];
    (!password.is_empty() && !is_blank_password(password)).then(|| start + colon + 1..start + user_end)
}

/// Whether a text reads `USER:PASSWORD@…` though the password holds a `/`: what follows the colon is no port.
fn is_userinfo(line: &str) -> bool {
    let Some((head, rest)) = line.split_once(':') else { return false };
    let after: &str = rest.split(['/', '?', '#']).next().unwrap_or("");
    !head.contains(['/', '?', '#', '['])
        && rest.contains('@')
        && !after.is_empty()
        && !after.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a password only holds the place of one: `***`, `${PASSWORD}`, `$(PASSWORD)`, `<password>`.
fn is_blank_password(password: &str) -> bool {
    password.chars().all(|c| matches!(c, '*' | '•'))
        || (password.starts_with("${") && password.ends_with('}'))
        || (password.starts_with("$(") && password.ends_with(')'))
        || (password.starts_with("{{") && password.ends_with("}}"))
}

/// Whether a text says a secret by its name, as `password=hunter2` and `DB_PASSWORD=hunter2` do.
#[must_use]
pub fn says_secret(text: &str) -> bool {
    text.match_indices('=').any(|(at, _)| {
        let is_name = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let length = text[..at].chars().rev().take_while(is_name).take(64).count();
        let rest = &text[at + 1..text.floor_char_boundary(at + 1 + LONGEST_URL)];
        let value = rest.split(|c: char| c.is_whitespace() || matches!(c, '&' | ';' | ',' | '"' | '\'')).next();
        names_secret(&text[at - length..at]) && !is_no_secret(value.unwrap_or_default())
    })
}

/// The text with what has the form of a secret as `•••`.
#[must_use]
pub fn redacted(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut at = 0;
    for found in find_hidden(text) {
        shown.push_str(&text[at..found.range.start]);
        shown.push_str("•••");
        at = found.range.end;
    }
    if at == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[at..]);
    Cow::Owned(shown)
}

/// Last words of a name that hold a secret themselves.
const SECRET: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "pass",
    "secret",
    "token",
    "apikey",
    "credential",
    "credentials",
    "authtoken",
    "accesstoken",
    "accesskey",
    "secretkey",
    "privatekey",
    "pat",
];

/// Words before a last `key` that make it a secret where the name is no variable.
const KEYS: &[&str] = &[
    "api",
    "access",
    "secret",
    "private",
    "encryption",
    "signing",
    "auth",
    "master",
    "license",
    "service",
    "shared",
    "account",
    "admin",
    "session",
    "jwt",
    "hmac",
    "ssh",
    "deploy",
    "webhook",
];

/// Words before a last `secret` or `token` that make it the name of one.
const NAMES: &[&str] = &["existing", "tls", "pull", "image", "next", "max", "page", "continuation", "cancellation"];

/// Whether a key or variable of this name holds a secret: `DB_PASSWORD`, `apiKey`, `client-secret`. Of variables, which
/// are written in capitals, also every `…_KEY`.
#[must_use]
pub fn names_secret(name: &str) -> bool {
    let words = words_of(name);
    let Some((last, before)) = words.split_last() else { return false };
    let previous = before.last().map_or("", String::as_str);
    let is_variable = name.contains('_') && !name.contains(|c: char| c.is_lowercase());
    match last.as_str() {
        "key" => {
            let public = ["public", "cache", "partition", "sort", "primary", "foreign", "routing"].contains(&previous);
            (is_variable && !public) || KEYS.contains(&previous)
        }
        "pass" => is_variable || before.is_empty(),
        "pat" => is_variable,
        last => SECRET.contains(&last) && !NAMES.contains(&previous),
    }
}

/// The words of a name in lower case: split at signs, and where a capital follows a small letter.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut small = false;
    let mut open = false;
    for c in name.chars().take(256) {
        if !c.is_alphanumeric() {
            open = false;
        } else {
            if !open || (small && c.is_uppercase()) {
                words.push(String::new());
            }
            open = true;
            words.last_mut().into_iter().for_each(|word| word.extend(c.to_lowercase()));
        }
        small = c.is_lowercase() || c.is_ascii_digit();
    }
    words
}

/// Whether a text under a name of a secret is none: nothing, the path of a file, or what somebody else fills in.
#[must_use]
pub fn is_no_secret(text: &str) -> bool {
    let text = text.trim();
    let is_path = text.starts_with('/')
        && text.len() > 1
        && text[1..].split('/').all(|step| !step.is_empty() && step.bytes().all(dotted));
    text.is_empty() || is_blank_password(text) || (is_path && text.matches('/').count() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One key of each form, put together here so that no scanner takes this file for a leak.
    fn samples() -> Vec<(&'static str, String)> {
        let body = "A1B2C3D4E5F6G7H8I9J0K1L2M3N4O5P6Q7R8S9T0U1V2W3X4Y5Z6A7B8C9D0E1F2G3";
        FORMS
            .iter()
            .flat_map(|form| form.prefixes.iter().map(move |prefix| (form, prefix)))
            .map(|(form, prefix)| {
                let body: String =
                    body.bytes().filter(|byte| (form.body)(*byte)).cycle().take(form.least).map(char::from).collect();
                (form.what, format!("{prefix}{body}"))
            })
            .collect()
    }

    #[test]
    fn every_form_is_found_and_nothing_of_it_is_left() {
        for (what, key) in samples() {
            for text in [key.clone(), format!("x={key}, y"), format!("Bearer {key}"), format!("é{key}é")] {
                let whats: Vec<&str> = find(&text).map(|it| it.what).collect();
                assert_eq!(whats, [what], "{text}");
                assert_eq!(text.replace(&key, "•••"), redacted(&text), "{text}");
            }
            assert_eq!(find(&key[..key.len() / 2]).count(), 0, "{key}");
            assert_eq!(find(&format!("x{key}")).count(), 0, "{key}");
        }
    }

    #[test]
    fn no_form_is_shorter_than_what_is_looked_at() {
        for form in FORMS {
            for prefix in form.prefixes {
                assert!(prefix.len() + form.least >= SHORTEST, "{prefix}");
            }
        }
    }

    #[test]
    fn private_keys_and_web_tokens_are_found() {
        let key = format!("-----BEGIN {0}-----\nMIIE\n-----END {0}-----", "RSA PRIVATE KEY");
        assert_eq!(redacted(&format!("a {key} b")), "a ••• b");
        assert_eq!(redacted(&key[..40]), "•••");
        assert_eq!(redacted(&key.replace("PRIVATE", "PUBLIC")), key.replace("PRIVATE", "PUBLIC"));
        let token = format!("{}.{}.c2lnbmF0dXJl", "eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxIn0");
        assert_eq!(redacted(&format!("Bearer {token}")), "Bearer •••");
        assert_eq!(find("eyJhbGciOiJIUzI1NiJ9").count(), 0);
    }

    #[test]
    fn passwords_in_urls_are_found() {
        for (text, shown) in [
            ("postgres://app:hunter2@db:5432/app", "postgres://app:•••@db:5432/app"),
            ("a redis://:hunter2@cache b", "a redis://:•••@cache b"),
            ("postgres://app:p/w@db/app", "postgres://app:•••@db/app"),
            ("amqp://a:b@c,amqp://d:e@f", "amqp://a:•••@c,amqp://d:•••@f"),
        ] {
            assert_eq!(redacted(text), shown);
        }
        for text in [
            "https://example.com:8080/a@b",
            "https://app@example.com",
            "postgres://app:${PASSWORD}@db/app",
            "postgres://app:***@db/app",
            "http://[::1]:80/x@y",
            "://a:b@c",
        ] {
            assert_eq!(redacted(text), text);
        }
    }

    #[test]
    fn secrets_that_are_said_by_name() {
        for text in ["DB_PASSWORD=hunter2", "host=db password=hunter2 port=1", "a?x=1&api_key=abc", "--token=abc"] {
            assert!(says_secret(text), "{text}");
        }
        for text in
            ["DB_PASSWORD=", "PASSWORD_FILE=/run/secrets/a", "password=${PASSWORD}", "a=b=c", "=", "password =x"]
        {
            assert!(!says_secret(text), "{text}");
        }
    }

    #[test]
    fn ordinary_words_are_left_alone() {
        for text in [
            "sk-learn-is-a-library-of-functions",
            "AKIA",
            "ghp_short",
            "sk-xxxxxxxxxxxxxxxxxxxxxxxx",
            "task-1234567890abcdefghij12",
        ] {
            assert_eq!(find(text).count(), 0, "{text}");
        }
    }

    #[test]
    fn random_words_are_not_shown_but_are_no_finding() {
        let line = "MIIEpAIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0t";
        assert_eq!((find(line).count(), redacted(line).as_ref()), (0, "•••"));
        for text in ["postgres.storage.size", "thisIsALongNameOfSomething", "0123456789abcdef0123456789abcdef"] {
            assert_eq!(redacted(text), text);
        }
    }

    #[test]
    fn names_of_secrets() {
        for name in [
            "DB_PASSWORD",
            "apiKey",
            "client-secret",
            "token",
            "S3_KEY",
            "adminPassword",
            "AUTH_TOKEN",
            "PGPASS_PASS",
            "db.password",
            "secretAccessKey",
        ] {
            assert!(names_secret(name), "{name}");
        }
        for name in [
            "existingSecret",
            "PASSWORD_FILE",
            "secretName",
            "key",
            "MAX_TOKENS",
            "publicKey",
            "tlsSecret",
            "compass",
            "KEYBOARD",
            "",
            "passwordKey",
        ] {
            assert!(!names_secret(name), "{name}");
        }
        assert!(is_no_secret("/run/secrets/password") && is_no_secret("") && is_no_secret("${X}"));
        assert!(!is_no_secret("hunter2") && !is_no_secret("/abc"));
    }
}
