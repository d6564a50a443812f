//! Names and types: a tree of words becomes an [`Expr`] of which every path exists and every type fits.
//!
//! In: [`Node`]s, [`Names`]. Out: [`Expr`]s with their [`Type`]s; findings at the exact word.
//! Never: a value of a setting.
//! Invariant: whoever returns `None` has reported a finding, and each mistake is reported once.

mod calls;
mod operators;
mod paths;
mod templates;

use std::sync::Arc;

use smol_str::SmolStr;

use super::functions;
use super::lex::Wrong;
use super::parse::{Node, Shape, Word};
use super::scalars::{self, Base};
use super::{Expr, Form, Kind, Names, Text, Type, codes, parse};
use crate::diag::{Diags, Finding, nearest};
use crate::source::Span;
use crate::value::Value;

/// Bytes that a text may have.
const LONGEST: usize = 16 << 10;

/// An expression and its type.
type Typed = (Expr, Type);

/// Reads and checks a text; nothing if findings were reported.
pub(super) fn compile(
    text: &Text<'_>,
    form: Form,
    names: &dyn Names,
    wanted: Option<&Type>,
    diags: &mut Diags,
) -> Option<Typed> {
    let mut checker = Checker { text, offset: 0, names, diags, locals: Vec::new(), free: wanted == Some(&Type::Any) };
    if text.text.len() > LONGEST {
        let message = format!("an expression has at most {LONGEST} bytes, this has {}", text.text.len());
        checker.report(codes::EXPRESSION_TOO_LARGE.at(text.span, message));
        return None;
    }
    match form {
        Form::Template => checker.template(wanted),
        Form::Path => checker.path_text(text.text, wanted),
        Form::Cel => {
            let node = checker.parsed(text.text)?;
            checker.value(&node, wanted)
        }
    }
}

struct Checker<'a> {
    text: &'a Text<'a>,
    /// Where in the text the expression being checked begins.
    offset: usize,
    names: &'a dyn Names,
    diags: &'a mut Diags,
    /// Variables of macros, outermost first.
    locals: Vec<(String, Type)>,
    /// Whether the place takes everything, so that items of a list and values of a map may be of several types.
    free: bool,
}

impl Checker<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        match self.text.verbatim_at {
            Some(at) => {
                let at = at + self.offset as u32;
                Span { source: self.text.span.source, start: at + start as u32, end: at + end as u32 }
            }
            None => self.text.span,
        }
    }

    fn of(&self, node: &Node) -> Span {
        self.span(node.start, node.end)
    }

    fn word_span(&self, word: &Word) -> Span {
        self.span(word.start, word.end)
    }

    /// The words of a node, for messages.
    fn written(&self, node: &Node) -> &str {
        self.text.text.get(self.offset + node.start..self.offset + node.end).unwrap_or("")
    }

    fn report(&mut self, finding: Finding) {
        self.diags.push(finding);
    }

    fn wrong<T>(&mut self, wrong: Wrong) -> Option<T> {
        let span = self.span(wrong.start, wrong.end);
        self.report(wrong.code.at(span, wrong.message).maybe_hint(wrong.hint));
        None
    }

    fn parsed(&mut self, text: &str) -> Option<Node> {
        match parse::parse(text) {
            Ok(node) => Some(node),
            Err(wrong) => self.wrong(wrong),
        }
    }

    fn path_text(&mut self, text: &str, wanted: Option<&Type>) -> Option<Typed> {
        let node = self.parsed(text)?;
        if let Some(other) = not_path(&node) {
            let message = format!("a path is wanted, `{}` is an expression", self.written(other));
            let finding = codes::NOT_A_PATH.at(self.of(other), message);
            self.report(finding.hint(format!("write it as `(cel){:?}`", text.trim())));
            return None;
        }
        self.value(&node, wanted)
    }

    // Values.

    /// A node as a value that fits what its place needs.
    fn value(&mut self, node: &Node, wanted: Option<&Type>) -> Option<Typed> {
        let typed = match (&node.shape, wanted) {
            // Branches are fitted one by one: the finding then stands at the branch that is wrong.
            (Shape::If(condition, then, otherwise), _) => {
                return self.choice(node, [condition, then, otherwise], wanted);
            }
            (Shape::Call(word, arguments), _) if word.text == "first" => {
                return self.first(node, word, arguments, wanted);
            }
            (Shape::List(items), Some(Type::List(item))) => return self.list(node, items, Some(item)),
            _ => self.any_value(node)?,
        };
        self.fit(typed, wanted)
    }

    fn any_value(&mut self, node: &Node) -> Option<Typed> {
        let span = self.of(node);
        match &node.shape {
            Shape::Literal(value) => Some((Expr { kind: Kind::Literal(value.clone()), span }, literal_type(value))),
            Shape::Name(_) | Shape::Member(..) | Shape::Index(..) => self.path(node),
            Shape::Call(word, arguments) => self.call(node, word, None, arguments),
            Shape::Method(of, word, arguments) => self.call(node, word, Some(of), arguments),
            Shape::Not(inner) => {
                let inner = self.value(inner, Some(&Type::scalar("bool")))?.0;
                Some((Expr { kind: Kind::Not(Box::new(inner)), span }, Type::scalar("bool")))
            }
            Shape::Negate(inner) => self.negate(inner, span),
            Shape::Binary(operator, left, right) => self.binary(node, *operator, left, right),
            Shape::If(condition, then, otherwise) => self.choice(node, [condition, then, otherwise], None),
            Shape::List(items) => self.list(node, items, None),
            Shape::Map(entries) => self.map(node, entries),
        }
    }

    /// Reports a value that does not fit its place.
    fn fit(&mut self, (expr, found): Typed, wanted: Option<&Type>) -> Option<Typed> {
        let Some(wanted) = wanted.filter(|wanted| !found.fits(wanted)) else { return Some((expr, found)) };
        if let Type::Enum(words) = wanted
            && is_constant(&expr)
            && matches!(found, Type::Enum(_))
        {
            self.check_words(&expr, words);
            return None;
        }
        let message = format!("this is {}, wanted {wanted}", said(&found, wanted));
        let finding = codes::WRONG_KIND.at(expr.span, message);
        let finding = match (&found, wanted) {
            (Type::Enum(words), Type::Scalar(to)) => {
                let reason = words.iter().find_map(|word| scalars::read(to, word).err());
                finding.underline(reason.unwrap_or_default())
            }
            (Type::Enum(words), Type::Enum(wanted)) => {
                let extra = words.iter().find(|word| !wanted.contains(word));
                finding.underline(extra.map_or(String::new(), |word| format!("may be `{word}`")))
            }
            _ => finding.maybe_hint(self.part_hint(&found, wanted)),
        };
        self.report(finding);
        None
    }

    /// The part that would fit, where exactly one does.
    fn part_hint(&self, found: &Type, wanted: &Type) -> Option<String> {
        let Type::Scalar(of) = found else { return None };
        let fitting =
            |part: &&'static str| scalars::part(of, part).is_some_and(|result| Type::scalar(result).fits(wanted));
        let parts: Vec<_> = scalars::parts(of).into_iter().filter(fitting).collect();
        (!parts.is_empty()).then(|| format!("write `.{}` behind it", parts.join("` or `.")))
    }

    /// Reports the constants in an expression that are none of the words.
    fn check_words(&mut self, expr: &Expr, words: &[SmolStr]) -> bool {
        let mut constants = Vec::new();
        collect_constants(expr, &mut constants);
        let mut is_right = true;
        for (word, span) in constants {
            if words.iter().any(|known| **known == *word) {
                continue;
            }
            is_right = false;
            let wanted = Type::Enum(words.into());
            let wanted = if words.len() == 1 { format!("`{}`", words[0]) } else { wanted.to_string() };
            let near = nearest(&word, words.iter().map(AsRef::as_ref));
            let finding = codes::NOT_ONE_OF.at(span, format!("`{}` is not {wanted}", word.escape_debug()));
            self.report(finding.maybe_hint(near.map(|near| format!("write `'{near}'`"))));
        }
        is_right
    }

    fn choice(&mut self, node: &Node, parts: [&Node; 3], wanted: Option<&Type>) -> Option<Typed> {
        let condition = self.value(parts[0], Some(&Type::scalar("bool")));
        let then = self.value(parts[1], wanted);
        let otherwise = self.value(parts[2], wanted);
        let (condition, then, otherwise) = (condition?.0, then?, otherwise?);
        let found = self.common(&[(&then.0, &then.1), (&otherwise.0, &otherwise.1)], wanted)?;
        let kind = Kind::If(Box::new(condition), Box::new(then.0), Box::new(otherwise.0));
        Some((Expr { kind, span: self.of(node) }, found))
    }

    fn first(&mut self, node: &Node, word: &Word, arguments: &[Node], wanted: Option<&Type>) -> Option<Typed> {
        if arguments.is_empty() {
            return self.bad_call(word, functions::function("first")?);
        }
        let typed = self.each(arguments, wanted)?;
        let found = self.common(&typed.iter().map(|(expr, found)| (expr, found)).collect::<Vec<_>>(), wanted)?;
        let kind = Kind::First(typed.into_iter().map(|(expr, _)| expr).collect());
        Some((Expr { kind, span: self.of(node) }, found))
    }

    /// All nodes as values; findings of all of them are reported.
    fn each(&mut self, nodes: &[Node], wanted: Option<&Type>) -> Option<Vec<Typed>> {
        let typed: Vec<_> = nodes.iter().map(|node| self.value(node, wanted)).collect();
        typed.into_iter().collect()
    }

    /// The common type of values that may stand for each other.
    fn common(&mut self, values: &[(&Expr, &Type)], wanted: Option<&Type>) -> Option<Type> {
        let mut common: Option<Type> = None;
        for (expr, found) in values {
            let Some(before) = &common else {
                common = Some((*found).clone());
                continue;
            };
            match (before.join(found), wanted) {
                (Some(joined), _) => common = Some(joined),
                // Each of them fits the place, so the place's type is theirs.
                (None, Some(wanted)) => return Some(wanted.clone()),
                (None, None) if self.free => return Some(Type::Any),
                (None, None) => {
                    let (here, there) = (said(found, before), said(before, found));
                    let message = format!("this is {here}, before it stands {there}");
                    let finding = codes::OPERANDS.at(expr.span, message).label(values[0].0.span, there);
                    self.report(finding.underline("both must be of one type"));
                    return None;
                }
            }
        }
        Some(common.unwrap_or(Type::Any))
    }

    fn list(&mut self, node: &Node, items: &[Node], wanted: Option<&Type>) -> Option<Typed> {
        let typed = self.each(items, wanted)?;
        let found = self.common(&typed.iter().map(|(expr, found)| (expr, found)).collect::<Vec<_>>(), wanted)?;
        let kind = Kind::List(typed.into_iter().map(|(expr, _)| expr).collect());
        Some((Expr { kind, span: self.of(node) }, Type::List(Box::new(found))))
    }

    fn map(&mut self, node: &Node, entries: &[(Node, Node)]) -> Option<Typed> {
        let mut keys: Vec<(SmolStr, Span)> = Vec::new();
        let mut is_right = true;
        for (key, _) in entries {
            let span = self.of(key);
            let Shape::Literal(Value::String(text)) = &key.shape else {
                let message = format!("a key of a map is a constant text, this is `{}`", self.written(key));
                self.report(codes::EXPRESSION.at(span, message).hint(format!("write `'{}'`", self.written(key))));
                is_right = false;
                continue;
            };
            if let Some((_, before)) = keys.iter().find(|(known, _)| known == text) {
                let finding = codes::EXPRESSION.at(span, format!("the key `{}` is written twice", text.escape_debug()));
                let finding = finding.label(*before, "first written here");
                self.report(finding);
                is_right = false;
            }
            keys.push((text.clone(), span));
        }
        let values: Vec<_> = entries.iter().map(|(_, value)| self.value(value, None)).collect();
        let values = values.into_iter().collect::<Option<Vec<_>>>().filter(|_| is_right)?;
        let found = self.common(&values.iter().map(|(expr, found)| (expr, found)).collect::<Vec<_>>(), None)?;
        let entries = keys.into_iter().zip(values).map(|((key, _), (value, _))| (key, value)).collect();
        Some((Expr { kind: Kind::Map(entries), span: self.of(node) }, Type::Map(Box::new(found))))
    }
}

/// The outermost part of a node that a path cannot have.
fn not_path(node: &Node) -> Option<&Node> {
    match &node.shape {
        Shape::Name(_) => None,
        Shape::Member(of, _) => not_path(of),
        Shape::Index(of, key) => not_path(of).or_else(|| match &key.shape {
            Shape::Literal(Value::String(_) | Value::Int(_)) => None,
            _ => not_path(key),
        }),
        _ => Some(node),
    }
}

/// A type in plain words, beside another. A constant that stands where a secret belongs may be one: it is not shown.
fn said(found: &Type, beside: &Type) -> String {
    match (found, beside.base()) {
        (Type::Enum(_), Some(Base::Secret)) => "text".to_owned(),
        _ => found.to_string(),
    }
}

fn literal_type(value: &Value) -> Type {
    match value {
        Value::Bool(_) => Type::scalar("bool"),
        Value::Int(_) => Type::scalar("int"),
        Value::Float(_) => Type::scalar("number"),
        Value::String(text) => Type::words([text.as_ref()]),
        Value::Memory(_) => Type::scalar("memory"),
        Value::Cpu(_) => Type::scalar("cpu"),
        Value::Duration(_) => Type::scalar("duration"),
        _ => Type::Any,
    }
}

/// Whether an expression is made of constants alone.
fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Literal(_) => true,
        Kind::List(items) | Kind::First(items) => items.iter().all(is_constant),
        Kind::If(_, then, otherwise) => is_constant(then) && is_constant(otherwise),
        Kind::Map(entries) => entries.iter().all(|(_, value)| is_constant(value)),
        Kind::Index(of, _) => is_constant(of),
        _ => false,
    }
}

/// The constant texts that an expression may yield, or that its items may be.
fn collect_constants(expr: &Expr, into: &mut Vec<(SmolStr, Span)>) {
    match &expr.kind {
        Kind::Literal(Value::String(text)) => into.push((text.clone(), expr.span)),
        Kind::List(items) | Kind::First(items) => items.iter().for_each(|item| collect_constants(item, into)),
        Kind::If(_, then, otherwise) => {
            collect_constants(then, into);
            collect_constants(otherwise, into);
        }
        Kind::Index(of, _) => {
            if let Kind::Map(entries) = &of.kind {
                entries.iter().for_each(|(_, value)| collect_constants(value, into));
            }
        }
        _ => {}
    }
}

/// The words of an enum that somebody declared, as opposed to those of a constant.
fn declared_words((expr, found): &Typed) -> Option<Arc<[SmolStr]>> {
    match found {
        Type::Enum(words) if !is_constant(expr) => Some(words.clone()),
        _ => None,
    }
}
