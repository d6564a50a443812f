//! Attributes of declarations: range, words, schemes.
//!
//! In: a declaration and the type it uses. Out: [`Attributes`].
//! Never: where the declaration stands.
//! Invariant: attributes that come back fit the scalar, and some value is in their range.

use crate::{
    diag::codes,
    schema::build::{Builder, bad_value, raw},
    syntax::{Entry, Literal, Node},
    value::{self, Attributes, Value},
};

impl<'d> Builder<'d> {
    /// Refuses attributes of values where a record is declared.
    pub(super) fn no_attributes(&self, node: &'d Node, of: &str) {
        if let Some(entry) = node.arguments().next() {
            self.report(codes::STRAY_ARGUMENT.at(entry.span, "a list or map of records takes no argument"));
        }
        for (name, entry) in node.properties() {
            if ["min", "max", "schemes", "in"].contains(&name.text.as_str()) {
                self.report(
                    codes::DOES_NOT_FIT
                        .at(entry.span, format!("`{}` does not fit the record `{of}`", name.text))
                        .hint("give it to a field of the record"),
                );
            }
        }
    }

    /// Range, words and schemes of a scalar: those of the declaration over those of its type. `None` if it was reported.
    pub(super) fn attributes(
        &self,
        node: &'d Node,
        scalar: &'static str,
        definition: Option<&'d Node>,
    ) -> Option<Attributes> {
        let of_type = match definition {
            Some(definition) => self.attributes_of(definition, scalar, 1),
            None => Attributes::default(),
        };
        let mut own = self.attributes_of(node, scalar, 0);
        if scalar == "enum" && !of_type.words.is_empty() {
            if let Some(entry) = node.arguments().next() {
                self.report(
                    codes::STRAY_ARGUMENT
                        .at(entry.span, "the type has the values already")
                        .maybe_label(definition.map(|definition| definition.span), "declared here"),
                );
            }
            own.words.clone_from(&of_type.words);
        }
        if scalar == "enum" && own.words.is_empty() {
            let wanted = if node.annotation.as_ref().is_some_and(|name| ["list", "map"].contains(&name.text.as_str())) {
                format!("write `{} of=\"enum\" \"a\" \"b\"`", node.name.text)
            } else {
                "write `(enum)NAME \"a\" \"b\"`".to_owned()
            };
            self.report(codes::NO_WORDS.at(node.span, "an enum has at least one value").hint(wanted));
            return None;
        }
        own.min = own.min.take().or(of_type.min);
        own.max = own.max.take().or(of_type.max);
        if own.schemes.is_empty() {
            own.schemes = of_type.schemes;
        }
        self.check_bounds(node, scalar, &own);
        Some(own)
    }

    /// Refuses a range in which nothing is.
    fn check_bounds(&self, node: &'d Node, scalar: &str, own: &Attributes) {
        let (Some(min), Some(max)) = (&own.min, &own.max) else { return };
        let of = value::scalar(scalar).filter(|of| of.base != value::Base::String).or_else(|| value::scalar("int"));
        let below = Attributes { max: Some(max.clone()), ..Attributes::default() };
        if of.is_some_and(|of| value::fit(of, min.clone(), &below).is_err()) {
            let entry = node.property("max").or_else(|| node.property("min"));
            let span = entry.map_or(node.span, |entry| entry.span);
            self.report(
                codes::CONTRADICTION
                    .at(span, format!("`min` {} is above `max` {}", value::spell(min), value::spell(max)))
                    .hint("swap them"),
            );
        }
    }

    /// Range, words and schemes that one node gives; its first `skipped` arguments are its name.
    fn attributes_of(&self, node: &'d Node, scalar: &'static str, skipped: usize) -> Attributes {
        let mut attributes = Attributes::default();
        if scalar == "enum" {
            for entry in node.arguments().skip(skipped) {
                let Some(word) = self.plain(entry, "a value of an enum") else { continue };
                if attributes.words.iter().any(|known| known.as_ref() == word) {
                    self.report(
                        codes::DECLARED_TWICE.at(entry.span, format!("the value `{word}` stands here a second time")),
                    );
                    continue;
                }
                attributes.words.push(word.into());
            }
        } else if let Some(entry) = node.arguments().nth(skipped) {
            let hint = format!("write `default={}` if this is meant to be the default", shown(entry));
            self.report(codes::STRAY_ARGUMENT.at(entry.span, "a declaration takes no argument").hint(hint));
        }
        let of = value::scalar(scalar).expect("`scalar_name` returns names of the table");
        let bound = match of.base {
            value::Base::String => value::scalar("int").expect("`int` is in the table"),
            _ => of,
        };
        let ranged = scalar != "enum"
            && !matches!(
                of.base,
                value::Base::Bool | value::Base::Secret | value::Base::Image | value::Base::Tree | value::Base::Any
            );
        for (name, entry) in node.properties() {
            match name.text.as_str() {
                word @ ("min" | "max") if !ranged => self.report(
                    codes::DOES_NOT_FIT.at(entry.span, format!("`{word}` does not fit a `{scalar}`")).hint("delete it"),
                ),
                "min" => attributes.min = self.bound(entry, bound),
                "max" => attributes.max = self.bound(entry, bound),
                "schemes" if scalar != "url" => self.report(
                    codes::DOES_NOT_FIT
                        .at(entry.span, format!("`schemes` does not fit a `{scalar}`"))
                        .hint("delete it"),
                ),
                "schemes" => {
                    let words = self.plain(entry, "`schemes`").unwrap_or_default();
                    if words.contains(',') {
                        let apart = words.replace(',', " ");
                        let apart = apart.split_whitespace().collect::<Vec<_>>().join(" ");
                        self.report(
                            codes::DOES_NOT_FIT
                                .at(entry.span, "several schemes are separated by blanks")
                                .hint(format!("write `schemes=\"{apart}\"`")),
                        );
                    }
                    attributes.schemes = words.split_whitespace().map(Into::into).collect();
                }
                _ => {}
            }
        }
        attributes
    }

    fn bound(&self, entry: &Entry, of: &'static value::ScalarType) -> Option<Value> {
        if entry.annotation.is_some() || entry.value == Literal::Null {
            self.report(codes::DOES_NOT_FIT.at(entry.span, "a bound is a constant").hint("write a value"));
            return None;
        }
        match value::parse(of, &raw(entry, self.sources), &Attributes::default()) {
            Ok(value) => Some(value),
            Err(bad) => {
                self.report(bad_value(bad, entry.span));
                None
            }
        }
    }
}

/// A literal as an author would type it again; a string may be a secret and is not shown.
fn shown(entry: &Entry) -> String {
    match &entry.value {
        Literal::Integer(number) => number.to_string(),
        Literal::Bool(value) => format!("#{value}"),
        _ => "…".to_owned(),
    }
}
