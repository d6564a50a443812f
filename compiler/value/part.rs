//! Parts of scalars: `image.tag`, `url.host`, `duration.seconds`.

use smol_str::SmolStr;

use super::{
    Image, SecretRef, Value, host, image,
    scalar::{Attributes, Bad, Raw, ScalarType, noun_of},
    secret, semver, spell,
    url::{self, Url},
};
use crate::diag::codes::{BAD_IMAGE, INEXACT, WRONG_TYPE};

/// Replaces a part: the weaker layer's value, the part, and the whole.
pub type Set = fn(Option<&Value>, &Value) -> Result<Value, Bad>;

/// A row of the table of parts.
#[derive(Debug)]
pub struct Part {
    /// The scalar type that has it.
    pub of: &'static str,
    /// What follows the dot.
    pub name: &'static str,
    /// The scalar type of the part.
    pub result: &'static str,
    /// What it is, for the reference.
    pub about: &'static str,
    /// The part of a value; nothing where the value does not have it. An error where the part cannot say it exactly.
    pub get: fn(&Value) -> Result<Option<Value>, Bad>,
    /// A weaker layer's value with this part replaced; nothing if the part cannot be written. The result may be
    /// incomplete (a tag without a repository), which [`super::fit`] refuses: use [`with_parts`].
    pub set: Option<Set>,
}

/// The part of this name of this scalar type.
#[must_use]
pub fn part(of: &str, name: &str) -> Option<&'static Part> {
    parts(of).find(|row| row.name == name)
}

/// The parts of a scalar type, in the order of the table.
pub fn parts(of: &str) -> impl Iterator<Item = &'static Part> {
    PARTS.iter().filter(move |row| row.of == of)
}

/// A weaker layer's value with some parts replaced, in whatever order they were written.
///
/// # Errors
/// A part is not of its type, or cannot be written, or the whole is not a value of the type.
pub fn with_parts(
    of: &ScalarType,
    weaker: Option<&Value>,
    written: &[(&'static Part, Value)],
    attributes: &Attributes,
) -> Result<Value, Bad> {
    let mut value = weaker.cloned();
    // In the order of the table, because a tag takes the digest away that a digest beside it gives again.
    for row in parts(of.name) {
        for (_, part) in written.iter().filter(|(part, _)| std::ptr::eq(*part, row)) {
            let set = row.set.ok_or_else(|| fixed(row))?;
            value = Some(set(value.as_ref(), part)?);
        }
    }
    match value {
        Some(value) => super::fit(of, value, attributes),
        None => Err(Bad::new(&WRONG_TYPE, format!("no part of this `{}` is written", of.name))),
    }
}

fn fixed(row: &Part) -> Bad {
    Bad::new(&WRONG_TYPE, format!("`{}` of a `{}` cannot be written by itself", row.name, row.of))
        .underline("follows from the whole value")
        .hint("write the whole value")
}

macro_rules! parts {
    ($($of:literal $name:literal $result:literal $get:expr, $set:expr, $about:literal;)*) => {
        /// All parts, by type.
        pub static PARTS: &[Part] = &[$(Part {
            of: $of, name: $name, result: $result, about: $about, get: $get, set: $set,
        }),*];
    };
}

parts! {
    "address" "host" "host" |value| address(value, |host, _| Some(Value::string(host))), Some(|weaker, part| set_address(weaker, part, true)), "The host, without brackets.";
    "address" "port" "port" |value| address(value, |_, port| port.parse().ok().map(Value::Int)), Some(|weaker, part| set_address(weaker, part, false)), "The port.";
    "cpu" "cores" "cores" |value| whole(value, 1000, "cores"), None, "Whole cores.";
    "cpu" "millicores" "millicores" |value| whole(value, 1, "thousandths of a core"), None, "Thousandths of a core.";
    "cron" "with-seconds" "cron-with-seconds" |value| Ok(Some(Value::string(format!("0 {}", plain(value)?)))), None, "The same schedule with `0` as the second in front.";
    "duration" "milliseconds" "milliseconds" |value| whole(value, 1, "milliseconds"), None, "Milliseconds.";
    "duration" "seconds" "seconds" |value| whole(value, 1000, "seconds"), None, "Whole seconds.";
    "duration" "minutes" "minutes" |value| whole(value, 60_000, "minutes"), None, "Whole minutes.";
    "duration" "hours" "hours" |value| whole(value, 3_600_000, "hours"), None, "Whole hours.";
    "duration" "days" "days" |value| whole(value, 86_400_000, "days"), None, "Whole days of 24 hours.";
    "image" "registry" "string" |value| of_image(value, registry), Some(set_registry), "Host and optional port; `docker.io` for Docker Hub.";
    "image" "repository" "image-repository" |value| of_image(value, |image| Ok(Some(image::repository(image)))), Some(set_repository), "Registry and path joined, as charts want it in `image.repository`.";
    "image" "path" "string" |value| of_image(value, |image| Ok(Some(image.repository.to_string()))), Some(set_path), "The path below the registry.";
    "image" "tag" "string" |value| of_image(value, tag), Some(set_tag), "The tag; `latest` where there is neither tag nor digest. Writing it drops the weaker layer's digest, which would win over it.";
    "image" "digest" "string" |value| of_image(value, |image| Ok(some(&image.digest))), Some(set_digest), "`sha256:` and 64 hexadecimal digits.";
    "image" "version" "string" |value| of_image(value, version), Some(set_version), "`TAG[@DIGEST]`: what stands after the colon.";
    "image" "reference" "string" |value| of_image(value, |image| Ok(Some(image::reference(image)))), Some(|_, part| Ok(Value::Image(image::read(plain(part)?)?.into()))), "The whole reference.";
    "memory" "bytes" "bytes" |value| whole(value, 1, "bytes"), None, "Bytes.";
    "memory" "kibibytes" "kibibytes" |value| whole(value, 1 << 10, "kibibytes"), None, "Whole multiples of 1024 bytes.";
    "memory" "mebibytes" "mebibytes" |value| whole(value, 1 << 20, "mebibytes"), None, "Whole multiples of 1024² bytes.";
    "memory" "gibibytes" "gibibytes" |value| whole(value, 1 << 30, "gibibytes"), None, "Whole multiples of 1024³ bytes.";
    "secret" "name" "subdomain" |value| of_secret(value, |secret| secret.name.to_string()), Some(set_secret_name), "The name: the Kubernetes `Secret`.";
    "secret" "key" "string" |value| of_secret(value, |secret| secret.key.to_string()), Some(set_secret_key), "The key in it.";
    "secret" "variable" "string" |value| of_secret(value, secret::secret_variable), None, "Name and key in capitals, joined by `_`: the variable that carries the secret.";
    "semver" "major" "int" |value| of_version(value, |version| Some(Value::Int(version.numbers[0]))), None, "The first number.";
    "semver" "minor" "int" |value| of_version(value, |version| Some(Value::Int(version.numbers[1]))), None, "The second number.";
    "semver" "patch" "int" |value| of_version(value, |version| Some(Value::Int(version.numbers[2]))), None, "The third number.";
    "semver" "pre-release" "string" |value| of_version(value, |version| some(version.pre).map(Value::string)), None, "What stands after `-`.";
    "semver" "build" "string" |value| of_version(value, |version| some(version.build).map(Value::string)), None, "What stands after `+`.";
    "url" "scheme" "string" |value| of_url(value, |url| some(&url.scheme).map(Value::string)), Some(|weaker, part| set_url(weaker, part, |url, text| url.scheme = text)), "What stands before `://`.";
    "url" "host" "host" |value| of_url(value, |url| some(url.host.trim_matches(['[', ']'])).map(Value::string)), Some(|weaker, part| set_url(weaker, part, set_host)), "The host, without brackets.";
    "url" "port" "port" |value| of_url(value, port), Some(|weaker, part| set_url(weaker, part, |url, text| url.port = text)), "The port; where none is written, the scheme's, if it is a common one.";
    "url" "path" "path" |value| of_url(value, |url| some(&url.path).map(Value::string)), Some(|weaker, part| set_url(weaker, part, |url, text| url.path = text)), "The path, without query; nothing where it is empty.";
}

/// Text that is there.
fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The text of a value that has to be plain text.
fn plain(value: &Value) -> Result<&str, Bad> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(no_part(other)),
    }
}

/// The finding for a value whose parts are not known.
fn no_part(value: &Value) -> Bad {
    let hint = matches!(value, Value::Text(_)).then(|| "use `endpoint.NAME.host` or `endpoint.NAME.port`".to_owned());
    Bad::new(&WRONG_TYPE, format!("{} has no such part", noun_of(value)))
        .underline("the part is known only for plain values")
        .maybe_hint(hint)
}

/// A quantity as a whole number of units.
fn whole(value: &Value, unit: u64, units: &str) -> Result<Option<Value>, Bad> {
    let (amount, again): (u64, fn(u64) -> Value) = match value {
        Value::Memory(amount) => (*amount, Value::Memory),
        Value::Cpu(amount) => (*amount, Value::Cpu),
        Value::Duration(amount) => (*amount, Value::Duration),
        other => return Err(no_part(other)),
    };
    if amount.is_multiple_of(unit) {
        return Ok(Some(Value::Int(i64::try_from(amount / unit).unwrap_or(i64::MAX))));
    }
    let below = amount - amount % unit;
    let write = |amount| format!("`\"{}\"`", spell(&again(amount)));
    let above = below.checked_add(unit).map_or_else(|| write(below), write);
    let choice = if below == 0 { above } else { format!("{} or {above}", write(below)) };
    Err(Bad::new(&INEXACT, format!("`{}` is not a whole number of {units}", spell(value)))
        .underline(format!("a target wants whole {units} here"))
        .hint(format!("write {choice}")))
}

fn address(value: &Value, get: fn(&str, &str) -> Option<Value>) -> Result<Option<Value>, Bad> {
    let (host, port) = host::split(plain(value)?).unwrap_or_default();
    Ok(get(host.trim_matches(['[', ']']), port))
}

fn set_address(weaker: Option<&Value>, part: &Value, is_host: bool) -> Result<Value, Bad> {
    let before = weaker.map(plain).transpose()?.unwrap_or_default();
    let (host, port) = host::split(before).unwrap_or_default();
    let text = spelled(part)?;
    let host = host.trim_matches(['[', ']']);
    Ok(Value::string(if is_host { host::join(&text, port) } else { host::join(host, &text) }))
}

/// A part as text: plain text, or the number of a port.
fn spelled(part: &Value) -> Result<String, Bad> {
    match part {
        Value::Int(number) => Ok(number.to_string()),
        part => plain(part).map(str::to_owned),
    }
}

fn of_url(value: &Value, get: fn(&Url) -> Option<Value>) -> Result<Option<Value>, Bad> {
    Ok(get(&url::split(plain(value)?)))
}

fn port(url: &Url) -> Option<Value> {
    url.port.parse().ok().or_else(|| url::default_port(&url.scheme)).map(Value::Int)
}

fn set_url(weaker: Option<&Value>, part: &Value, set: fn(&mut Url, String)) -> Result<Value, Bad> {
    let mut url = url::split(weaker.map(plain).transpose()?.unwrap_or_default());
    set(&mut url, spelled(part)?);
    Ok(Value::string(url::join(&url)))
}

fn set_host(url: &mut Url, host: String) {
    url.host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
}

fn of_image(value: &Value, get: fn(&Image) -> Result<Option<String>, Bad>) -> Result<Option<Value>, Bad> {
    match value {
        Value::Image(image) => Ok(get(image)?.map(Value::string)),
        other => Err(no_part(other)),
    }
}

fn registry(image: &Image) -> Result<Option<String>, Bad> {
    Ok(some(&image.registry).or_else(|| Some(image::HUB.to_owned())))
}

fn tag(image: &Image) -> Result<Option<String>, Bad> {
    let implied = image.digest.is_empty().then(|| "latest".to_owned());
    Ok(some(&image.tag).or(implied))
}

fn version(image: &Image) -> Result<Option<String>, Bad> {
    match (tag(image)?, some(&image.digest)) {
        (Some(tag), Some(digest)) => Ok(Some(format!("{tag}@{digest}"))),
        (None, Some(_)) => {
            let reference = image::reference(image);
            Err(Bad::new(&INEXACT, format!("`{reference}` has a digest but no tag, and a target wants `TAG@DIGEST`"))
                .underline("a tag is wanted beside the digest")
                .hint(format!("write `\"{}:TAG@{}\"`", image::repository(image), image.digest)))
        }
        (tag, None) => Ok(tag),
    }
}

/// The weaker image, or one in which everything is still empty.
fn image_before(weaker: Option<&Value>) -> Result<Image, Bad> {
    let empty = || Image { registry: "".into(), repository: "".into(), tag: "".into(), digest: "".into() };
    match weaker {
        None => Ok(empty()),
        Some(Value::Image(image)) => Ok(Image::clone(image)),
        Some(other) => Err(no_part(other)),
    }
}

fn set_registry(weaker: Option<&Value>, part: &Value) -> Result<Value, Bad> {
    let text = plain(part)?.to_ascii_lowercase();
    if !image::is_registry(&text) {
        return Err(image::bad(&text, "a host with an optional port is wanted"));
    }
    let image = image_before(weaker)?;
    let (registry, repository) = image::short(text, &image.repository);
    Ok(Value::Image(Image { registry: registry.into(), repository: repository.into(), ..image }.into()))
}

fn set_repository(weaker: Option<&Value>, part: &Value) -> Result<Value, Bad> {
    let text = image::parse_repository(&Raw::String(plain(part)?), &Attributes::default())?;
    let named = image::read(plain(&text)?)?;
    Ok(Value::Image(Image { registry: named.registry, repository: named.repository, ..image_before(weaker)? }.into()))
}

fn set_path(weaker: Option<&Value>, part: &Value) -> Result<Value, Bad> {
    let text = plain(part)?;
    if !image::is_path(text) {
        return Err(image::bad(text, "a path below the registry is wanted"));
    }
    let image = image_before(weaker)?;
    let (registry, repository) = image::short(image.registry.to_string(), text);
    Ok(Value::Image(Image { registry: registry.into(), repository: repository.into(), ..image }.into()))
}

fn set_tag(weaker: Option<&Value>, part: &Value) -> Result<Value, Bad> {
    let text = plain(part)?;
    if !image::is_tag(text) {
        return Err(Bad::new(&BAD_IMAGE, format!("{} is not the tag of an image", super::scalar::shown(text)))
            .underline("letters, digits, `_`, `.` and `-` are wanted, at most 128"));
    }
    Ok(Value::Image(Image { tag: text.into(), digest: SmolStr::from(""), ..image_before(weaker)? }.into()))
}

fn set_digest(weaker: Option<&Value>, part: &Value) -> Result<Value, Bad> {
    let text = plain(part)?;
    let digest =
        image::digest_of(text).ok_or_else(|| image::bad(text, "`sha256:` and 64 hexadecimal digits are wanted"))?;
    Ok(Value::Image(Image { digest: digest.into(), ..image_before(weaker)? }.into()))
}

fn set_version(weaker: Option<&Value>, part: &Value) -> Result<Value, Bad> {
    let text = plain(part)?;
    let (tag, digest) = text.split_once('@').map_or((text, None), |(tag, digest)| (tag, Some(digest)));
    let tagged = set_tag(weaker, &Value::string(tag))?;
    digest.map_or(Ok(tagged.clone()), |digest| set_digest(Some(&tagged), &Value::string(digest)))
}

fn of_secret(value: &Value, get: fn(&SecretRef) -> String) -> Result<Option<Value>, Bad> {
    match value {
        Value::Secret(secret) => Ok(Some(Value::string(get(secret)))),
        other => Err(no_part(other)),
    }
}

fn secret_before(weaker: Option<&Value>) -> Result<SecretRef, Bad> {
    match weaker {
        None => Ok(SecretRef { name: "".into(), key: "".into() }),
        Some(Value::Secret(secret)) => Ok(secret.clone()),
        Some(other) => Err(no_part(other)),
    }
}

fn set_secret_name(weaker: Option<&Value>, part: &Value) -> Result<Value, Bad> {
    let name = plain(part)?;
    secret::check_name(name)?;
    Ok(Value::Secret(SecretRef { name: name.into(), ..secret_before(weaker)? }))
}

fn set_secret_key(weaker: Option<&Value>, part: &Value) -> Result<Value, Bad> {
    let key = plain(part)?;
    secret::check_key(key)?;
    Ok(Value::Secret(SecretRef { key: key.into(), ..secret_before(weaker)? }))
}

fn of_version(value: &Value, get: fn(&semver::Version<'_>) -> Option<Value>) -> Result<Option<Value>, Bad> {
    Ok(semver::split(plain(value)?).and_then(|version| get(&version)))
}
