//! Facts in a surface: `aeterna resources.limits.memory`, and the values that a chart fixes.
//!
//! In: strings and values of a surface. Out: [`Carry`]s and checked expressions.
//! Never: which facts a workload has; the ledger knows.
//! Invariant: a fact that comes back has a row in `plan::KINDS`, and its part one in `value::PARTS`.

use smol_str::SmolStr;

use crate::{
    diag::{Diags, codes, nearest},
    expr::{self, Expr, Form, Type},
    plan::{FactPath, FieldRow, KINDS, Kind},
    schema::{
        Carry, KeyShape, Kind as SettingKind, SettingId,
        build::{bad_value, raw},
        charts::{Charts, Within, is_template},
        declare::Written,
        keys::KeyNames,
    },
    source::Span,
    syntax::{Entry, Literal, Node},
    value::{self, Attributes, Base, Link, LinkPart, Piece, Raw, Value},
};

/// Types whose parts a variable may have: what its text may be the form of.
const VARIABLE_PARTS: &[&str] = &["secret", "url", "address", "image"];

impl<'d> Charts<'_, 'd> {
    /// A fact as it is written, `WORKLOAD KIND[KEY].FIELD.PART`.
    pub(super) fn fact(&self, entry: &Entry, within: &Within<'d>) -> Option<Carry> {
        let text = within.filled(&self.builder.plain(entry, "a fact")?);
        if text.trim() == "workloads" {
            return Some(Carry { fact: FactPath::every(), part: "".into(), plus: 0, when: None });
        }
        let bad = |message: String, hint: Option<String>| {
            self.builder.report(codes::BAD_FACT.at(entry.span, message).maybe_hint(hint));
            None
        };
        let Some((workload, rest)) = text.trim().split_once(' ') else {
            return bad(
                format!("`{text}` is no fact"),
                Some("write `WORKLOAD KIND`, such as `\"api image.version\"`".to_owned()),
            );
        };
        if workload == "setting" {
            return self.setting_fact(rest, entry.span);
        }
        let end = rest.find(['[', '.']).unwrap_or(rest.len());
        let word = &rest[..end];
        let Some(kind) = Kind::named(word) else {
            let near = nearest(word, KINDS.iter().map(|row| row.name)).map(|near| format!("did you mean `{near}`?"));
            return bad(format!("there is no kind of fact `{word}`"), near);
        };
        let row = kind.row();
        let (key, rest) = match rest[end..].strip_prefix('[').map(|inside| inside.split_once(']')) {
            Some(Some((key, rest))) => (key, rest),
            Some(None) => return bad(format!("the bracket in `{text}` is not closed"), None),
            None => ("", &rest[end..]),
        };
        match (row.key, key.is_empty()) {
            (Some(what), true) => {
                return bad(format!("`{word}` needs a key, {what}"), Some(format!("write `{word}[…]`")));
            }
            (None, false) => {
                return bad(
                    format!("a workload has one `{word}`, without a key"),
                    Some(format!("write `{workload} {word}`")),
                );
            }
            _ => {}
        }
        let rest = rest.strip_prefix('.').unwrap_or(rest);
        let Some((field, part)) = field_and_part(row.fields, rest) else {
            let names: Vec<&str> = row.fields.iter().map(|field| field.name).filter(|name| !name.is_empty()).collect();
            let near = nearest(rest, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            return bad(format!("`{word}` has no field or part `{rest}`"), near);
        };
        if !field.helm {
            return bad(format!("`{text}` is a fact that only Compose has"), Some("delete it".to_owned()));
        }
        self.known_workload(workload, entry.span)?;
        let fact = FactPath { workload: workload.into(), kind, key: key.into(), field: field.name };
        Some(Carry { fact, part: part.into(), plus: 0, when: None })
    }

    /// A fact that has a value: of a kind such as `resources`, one of its fields.
    pub(super) fn valued(&self, entry: &Entry, within: &Within<'d>) -> Option<Carry> {
        let carry = self.fact(entry, within)?;
        let row = carry.fact.kind.row();
        if carry.fact.row().is_some() {
            return Some(carry);
        }
        let names: Vec<&str> = row.fields.iter().filter(|field| field.helm).map(|field| field.name).collect();
        self.builder.report(
            codes::BAD_FACT
                .at(entry.span, format!("`{}` has several fields", row.name))
                .hint(format!("name one of {}", names.join(", "))),
        );
        None
    }

    /// A setting that no workload states, `setting app.pdb.min-available`.
    fn setting_fact(&self, path: &str, span: Span) -> Option<Carry> {
        let settings = &self.builder.settings;
        let (mut id, mut rest) = (SettingId::ROOT, path);
        while !rest.is_empty() {
            let (word, after) = rest.split_once('.').unwrap_or((rest, ""));
            let item = match settings[id.index()].kind {
                SettingKind::Map(item) if word == "*" && !after.is_empty() => Some(item),
                _ => None,
            };
            let Some(child) = settings[id.index()].children.get(word).copied().or(item) else { break };
            (id, rest) = (child, after);
        }
        let setting = &settings[id.index()];
        let part = match &setting.kind {
            SettingKind::Scalar(of) => value::part(of, rest).map(|part| part.name),
            _ => None,
        };
        if id == SettingId::ROOT || !(rest.is_empty() || part.is_some()) {
            let word = rest.split('.').next().unwrap_or_default();
            let near = nearest(word, setting.children.keys().map(AsRef::as_ref));
            self.builder.report(
                codes::BAD_FACT
                    .at(span, format!("there is no setting `{path}`"))
                    .maybe_hint(near.map(|near| format!("did you mean `{near}`?"))),
            );
            return None;
        }
        let fact = FactPath { workload: "".into(), kind: Kind::Setting, key: setting.path.clone(), field: "" };
        Some(Carry { fact, part: rest.into(), plus: 0, when: None })
    }

    /// Reports a workload that the stack does not have; where workloads come from loops any may be one.
    pub(super) fn known_workload(&self, name: &str, span: Span) -> Option<()> {
        let known = &self.builder.workload_names;
        if self.builder.looped_endpoints || known.contains(name) {
            return Some(());
        }
        let near = nearest(name, known.iter().map(AsRef::as_ref)).map(|near| format!("did you mean `{near}`?"));
        self.builder
            .report(codes::UNKNOWN_WORKLOAD.at(span, format!("there is no workload `{name}`")).maybe_hint(near));
        None
    }

    /// Reports a key that cannot hold the fact that it is said to carry.
    pub(super) fn fits(&self, entry: &Entry, carry: &Carry, number: u32) {
        let key = self.surface.key(number);
        self.fits_items(entry, carry, number);
        let of = type_of_fact(carry);
        let held = match (&key.shape, of) {
            (KeyShape::Scalar(name, _), _) => name.clone(),
            // Items of lists are compared as sets, and maps and trees as a whole.
            _ => return,
        };
        let (Some(wanted), Some(found)) = (value::scalar(of), value::scalar(&held)) else { return };
        let same = value::assignable(wanted, found) || (wanted.base == Base::Any && found.base != Base::Tree);
        // Text may be the form of a quantity, but a number has to have its unit.
        let text =
            found.base == Base::String && !matches!(wanted.base, Base::Bool | Base::Int | Base::Float | Base::Secret);
        if !same && !text {
            self.builder.report(
                codes::CARRY_TYPE
                    .at(
                        entry.span,
                        format!("a key of type `{held}` cannot carry `{}`, which is of type `{of}`", shown(carry)),
                    )
                    .maybe_hint(parts_hint(of, found)),
            );
        }
    }

    /// Reports a setting of the items of a map that is carried by something else than a key of a map's items.
    fn fits_items(&self, entry: &Entry, carry: &Carry, number: u32) {
        if !carry.fact.is_of_items() {
            return;
        }
        let path = self.surface.path_of(number);
        let count = |path: &str| path.split('.').filter(|word| *word == "*").count();
        if count(&carry.fact.key) != 1 || count(&path) != 1 {
            let message = format!("`{path}` cannot carry `{}`, which is a setting of each item of a map", carry.fact);
            let hint = "let a key do so that stands once in each item of one map";
            self.builder.report(codes::BAD_FACT.at(entry.span, message).hint(hint));
        }
    }

    /// The value of a `fixed`; of a text with keys in it an empty one, until all keys are known.
    pub(super) fn fixed_value(&mut self, node: &'d Node, fact: &Carry, within: &Within<'d>) -> Option<Expr> {
        let of = type_of_fact(fact);
        let mut values = Vec::new();
        for entry in node.arguments().skip(1) {
            let value = match entry.annotation.as_ref().map(|name| name.text.as_str()) {
                Some("workload") => self.host(entry, within)?,
                Some("f") => Value::string(""),
                _ => self.constant(entry, of, within)?,
            };
            values.push((value, entry.span));
        }
        let span = node.arguments().nth(1).map_or(node.name.span, |entry| entry.span);
        if of == "list" {
            if node.arguments().skip(1).any(is_template) {
                self.builder.report(codes::MISPLACED.at(span, "a fixed list is made of constants"));
                return None;
            }
            return Some(expr::constant(Value::List(values.into_iter().map(|(value, _)| value).collect()), span));
        }
        if values.len() != 1 {
            self.builder.report(
                codes::ONE_VALUE
                    .at(node.name.span, "`fixed` takes a fact and its value")
                    .hint("write `fixed \"api port[http]\" 8080`"),
            );
            return None;
        }
        values.pop().map(|(value, span)| expr::constant(value, span))
    }

    fn constant(&self, entry: &Entry, of: &str, within: &Within<'d>) -> Option<Value> {
        let of = value::scalar(if of == "list" || of == "tree" { "string" } else { of })?;
        if let Some(annotation) = &entry.annotation {
            self.builder.report(
                codes::UNKNOWN_ANNOTATION
                    .at(annotation.span, format!("`({})` means nothing here", annotation.text))
                    .hint("write a constant, `(workload)\"NAME\"` for its host, or `(f)\"text {key}\"`"),
            );
            return None;
        }
        let filled = match &entry.value {
            Literal::String(text) => within.filled(text),
            _ => String::new(),
        };
        let raw = match &entry.value {
            Literal::String(_) => Raw::String(&filled),
            _ => raw(entry, self.builder.sources),
        };
        match value::parse(of, &raw, &Attributes::default()) {
            Ok(value) => Some(value),
            Err(bad) => {
                self.builder.report(bad_value(bad, entry.span));
                None
            }
        }
    }

    fn host(&self, entry: &Entry, within: &Within<'d>) -> Option<Value> {
        let Literal::String(name) = &entry.value else {
            self.builder.report(codes::ONE_STRING.at(entry.span, "the name of a workload is a string"));
            return None;
        };
        let name = within.filled(name);
        self.known_workload(&name, entry.span)?;
        Some(Value::text([Piece::Link(Link { endpoint: name.into(), part: LinkPart::Host })]))
    }

    /// A condition over the keys.
    pub(super) fn condition(&mut self, written: Written<'_>, within: &Within<'d>) -> Option<Expr> {
        let entry = match written {
            Written::Entry(entry) => entry,
            Written::Name(name) => return self.text(&name.text, name.span, within, Form::Cel, &Type::scalar("bool")),
        };
        if entry.annotation.is_some() {
            self.builder.report(
                codes::UNKNOWN_ANNOTATION
                    .at(entry.span, "a condition has no annotation")
                    .hint("delete it: this is read as an expression anyway"),
            );
            return None;
        }
        self.expression(entry, within, Form::Cel, &Type::scalar("bool"))
    }

    /// A text with keys in it.
    pub(super) fn template(&mut self, written: Written<'_>, within: &Within<'d>) -> Option<Expr> {
        let Written::Entry(entry) = written else { return None };
        if !is_template(entry) {
            return self.constant(entry, "string", within).map(|value| expr::constant(value, entry.span));
        }
        self.expression(entry, within, Form::Template, &Type::scalar("string"))
    }

    fn expression(&mut self, entry: &Entry, within: &Within<'d>, form: Form, wanted: &Type) -> Option<Expr> {
        let Literal::String(text) = &entry.value else {
            self.builder.report(
                codes::NOT_AN_EXPRESSION
                    .at(entry.span, "an expression is written as a string")
                    .hint("write it in quotes"),
            );
            return None;
        };
        self.text(text, entry.span, within, form, wanted)
    }

    fn text(&mut self, text: &str, span: Span, within: &Within<'d>, form: Form, wanted: &Type) -> Option<Expr> {
        let text = within.filled(text);
        let names = KeyNames::new(&self.surface, self.builder);
        let mut diags = Diags::default();
        let text = self.builder.text(&text, span);
        let compiled = expr::compile(&text, form, &names, Some(wanted), &mut diags);
        self.surface.workloads = names.workloads();
        self.builder.diags.borrow_mut().extend(diags);
        compiled.map(|(expr, _)| expr)
    }
}

/// The type of a fact, or of the part of it: a row of `value::SCALARS`, `list` or `tree`.
pub(crate) fn type_of_fact(carry: &Carry) -> &'static str {
    let of = carry.fact.row().map_or("any", |field| field.of);
    if carry.part.is_empty() { of } else { part_of(of, &carry.part).unwrap_or("any") }
}

/// The type of the part of a fact of this type.
fn part_of(of: &str, part: &str) -> Option<&'static str> {
    let types: &[&str] = if of == "env-value" { VARIABLE_PARTS } else { &[of] };
    types.iter().find_map(|of| value::part(of, part)).map(|part| part.result)
}

/// A fact as a whole, of a kind whose fields all have names.
static WHOLE: FieldRow = FieldRow { name: "", of: "any", compose: true, helm: true };

/// The field that a path begins with, the longest there is, and the part of it that follows.
fn field_and_part<'t>(fields: &'static [FieldRow], rest: &'t str) -> Option<(&'static FieldRow, &'t str)> {
    let mut ways: Vec<(&FieldRow, &str)> = fields
        .iter()
        .filter_map(|field| match field.name {
            "" => Some((field, rest)),
            name if name == rest => Some((field, "")),
            name => rest.strip_prefix(name)?.strip_prefix('.').map(|part| (field, part)),
        })
        .collect();
    ways.sort_by_key(|(field, _)| std::cmp::Reverse(field.name.len()));
    // A fact whose fields are all named, such as `resources`, is meant as a whole where none is said.
    let whole = || rest.is_empty().then_some((&WHOLE, ""));
    ways.into_iter().find(|(field, part)| part.is_empty() || part_of(field.of, part).is_some()).or_else(whole)
}

/// A fact as an author writes it.
fn shown(carry: &Carry) -> SmolStr {
    if carry.part.is_empty() { carry.fact.to_string().into() } else { format!("{}.{}", carry.fact, carry.part).into() }
}

/// The part to name, where one fits the key.
fn parts_hint(of: &str, key: &value::ScalarType) -> Option<String> {
    let fits =
        |part: &&value::Part| value::scalar(part.result).is_some_and(|of| of.unit == key.unit && of.base == key.base);
    value::parts(of).find(fits).map(|part| format!("name the part: add `.{}`", part.name))
}
