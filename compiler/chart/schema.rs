//! Values against a JSON Schema, as far as charts use it.
//!
//! In: a schema and values with places. Out: findings at the values.
//! Never: another file or address; a value in a message.
//! Invariant: a keyword that is not checked is said once, never passed over.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{
    reads::shown_key,
    yaml::{Kind, Node},
};
use crate::{
    diag::{
        Diags,
        codes::{CHART_FORBIDDEN, CHART_KEYWORD},
        list_of, nearest,
    },
    expr,
    source::{Source, Span},
    visible::visible_line,
};

/// How often a schema may refer to another on the way to one value.
const DEEPEST: usize = 64;
/// Schemas that are tried for one set of values.
const MOST_STEPS: usize = 1_000_000;

/// Keywords that demand nothing of a value.
const SILENT: &[&str] = &[
    "$schema",
    "$id",
    "id",
    "title",
    "description",
    "default",
    "examples",
    "example",
    "$comment",
    "definitions",
    "$defs",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$anchor",
];
/// Keywords that are checked.
const CHECKED: &[&str] = &[
    "$ref",
    "type",
    "enum",
    "const",
    "required",
    "properties",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "oneOf",
    "anyOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
];

/// What is wrong with a value.
#[derive(Clone, Debug)]
struct Wrong {
    at: Span,
    message: String,
    hint: Option<String>,
}

/// Checks values; `way` leads to them from the outermost chart's. `text` is that of the schema.
pub(super) fn check(text: &Source, schema: &Json, values: &Node, way: &[String], diags: &mut Diags) {
    let checker =
        Checker { root: schema, unknown: RefCell::default(), steps: RefCell::new(0), at: RefCell::new(way.to_vec()) };
    for wrong in checker.check(schema, values, values.span, 0) {
        diags.push(CHART_FORBIDDEN.at(wrong.at, wrong.message).maybe_hint(wrong.hint));
    }
    for (keyword, what) in checker.unknown.into_inner() {
        let quoted = format!("\"{keyword}\"");
        let start = text.text.find(&quoted).unwrap_or_default();
        let end = if text.text[start..].starts_with(&quoted) { start + quoted.len() } else { start };
        let message = format!("{} in the chart's schema is not checked", visible_line(&what));
        diags.push(CHART_KEYWORD.at(Span::new(text.id, start, end), message));
    }
}

struct Checker<'s> {
    root: &'s Json,
    /// Keywords that are not checked, and what of them is not.
    unknown: RefCell<BTreeMap<String, String>>,
    steps: RefCell<usize>,
    /// The way to the value that is checked.
    at: RefCell<Vec<String>>,
}

impl Checker<'_> {
    fn path(&self) -> String {
        let words = self.at.borrow();
        if words.is_empty() {
            "the set of values".to_owned()
        } else {
            format!("`{}`", words.join(".").replace(".[", "["))
        }
    }

    /// Remembers a keyword that is not checked.
    fn unknown(&self, keyword: &str, what: &str) {
        self.unknown.borrow_mut().entry(keyword.to_owned()).or_insert_with(|| what.to_owned());
    }

    fn wrong(&self, at: Span, message: impl AsRef<str>) -> Wrong {
        Wrong { at, message: format!("{} {}", self.path(), message.as_ref()), hint: None }
    }

    fn below<T>(&self, word: String, run: impl FnOnce() -> T) -> T {
        self.at.borrow_mut().push(word);
        let result = run();
        self.at.borrow_mut().pop();
        result
    }

    /// What is wrong with a value; `at` is where it is named.
    fn check(&self, schema: &Json, node: &Node, at: Span, depth: usize) -> Vec<Wrong> {
        *self.steps.borrow_mut() += 1;
        if depth > DEEPEST || *self.steps.borrow() > MOST_STEPS {
            self.unknown("$ref", "a schema that refers to itself too deeply");
            return Vec::new();
        }
        let Json::Object(keywords) = schema else {
            let forbidden = schema == &Json::Bool(false);
            return if forbidden { vec![self.wrong(at, "is not allowed by the chart's schema")] } else { Vec::new() };
        };
        let mut wrong = Vec::new();
        for (keyword, wanted) in keywords {
            if !SILENT.contains(&keyword.as_str()) && !CHECKED.contains(&keyword.as_str()) && !keyword.starts_with("x-")
            {
                self.unknown(keyword, &format!("`{keyword}`"));
            }
            wrong.extend(self.general(keyword, wanted, keywords, node, at, depth));
        }
        wrong.extend(match &node.kind {
            Kind::Map(_) => self.map(keywords, node, at, depth),
            Kind::List(items) => self.list(keywords, items, at, depth),
            Kind::Text(text) => self.text(keywords, text, at),
            Kind::Int(number) => self.number(keywords, *number as f64, at),
            Kind::Float(number) => self.number(keywords, *number, at),
            Kind::Null | Kind::Bool(_) => Vec::new(),
        });
        wrong
    }

    /// Keywords for values of every kind.
    fn general(
        &self,
        keyword: &str,
        wanted: &Json,
        keywords: &serde_json::Map<String, Json>,
        node: &Node,
        at: Span,
        depth: usize,
    ) -> Vec<Wrong> {
        let fits = |schema: &Json| self.check(schema, node, at, depth + 1).is_empty();
        let schemas = || wanted.as_array().map(Vec::as_slice).unwrap_or_default();
        match keyword {
            "$ref" => {
                match wanted.as_str().and_then(|way| way.strip_prefix('#')).and_then(|way| self.root.pointer(way)) {
                    Some(target) => self.check(target, node, at, depth + 1),
                    None => {
                        self.unknown("$ref", "a `$ref` to another file");
                        Vec::new()
                    }
                }
            }
            "type" if !is_of(wanted, node) => {
                vec![self.wrong(at, format!("is {}, and the chart's schema wants {}", node.noun(), nouns(wanted)))]
            }
            "enum" if !schemas().iter().any(|allowed| equals(allowed, node)) => {
                vec![self.not_a_word(schemas(), node, at)]
            }
            "const" if !equals(wanted, node) => vec![self.wrong(at, format!("may only be `{}`", short(wanted)))],
            "allOf" => schemas().iter().flat_map(|schema| self.check(schema, node, at, depth + 1)).collect(),
            "anyOf" if !schemas().iter().any(fits) => {
                self.nearest_of(schemas(), node, at, depth, "fits none of the forms")
            }
            "oneOf" => match schemas().iter().filter(|schema| fits(schema)).count() {
                1 => Vec::new(),
                0 => self.nearest_of(schemas(), node, at, depth, "fits none of the forms"),
                _ => vec![self.wrong(at, "fits more than one of the forms of which the chart's schema wants one")],
            },
            "not" if fits(wanted) => vec![self.wrong(at, "has a form that the chart's schema forbids")],
            "if" => {
                let then = if fits(wanted) { "then" } else { "else" };
                keywords.get(then).map(|schema| self.check(schema, node, at, depth + 1)).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// Of several forms the one with the fewest mistakes; where they are alike, only that none fits.
    fn nearest_of(&self, schemas: &[Json], node: &Node, at: Span, depth: usize, message: &str) -> Vec<Wrong> {
        let typed = schemas.iter().filter(|schema| schema.get("type").is_none_or(|wanted| is_of(wanted, node)));
        let mut tries: Vec<Vec<Wrong>> = typed.map(|schema| self.check(schema, node, at, depth + 1)).collect();
        tries.sort_by_key(Vec::len);
        match tries.as_slice() {
            [only] => only.clone(),
            [first, second, ..] if first.len() < second.len() => first.clone(),
            _ => vec![self.wrong(at, format!("{message} that the chart's schema allows"))],
        }
    }

    fn not_a_word(&self, allowed: &[Json], node: &Node, at: Span) -> Wrong {
        let words: Vec<String> = allowed.iter().map(short).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let wrong = self.wrong(at, format!("is not one of {}", list_of(&words)));
        let near = node.text().and_then(|text| nearest(text, words));
        Wrong { hint: near.map(|near| format!("did you mean `{near}`?")), ..wrong }
    }

    fn map(&self, keywords: &serde_json::Map<String, Json>, node: &Node, at: Span, depth: usize) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for name in keywords.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            if node.get(name).is_none() {
                wrong.push(self.wrong(at, format!("has no `{}`, which the chart's schema requires", shown_key(name))));
            }
        }
        let count = node.entries().len() as f64;
        wrong.extend(self.count(keywords, "minProperties", "maxProperties", count, "keys", at));
        let named = keywords.get("properties").and_then(Json::as_object);
        let patterns = keywords.get("patternProperties").and_then(Json::as_object);
        for entry in node.entries() {
            let mut known = false;
            let mut schemas: Vec<&Json> = Vec::new();
            if let Some(schema) = named.and_then(|named| named.get(&entry.key)) {
                schemas.push(schema);
                known = true;
            }
            for (pattern, schema) in patterns.into_iter().flatten() {
                if self.matches(pattern, &entry.key) {
                    schemas.push(schema);
                    known = true;
                }
            }
            if let (false, Some(other)) = (known, keywords.get("additionalProperties")) {
                if other == &Json::Bool(false) {
                    wrong.push(self.unknown_key(&entry.key, entry.span, named));
                } else {
                    schemas.push(other);
                }
            }
            self.below(shown_key(&entry.key), || {
                for schema in schemas {
                    wrong.extend(self.check(schema, &entry.value, entry.span, depth + 1));
                }
            });
            if let Some(schema) = keywords.get("propertyNames") {
                let name = Node { span: entry.span, kind: Kind::Text(entry.key.clone()) };
                wrong.extend(self.check(schema, &name, entry.span, depth + 1));
            }
        }
        wrong
    }

    fn unknown_key(&self, key: &str, at: Span, named: Option<&serde_json::Map<String, Json>>) -> Wrong {
        let near = named.and_then(|named| nearest(key, named.keys().map(String::as_str)));
        let wrong = self.wrong(at, format!("has a key `{}`, which the chart's schema forbids", shown_key(key)));
        Wrong { hint: near.map(|near| format!("did you mean `{}`?", shown_key(near))), ..wrong }
    }

    fn list(&self, keywords: &serde_json::Map<String, Json>, items: &[Node], at: Span, depth: usize) -> Vec<Wrong> {
        let mut wrong = self.count(keywords, "minItems", "maxItems", items.len() as f64, "items", at);
        if keywords.get("uniqueItems") == Some(&Json::Bool(true)) {
            let kinds: BTreeSet<String> = items.iter().map(|item| format!("{:?}", Bare(item))).collect();
            if kinds.len() < items.len() {
                wrong.push(self.wrong(at, "holds the same item twice"));
            }
        }
        for (number, item) in items.iter().enumerate() {
            let schema = match keywords.get("items") {
                Some(Json::Array(each)) => each.get(number),
                other => other,
            };
            if let Some(schema) = schema {
                let found = self.below(format!("[{number}]"), || self.check(schema, item, item.span, depth + 1));
                wrong.extend(found);
            }
        }
        wrong
    }

    fn text(&self, keywords: &serde_json::Map<String, Json>, text: &str, at: Span) -> Vec<Wrong> {
        let length = text.chars().count() as f64;
        let mut wrong = self.count(keywords, "minLength", "maxLength", length, "characters", at);
        if let Some(pattern) = keywords.get("pattern").and_then(Json::as_str)
            && !self.matches(pattern, text)
        {
            wrong.push(self.wrong(at, format!("does not match the pattern `{pattern}` of the chart's schema")));
        }
        wrong
    }

    /// Whether a text matches a pattern; one that cannot be read is said, and matches.
    fn matches(&self, pattern: &str, text: &str) -> bool {
        expr::matches(pattern, text).unwrap_or_else(|| {
            self.unknown("pattern", &format!("the pattern `{pattern}`"));
            true
        })
    }

    fn number(&self, keywords: &serde_json::Map<String, Json>, number: f64, at: Span) -> Vec<Wrong> {
        let limit = |name: &str| keywords.get(name).and_then(Json::as_f64);
        let strict = |name: &str| keywords.get(name) == Some(&Json::Bool(true));
        let mut wrong = Vec::new();
        let mut demand = |fits: bool, what: String| {
            if !fits {
                wrong.push(self.wrong(at, format!("must be {what}")));
            }
        };
        if let Some(least) = limit("minimum") {
            let is_strict = strict("exclusiveMinimum");
            demand(if is_strict { number > least } else { number >= least }, format!("{least} or more"));
        }
        if let Some(most) = limit("maximum") {
            let is_strict = strict("exclusiveMaximum");
            demand(if is_strict { number < most } else { number <= most }, format!("{most} or less"));
        }
        if let Some(least) = limit("exclusiveMinimum") {
            demand(number > least, format!("more than {least}"));
        }
        if let Some(most) = limit("exclusiveMaximum") {
            demand(number < most, format!("less than {most}"));
        }
        if let Some(step) = limit("multipleOf").filter(|step| *step > 0.0) {
            let count = number / step;
            demand((count - count.round()).abs() < 1e-9, format!("a multiple of {step}"));
        }
        wrong
    }

    fn count(
        &self,
        keywords: &serde_json::Map<String, Json>,
        least: &str,
        most: &str,
        count: f64,
        what: &str,
        at: Span,
    ) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if let Some(limit) = keywords.get(least).and_then(Json::as_f64).filter(|limit| count < *limit) {
            let found = match limit {
                1.0 => "is empty, and the chart's schema forbids that".to_owned(),
                limit => format!("has fewer than {limit} {what}"),
            };
            wrong.push(self.wrong(at, found));
        }
        if let Some(limit) = keywords.get(most).and_then(Json::as_f64).filter(|limit| count > *limit) {
            wrong.push(self.wrong(at, format!("has more than {limit} {what}")));
        }
        wrong
    }
}

/// A value without its places, for comparing.
struct Bare<'n>(&'n Node);

impl std::fmt::Debug for Bare<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0.kind {
            Kind::List(items) => f.debug_list().entries(items.iter().map(Bare)).finish(),
            Kind::Map(entries) => {
                f.debug_map().entries(entries.iter().map(|entry| (&entry.key, Bare(&entry.value)))).finish()
            }
            kind => write!(f, "{kind:?}"),
        }
    }
}

/// Whether a value is of a type, or of one of several.
fn is_of(wanted: &Json, node: &Node) -> bool {
    let one = |wanted: &str| match (wanted, &node.kind) {
        ("object", Kind::Map(_)) | ("array", Kind::List(_)) | ("string", Kind::Text(_)) => true,
        ("boolean", Kind::Bool(_)) | ("null", Kind::Null) => true,
        ("integer" | "number", Kind::Int(_)) | ("number", Kind::Float(_)) => true,
        ("integer", Kind::Float(number)) => number.fract() == 0.0,
        _ => false,
    };
    match wanted {
        Json::String(wanted) => one(wanted),
        Json::Array(all) => all.iter().filter_map(Json::as_str).any(one),
        _ => true,
    }
}

/// What the types of a schema are called in messages.
fn nouns(wanted: &Json) -> String {
    let noun = |word: &str| match word {
        "object" => "a map",
        "array" => "a list",
        "string" => "text",
        "boolean" => "a yes or no",
        "integer" => "a whole number",
        "number" => "a number",
        _ => "null",
    };
    match wanted {
        Json::String(word) => noun(word).to_owned(),
        Json::Array(words) => words.iter().filter_map(Json::as_str).map(noun).collect::<Vec<_>>().join(" or "),
        _ => "something else".to_owned(),
    }
}

fn equals(wanted: &Json, node: &Node) -> bool {
    match (wanted, &node.kind) {
        (Json::Null, Kind::Null) => true,
        (Json::Bool(wanted), Kind::Bool(found)) => wanted == found,
        (Json::String(wanted), Kind::Text(found)) => wanted == found,
        (Json::Number(wanted), Kind::Int(found)) => wanted.as_f64() == Some(*found as f64),
        (Json::Number(wanted), Kind::Float(found)) => wanted.as_f64() == Some(*found),
        (Json::Array(wanted), Kind::List(found)) => {
            wanted.len() == found.len() && wanted.iter().zip(found).all(|(wanted, found)| equals(wanted, found))
        }
        (Json::Object(wanted), Kind::Map(found)) => {
            let same = |(key, value): (&String, &Json)| node.get(key).is_some_and(|found| equals(value, found));
            wanted.len() == found.len() && wanted.iter().all(same)
        }
        _ => false,
    }
}

/// A value of the schema itself, for a message.
fn short(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
