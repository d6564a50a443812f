//! A stack while it is being read: tables that grow, and the compiling of expressions against them.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use indexmap::{IndexMap, IndexSet};
use smol_str::SmolStr;

use crate::{
    diag::{Diags, Finding, codes},
    expr::{self, Expr, Form, Kind as ExprKind, Place, Ref, Type},
    schema::{
        Assignment, FIRST_OTHER, Kind, Other, Setting, SettingId,
        names::{Scope, ScopedNames},
    },
    source::{Source, Span},
    syntax::{Entry, Literal, Node},
    value::{self, Attributes, Raw, Value},
};

/// What is known of an endpoint's name before its expressions are read.
#[derive(Clone, Debug, Default)]
pub(super) struct EndpointName {
    pub(super) ports: IndexSet<SmolStr>,
    pub(super) fields: IndexSet<SmolStr>,
}

/// A stack while it is being read.
pub(super) struct Builder<'d> {
    pub(super) sources: &'d [Arc<Source>],
    pub(super) settings: Vec<Setting>,
    pub(super) others: RefCell<IndexSet<Other>>,
    /// Filled when all settings are declared.
    pub(super) conditions: Vec<Option<Expr>>,
    pub(super) types: IndexMap<SmolStr, &'d Node>,
    pub(super) fragments: IndexMap<SmolStr, &'d Node>,
    pub(super) used_fragments: RefCell<IndexSet<SmolStr>>,
    pub(super) used_types: RefCell<IndexSet<SmolStr>>,
    /// How many uses of fragments were read.
    pub(super) uses: Cell<usize>,
    /// The names of the `helm` blocks.
    pub(super) helm_names: Vec<SmolStr>,
    /// The names of the configuration files.
    pub(super) config_names: IndexSet<SmolStr>,
    /// Whether workloads or endpoints stand in loops, so that their names are not known.
    pub(super) looped_endpoints: bool,
    pub(super) endpoint_names: IndexMap<SmolStr, EndpointName>,
    pub(super) workload_names: IndexSet<SmolStr>,
    /// Entries of maps that a declaration gives by `default { … }`.
    pub(super) entries: Vec<Assignment>,
    pub(super) diags: RefCell<Diags>,
}

impl Builder<'_> {
    pub(super) fn setting_at(&self, place: Place) -> Option<SettingId> {
        (place.0 < FIRST_OTHER).then_some(SettingId(place.0))
    }

    pub(super) fn other_at(&self, place: Place) -> Option<Other> {
        place.0.checked_sub(FIRST_OTHER).and_then(|index| self.others.borrow().get_index(index as usize).cloned())
    }

    /// The place of something that is no setting.
    pub(super) fn other(&self, other: Other) -> Place {
        Place(FIRST_OTHER + self.others.borrow_mut().insert_full(other).0 as u32)
    }

    /// Adds a finding.
    pub(super) fn report(&self, finding: Finding) {
        self.diags.borrow_mut().push(finding);
    }

    /// What an expression that names this setting yields.
    pub(super) fn type_of(&self, id: SettingId) -> Type {
        type_of(&self.settings, id)
    }

    /// The text of a string value, with the place where it stands verbatim, if it does.
    pub(super) fn text<'t>(&self, text: &'t str, span: Span) -> expr::Text<'t> {
        let source = self.sources.iter().find(|source| source.id == span.source);
        let within = source.and_then(|source| source.slice(span).find(text));
        expr::Text { text, span, verbatim_at: within.map(|at| span.start + at as u32) }
    }

    /// Reads a condition or another expression that stands as a plain string.
    pub(super) fn expression(&self, entry: &Entry, form: Form, wanted: Option<&Type>, scope: &Scope) -> Option<Expr> {
        let Literal::String(text) = &entry.value else {
            self.report(
                codes::NOT_AN_EXPRESSION
                    .at(entry.span, "an expression is written as a string")
                    .hint("write it in quotes, such as `\"replicas > 1\"`"),
            );
            return None;
        };
        if let Some(annotation) = &entry.annotation {
            self.report(
                codes::UNKNOWN_ANNOTATION
                    .at(annotation.span, format!("`({})` means nothing here", annotation.text))
                    .hint("delete it: this is read as an expression anyway"),
            );
            return None;
        }
        self.compiled(text, entry.span, form, wanted, scope).map(|(expr, _)| expr)
    }

    /// Reads the text of an expression.
    pub(super) fn compiled(
        &self,
        text: &str,
        span: Span,
        form: Form,
        wanted: Option<&Type>,
        scope: &Scope,
    ) -> Option<(Expr, Type)> {
        let mut diags = Diags::default();
        let text = self.text(text, span);
        let names = ScopedNames { builder: self, scope };
        let compiled = expr::compile(&text, form, &names, wanted, &mut diags);
        self.diags.borrow_mut().extend(diags);
        compiled
    }

    /// The same, with its type.
    pub(super) fn typed(&self, entry: &Entry, wanted: Option<&Type>, scope: &Scope) -> Option<(Expr, Type)> {
        let form = match entry.annotation.as_ref().map(|name| name.text.as_str()) {
            Some("ref") => Form::Path,
            Some("f") => Form::Template,
            Some("cel") => Form::Cel,
            Some("secret") => return self.secret(entry).map(|expr| (expr, Type::Scalar("secret".into()))),
            Some(_) => {
                let name = entry.annotation.as_ref().expect("matched above");
                self.report(
                    codes::UNKNOWN_ANNOTATION
                        .at(name.span, format!("`({})` is no form of a value here", name.text))
                        .hint("write a literal, `(ref)\"path\"`, `(f)\"text {path}\"`, `(cel)\"expression\"` or `(secret)\"name/key\"`"),
                );
                return None;
            }
            None => {
                // Where a path is no value of the type that is wanted, that alone is said.
                return self.constant(entry, wanted).inspect(|_| self.note_path(entry));
            }
        };
        let Literal::String(text) = &entry.value else {
            self.report(codes::NOT_AN_EXPRESSION.at(entry.span, "an expression is written as a string"));
            return None;
        };
        self.compiled(text, entry.span, form, wanted, scope)
    }

    /// A value of a stack: a literal, or one of the annotated forms.
    pub(super) fn value(&self, entry: &Entry, wanted: Option<&Type>, scope: &Scope) -> Option<Expr> {
        self.typed(entry, wanted, scope).map(|(expr, _)| expr)
    }

    /// Warns of a text that is the path of a setting: it would be printed as it stands.
    fn note_path(&self, entry: &Entry) {
        let Literal::String(text) = &entry.value else { return };
        // One word may be a word like any other.
        if text.contains('.') && self.is_path(text) {
            let message = format!("`{text}` is text here, and the path of a setting");
            let hint = format!("write `(ref)\"{text}\"` for its value");
            self.report(codes::PATH_AS_TEXT.at(entry.span, message).hint(hint));
        }
    }

    /// Whether a text is the path of a setting, through no map.
    fn is_path(&self, text: &str) -> bool {
        let child = |id: SettingId, word: &str| self.settings[id.index()].children.get(word).copied();
        text.split('.').try_fold(SettingId::ROOT, child).is_some()
    }

    fn secret(&self, entry: &Entry) -> Option<Expr> {
        let of = value::scalar("secret")?;
        match value::parse(of, &raw(entry, self.sources), &Attributes::default()) {
            Ok(value) => Some(expr::constant(value, entry.span)),
            Err(bad) => {
                self.report(bad_value(bad, entry.span));
                None
            }
        }
    }

    fn constant(&self, entry: &Entry, wanted: Option<&Type>) -> Option<(Expr, Type)> {
        let scalar = match wanted {
            Some(Type::Scalar(name)) => value::scalar(name),
            Some(Type::Enum(words)) => {
                let of = value::scalar("enum")?;
                let attributes = Attributes { words: words.to_vec(), ..Attributes::default() };
                return self.parsed(entry, of, &attributes).map(|expr| (expr, Type::Enum(words.clone())));
            }
            _ => None,
        };
        if let Some(of) = scalar.filter(|of| of.name != "any" && of.name != "env-value" && entry.value != Literal::Null)
        {
            return self.parsed(entry, of, &Attributes::default()).map(|expr| (expr, Type::Scalar(of.name.into())));
        }
        let (value, of) = match &entry.value {
            Literal::String(text) => (Value::string(text.as_str()), "string"),
            Literal::Bool(value) => (Value::Bool(*value), "bool"),
            Literal::Integer(number) => match i64::try_from(*number) {
                Ok(number) => (Value::Int(number), "int"),
                Err(_) => {
                    self.report(codes::NUMBER_TOO_LARGE.at(entry.span, "the number does not fit into 64 bits"));
                    return None;
                }
            },
            Literal::Float(number) => (Value::Float(*number), "number"),
            Literal::Null => (Value::Null, "any"),
        };
        Some((expr::constant(value, entry.span), Type::Scalar(of.into())))
    }

    fn parsed(&self, entry: &Entry, of: &'static value::ScalarType, attributes: &Attributes) -> Option<Expr> {
        match value::parse(of, &raw(entry, self.sources), attributes) {
            Ok(value) => Some(expr::constant(value, entry.span)),
            Err(bad) => {
                let finding = bad_value(bad, entry.span);
                self.report(match &entry.value {
                    // The path of a setting, without the annotation that makes it one.
                    Literal::String(text) if self.is_path(text) => {
                        Finding { help: Vec::new(), ..finding }.hint(format!("write `(ref)\"{text}\"`"))
                    }
                    _ => finding,
                });
                None
            }
        }
    }

    /// Reads a path that names a place, such as the source of a loop.
    pub(super) fn path(&self, text: &str, span: Span, scope: &Scope) -> Option<(Ref, Type)> {
        match self.compiled(text, span, Form::Path, None, scope)? {
            (Expr { kind: ExprKind::Ref(found), .. }, of) => Some((found, of)),
            _ => {
                self.report(
                    codes::NOT_A_SETTING.at(span, "this names no setting").hint("write the path of a list or map"),
                );
                None
            }
        }
    }

    /// Adds a condition that is compiled later, or that needs no names.
    pub(super) fn condition(&mut self, expr: Option<Expr>) -> u32 {
        self.conditions.push(expr);
        self.conditions.len() as u32 - 1
    }
}

/// What an expression that names a setting yields.
pub(crate) fn type_of(settings: &[Setting], id: SettingId) -> Type {
    let setting = &settings[id.index()];
    match &setting.kind {
        Kind::Group => Type::Record(id.place()),
        Kind::Scalar(name) if name.as_str() == "enum" => {
            let words = setting.declarations.first().map(|found| found.attributes.words.clone());
            Type::Enum(words.unwrap_or_default().into())
        }
        Kind::Scalar(name) => Type::Scalar(name.clone()),
        Kind::List(item) => Type::List(Box::new(type_of(settings, *item))),
        Kind::Map(item) => Type::Map(Box::new(type_of(settings, *item))),
        Kind::Choice(variants) => Type::Enum(variants.clone()),
        Kind::Switch => Type::Scalar("bool".into()),
    }
}

/// A literal as the table of types takes it.
pub(crate) fn raw<'e>(entry: &'e Entry, sources: &'e [Arc<Source>]) -> Raw<'e> {
    match &entry.value {
        Literal::String(text) => Raw::String(text),
        Literal::Integer(number) => Raw::Integer(*number),
        Literal::Float(number) => {
            let source = sources.iter().find(|source| source.id == entry.span.source);
            Raw::Float(*number, source.map_or("", |source| source.slice(entry.span)))
        }
        Literal::Bool(value) => Raw::Bool(*value),
        Literal::Null => Raw::String(""),
    }
}

/// What is wrong with a value, as a finding.
pub(crate) fn bad_value(bad: value::Bad, span: Span) -> Finding {
    bad.code.at(span, bad.message).underline(bad.underline).maybe_hint(bad.hint)
}

/// A condition of constants: that `choice` is one of `variants`.
pub(super) fn is_variant(choice: Ref, variants: &[SmolStr], span: Span) -> Expr {
    let list = variants.iter().map(|variant| expr::constant(Value::String(variant.clone()), span)).collect();
    Expr {
        kind: ExprKind::Binary(
            expr::Operator::In,
            Box::new(Expr { kind: ExprKind::Ref(choice), span }),
            Box::new(Expr { kind: ExprKind::List(list), span }),
        ),
        span,
    }
}
