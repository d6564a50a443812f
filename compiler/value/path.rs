//! Absolute paths, of files and of URLs.

use super::{
    Value,
    scalar::{Attributes, Bad, Raw, shown, text_of, typed},
};
use crate::diag::codes::BAD_PATH;

/// An absolute path. A slash at the end stays, because to a web server it is another path.
pub(super) fn parse(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let text = text_of(raw, "a path")?;
    let bad =
        |underline: &str| Bad::new(&BAD_PATH, format!("{} is not an absolute path", shown(text))).underline(underline);
    if text.chars().any(char::is_control) {
        return Err(bad("holds a control character"));
    }
    if !text.starts_with('/') {
        let plain = !text.is_empty() && !text.starts_with(['~', '.', '$']) && !text.contains([':', '\\']);
        return Err(
            bad("does not begin with `/`").maybe_hint(plain.then(|| format!("write {}", typed(&format!("/{text}")))))
        );
    }
    if text.split('/').any(|step| step == "." || step == "..") {
        return Err(bad("`.` and `..` are not followed").hint("write the path that is meant"));
    }
    if text.contains("//") {
        return Err(bad("has an empty step").hint(format!("write {}", typed(&squeezed(text)))));
    }
    Ok(Value::string(text))
}

fn squeezed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !(c == '/' && out.ends_with('/')) {
            out.push(c);
        }
    }
    out
}
