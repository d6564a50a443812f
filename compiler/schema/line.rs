//! A setting as a person writes it: the line of KDL that messages show.
//!
//! In: the declared settings, one of them, the keys above it. Out: text to type.
//! Never: a value that somebody wrote, so that nothing secret is repeated.
//! Invariant: what is shown is read again as that setting.

use std::fmt::Write;

use smol_str::SmolStr;

use super::{Kind, Setting, SettingId, questions::quoted};
use crate::value;

/// The line that gives a setting `value`, from the top of its deployment: `service "api" { port 8080 }`. An entry whose key
/// is not known is called `NAME`.
#[must_use]
pub(crate) fn line(settings: &[Setting], id: SettingId, keys: &[SmolStr], value: &str) -> String {
    let mut way = vec![id];
    while let Some(parent) = settings[way[way.len() - 1].index()].parent {
        way.push(parent);
    }
    way.reverse();
    let (mut text, mut depth) = (String::new(), 0);
    let mut keys = keys.iter().map(|key| &**key);
    for id in way.into_iter().filter(|id| *id != SettingId::ROOT) {
        let setting = &settings[id.index()];
        if &*setting.name != "*" {
            if !text.is_empty() {
                depth += 1;
                text.push_str(" { ");
            }
            text.push_str(&setting.name);
            continue;
        }
        let key = keys.next().unwrap_or("NAME");
        match item_of(settings, setting) {
            // It has a number, which nobody writes.
            Item::OfList => {}
            Item::Entry => _ = write!(text, " {}", quoted(key)),
            Item::Value => {
                depth += 1;
                _ = write!(text, " {{ {}", word(key));
            }
        }
    }
    if !value.is_empty() {
        _ = write!(text, " {value}");
    }
    text + &" }".repeat(depth)
}

/// What `*` stands for.
enum Item {
    /// An item of a list: the name of the list, once more.
    OfList,
    /// An entry of a map of records: its key is an argument.
    Entry,
    /// An entry of a map of values: its key is a name.
    Value,
}

fn item_of(settings: &[Setting], item: &Setting) -> Item {
    let above = item.parent.map(|parent| &settings[parent.index()].kind);
    match (above, &item.kind) {
        (Some(Kind::Map(_)), Kind::Group) => Item::Entry,
        (Some(Kind::Map(_)), _) => Item::Value,
        _ => Item::OfList,
    }
}

/// A key as the name of a node.
fn word(key: &str) -> String {
    let is_plain = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if is_plain { key.to_owned() } else { quoted(key) }
}

/// An example of the value of a setting, as it is written.
#[must_use]
pub(crate) fn example(settings: &[Setting], id: SettingId) -> &'static str {
    match &settings[id.index()].kind {
        // Without its annotation it would be refused as a secret in plain text.
        Kind::Scalar(name) if &**name == "secret" => "(secret)\"NAME/KEY\"",
        Kind::Scalar(name) => value::scalar(name).map_or("…", |of| of.example),
        Kind::List(item) => match &settings[item.index()].kind {
            Kind::Scalar(_) => example(settings, *item),
            _ => "…",
        },
        _ => "…",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        diag::Diags,
        schema::load,
        source::{Source, SourceId},
    };

    #[test]
    fn lines_are_written_as_settings_are_declared() {
        let text = r#"stack "shop" version="1" {
            type "service" { (port)port; (map)env of="string"; (list)route of="route"; limits { (memory)memory } }
            type "route" { (path)path }
            settings { app { (image)image; (list)hosts of="hostname"; (secret)key }; (map)service of="service" }
            workload "app" { image (ref)"app.image" }
        }"#;
        let source = Arc::new(Source { id: SourceId(1), name: "shop/stack.kdl".to_owned(), text: text.to_owned() });
        let mut diags = Diags::default();
        let stack = load::load("shop", &[source], &[], &mut diags);
        let stack = stack.unwrap_or_else(|| panic!("{diags:?}"));
        let cases = [
            ("app.image", &[][..], "app { image \"ghcr.io/acme/api:1.4.2\" }"),
            ("app.hosts", &[], "app { hosts \"app.example.com\" }"),
            ("app.key", &[], "app { key (secret)\"NAME/KEY\" }"),
            ("service.*.port", &["api"], "service \"api\" { port 8080 }"),
            ("service.*.port", &[], "service \"NAME\" { port 8080 }"),
            ("service.*.limits.memory", &["api"], "service \"api\" { limits { memory \"8Gi\" } }"),
            ("service.*.env.*", &["api", "LOG_LEVEL"], "service \"api\" { env { LOG_LEVEL \"text\" } }"),
            ("service.*.env.*", &["a\"b", "c\\d"], r#"service "a\"b" { env { "c\\d" "text" } }"#),
            ("service.*.env.*", &["api", "a b"], "service \"api\" { env { \"a b\" \"text\" } }"),
            ("service.*.route.*.path", &["api", "0"], "service \"api\" { route { path \"/var/lib/data\" } }"),
        ];
        for (path, keys, wanted) in cases {
            let id = stack.settings.iter().position(|setting| &*setting.path == path).expect("it is declared");
            let id = SettingId(u32::try_from(id).expect("it is small"));
            let keys: Vec<SmolStr> = keys.iter().map(|key| (*key).into()).collect();
            assert_eq!(line(&stack.settings, id, &keys, example(&stack.settings, id)), wanted, "{path}");
        }
    }
}
