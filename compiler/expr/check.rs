//! Names and types: a tree of words becomes an [`Expr`] of which every path exists and every type fits.
//!
//! In: [`Node`]s, [`Names`]. Out: [`Expr`]s with their [`Type`]s; findings at the exact word.
//! Never: a value of a setting.
//! Invariant: whoever returns `None` has reported a finding, and each mistake is reported once.

use std::sync::Arc;

use super::functions::{self, Eval, FUNCTIONS, Function, Param, Returns, Style};
use super::lex::Wrong;
use super::parse::{Node, Shape, Word};
use super::pattern::Pattern;
use super::scalars::{self, Base};
use super::{Entity, Expr, Form, Key, Kind, Macro, Names, Operator, Ref, Text, Type, codes, parse};
use crate::diag::{Code, Diags, Finding, nearest};
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

/// Where a path leads.
enum Step {
    /// Something that [`Names`] knows, and where its path is written.
    Entity(Entity, Span),
    /// A value.
    Value(Expr, Type),
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

    // Paths and templates.

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

    fn template(&mut self, wanted: Option<&Type>) -> Option<Typed> {
        let pieces = match split_template(self.text.text) {
            Ok(pieces) => pieces,
            Err(wrong) => return self.wrong(wrong),
        };
        let mut parts = Vec::new();
        let mut is_whole = true;
        for piece in pieces {
            match piece {
                Piece::Literal(text, start, end) => {
                    parts.push(Expr { kind: Kind::Literal(Value::string(text)), span: self.span(start, end) });
                }
                Piece::Path(start, end) => match self.template_path(start, end) {
                    Some(expr) => parts.push(expr),
                    None => is_whole = false,
                },
            }
        }
        if !is_whole {
            return None;
        }
        let span = self.text.span;
        let constant = match parts.as_slice() {
            [] => Some(Value::string("")),
            [Expr { kind: Kind::Literal(value), .. }] => Some(value.clone()),
            _ => None,
        };
        let (expr, found) = match constant {
            Some(Value::String(text)) => {
                let found = Type::words([text.as_ref()]);
                (Expr { kind: Kind::Literal(Value::String(text)), span }, found)
            }
            _ => (Expr { kind: Kind::Text(parts), span }, Type::scalar("string")),
        };
        self.fit((expr, found), wanted)
    }

    fn template_path(&mut self, start: usize, end: usize) -> Option<Expr> {
        let text = &self.text.text[start..end];
        self.offset = start;
        let typed = self.path_text(text, None);
        self.offset = 0;
        let (expr, found) = typed?;
        if found.base().is_some() {
            return Some(expr);
        }
        let message = format!("a text has room for a scalar, `{}` is {found}", text.trim());
        let finding = codes::WRONG_KIND.at(expr.span, message);
        let hint = matches!(found, Type::List(_)).then(|| format!("write `(cel)\"{}.join(',')\"`", text.trim()));
        self.report(finding.maybe_hint(hint));
        None
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
            Shape::Name(_) | Shape::Member(..) | Shape::Index(..) => {
                let step = self.step(node)?;
                self.finish(step)
            }
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
    fn check_words(&mut self, expr: &Expr, words: &[Arc<str>]) -> bool {
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
        let mut keys: Vec<(Arc<str>, Span)> = Vec::new();
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

    // Operators.

    fn negate(&mut self, inner: &Node, span: Span) -> Option<Typed> {
        let (inner, found) = self.any_value(inner)?;
        if !matches!(found.base(), Some(Base::Int | Base::Float | Base::Any)) {
            self.report(codes::OPERANDS.at(span, format!("`-` needs a number, this is {found}")));
            return None;
        }
        Some((Expr { kind: Kind::Negate(Box::new(inner)), span }, found))
    }

    fn binary(&mut self, node: &Node, operator: Operator, left: &Node, right: &Node) -> Option<Typed> {
        let logical = matches!(operator, Operator::And | Operator::Or).then(|| Type::scalar("bool"));
        let (a, b) = (self.value(left, logical.as_ref()), self.value(right, logical.as_ref()));
        let (a, b) = (a?, b?);
        let found = match operator {
            Operator::And | Operator::Or => Some(Type::scalar("bool")),
            Operator::Equal | Operator::NotEqual => {
                if a.1.meets(&b.1) && !self.constants_fit(&a, &b) {
                    return None;
                }
                a.1.meets(&b.1).then(|| Type::scalar("bool"))
            }
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
                (a.1.meets(&b.1) && has_order(&a.1) && has_order(&b.1)).then(|| Type::scalar("bool"))
            }
            Operator::In => return self.contained(node, a, b),
            Operator::Add => sum(&a.1, &b.1),
            Operator::Subtract => difference(&a.1, &b.1),
            Operator::Multiply => product(&a.1, &b.1),
            Operator::Divide => quotient(&a.1, &b.1),
            Operator::Remainder => remainder(&a.1, &b.1),
        };
        let span = self.of(node);
        let Some(found) = found else {
            let finding = self.bad_operands(operator, &a, &b).label(a.0.span, said(&a.1, &b.1));
            self.report(finding.label(b.0.span, said(&b.1, &a.1)));
            return None;
        };
        Some((Expr { kind: Kind::Binary(operator, Box::new(a.0), Box::new(b.0)), span }, found))
    }

    fn bad_operands(&self, operator: Operator, a: &Typed, b: &Typed) -> Finding {
        let sign = operator.sign();
        let span = a.0.span.to(b.0.span);
        let (left, right) = (said(&a.1, &b.1), said(&b.1, &a.1));
        let finding = codes::OPERANDS.at(span, format!("`{sign}` cannot work on {left} and {right}"));
        let hint = [(a, b), (b, a)].into_iter().find_map(|(typed, constant)| match (&typed.1, &constant.0.kind) {
            (Type::Scalar(name), Kind::Literal(Value::String(text)))
                if matches!(name.as_ref(), "memory" | "cpu" | "duration") && scalars::read(name, text).is_ok() =>
            {
                Some(format!("write `{name}('{text}')`"))
            }
            (found, Kind::Literal(Value::Int(number))) if found.base() == Some(Base::Float) => {
                Some(format!("write `{number}.0`"))
            }
            (found, Kind::Literal(Value::Int(number))) if found.base() == Some(Base::String) => {
                Some(format!("write `'{number}'`"))
            }
            (found, _) if operator == Operator::Add && found.is_text() && constant.1.base().is_some() => {
                Some("write `string(…)` around the value that is no text".to_owned())
            }
            (found, _) => self.part_hint(found, &constant.1),
        });
        finding.maybe_hint(hint)
    }

    /// Whether the constants on one side are words of the enum on the other.
    fn constants_fit(&mut self, a: &Typed, b: &Typed) -> bool {
        let mut is_right = true;
        for (typed, constant) in [(a, b), (b, a)] {
            if let Some(words) = declared_words(typed) {
                is_right &= self.check_words(&constant.0, &words);
            }
        }
        is_right
    }

    fn contained(&mut self, node: &Node, a: Typed, b: Typed) -> Option<Typed> {
        let item = match &b.1 {
            Type::List(item) => Some(item.as_ref().clone()),
            Type::Map(_) | Type::Record(_) => Some(Type::scalar("string")),
            other if other.is_any() => Some(Type::Any),
            _ => None,
        };
        if item.is_none_or(|item| !a.1.meets(&item)) {
            let finding = self.bad_operands(Operator::In, &a, &b);
            let is_text = a.1.is_text() && b.1.is_text();
            self.report(finding.maybe_hint(is_text.then(|| "write `text.contains('part')`".to_owned())));
            return None;
        }
        let is_right = match (&b.1, declared_words(&a)) {
            (Type::List(_), Some(words)) => self.check_words(&b.0, &words),
            _ => true,
        };
        let is_right = is_right
            && match &b.1 {
                Type::List(item) if !is_constant(&b.0) => match item.as_ref() {
                    Type::Enum(words) => self.check_words(&a.0, words),
                    _ => true,
                },
                _ => true,
            };
        let kind = Kind::Binary(Operator::In, Box::new(a.0), Box::new(b.0));
        is_right.then(|| (Expr { kind, span: self.of(node) }, Type::scalar("bool")))
    }

    // Paths.

    /// Walks a path as far as it goes.
    fn step(&mut self, node: &Node) -> Option<Step> {
        match &node.shape {
            Shape::Name(name) => self.root(node, name),
            Shape::Member(of, word) => {
                let of = self.step(of)?;
                self.member(node, of, word)
            }
            Shape::Index(of, key) => {
                let of = self.step(of);
                let key = self.any_value(key);
                self.index(node, of?, key?)
            }
            _ => self.any_value(node).map(|(expr, found)| Step::Value(expr, found)),
        }
    }

    fn root(&mut self, node: &Node, name: &str) -> Option<Step> {
        let span = self.of(node);
        if let Some(at) = self.locals.iter().rposition(|(local, _)| local == name) {
            let depth = (self.locals.len() - 1 - at) as u32;
            return Some(Step::Value(Expr { kind: Kind::Local(depth), span }, self.locals[at].1.clone()));
        }
        if let Some(entity) = self.names.root(name) {
            return Some(Step::Entity(entity, span));
        }
        if self.is_subtraction(name, span, |checker, word| checker.is_root(word)) {
            return None;
        }
        let mut known = self.names.names(None);
        known.extend(self.locals.iter().map(|(local, _)| local.clone()));
        let near = nearest(name, known.iter().map(String::as_str)).map(|near| format!("write `{near}`"));
        let hint = near.or_else(|| functions::function(name).map(|row| format!("write `{}`", row.signature())));
        self.report(codes::UNKNOWN_NAME.at(span, format!("there is no `{name}`")).maybe_hint(hint));
        None
    }

    fn is_root(&self, name: &str) -> bool {
        self.names.root(name).is_some() || self.locals.iter().any(|(local, _)| local == name)
    }

    /// Reports `a-b` where both sides are known and the whole is not.
    fn is_subtraction(&mut self, name: &str, span: Span, is_known: impl Fn(&Self, &str) -> bool) -> bool {
        let dashes = name.match_indices('-').map(|(at, _)| at);
        let found = dashes.into_iter().find(|at| {
            let (left, right) = (&name[..*at], &name[at + 1..]);
            is_known(self, left) && (right.bytes().all(|byte| byte.is_ascii_digit()) || self.is_root(right))
        });
        let Some(at) = found else { return false };
        let message = format!("there is no `{name}`, and a subtraction has a blank on both sides of its `-`");
        let finding = codes::CROWDED_MINUS.at(span, message);
        self.report(finding.hint(format!("write `{} - {}`", &name[..at], &name[at + 1..])));
        true
    }

    fn member(&mut self, node: &Node, of: Step, word: &Word) -> Option<Step> {
        let span = self.of(node);
        match of {
            Step::Entity(entity, before) => {
                if let Some(found) = self.names.member(&entity, &word.text) {
                    return Some(Step::Entity(found, span));
                }
                let has_members =
                    matches!(entity, Entity::Namespace(..) | Entity::Place { of: Type::Record(_) | Type::Map(_), .. });
                if has_members {
                    return self.no_member(&entity, before, word);
                }
                let (expr, found) = self.finish(Step::Entity(entity.clone(), before))?;
                self.part(span, expr, &found, word, Some(&entity))
            }
            Step::Value(expr, found) => self.part(span, expr, &found, word, None),
        }
    }

    fn no_member<T>(&mut self, entity: &Entity, before: Span, word: &Word) -> Option<T> {
        let span = self.word_span(word);
        let is_known = |checker: &Self, name: &str| checker.names.member(entity, name).is_some();
        if self.is_subtraction(&word.text, span, is_known) {
            return None;
        }
        let known = self.names.names(Some(entity));
        self.unknown_member(before, word, known, "")
    }

    fn unknown_member<T>(&mut self, before: Span, word: &Word, known: Vec<String>, what: &str) -> Option<T> {
        let span = self.word_span(word);
        let owner = self.under(before).map_or("this".to_owned(), |text| format!("`{text}`"));
        let near = nearest(&word.text, known.iter().map(String::as_str)).map(|near| format!("write `{near}`"));
        let all = || (!known.is_empty() && known.len() <= 8).then(|| format!("known are `{}`", known.join("`, `")));
        let finding = codes::UNKNOWN_NAME.at(span, format!("{owner}{what} has no `{}`", word.text));
        let finding = match near {
            Some(near) => finding.hint(near),
            None => finding.underline(all().unwrap_or_default()),
        };
        self.report(finding);
        None
    }

    /// The words under a span of this text.
    fn under(&self, span: Span) -> Option<&str> {
        let at = self.text.verbatim_at?;
        self.text.text.get(span.start.checked_sub(at)? as usize..span.end.checked_sub(at)? as usize)
    }

    /// A part or an entry of a value.
    fn part(&mut self, span: Span, expr: Expr, of: &Type, word: &Word, entity: Option<&Entity>) -> Option<Step> {
        let before = expr.span;
        let part = |expr: Expr, of: &str| Kind::Part(Box::new(expr), of.into(), word.text.as_str().into());
        let text = |span| Expr { kind: Kind::Literal(Value::string(word.text.as_str())), span };
        let entry = |expr: Expr, span: Span| Kind::Index(Box::new(expr), Box::new(text(span)));
        let (kind, found) = match of {
            Type::List(item) if word.text == "first" => (part(expr, "list"), item.as_ref().clone()),
            Type::List(_) if word.text == "size" => (part(expr, "list"), Type::scalar("int")),
            Type::List(_) => {
                return self.unknown_member(before, word, vec!["first".into(), "size".into()], ", a list,");
            }
            Type::Map(item) => (entry(expr, self.word_span(word)), item.as_ref().clone()),
            // The fields of a value are the same as those of the place that declares them.
            Type::Record(place) => {
                let record = Entity::Place { place: *place, keys: Vec::new(), of: of.clone() };
                match self.names.member(&record, &word.text) {
                    Some(Entity::Place { of, .. } | Entity::Key(_, of)) => (entry(expr, self.word_span(word)), of),
                    _ => return self.no_member(&record, before, word),
                }
            }
            any if any.is_any() => (entry(expr, self.word_span(word)), Type::Any),
            Type::Scalar(name) => match scalars::part(name, &word.text) {
                Some(result) => (part(expr, name), Type::scalar(result)),
                None => {
                    let known = scalars::parts(name).into_iter().map(str::to_owned);
                    let known = known.chain(entity.map_or(Vec::new(), |entity| self.names.names(Some(entity))));
                    return self.unknown_member(before, word, known.collect(), &format!(", {of},"));
                }
            },
            _ => match entity {
                Some(entity) => return self.no_member(entity, before, word),
                None => return self.unknown_member(before, word, Vec::new(), &format!(", {of},")),
            },
        };
        Some(Step::Value(Expr { kind, span }, found))
    }

    fn index(&mut self, node: &Node, of: Step, key: Typed) -> Option<Step> {
        let span = self.of(node);
        let (expr, found) = match of {
            Step::Entity(entity, before) => {
                if self.key_fits(&entity, &key)? {
                    let key = into_key(key.0.clone());
                    if let Some(found) = self.names.index(&entity, key) {
                        return Some(Step::Entity(found, span));
                    }
                }
                self.finish(Step::Entity(entity, before))?
            }
            Step::Value(expr, found) => (expr, found),
        };
        let item = match &found {
            Type::List(item) => item.as_ref().clone(),
            Type::Map(item) => item.as_ref().clone(),
            any if any.is_any() => Type::Any,
            other => {
                let message = format!("`[…]` needs a list or a map, this is {other}");
                self.report(codes::OPERANDS.at(expr.span, message));
                return None;
            }
        };
        self.check_key(&found, &key)?;
        self.check_exhaustive(&expr, &key)?;
        Some(Step::Value(Expr { kind: Kind::Index(Box::new(expr), Box::new(key.0)), span }, item))
    }

    /// Whether settings may be asked for this key. Reports a key of the wrong type.
    fn key_fits(&mut self, entity: &Entity, key: &Typed) -> Option<bool> {
        match entity {
            Entity::Place { of, .. } => self.check_key(of, key),
            Entity::Namespace(..) => self.check_key(&Type::Map(Box::new(Type::Any)), key),
            Entity::Key(..) => Some(false),
        }
    }

    fn check_key(&mut self, of: &Type, key: &Typed) -> Option<bool> {
        let wanted = match of {
            Type::List(_) => Type::scalar("int"),
            Type::Map(_) | Type::Record(_) => Type::scalar("string"),
            _ => return Some(true),
        };
        if key.1.is_any() || key.1.base() == wanted.base() {
            return Some(true);
        }
        let what =
            if matches!(of, Type::List(_)) { "an item of a list has a number" } else { "a key of a map is text" };
        self.report(codes::WRONG_KIND.at(key.0.span, format!("{what}, this is {}", key.1)));
        None
    }

    /// Reports a map literal that does not say what every word of an enum becomes, and keys that are no word.
    fn check_exhaustive(&mut self, map: &Expr, key: &Typed) -> Option<()> {
        let (Kind::Map(entries), Type::Enum(words)) = (&map.kind, &key.1) else { return Some(()) };
        let mut is_right = true;
        for (written, value) in entries.iter().filter(|_| !is_constant(&key.0)) {
            if !words.contains(written) {
                is_right = false;
                let near = nearest(written, words.iter().map(AsRef::as_ref));
                let message = format!("the key `{}` can never be asked for, it is {}", written.escape_debug(), key.1);
                let finding = codes::NOT_ONE_OF.at(value.span, message).label(key.0.span, "asked for here");
                self.report(finding.maybe_hint(near.map(|near| format!("write `'{near}'`"))));
            }
        }
        let lacking: Vec<_> = words.iter().filter(|word| !entries.iter().any(|(key, _)| key == *word)).collect();
        if !lacking.is_empty() && is_right {
            let list: Vec<_> = lacking.iter().map(|word| format!("`{}`", word.escape_debug())).collect();
            let message = format!("the map has no entry for {}", list.join(", "));
            let finding = codes::NOT_EXHAUSTIVE.at(map.span, message).label(key.0.span, key.1.to_string());
            self.report(finding.hint(format!("add `'{}': …`", lacking[0].escape_debug())));
            return None;
        }
        is_right.then_some(())
    }

    /// What a path leads to, as a value.
    fn finish(&mut self, step: Step) -> Option<Typed> {
        match step {
            Step::Value(expr, found) => Some((expr, found)),
            Step::Entity(Entity::Place { place, keys, of }, span) => {
                Some((Expr { kind: Kind::Ref(Ref { place, keys, span }), span }, of))
            }
            Step::Entity(Entity::Key(key, of), span) => Some((Expr { kind: Kind::Key(key), span }, of)),
            Step::Entity(entity @ Entity::Namespace(..), span) => {
                let name = self.under(span).unwrap_or("this").to_owned();
                let known = self.names.names(Some(&entity));
                let finding = codes::NOT_A_VALUE.at(span, format!("`{name}` is not a value by itself"));
                self.report(finding.maybe_hint(known.first().map(|first| format!("write `{name}.{first}`"))));
                None
            }
        }
    }

    // Functions.

    fn call(&mut self, node: &Node, word: &Word, receiver: Option<&Node>, arguments: &[Node]) -> Option<Typed> {
        let Some(row) = functions::function(&word.text) else { return self.unknown_function(word) };
        let is_misplaced = match row.style {
            Style::Before => receiver.is_some(),
            Style::Behind => receiver.is_none(),
            Style::Either => false,
        };
        let all: Vec<&Node> = receiver.into_iter().chain(arguments).collect();
        if is_misplaced || all.len() < row.least || (all.len() > row.params.len() && !row.repeats) {
            return self.bad_call(word, row);
        }
        match row.name {
            "has" => self.has(node, all[0]),
            "first" => self.first(node, word, arguments, None),
            "all" => self.each_item(node, Macro::All, &all),
            "exists" => self.each_item(node, Macro::Exists, &all),
            "map" => self.each_item(node, Macro::Map, &all),
            "filter" => self.each_item(node, Macro::Filter, &all),
            "memory" | "cpu" | "duration" => self.constant(node, row, all[0]),
            _ => self.strict(node, row, &all),
        }
    }

    fn unknown_function<T>(&mut self, word: &Word) -> Option<T> {
        const KNOWN: [(&str, &str); 9] = [
            ("len", "size(…)"),
            ("length", "size(…)"),
            ("count", "size(…)"),
            ("int", "no conversion: `.seconds` and its like are numbers already"),
            ("exists_one", "x.filter(v, …).size() == 1"),
            ("default", "first(a, b)"),
            ("coalesce", "first(a, b)"),
            ("quantity", "memory('1Gi')"),
            ("any", "x.exists(v, …)"),
        ];
        let near = nearest(&word.text, FUNCTIONS.iter().map(|row| row.name)).and_then(functions::function);
        let hint = match KNOWN.iter().find(|(name, _)| *name == word.text) {
            Some((_, right)) => Some(format!("write `{right}`")),
            None => near.map(|row| format!("write `{}`", row.signature())),
        };
        let message = format!("there is no function `{}`", word.text);
        self.report(codes::UNKNOWN_FUNCTION.at(self.word_span(word), message).maybe_hint(hint));
        None
    }

    fn bad_call<T>(&mut self, word: &Word, row: &Function) -> Option<T> {
        let message = format!("`{}` is not called like this", row.name);
        let finding = codes::ARGUMENTS.at(self.word_span(word), message);
        self.report(finding.hint(format!("write `{}`", row.signature())));
        None
    }

    fn has(&mut self, node: &Node, path: &Node) -> Option<Typed> {
        if let Some(other) = not_path(path) {
            let message = format!("`has` needs a path, `{}` is an expression", self.written(other));
            self.report(codes::NOT_A_PATH.at(self.of(other), message));
            return None;
        }
        let (inner, _) = self.any_value(path)?;
        Some((Expr { kind: Kind::Has(Box::new(inner)), span: self.of(node) }, Type::scalar("bool")))
    }

    fn each_item(&mut self, node: &Node, which: Macro, all: &[&Node]) -> Option<Typed> {
        let (items, found) = self.any_value(all[0])?;
        let item = match &found {
            Type::List(item) => item.as_ref().clone(),
            Type::Map(_) | Type::Record(_) => Type::scalar("string"),
            any if any.is_any() => Type::Any,
            other => {
                self.report(codes::ARGUMENTS.at(items.span, format!("a list or a map is wanted, this is {other}")));
                return None;
            }
        };
        let Shape::Name(name) = &all[1].shape else {
            let message = format!("the name of a variable is wanted, this is `{}`", self.written(all[1]));
            self.report(codes::ARGUMENTS.at(self.of(all[1]), message));
            return None;
        };
        if self.is_root(name) {
            let message = format!("the variable `{name}` hides another `{name}`");
            let finding = codes::HIDDEN_NAME.at(self.of(all[1]), message);
            self.report(finding.hint(format!("write another name, such as `{}`", self.free_name(name))));
            return None;
        }
        self.locals.push((name.clone(), item.clone()));
        let wanted = (which != Macro::Map).then(|| Type::scalar("bool"));
        let body = self.value(all[2], wanted.as_ref());
        self.locals.pop();
        let (body, result) = body?;
        let result = match which {
            Macro::All | Macro::Exists => Type::scalar("bool"),
            Macro::Map => Type::List(Box::new(result)),
            Macro::Filter => Type::List(Box::new(item)),
        };
        Some((Expr { kind: Kind::Each(which, Box::new(items), Box::new(body)), span: self.of(node) }, result))
    }

    fn free_name(&self, name: &str) -> String {
        let letters = name.chars().take(1).chain('a'..='z').map(String::from);
        letters.into_iter().find(|letter| !self.is_root(letter)).unwrap_or_else(|| format!("{name}-item"))
    }

    fn constant(&mut self, node: &Node, row: &Function, argument: &Node) -> Option<Typed> {
        let span = self.of(argument);
        let Shape::Literal(Value::String(text)) = &argument.shape else {
            let message = format!("`{}` needs a constant text", row.name);
            self.report(codes::BAD_CONSTANT.at(span, message).hint(format!("write `{}`", row.signature())));
            return None;
        };
        match scalars::read(row.name, text) {
            Ok(value) => Some((Expr { kind: Kind::Literal(value), span: self.of(node) }, Type::scalar(row.name))),
            Err(message) => {
                self.report(codes::BAD_CONSTANT.at(span, message));
                None
            }
        }
    }

    fn strict(&mut self, node: &Node, row: &Function, all: &[&Node]) -> Option<Typed> {
        let values: Vec<_> = all.iter().map(|node| self.any_value(node)).collect();
        let values: Vec<Typed> = values.into_iter().collect::<Option<_>>()?;
        for (at, value) in values.iter().enumerate() {
            let param = row.params.get(at).or(row.params.last()).copied().unwrap_or(Param::Any);
            self.check_argument(row, param, value, values.len())?;
        }
        let result = match row.result {
            Returns::Bool => Type::scalar("bool"),
            Returns::Int => Type::scalar("int"),
            Returns::String => Type::scalar("string"),
            Returns::Strings => Type::List(Box::new(Type::scalar("string"))),
            Returns::Scalar(name) => Type::scalar(name),
            Returns::Common => match values.as_slice() {
                [(_, Type::List(item))] => item.as_ref().clone(),
                values => self.common(&values.iter().map(|(expr, found)| (expr, found)).collect::<Vec<_>>(), None)?,
            },
            Returns::SameList | Returns::List => Type::List(Box::new(Type::Any)),
        };
        debug_assert!(matches!(row.eval, Eval::Strict(_)), "forms are checked before");
        let arguments = values.into_iter().map(|(expr, _)| expr).collect();
        Some((Expr { kind: Kind::Call(row.name.into(), arguments), span: self.of(node) }, result))
    }

    fn check_argument(&mut self, row: &Function, param: Param, (expr, found): &Typed, count: usize) -> Option<()> {
        let is_spelled = |found: &Type| found.base().is_some_and(|base| base != Base::Secret);
        let wanted = match param {
            Param::Text if !found.is_text() => "text",
            Param::Scalar if !is_spelled(found) => "a value that can be written as text",
            Param::Sized if !found.is_text() && found.base().is_some() => "text, a list or a map",
            Param::Scalars => match found {
                Type::List(item) if is_spelled(item) => return Some(()),
                any if any.is_any() => return Some(()),
                _ => "a list of values that can be written as text",
            },
            Param::Ordered => match found {
                Type::List(item) if count == 1 && has_order(item) => return Some(()),
                found if has_order(found) => return Some(()),
                _ => "values that have an order",
            },
            Param::Pattern => return self.check_pattern(expr),
            _ => return Some(()),
        };
        let message = format!("`{}` needs {wanted}, this is {found}", row.name);
        self.report(codes::ARGUMENTS.at(expr.span, message));
        None
    }

    fn check_pattern(&mut self, expr: &Expr) -> Option<()> {
        let Kind::Literal(Value::String(pattern)) = &expr.kind else {
            self.report(codes::BAD_PATTERN.at(expr.span, "a regular expression is a constant text"));
            return None;
        };
        match Pattern::new(pattern) {
            Ok(_) => Some(()),
            Err(wrong) => {
                // The quote stands before the pattern; without escapes in it the byte is known.
                let length = (expr.span.end - expr.span.start) as usize;
                let is_plain = self.text.verbatim_at.is_some() && length == pattern.len() + 2;
                let span = if is_plain { expr.span.within(1 + wrong.at, length - 1) } else { expr.span };
                self.report(codes::BAD_PATTERN.at(span, wrong.message));
                None
            }
        }
    }
}

/// A piece of a template, with byte ranges of its text.
enum Piece {
    Literal(String, usize, usize),
    Path(usize, usize),
}

/// Splits a template at its braces.
fn split_template(text: &str) -> Result<Vec<Piece>, Wrong> {
    let mut pieces = Vec::new();
    let (mut literal, mut start, mut at) = (String::new(), 0, 0);
    let braces = |start: usize, end: usize, message: &str, hint: &str| {
        let code: &'static Code = &codes::BRACES;
        Err(Wrong { code, start, end, message: message.to_owned(), hint: Some(hint.to_owned()) })
    };
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            literal.push(c);
            at += 2;
        } else if c == '}' {
            return braces(at, at + 1, "a `}` without its `{`", "write `}}` for a brace");
        } else if c == '{' {
            let Some(length) = rest.find('}') else {
                return braces(at, text.len(), "a `{` without its `}`", "write `{{` for a brace");
            };
            if rest[1..length].trim().is_empty() {
                return braces(at, at + length + 1, "braces without a path", "write `{{}}` for braces");
            }
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal), start, at));
            }
            pieces.push(Piece::Path(at + 1, at + length));
            at += length + 1;
            start = at;
        } else {
            literal.push(c);
            at += c.len_utf8();
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal, start, at));
    }
    Ok(pieces)
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

fn into_key(expr: Expr) -> Key {
    match expr.kind {
        Kind::Literal(Value::String(text)) => Key::Literal(text),
        Kind::Key(key) => key,
        kind => Key::Computed(Box::new(Expr { kind, span: expr.span })),
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
fn collect_constants(expr: &Expr, into: &mut Vec<(Arc<str>, Span)>) {
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
fn declared_words((expr, found): &Typed) -> Option<Arc<[Arc<str>]>> {
    match found {
        Type::Enum(words) if !is_constant(expr) => Some(words.clone()),
        _ => None,
    }
}

// Types of operators. Amounts of one kind add up; an amount times or by a whole number is an amount.

fn has_order(found: &Type) -> bool {
    match found {
        // Text has an order, but not the one that versions or schedules have.
        Type::Scalar(name) if scalars::base(name) == Base::String => name.as_ref() == "string",
        found => !matches!(found.base(), None | Some(Base::Secret | Base::Image)),
    }
}

fn is_amount(base: Base) -> bool {
    matches!(base, Base::Memory | Base::Cpu | Base::Duration)
}

fn sum(a: &Type, b: &Type) -> Option<Type> {
    if let (Type::List(_), Type::List(_)) = (a, b) {
        return a.join(b);
    }
    if a.base() == Some(Base::String) && b.base() == Some(Base::String) {
        return Some(Type::scalar("string"));
    }
    difference(a, b).or_else(|| (a.is_any() || b.is_any()).then_some(Type::Any))
}

fn difference(a: &Type, b: &Type) -> Option<Type> {
    if a.is_any() || b.is_any() {
        return arithmetic_any(a, b);
    }
    let base = a.base()?;
    if !a.meets(b) || !(matches!(base, Base::Int | Base::Float) || is_amount(base)) {
        return None;
    }
    number(a.join(b)?)
}

fn product(a: &Type, b: &Type) -> Option<Type> {
    match (a.base()?, b.base()?) {
        (Base::Any, _) | (_, Base::Any) => arithmetic_any(a, b),
        (base, Base::Int) if is_amount(base) => Some(a.clone()),
        (Base::Int, base) if is_amount(base) => Some(b.clone()),
        (Base::Int, Base::Int) | (Base::Float, Base::Float) => number(a.join(b)?),
        _ => None,
    }
}

fn quotient(a: &Type, b: &Type) -> Option<Type> {
    match (a.base()?, b.base()?) {
        (Base::Any, _) | (_, Base::Any) => arithmetic_any(a, b),
        (base, Base::Int) if is_amount(base) => Some(a.clone()),
        (Base::Int, Base::Int) | (Base::Float, Base::Float) => number(a.join(b)?),
        _ => None,
    }
}

fn remainder(a: &Type, b: &Type) -> Option<Type> {
    match (a.base()?, b.base()?) {
        (Base::Any, _) | (_, Base::Any) => arithmetic_any(a, b),
        (Base::Int, Base::Int) => number(a.join(b)?),
        _ => None,
    }
}

fn arithmetic_any(a: &Type, b: &Type) -> Option<Type> {
    let is_number = |found: &Type| {
        found.is_any() || found.base().is_some_and(|base| matches!(base, Base::Int | Base::Float) || is_amount(base))
    };
    (is_number(a) && is_number(b)).then_some(Type::Any)
}

/// The type of a computed number: a port plus one need not be a port, seconds stay seconds.
fn number(found: Type) -> Option<Type> {
    match &found {
        Type::Scalar(name) => match name.as_ref() {
            "port" | "percent" => Some(Type::scalar("int")),
            "ratio" => Some(Type::scalar("number")),
            _ => Some(found),
        },
        _ => Some(found),
    }
}
