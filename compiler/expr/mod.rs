//! `(ref)`, `(f)`, `(cel)` and `when` texts into checked expressions, and those into values.
//!
//! In: text with its place; a [`Names`] that knows what a path means; a [`Lookup`] that knows the values.
//! Out: [`Expr`], and [`Evaluated`] values.
//! Never: KDL, stacks, targets.
//! Invariants: every name and type is checked before any environment exists; evaluation takes a bounded
//! number of steps, has no clock and no unordered map, and cannot fail, only be missing or unknown.

mod check;
mod eval;
pub mod functions;
mod lex;
mod parse;
mod pattern;
mod scalars;
#[cfg(test)]
mod tests;
mod types;

use std::sync::Arc;

use smol_str::SmolStr;

pub use self::functions::{FUNCTIONS, Function};
use crate::{
    diag::{Diags, Finding, codes},
    pack::pack,
    source::Span,
    value::{Bad, Value},
};

/// How a text is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// `(ref)`: a path.
    Path,
    /// `(f)`: text with paths in braces.
    Template,
    /// `(cel)`, `when`, `require`: an expression.
    Cel,
}

/// A text and where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Text<'a> {
    /// The text, escapes resolved.
    pub text: &'a str,
    /// The place of the whole value, with its quotes.
    pub span: Span,
    /// Where byte 0 of `text` stands in the source, if all of it stands there verbatim; otherwise findings and
    /// [`Ref`]s point to `span`.
    pub verbatim_at: Option<u32>,
}

/// Reads and checks a text; nothing if findings were reported.
///
/// `wanted` is what the place needs, nothing if it is not known; where it is [`Type::Any`], lists and maps may hold values
/// of several types. The type that comes back is that of the
/// expression, which may be narrower than what was wanted: a constant text has the type of an enum with that one
/// word. Text may come where a type with a text form is wanted, so the caller fits values to the place's type.
#[must_use]
pub fn compile(
    text: &Text<'_>,
    form: Form,
    names: &dyn Names,
    wanted: Option<&Type>,
    diags: &mut Diags,
) -> Option<(Expr, Type)> {
    check::compile(text, form, names, wanted, diags)
}

/// Whether some part of a text matches a regular expression of the kind that `matches` takes in expressions; none
/// where the expression is of another kind.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> Option<bool> {
    pattern::Pattern::new(pattern).ok().map(|pattern| pattern.is_found_in(text))
}

/// An expression that yields this value.
#[must_use]
pub fn constant(value: Value, span: Span) -> Expr {
    Expr { kind: Kind::Literal(value), span }
}

/// Evaluates. Steps are counted down in `budget`; when they are used up the result is unknown and `budget` is 0.
///
/// A result that is unknown although nothing unknown was looked up has a reason, which only
/// [`evaluate_with_faults`] tells.
#[must_use]
pub fn evaluate(expr: &Expr, lookup: &dyn Lookup, budget: &mut u64) -> Evaluated {
    eval::evaluate(expr, lookup, budget, &mut Vec::new())
}

/// Evaluates as [`evaluate`] does, and says where and why a value is unknown: overflow, a division by zero, an amount
/// that a part cannot say, a value of a free tree that is of the wrong type. Only what is unknown for a reason of
/// this expression is told, not what was unknown before, and not that the steps are used up.
#[must_use]
pub fn evaluate_with_faults(expr: &Expr, lookup: &dyn Lookup, budget: &mut u64, faults: &mut Vec<Fault>) -> Evaluated {
    eval::evaluate(expr, lookup, budget, faults)
}

/// Why an expression has no value, and where in it.
#[derive(Clone, PartialEq, Debug)]
pub struct Fault {
    /// The part of the expression.
    pub span: Span,
    /// A sentence for a finding; says no value of a secret.
    pub message: String,
    /// The mistake of a value that cannot say the part that is wanted, and where the value came from.
    pub part: Option<(Box<Bad>, Option<Ref>)>,
}

impl Fault {
    /// The finding for it.
    #[must_use]
    pub fn finding(&self) -> Finding {
        codes::NO_RESULT.at(self.span, self.message.clone())
    }
}

/// The finding for an expression whose steps were used up.
#[must_use]
pub fn exhausted(expr: &Expr) -> Finding {
    codes::OUT_OF_STEPS.at(expr.span, "this takes more steps than an expression may take")
}

/// All places named, in the order of writing, each once, wherever they stand: in keys, in `has`, in both branches.
pub fn references(expr: &Expr) -> impl Iterator<Item = &Ref> + Clone {
    // Most expressions name one place or none, and that takes no memory.
    let (mut first, mut others): (Option<&Ref>, Vec<&Ref>) = (None, Vec::new());
    walk(expr, &mut |expr| {
        let Kind::Ref(path) = &expr.kind else { return };
        match first {
            None => first = Some(path),
            Some(known) => {
                let is_new = |known: &&Ref| known.place != path.place || known.keys != path.keys;
                if is_new(&known) && others.iter().all(is_new) {
                    others.push(path);
                }
            }
        }
    });
    first.into_iter().chain(others)
}

/// The text of an expression that is constant.
#[must_use]
pub fn constant_text(expr: &Expr) -> Option<&SmolStr> {
    match &expr.kind {
        Kind::Literal(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// The parts of `a && b && c`, in the order of writing; of another expression, itself.
#[must_use]
pub fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        Kind::Binary(Operator::And, a, b) => [conjuncts(a), conjuncts(b)].concat(),
        _ => vec![expr],
    }
}

/// Whether an expression asks of a place only whether something is there: everything that it reads of it stands in `has`.
#[must_use]
pub fn only_asks(expr: &Expr, of: &Ref) -> bool {
    reads_only_in(expr, of, |kind| if let Kind::Has(inner) = kind { Some(inner) } else { None })
}

/// Whether an expression only goes through the keys of a place: everything that it reads of it is what `exists`, `all`, `map`
/// or `filter` go through.
#[must_use]
pub fn only_loops(expr: &Expr, of: &Ref) -> bool {
    reads_only_in(expr, of, |kind| if let Kind::Each(_, over, _) = kind { Some(over) } else { None })
}

/// Whether a place is read nowhere but directly in what `inside` gives of an expression.
fn reads_only_in(expr: &Expr, of: &Ref, inside: fn(&Kind) -> Option<&Expr>) -> bool {
    let is_it =
        |expr: &Expr| matches!(&expr.kind, Kind::Ref(found) if found.place == of.place && found.keys == of.keys);
    let (mut read, mut within) = (0_usize, 0_usize);
    walk(expr, &mut |expr| {
        read += usize::from(is_it(expr));
        within += usize::from(inside(&expr.kind).is_some_and(is_it));
    });
    read == within
}

/// All keys of loops and of `self` that are used as values, in the order of writing, each once.
#[must_use]
pub fn keys(expr: &Expr) -> Vec<&Key> {
    let mut found: Vec<&Key> = Vec::new();
    walk(expr, &mut |expr| {
        if let Kind::Key(key) = &expr.kind
            && !found.contains(&key)
        {
            found.push(key);
        }
    });
    found
}

/// Visits an expression and everything in it, in the order of writing.
fn walk<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    visit(expr);
    match &expr.kind {
        Kind::Literal(_) | Kind::Local(_) => {}
        Kind::Ref(path) => path.keys.iter().for_each(|key| walk_key(key, visit)),
        Kind::Key(key) => walk_key(key, visit),
        Kind::Not(inner) | Kind::Negate(inner) | Kind::Has(inner) | Kind::Part(inner, ..) => walk(inner, visit),
        Kind::Binary(_, a, b) | Kind::Index(a, b) | Kind::Each(_, a, b) => {
            walk(a, visit);
            walk(b, visit);
        }
        Kind::If(a, b, c) => [a, b, c].into_iter().for_each(|part| walk(part, visit)),
        Kind::Map(entries) => entries.iter().for_each(|(_, value)| walk(value, visit)),
        Kind::List(parts) | Kind::First(parts) | Kind::Call(_, parts) | Kind::Text(parts) => {
            parts.iter().for_each(|part| walk(part, visit));
        }
    }
}

fn walk_key<'a>(key: &'a Key, visit: &mut dyn FnMut(&'a Expr)) {
    if let Key::Computed(expr) = key {
        walk(expr, visit);
    }
}

/// What an expression yields, known before any environment exists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Type {
    /// Anything: an item of a free tree.
    Any,
    /// A scalar type of the table `value::SCALARS`, by its name: `bool`, `int`, `string`, `memory`, `secret`, …
    Scalar(SmolStr),
    /// One of a fixed set of words; a string.
    Enum(Arc<[SmolStr]>),
    /// A list.
    List(Box<Type>),
    /// A map with string keys.
    Map(Box<Type>),
    /// A group or record of settings: what it holds is asked of [`Names::member`].
    Record(Place),
}

/// What a path denotes: a number that [`Names`] hands out and [`Lookup`] understands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place(pub u32);

pack!(struct Place(number));

/// A place together with the keys of the maps and lists on the way to it.
#[derive(Clone, PartialEq, Debug)]
pub struct Ref {
    /// The place.
    pub place: Place,
    /// One key per map or list above the place, outermost first.
    pub keys: Vec<Key>,
    /// The words of the path.
    pub span: Span,
}

pack!(struct Ref: place, keys, span);

/// A key on the way to a place.
#[derive(Clone, PartialEq, Debug)]
pub enum Key {
    /// The key at this depth of the place that is being computed: what `self` stands for.
    Own(u32),
    /// The key or index that a loop is at; loops are numbered outermost first.
    Loop(u32),
    /// A fixed key.
    Literal(SmolStr),
    /// A computed key.
    Computed(Box<Expr>),
}

pack!(enum Key: Own(one), Loop(one), Literal(one), Computed(one));

/// A checked expression.
#[derive(Clone, PartialEq, Debug)]
pub struct Expr {
    /// What it does.
    pub kind: Kind,
    /// Where it is written.
    pub span: Span,
}

pack!(struct Expr: kind, span);

/// What an expression does.
#[derive(Clone, PartialEq, Debug)]
pub enum Kind {
    /// A constant.
    Literal(Value),
    /// The value at a place.
    Ref(Ref),
    /// The key that a loop of the stack is at: `k` in `(each)"k, v in env"`, or `self.key`.
    Key(Key),
    /// A variable of `all`, `exists`, `map` or `filter`, counted from the innermost, 0.
    Local(u32),
    /// `!x`.
    Not(Box<Expr>),
    /// `-x`.
    Negate(Box<Expr>),
    /// `a + b` and its like.
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `condition ? then : otherwise`.
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `{'a': b}`, keys are string constants.
    Map(Vec<(SmolStr, Expr)>),
    /// `a[b]` on a value; on settings it is a [`Key`].
    Index(Box<Expr>, Box<Expr>),
    /// `a.part` of a scalar or list, such as `.seconds`, `.first`, `.repository`; a row of `value::PARTS`.
    Part(Box<Expr>, SmolStr, SmolStr),
    /// `has(path)`.
    Has(Box<Expr>),
    /// `first(a, b, …)`: the first that has a value.
    First(Vec<Expr>),
    /// A function or method of the table `functions::FUNCTIONS`, by its name; a method's receiver comes first.
    Call(SmolStr, Vec<Expr>),
    /// `list.all(x, …)`, `exists`, `map`, `filter`.
    Each(Macro, Box<Expr>, Box<Expr>),
    /// `(f)"text {path}"`: the pieces, joined as text.
    Text(Vec<Expr>),
}

pack!(enum Kind:
    Literal(one), Ref(one), Key(one), Local(one), Not(one), Negate(one), Binary(one, two, three), If(one, two, three),
    List(one), Map(one), Index(one, two), Part(one, two, three), Has(one), First(one), Call(one, two),
    Each(one, two, three), Text(one)
);

/// Operators with two sides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

pack!(enum Operator:
    Or, And, Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual, In, Add, Subtract, Multiply, Divide,
    Remainder
);

impl Operator {
    /// How it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Operator::Or => "||",
            Operator::And => "&&",
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::In => "in",
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Remainder => "%",
        }
    }
}

/// Macros over lists and the keys of maps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Macro {
    All,
    Exists,
    Map,
    Filter,
}

pack!(enum Macro: All, Exists, Map, Filter);

/// Something that a path may lead through, while it is being checked.
#[derive(Clone, PartialEq, Debug)]
pub enum Entity {
    /// A place that has a value, a group, a record, a map or a list of settings.
    Place {
        /// The place.
        place: Place,
        /// The keys so far; for a map or list itself, without the item's key.
        keys: Vec<Key>,
        /// Its type.
        of: Type,
    },
    /// A key that a loop is at, or `self.key`: a string or, for lists, an index.
    Key(Key, Type),
    /// A root that is no value by itself (`self`, `endpoint`, `workloads`).
    Namespace(Place, Vec<Key>),
}

/// What the names in an expression mean; the schema implements it.
pub trait Names {
    /// The entity that a path begins with.
    fn root(&self, name: &str) -> Option<Entity>;
    /// The entity one `.name` further; for a map of settings `name` is a key. Parts of scalars are not asked here.
    fn member(&self, of: &Entity, name: &str) -> Option<Entity>;
    /// The entity one `[key]` further, for maps and lists of settings.
    fn index(&self, of: &Entity, key: Key) -> Option<Entity>;
    /// The names that could stand here, for suggestions.
    fn names(&self, of: Option<&Entity>) -> Vec<String>;
}

/// What evaluation may find at a place.
#[derive(Clone, PartialEq, Debug)]
pub enum Evaluated {
    /// A value.
    Value(Value),
    /// No value.
    Missing,
    /// A value that is wrong and has been reported; behaves as missing, but silences rules.
    Unknown,
}

/// The values; the environment implements it.
pub trait Lookup {
    /// The value at a place. `keys` are evaluated, outermost first.
    fn get(&self, place: Place, keys: &[Value]) -> Evaluated;
    /// The key of the place being computed, at this depth.
    fn own_key(&self, depth: u32) -> Value;
    /// The key that the loop of this number is at.
    fn loop_key(&self, index: u32) -> Value;
}
