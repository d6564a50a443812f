//! What names say, against what stands under them: the unit that a name ends in, and the setting that a name speaks of.
//!
//! In: a `Stack`. Out: findings.
//! Never: values of an environment; names that an environment gives.
//! Invariant: a name is held only against other words of the same stack. What it means to the program is not known here,
//! so a value is in the wrong place only where another place, or another setting, bears its name instead.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    compatible::together,
    slots::{self, Slot},
};
use crate::{
    diag::{Diags, Finding, codes},
    expr::{self, Expr},
    schema::{self, Other, Setting, Stack, TreeKey, TreeNode, TreeValue, Workload},
    value::{self, Value},
};

/// Words that end a name, and the unit that they say.
const ENDINGS: &[(&str, &[&str])] = &[
    ("milliseconds", &["milliseconds", "millis", "msecs", "msec", "ms"]),
    ("seconds", &["seconds", "secs", "sec"]),
    ("minutes", &["minutes", "mins"]),
    ("hours", &["hours", "hrs"]),
    ("days", &["days"]),
    ("bytes", &["bytes"]),
    ("kibibytes", &["kibibytes", "kilobytes", "kib", "kb"]),
    ("mebibytes", &["mebibytes", "megabytes", "mib", "mb"]),
    ("gibibytes", &["gibibytes", "gigabytes", "gib", "gb"]),
    ("millicores", &["millicores"]),
    ("cores", &["cores"]),
];

/// What follows a number at once in a text, and the unit that it says of a time, of an amount of memory or of processor.
const BEHIND: &[(&str, &[&str])] = &[
    ("milliseconds", &["ms"]),
    ("seconds", &["s", "sec"]),
    ("minutes", &["m", "min"]),
    ("hours", &["h"]),
    ("days", &["d"]),
    ("bytes", &["B", "b"]),
    ("kibibytes", &["k", "K", "kb", "kB", "KB", "Ki", "KiB"]),
    ("mebibytes", &["m", "M", "mb", "MB", "Mi", "MiB"]),
    ("gibibytes", &["g", "G", "gb", "GB", "Gi", "GiB"]),
    ("millicores", &["m"]),
];

/// The units of one kind of amount: `m` behind a number is a minute, a mebibyte or a thousandth of a core.
const KINDS: &[&[&str]] = &[
    &["milliseconds", "seconds", "minutes", "hours", "days"],
    &["bytes", "kibibytes", "mebibytes", "gibibytes"],
    &["millicores", "cores"],
];

/// Types of values that are in no unit: an amount with its own, or no amount at all.
const NO_UNIT: &[&str] = &["duration", "memory", "cpu", "port", "secret", "host", "url", "address", "image", "path"];

/// Words that say the same in names.
const SAME: &[(&str, &str)] = &[
    ("username", "user"),
    ("certificate", "cert"),
    ("crt", "cert"),
    ("database", "db"),
    ("pass", "password"),
    ("passwd", "password"),
    ("pwd", "password"),
    ("seconds", "secs"),
    ("gid", "group"),
    ("uid", "user"),
];

/// Words at the end of a name that do not say what it is.
const HANDED: &[&str] = &["file", "path"];

/// Ends of names that are written without a break, and the word that they say.
const ENDS: &[(&str, &str)] =
    &[("rootcert", "ca"), ("cert", "cert"), ("key", "key"), ("password", "password"), ("user", "user")];

/// Checks the names of a stack.
pub(super) fn check(stack: &Stack, diags: &mut Diags) {
    let mut everywhere = Vec::new();
    for workload in &stack.workloads {
        everywhere.push(of_workload(stack, &workload.node, diags));
    }
    two_meanings(&everywhere, diags);
    for release in stack.helm.iter().flat_map(|block| &block.releases) {
        tree(stack, &release.values, diags);
    }
    stack.configs.iter().for_each(|config| tree(stack, &config.tree, diags));
    stack.workloads.iter().for_each(|workload| trees(stack, &workload.node, diags));
}

/// Checks the places of one workload; those of which nothing was said yet. One mistake gives one finding.
fn of_workload<'s>(stack: &Stack, workload: &'s Workload, diags: &mut Diags) -> Vec<Known<'s>> {
    let slots = slots::of(stack, workload);
    slots.iter().for_each(|slot| unit(stack, slot.said, &slot.called, slot.expr, diags));
    let known: Vec<Known<'_>> = slots.into_iter().filter_map(|slot| Known::new(stack, slot)).collect();
    let crossed = crossed(&known, diags);
    // A variable that has the value of its name too, under another condition, is no mistake.
    let given: BTreeSet<(String, String)> =
        known.iter().map(|one| (one.slot.called.clone(), one.source.clone())).collect();
    let mut kept = Vec::new();
    for (_, one) in known.into_iter().enumerate().filter(|(number, _)| !crossed.contains(number)) {
        let is_given = |other: &&Setting| given.contains(&(one.slot.called.clone(), other.path.to_string()));
        match one.misnamed(stack).filter(|other| !is_given(other)) {
            Some(other) => diags.push(one.other_name(other)),
            None => kept.push(one),
        }
    }
    kept
}

fn trees(stack: &Stack, workload: &Workload, diags: &mut Diags) {
    for found in slots::trees(workload) {
        tree(stack, found, diags);
    }
}

/// The units of what stands in a tree.
fn tree(stack: &Stack, nodes: &[TreeNode], diags: &mut Diags) {
    for node in nodes {
        let (name, value) = match node {
            TreeNode::When(_, nodes) | TreeNode::Each(_, nodes) => {
                tree(stack, nodes, diags);
                continue;
            }
            TreeNode::Key { key: TreeKey::Fixed(name), value, .. } => (&**name, value),
            TreeNode::Key { value, .. } | TreeNode::Item { value, .. } => ("", value),
        };
        match value {
            TreeValue::One(expr) => unit(stack, name, name, expr, diags),
            TreeValue::Many(exprs) => exprs.iter().for_each(|expr| unit(stack, "", "", expr, diags)),
            TreeValue::Nodes { nodes, .. } | TreeValue::Embedded(_, nodes) => tree(stack, nodes, diags),
        }
    }
}

/// Reports a value in another unit than its name says, or than what stands behind it in a text.
fn unit(stack: &Stack, name: &str, called: &str, expr: &Expr, diags: &mut Diags) {
    let last = words(name).pop().unwrap_or_default();
    let said = ENDINGS.iter().find(|(_, words)| words.contains(&&*last)).map(|(unit, _)| *unit);
    if let (Some(said), Some(of)) = (said, printed(stack, expr))
        && of != said
        && (is_unit(&of) || NO_UNIT.contains(&&*of))
    {
        let from = from(stack, expr);
        let message = format!("`{called}` says `{said}` by its name, and is given `{of}`{from}");
        diags.push(codes::OTHER_UNIT.at(expr.span, message).hint(format!("write `.{said}` behind the setting")));
    }
    let expr::Kind::Text(pieces) = &expr.kind else { return };
    for pair in pieces.windows(2) {
        let expr::Kind::Literal(Value::String(text)) = &pair[1].kind else { continue };
        let Some(of) = printed(stack, &pair[0]).filter(|of| is_unit(of)) else { continue };
        if let Some((behind, said)) = behind(text, &of).filter(|(_, said)| *said != of) {
            let from = from(stack, &pair[0]);
            let of_name = if called.is_empty() { String::new() } else { format!(" in `{called}`") };
            let message = format!("`{behind}` behind a number says `{said}`, and the number is `{of}`{from}{of_name}");
            diags.push(codes::OTHER_UNIT.at(pair[0].span, message).hint(format!("write `.{said}` behind the setting")));
        }
    }
}

/// The unit that the beginning of a text says of the number before it, which is in another unit of that kind or in it.
fn behind<'t>(text: &'t str, of: &str) -> Option<(&'t str, &'static str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let word = &text[..end];
    let kind = KINDS.iter().find(|units| units.contains(&of))?;
    let row = BEHIND.iter().find(|(unit, words)| kind.contains(unit) && words.contains(&word))?;
    Some((word, row.0))
}

fn is_unit(of: &str) -> bool {
    ENDINGS.iter().any(|(unit, _)| *unit == of)
}

/// The type of what an expression prints, where it is one value: of a setting or a part of it, also as text.
fn printed(stack: &Stack, expr: &Expr) -> Option<String> {
    match &expr.kind {
        expr::Kind::Part(_, of, part) => value::part(of, part).map(|part| part.result.to_owned()),
        expr::Kind::Ref(found) => match &stack.setting(stack.setting_at(found.place)?).kind {
            schema::Kind::Scalar(of) => Some(of.to_string()),
            schema::Kind::Switch => Some("bool".to_owned()),
            _ => None,
        },
        expr::Kind::Text(pieces) if pieces.len() == 1 => printed(stack, &pieces[0]),
        expr::Kind::Call(name, arguments) if &**name == "string" => printed(stack, arguments.first()?),
        _ => None,
    }
}

/// The settings behind an expression, in words.
fn from(stack: &Stack, expr: &Expr) -> String {
    let id = |found: &expr::Ref| stack.setting_at(found.place);
    let paths: Vec<String> =
        expr::references(expr).filter_map(id).map(|id| format!("`{}`", stack.setting(id).path)).collect();
    if paths.is_empty() { String::new() } else { format!(" (from {})", paths.join(", ")) }
}

/// A place of a workload, and the words of its name and of what it is given.
struct Known<'s> {
    slot: Slot<'s>,
    name: BTreeSet<String>,
    /// The path of the setting or endpoint that stands there.
    source: String,
    value: BTreeSet<String>,
}

impl<'s> Known<'s> {
    /// A place that is given one thing, by its name; none for others.
    fn new(stack: &Stack, slot: Slot<'s>) -> Option<Known<'s>> {
        let source = source(stack, slot.expr).filter(|_| !slot.names.is_empty())?;
        let name = slot.names.iter().flat_map(|name| meanings(name)).collect();
        let value = meanings(&source);
        Some(Known { slot, name, source, value })
    }

    /// Whether the setting is one of the workload itself, which may call it as it likes: `worker.verbosity` in `worker`.
    fn is_own(&self) -> bool {
        let group = self.source.split_once('.').map_or("", |(group, _)| group);
        let workload = self.slot.called.split(' ').next().unwrap_or_default();
        !group.is_empty() && words(group).iter().all(|word| words(workload).contains(word))
    }

    /// How many words a name and a value have in common.
    fn shares(&self, other: &Known<'_>) -> usize {
        self.name.intersection(&other.value).count()
    }

    /// The setting whose name a place bears, though it is given another one: one beside that, or, where a variable has
    /// nothing in common with what it is given, any.
    fn misnamed<'t>(&self, stack: &'t Stack) -> Option<&'t Setting> {
        let last = last_of(&self.source);
        // `POSTGRES_PASSWORD` is `db.root-password`: the same thing, said more closely.
        let is_closer = self.slot.names.iter().any(|name| !last.is_disjoint(&head(name)));
        if self.value.is_empty() || is_closer || last.is_subset(&self.name) {
            return None;
        }
        if let Some(other) = self.sibling(stack) {
            return Some(other);
        }
        if !self.slot.is_variable || self.is_own() || self.shares(self) > 0 {
            return None;
        }
        let fits =
            |setting: &&Setting| self.bears(setting) && meanings(&setting.path).intersection(&self.name).count() > 1;
        let mut scalars = stack.settings.iter().filter(|setting| matches!(setting.kind, schema::Kind::Scalar(_)));
        scalars.find(fits)
    }

    /// Whether a place is called as a setting is. The last word of a name says what it is, those before whose:
    /// `SMTP_USER_PWD` is no user.
    fn bears(&self, setting: &Setting) -> bool {
        let last = last_of(&setting.path);
        last.is_subset(&self.name) && self.slot.names.iter().any(|name| !last.is_disjoint(&head(name)))
    }

    /// The setting beside the one that stands here, of which the name speaks; both exist at once.
    fn sibling<'t>(&self, stack: &'t Stack) -> Option<&'t Setting> {
        let own = stack.settings.iter().find(|setting| *setting.path == *self.source)?;
        let beside = stack.setting(own.parent?).children.values().map(|id| stack.setting(*id));
        let bears = |setting: &&Setting| setting.path != own.path && self.bears(setting);
        let conditions = |setting: &Setting| -> Vec<Vec<&'t Expr>> {
            let of = |declaration: &schema::Declaration| {
                declaration.available.iter().map(|at| &stack.conditions[*at as usize]).collect()
            };
            setting.declarations.iter().map(of).collect()
        };
        let at_once = |setting: &&Setting| {
            let (here, there) = (conditions(own), conditions(setting));
            here.iter().any(|one| there.iter().any(|other| together(stack, &[&one[..], &other[..]].concat())))
        };
        beside.filter(|setting| matches!(setting.kind, schema::Kind::Scalar(_))).filter(bears).find(at_once)
    }

    fn other_name(&self, other: &Setting) -> Finding {
        let (called, source) = (&self.slot.called, &self.source);
        let message = format!("`{called}` comes from `{source}`, and bears the name of `{}`", other.path);
        codes::CROSSED.at(self.slot.expr.span, message).hint(format!("write `(ref)\"{}\"`", other.path))
    }
}

/// Reports two places of a workload that are each given what the other is called after; the numbers of such places.
fn crossed(known: &[Known<'_>], diags: &mut Diags) -> BTreeSet<usize> {
    let mut crossed = BTreeSet::new();
    for (number, one) in known.iter().enumerate() {
        for (there, other) in known.iter().enumerate().skip(number + 1) {
            let as_it_is = one.shares(one) + other.shares(other);
            if one.source == other.source || one.shares(other) + other.shares(one) <= as_it_is + 1 {
                continue;
            }
            crossed.extend([number, there]);
            let (here, there) = (&one.slot.called, &other.slot.called);
            let message = format!(
                "`{here}` comes from `{}` and `{there}` from `{}`: each is given what the other is called after",
                one.source, other.source
            );
            diags.push(
                codes::CROSSED
                    .at(one.slot.expr.span, message)
                    .label(other.slot.expr.span, "the other one")
                    .hint("let them change places, or call them otherwise"),
            );
        }
    }
    crossed
}

/// Reports variables of one name that several workloads are given from settings of other names.
fn two_meanings(everywhere: &[Vec<Known<'_>>], diags: &mut Diags) {
    let mut first: BTreeMap<&str, (usize, &Known<'_>)> = BTreeMap::new();
    let all = everywhere.iter().enumerate().flat_map(|(workload, all)| all.iter().map(move |one| (workload, one)));
    for (workload, one) in all.filter(|(_, one)| one.slot.is_variable && !one.slot.is_override) {
        for name in one.slot.names.iter().map(|name| name.strip_suffix("_FILE").unwrap_or(name)) {
            let (other, before) = *first.entry(name).or_insert((workload, one));
            let same = other == workload
                || one.is_own() && before.is_own()
                || !last_of(&before.source).is_disjoint(&last_of(&one.source));
            if same || is_host(&before.source) != is_host(&one.source) {
                continue;
            }
            let message = format!(
                "`{}` comes from `{}`, and `{}` from `{}`",
                one.slot.called, one.source, before.slot.called, before.source
            );
            diags.push(
                codes::TWO_MEANINGS
                    .at(one.slot.expr.span, message)
                    .label(before.slot.expr.span, "the same name")
                    .hint("compute both from the same setting"),
            );
        }
    }
}

/// What a name says last, in every meaning; how it is handed over, as by `_FILE`, does not count.
fn head(name: &str) -> BTreeSet<String> {
    let words = words(name);
    let last = words.iter().rposition(|word| !HANDED.contains(&&**word)).unwrap_or_default();
    // a root certificate is two words for one thing
    let both = meanings(&words.get(last.saturating_sub(1)..=last).unwrap_or_default().join("_"));
    if both.contains("ca") { both } else { words.get(last).map(|word| meanings(word)).unwrap_or_default() }
}

/// The words of the last part of a path.
fn last_of(path: &str) -> BTreeSet<String> {
    meanings(path.rsplit('.').next().unwrap_or_default())
}

fn is_host(source: &str) -> bool {
    source.starts_with("endpoint.")
}

/// The path of what one value comes from: a setting, or an endpoint.
fn source(stack: &Stack, expr: &Expr) -> Option<String> {
    match &expr.kind {
        expr::Kind::Part(inner, ..) => source(stack, inner),
        expr::Kind::Text(pieces) if pieces.len() == 1 => source(stack, &pieces[0]),
        expr::Kind::Call(name, arguments) if &**name == "string" => source(stack, arguments.first()?),
        expr::Kind::Ref(found) => match (stack.setting_at(found.place), stack.other_at(found.place)) {
            (Some(id), _) => Some(stack.setting(id).path.to_string()).filter(|path| !path.is_empty()),
            (_, Some(Other::EndpointHost(name))) => Some(format!("endpoint.{name}.host")),
            (_, Some(Other::EndpointPort(name, _))) => Some(format!("endpoint.{name}.port")),
            (_, Some(Other::Endpoint(name))) => Some(format!("endpoint.{name}")),
            _ => None,
        },
        _ => None,
    }
}

/// The words of a name or a path: `PG_POOL_SIZE`, `postgres.pool-size` and `poolSize` alike.
fn words(name: &str) -> Vec<String> {
    let mut all = Vec::new();
    for part in name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        let mut word = String::new();
        let mut was_lower = false;
        for letter in part.chars() {
            if letter.is_ascii_uppercase() && was_lower && !word.is_empty() {
                all.push(std::mem::take(&mut word));
            }
            was_lower = letter.is_ascii_lowercase();
            word.push(letter.to_ascii_lowercase());
        }
        all.push(word);
    }
    all
}

/// The words of a name, those that say the same as one.
fn meanings(name: &str) -> BTreeSet<String> {
    let words = words(name);
    let is_root_cert = words.windows(2).any(|pair| pair[0] == "root" && pair[1].starts_with("cert"));
    let mut all: BTreeSet<String> = words
        .into_iter()
        .map(|word| match SAME.iter().find(|(other, _)| *other == word) {
            Some((_, same)) => (*same).to_owned(),
            None => word,
        })
        .collect();
    if is_root_cert {
        all.retain(|word| word != "root" && word != "cert");
        all.insert("ca".to_owned());
    }
    let whole: Vec<&str> = all
        .iter()
        .filter_map(|word| {
            ENDS.iter().find(|(end, _)| word.ends_with(end) && word.len() > end.len()).map(|(_, same)| *same)
        })
        .collect();
    let whole: Vec<String> = whole.into_iter().map(str::to_owned).collect();
    all.extend(whole);
    all
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        schema::load,
        source::{Source, SourceId},
    };

    /// The codes and messages that a workload gives.
    fn found(facts: &str) -> Vec<String> {
        let text = format!(
            r#"stack "shop" version="1" {{
                settings {{
                    pg {{ (name)username default="shop"; (name)database default="shop"; (int)pool-size default=5; (secret)password default="db/password"; (secret)root-password default="db/root"; (name)superuser default="root"; (duration)timeout default="5s" }}
                    cache {{ (int)number default=0; (memory)most default="1Gi"; (cpu)share default="500m"; (bool)exact default=#true }}
                    smtp {{ (host)host default="mail.example.com"; (string)user default="shop"; (secret)secret default="smtp/key"; (bool)encrypt default=#true }}
                    tls {{ (secret)ca default="tls/ca"; (secret)cert default="tls/cert"; (secret)key default="tls/key" }}
                    run {{ (int)user default=1; (int)group default=1 }}
                    api {{ (int)count default=1 }}
                    (map)job of="job"
                }}
                type "job" {{ (list)command of="string"; (list)args of="string"; (int)uid default=1; (int)gid default=1 }}
                workload "api" {{ image "acme/api:1"; {facts} }}
            }}"#
        );
        let source = Arc::new(Source { id: SourceId(1), name: "shop/stack.kdl".to_owned(), text });
        let mut diags = Diags::default();
        let stack = load::load("shop", &[source], &[], &mut diags);
        let stack = stack.unwrap_or_else(|| panic!("{facts}: {diags:?}"));
        let mut found = Diags::default();
        super::check(&stack, &mut found);
        found.as_slice().iter().map(|finding| format!("{} {}", finding.code.id, finding.message)).collect()
    }

    #[test]
    fn names_are_words() {
        assert_eq!(words("PG_POOL_SIZE"), ["pg", "pool", "size"]);
        assert_eq!(words("app.service.metrics-port"), ["app", "service", "metrics", "port"]);
        assert_eq!(words("timeoutSeconds"), ["timeout", "seconds"]);
        let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(meanings("POSTGRES_SSL_ROOT_CERT"), set(&["ca", "postgres", "ssl"]));
        assert_eq!(meanings("PGSSLKEY"), set(&["key", "pgsslkey"]));
    }

    #[test]
    fn values_in_the_unit_of_their_name_are_no_finding() {
        let fine = [
            r#"env { DB_TIMEOUT_SECONDS (ref)"pg.timeout.seconds"; DB_TIMEOUT_MS (f)"{pg.timeout.milliseconds}" }"#,
            r#"env { DB_TIMEOUT (ref)"pg.timeout"; MOST_BYTES (ref)"cache.most.bytes"; A_SECONDS "5"; B_SECONDS 5 }"#,
            r#"args { - (f)"--memory={cache.most.mebibytes}M"; - (f)"{pg.timeout.seconds}s"; - (f)"{pg.timeout.seconds} sunny" }"#,
            r#"env { RETRY_SECONDS (cel)"pg.timeout.milliseconds / 1000" }"#,
            r#"env { CPU (f)"{cache.share.millicores}m"; HEAP (f)"-Xmx{cache.most.mebibytes}m"; LOG_IN_MILLISECONDS (ref)"cache.exact" }"#,
        ];
        for facts in fine {
            assert_eq!(found(facts), [""; 0], "{facts}");
        }
    }

    #[test]
    fn values_in_another_unit_are_found() {
        let cases = [
            (
                r#"env { DB_TIMEOUT_SECONDS (ref)"pg.timeout.milliseconds" }"#,
                "`api env[DB_TIMEOUT_SECONDS]` says `seconds` by its name, and is given `milliseconds`",
            ),
            (r#"env { DB_TIMEOUT_SECONDS (ref)"pg.timeout" }"#, "is given `duration`"),
            (r#"env { DB_TIMEOUT (ref)"pg.timeout.seconds" also="DB_TIMEOUT_MS" }"#, "says `milliseconds`"),
            (
                r#"env { MOST_MB (cel)"string(cache.most.bytes)" }"#,
                "says `mebibytes` by its name, and is given `bytes`",
            ),
            (r#"args { - (f)"--memory={cache.most.kibibytes}M" }"#, "`M` behind a number says `mebibytes`"),
            (r#"args { - (f)"{pg.timeout.milliseconds}s" }"#, "`s` behind a number says `seconds`"),
            (r#"args { - (f)"{cache.share.cores}m" }"#, "`m` behind a number says `millicores`"),
            (
                r#"args { - "--wait-seconds"; - (ref)"pg.timeout.milliseconds" }"#,
                "`api args[--wait-seconds]` says `seconds`",
            ),
            (
                r#"env { (json)CONFIG { db { timeout_secs (ref)"pg.timeout.milliseconds" } } }"#,
                "`timeout_secs` says `seconds`",
            ),
        ];
        for (facts, wanted) in cases {
            let found = found(facts);
            let is_it = matches!(&*found, [one] if one.starts_with("TL0705 ") && one.contains(wanted));
            assert!(is_it, "{facts}: {found:#?}, not {wanted}");
        }
    }

    #[test]
    fn what_stands_under_another_name_is_found() {
        let fine = [
            r#"env { DB_USER (ref)"pg.username"; DB_NAME (ref)"pg.database"; DB_POOL_SIZE (ref)"pg.pool-size"; REDIS_DB (ref)"cache.number" }"#,
            r#"env { (file)PGSSLROOTCERT (ref)"tls.ca"; (file)PGSSLCERT (ref)"tls.cert"; (file)PGSSLKEY (ref)"tls.key" }"#,
            // The last word of a name says what it is, those before whose.
            r#"env { SMTP_HOST_ADDR (ref)"smtp.host"; SMTP_USER_PWD (ref)"smtp.secret"; SMTP_HOST_TLS (ref)"smtp.encrypt"; PG_USERNAME_PASSWD (ref)"pg.password" }"#,
            // The same thing, said more closely.
            r#"env { POSTGRES_PASSWORD (ref)"pg.root-password"; POSTGRES_USER (ref)"pg.superuser" }"#,
            // Its own settings have names of their own.
            r#"env { CACHE_NUMBER (ref)"api.count" }"#,
            r#"security user=(ref)"run.user" group=(ref)"run.group"; health "readiness" { exec "pg_isready" "-U" (ref)"pg.username" "-d" (ref)"pg.database" }"#,
        ];
        for facts in fine {
            assert_eq!(found(facts), [""; 0], "{facts}");
        }
        let cases = [
            (
                r#"env { (file)TLS_CERT (ref)"tls.key"; (file)TLS_KEY (ref)"tls.cert" }"#,
                "`api env[TLS_CERT]` comes from `tls.key`",
            ),
            (r#"env { (file)PGSSLCERT (ref)"tls.key"; (file)PGSSLKEY (ref)"tls.cert" }"#, "`api env[PGSSLCERT]`"),
            (
                r#"env { (file)TLS_ROOT_CERT (ref)"tls.cert"; (file)TLS_CERT (ref)"tls.ca" }"#,
                "`api env[TLS_ROOT_CERT]`",
            ),
            (r#"security user=(ref)"run.group" group=(ref)"run.user""#, "`api security.user` comes from `run.group`"),
            (
                r#"health "readiness" { exec "pg_isready" "-U" (ref)"pg.database" "-d" (ref)"pg.username" }"#,
                "each is given what the other is called after",
            ),
            (
                r#"env { (file)TLS_KEY (ref)"tls.cert" }"#,
                "`api env[TLS_KEY]` comes from `tls.cert`, and bears the name of `tls.key`",
            ),
            (r#"env { DB_POOL_SIZE (ref)"cache.number" }"#, "bears the name of `pg.pool-size`"),
        ];
        for (facts, wanted) in cases {
            let found = found(facts);
            let is_it = matches!(&*found, [one] if one.starts_with("TL0706 ") && one.contains(wanted));
            assert!(is_it, "{facts}: {found:#?}, not {wanted}");
        }
    }
}
