//! Container images, by the grammar of the reference Docker implementation (`distribution/reference`).

use super::{
    Image, Value,
    scalar::{Attributes, Bad, Raw, shown, text_of, typed},
};
use crate::diag::codes::BAD_IMAGE;

/// What Docker Hub is called where its name is written.
pub(super) const HUB: &str = "docker.io";

pub(super) fn parse(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    Ok(Value::Image(read(text_of(raw, "an image")?)?.into()))
}

pub(super) fn parse_repository(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let text = text_of(raw, "an image without tag")?;
    let image = read(text)?;
    if image.tag.is_empty() && image.digest.is_empty() {
        return Ok(Value::string(repository(&image)));
    }
    Err(bad(text, "no tag and no digest here").hint(format!("write {}", typed(&repository(&image)))))
}

pub(super) fn check(value: &Value) -> Result<(), Bad> {
    let Value::Image(image) = value else { return Ok(()) };
    if image.repository.is_empty() {
        return Err(Bad::new(&BAD_IMAGE, "this image has a tag or a registry, but no repository")
            .underline("the repository is missing")
            .hint("write the whole image, such as `image \"ghcr.io/acme/api:1.4.2\"`"));
    }
    read(&reference(image)).map(|_| ())
}

/// A whole reference in normal form.
pub(super) fn read(text: &str) -> Result<Image, Bad> {
    if text.contains(['$', '{']) {
        return Err(bad(text, "variables are not replaced here").hint("write the tag itself"));
    }
    if text.contains("://") {
        let rest = text.split_once("://").map_or("", |(_, rest)| rest);
        return Err(bad(text, "an image has no scheme").maybe_hint(fits(rest)));
    }
    let (rest, digest) = text.split_once('@').map_or((text, ""), |(rest, digest)| (rest, digest));
    // A colon after the last slash is the tag's, one before it a port's.
    let slash = rest.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match rest[slash..].find(':') {
        Some(at) => (&rest[..slash + at], Some(&rest[slash + at + 1..])),
        None => (rest, None),
    };
    if text.contains('@') {
        digest_of(digest).ok_or_else(|| bad(text, "`sha256:` and 64 hexadecimal digits are wanted after `@`"))?;
    }
    if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
        let underline = if tag.is_empty() { "the tag is empty" } else { "the tag has a character it may not have" };
        return Err(bad(text, underline).maybe_hint(fits(name)));
    }
    let (registry, path) = named(text, name)?;
    Ok(Image {
        registry: registry.into(),
        repository: path.into(),
        tag: tag.unwrap_or("").into(),
        digest: digest.into(),
    })
}

/// Registry and path of a name, in normal form.
pub(super) fn named(text: &str, name: &str) -> Result<(String, String), Bad> {
    let (registry, path) = match name.split_once('/') {
        Some((first, rest)) if is_registry_like(first) => (first.to_ascii_lowercase(), rest),
        _ => (String::new(), name),
    };
    if !registry.is_empty() && !is_registry(&registry) {
        return Err(bad(text, "the registry is not a host with an optional port"));
    }
    if !is_path(path) {
        let lower = text.to_ascii_lowercase();
        let cased = lower != text && is_path(&path.to_ascii_lowercase());
        let underline = if cased { "a repository has no capitals" } else { "the repository is wrong" };
        let lowered = cased.then(|| {
            let tail = &text[name.len()..];
            format!("write {}", typed(&format!("{}{tail}", name.to_ascii_lowercase())))
        });
        // `api 1.4.2`: the tag stands apart. What is read again has no blank left.
        let joined = || {
            let words: Vec<&str> = text.split_whitespace().collect();
            (words.len() > 1).then(|| fits(&words.join(":"))).flatten()
        };
        return Err(bad(text, underline).maybe_hint(lowered.or_else(joined)));
    }
    Ok(short(registry, path))
}

/// Leaves out Docker Hub and its `library/`, unless what is left would be read as another registry.
pub(super) fn short(registry: String, path: &str) -> (String, String) {
    let hub = matches!(registry.as_str(), "" | HUB | "index.docker.io");
    let path = match path.strip_prefix("library/") {
        Some(rest) if hub && !rest.contains('/') => rest,
        _ => path,
    };
    let ambiguous = path.split_once('/').is_some_and(|(first, _)| is_registry_like(first));
    match (hub, ambiguous) {
        (true, true) => (HUB.to_owned(), path.to_owned()),
        (true, false) => (String::new(), path.to_owned()),
        (false, _) => (registry, path.to_owned()),
    }
}

/// Whether the word before the first slash is a registry and not a part of the path.
fn is_registry_like(word: &str) -> bool {
    word.contains(['.', ':']) || word == "localhost" || word.bytes().any(|byte| byte.is_ascii_uppercase())
}

pub(super) fn is_registry(text: &str) -> bool {
    let (host, port) = super::host::split(text).map_or((text, None), |(host, port)| (host, Some(port)));
    let bracketed = host.starts_with('[');
    super::host::normal(host).is_some_and(|normal| bracketed == normal.contains(':'))
        && port.is_none_or(|port| super::host::port(port).is_some())
}

/// Path components of lower-case letters and digits, with `.`, `_`, `__` or dashes between them.
pub(super) fn is_path(text: &str) -> bool {
    text.len() <= 255 && text.split('/').all(is_component)
}

fn is_component(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    alphanumeric(*first)
        && alphanumeric(*last)
        && text
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .all(|between| matches!(between, "" | "." | "_" | "__") || between.bytes().all(|byte| byte == b'-'))
}

pub(super) fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

/// A digest, if it is one.
pub(super) fn digest_of(text: &str) -> Option<&str> {
    let digits = text.strip_prefix("sha256:")?;
    let hexadecimal = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (digits.len() == 64 && hexadecimal).then_some(text)
}

fn fits(text: &str) -> Option<String> {
    read(text).is_ok().then(|| format!("write {}", typed(text)))
}

pub(super) fn bad(text: &str, underline: &str) -> Bad {
    Bad::new(&BAD_IMAGE, format!("{} is not the reference of an image", shown(text))).underline(underline)
}

/// Registry and path, as charts want it in `image.repository`.
pub(super) fn repository(image: &Image) -> String {
    if image.registry.is_empty() {
        image.repository.to_string()
    } else {
        format!("{}/{}", image.registry, image.repository)
    }
}

/// The whole reference.
pub(super) fn reference(image: &Image) -> String {
    let colon = if image.tag.is_empty() { "" } else { ":" };
    let at = if image.digest.is_empty() { "" } else { "@" };
    format!("{}{colon}{}{at}{}", repository(image), image.tag, image.digest)
}
