//! What mistakes need to know of expressions: their types, the settings they name, the same in another unit.

use trueline::{
    expr::{Expr, Key, Kind, Operator, Ref, references},
    schema::{self, Other, Stack},
    source::Span,
    value::{self, Value},
};

/// The type of an expression, as far as it matters for what can stand in its place.
pub(super) fn type_of(stack: &Stack, expr: &Expr) -> String {
    match &expr.kind {
        Kind::Literal(value) => literal(value).to_owned(),
        Kind::Ref(found) => of_place(stack, found),
        Kind::Part(_, of, part) => value::part(of, part).map_or_else(String::new, |row| row.result.to_owned()),
        Kind::Not(_) | Kind::Has(_) => "bool".to_owned(),
        Kind::Binary(operator, a, _) => match operator {
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
                type_of(stack, a)
            }
            _ => "bool".to_owned(),
        },
        Kind::If(_, a, _) => type_of(stack, a),
        Kind::List(_) => "list string".to_owned(),
        Kind::First(parts) => parts.first().map_or_else(String::new, |part| type_of(stack, part)),
        _ => "string".to_owned(),
    }
}

fn of_place(stack: &Stack, found: &Ref) -> String {
    let Some(id) = stack.setting_at(found.place) else {
        let of = match stack.other_at(found.place) {
            Some(Other::EndpointHost(_)) => "host",
            // A link, which is text.
            Some(Other::EndpointPort(..)) => "port of a link",
            Some(Other::WorkloadFact(_, fact)) => return fact.to_string(),
            _ => "string",
        };
        return of.to_owned();
    };
    let setting = stack.setting(id);
    match &setting.kind {
        schema::Kind::Scalar(name) => name.to_string(),
        schema::Kind::Choice(_) => "enum".to_owned(),
        schema::Kind::Switch => "bool".to_owned(),
        schema::Kind::Group => format!("group {}", setting.of),
        schema::Kind::List(item) => format!("list {}", stack.setting(*item).of),
        schema::Kind::Map(item) => format!("map {}", stack.setting(*item).of),
    }
}

fn literal(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "number",
        Value::String(_) | Value::Text(_) => "string",
        Value::Memory(_) => "memory",
        Value::Cpu(_) => "cpu",
        Value::Duration(_) => "duration",
        Value::Secret(_) => "secret",
        Value::Image(_) => "image",
        Value::List(_) => "list string",
        Value::Map(_) => "map string",
        Value::Null => "null",
    }
}

/// The settings that an expression names, with `*` for what a loop fills in.
pub(super) fn settings(stack: &Stack, expr: &Expr) -> Vec<String> {
    let path = |found: &Ref| match (stack.setting_at(found.place), stack.other_at(found.place)) {
        (Some(id), _) => Some(stack.setting(id).path.to_string()),
        (_, Some(Other::EndpointHost(name) | Other::EndpointPort(name, _) | Other::Endpoint(name))) => {
            Some(format!("endpoint.{name}"))
        }
        (_, Some(Other::WorkloadFact(workload, _))) => Some(workload.to_string()),
        _ => None,
    };
    let found = || references(expr);
    let mut all: Vec<String> = found().filter_map(path).filter(|path| !path.is_empty()).collect();
    // A derived setting is told by what it is computed from.
    for setting in found().filter_map(|found| Some(stack.setting(stack.setting_at(found.place)?))) {
        for declaration in setting.declarations.iter().filter(|declaration| declaration.derived) {
            all.extend(declaration.defaults.iter().flat_map(|expr| settings(stack, expr)));
        }
    }
    all
}

/// The same expression wherever it is written, so that two can be compared.
pub(super) fn bare(expr: &Expr) -> Expr {
    let one = |expr: &Expr| Box::new(bare(expr));
    let all = |parts: &[Expr]| parts.iter().map(bare).collect();
    let kind = match &expr.kind {
        Kind::Ref(found) => Kind::Ref(Ref {
            place: found.place,
            keys: found.keys.iter().map(bare_key).collect(),
            span: Span::default(),
        }),
        Kind::Key(key) => Kind::Key(bare_key(key)),
        Kind::Not(inner) => Kind::Not(one(inner)),
        Kind::Negate(inner) => Kind::Negate(one(inner)),
        Kind::Has(inner) => Kind::Has(one(inner)),
        Kind::Part(inner, of, part) => Kind::Part(one(inner), of.clone(), part.clone()),
        Kind::Binary(operator, a, b) => Kind::Binary(*operator, one(a), one(b)),
        Kind::Index(a, b) => Kind::Index(one(a), one(b)),
        Kind::Each(kind, a, b) => Kind::Each(*kind, one(a), one(b)),
        Kind::If(a, b, c) => Kind::If(one(a), one(b), one(c)),
        Kind::Map(entries) => Kind::Map(entries.iter().map(|(key, value)| (key.clone(), bare(value))).collect()),
        Kind::List(parts) => Kind::List(all(parts)),
        Kind::First(parts) => Kind::First(all(parts)),
        Kind::Call(name, parts) => Kind::Call(name.clone(), all(parts)),
        Kind::Text(parts) => Kind::Text(all(parts)),
        Kind::Literal(_) | Kind::Local(_) => expr.kind.clone(),
    };
    Expr { kind, span: Span::default() }
}

fn bare_key(key: &Key) -> Key {
    match key {
        Key::Computed(expr) => Key::Computed(Box::new(bare(expr))),
        other => other.clone(),
    }
}

/// The same in another unit, or another constant; none where there is nothing to change.
pub(super) fn changed(stack: &Stack, expr: &Expr) -> Option<Expr> {
    let with = |kind: Kind| Some(Expr { kind, span: expr.span });
    let own = || Box::new(expr.clone());
    if let Kind::Literal(value) = &expr.kind {
        return with(Kind::Literal(other(value)?));
    }
    if let Kind::Part(inner, of, part) = &expr.kind {
        let row = value::part(of, part)?;
        // The next part of the same kind: another unit of the same amount, another piece of the same text.
        let number = |row: &value::Part| of_number(row.result);
        let same = |other: &&value::Part| number(other) == number(row);
        let rows: Vec<_> = value::parts(of).filter(same).collect();
        let at = rows.iter().position(|other| other.name == row.name)?;
        // The smaller unit, which can say every amount.
        if let Some(next) = rows.get(if at == 0 { 1 } else { at - 1 }) {
            return with(Kind::Part(inner.clone(), of.clone(), next.name.into()));
        }
    }
    if let Kind::Map(_) | Kind::Each(..) = &expr.kind {
        return with(Kind::Literal(Value::string("x")));
    }
    if let Kind::List(items) = &expr.kind {
        return with(Kind::List(items.iter().skip(1).cloned().collect()));
    }
    let of = type_of(stack, expr);
    let part = |part: &str| Kind::Part(own(), of.as_str().into(), part.into());
    with(match of.as_str() {
        "bool" => Kind::Not(own()),
        "memory" => part("kibibytes"),
        "duration" => part("milliseconds"),
        "cpu" => part("millicores"),
        "number" | "ratio" => {
            let half = Expr { kind: Kind::Literal(Value::Float(0.5)), span: expr.span };
            Kind::Binary(Operator::Multiply, own(), Box::new(half))
        }
        "secret" => part("variable"),
        "image" => part("repository"),
        of if of_number(of) => {
            let factor = Expr { kind: Kind::Literal(Value::Int(3)), span: expr.span };
            Kind::Binary(Operator::Multiply, own(), Box::new(factor))
        }
        of if of.starts_with("group ") || of.starts_with("list ") || of.starts_with("map ") => return None,
        _ => Kind::Text(vec![expr.clone(), Expr { kind: Kind::Literal(Value::string("x")), span: expr.span }]),
    })
}

/// Whether values of a type are numbers.
fn of_number(of: &str) -> bool {
    let counted = ["int", "port", "percent", "cores", "millicores", "number", "ratio"];
    let units = ["milliseconds", "seconds", "minutes", "hours", "days", "bytes", "kibibytes", "mebibytes", "gibibytes"];
    counted.contains(&of) || units.contains(&of)
}

/// Another constant.
fn other(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Bool(yes) => Value::Bool(!yes),
        Value::Int(number) => Value::Int(number + 1),
        Value::Float(number) => Value::Float(number + 1.0),
        Value::String(text) => Value::string(renamed(text)),
        Value::Memory(amount) => Value::Memory(amount * 1024),
        Value::Cpu(amount) => Value::Cpu(amount * 1000),
        Value::Duration(amount) => Value::Duration(amount * 1000),
        Value::List(items) => Value::List(items.iter().filter_map(other).collect()),
        Value::Null | Value::Text(_) | Value::Secret(_) | Value::Image(_) | Value::Map(_) => return None,
    })
}

/// A name with another last letter.
pub(super) fn renamed(name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    match letters.pop() {
        Some('x') => letters.push('y'),
        _ => letters.push('x'),
    }
    letters.into_iter().collect()
}
