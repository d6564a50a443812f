//! Mistakes in what releases write: every value of their trees, every group, condition and loop.

use smol_str::SmolStr;

use trueline::{
    expr::{Evaluated, Expr, Kind},
    lookup::Reading,
    model::Deployed,
    schema::{Stack, TreeKey, TreeNode, TreeValue},
};

use super::{
    Committed, End, Mistake, OF_CHARTS, compiled, each,
    exprs::{bare, changed, renamed, settings, type_of},
    made, stacks, writers,
};

/// What became of every mistake.
pub(super) fn ends() -> Vec<(&'static str, String, End)> {
    let mut all = Vec::new();
    for stack in stacks() {
        for (block, helm) in stack.helm.iter().enumerate() {
            for (release, declared) in helm.releases.iter().enumerate() {
                let users = writers(&declared.chart, &declared.version);
                if users.is_empty() {
                    continue; // of a version that no environment here is for
                }
                let end = |stack, mistake: &Mistake<'_, Stack>| {
                    compiled(stack, &users, true, mistake.judge(OF_CHARTS), &|_, _| String::new())
                };
                let mistakes = of_release(&stack, (block, release), &|trees, tree| trees.mistakes(tree));
                all.extend(each(&*stack, &made("values", mistakes), end));
            }
        }
    }
    all
}

/// Swaps of leaves that come from other settings and yet are the same in an environment, where both are printed.
pub(super) fn equal_swaps<'s>(committed: &Committed, deployed: &'s Deployed) -> Vec<Mistake<'s, Stack>> {
    let stack = &*deployed.stack;
    let mut all = Vec::new();
    for (block, helm) in stack.helm.iter().enumerate() {
        for release in 0..helm.releases.len() {
            all.extend(of_release(stack, (block, release), &|trees, _| trees.equal_swaps(committed, deployed)));
        }
    }
    all
}

type OfTree<'a> = &'a dyn Fn(&Trees<'_>, &[TreeNode]) -> Vec<Mistake<'static, Vec<TreeNode>>>;

/// Mistakes in the values of one release, by the numbers of its block and in that.
fn of_release<'s>(stack: &'s Stack, at: (usize, usize), of_tree: OfTree<'_>) -> Vec<Mistake<'s, Stack>> {
    let (block, release) = at;
    let declared = &stack.helm[block].releases[release];
    let mut trees = Trees { stack, found: Vec::new() };
    trees.walk(&declared.values, &mut Vec::new(), "", &mut Vec::new());
    let of_stack = |mistake: Mistake<'static, Vec<TreeNode>>| Mistake {
        how: mistake.how,
        what: format!("{}/{}/{} {}", stack.name, stack.helm[block].name, declared.name, mistake.what),
        names: mistake.names,
        around: mistake.around,
        make: Box::new(move |stack: &mut Stack| (mistake.make)(&mut stack.helm[block].releases[release].values))
            as Box<dyn Fn(&mut Stack) + Send + Sync>,
    };
    of_tree(&trees, &declared.values).into_iter().map(of_stack).collect()
}

type Make = Box<dyn Fn(&mut Vec<TreeNode>) + Send + Sync>;

/// A place in a tree: the numbers of nodes, from the root downwards; last perhaps that of an argument.
type At = Vec<usize>;

/// Something in a tree that a mistake can be made in.
struct Site {
    at: At,
    /// The path of the key, with `*` for items.
    path: String,
    /// The loops around it.
    loops: Vec<At>,
    what: What,
    /// What it is called, where that is not its path.
    called: String,
    names: Vec<String>,
    /// The keys above.
    around: Vec<String>,
}

#[derive(Clone, PartialEq)]
enum What {
    /// One expression, and its type.
    Leaf(Expr, String),
    /// One of several arguments.
    Argument(Expr, String),
    /// A map or list.
    Group,
    /// What decides whether a key is there, by the path of the first.
    Condition(String),
    /// The same of a loop.
    Loop(String),
}

/// The sites of one tree.
struct Trees<'a> {
    stack: &'a Stack,
    found: Vec<Site>,
}

impl Trees<'_> {
    fn walk(&mut self, nodes: &[TreeNode], at: &mut At, path: &str, loops: &mut Vec<At>) {
        for (number, node) in nodes.iter().enumerate() {
            at.push(number);
            match node {
                TreeNode::When(condition, nodes) => {
                    let mut names = settings(self.stack, condition);
                    names.push(first_path(nodes, path));
                    // Variables by their names, and keys that are written twice then.
                    names.extend(keys(nodes).iter().flat_map(|key| [format!("[{key}]"), (*key).to_owned()]));
                    all_settings(self.stack, nodes, &mut names);
                    self.site(at, path, loops, What::Condition(first_path(nodes, path)), names);
                    self.walk(nodes, at, path, loops);
                }
                TreeNode::Each(over, nodes) => {
                    let expr = Expr { kind: Kind::Ref(over.clone()), span: over.span };
                    let mut names = settings(self.stack, &expr);
                    all_settings(self.stack, nodes, &mut names);
                    self.site(at, path, loops, What::Loop(first_path(nodes, path)), names);
                    loops.push(at.clone());
                    self.walk(nodes, at, path, loops);
                    loops.pop();
                }
                TreeNode::Item { value, .. } => self.value(value, at, &below(path, "*"), loops),
                TreeNode::Key { key, value, .. } => {
                    let name = match key {
                        TreeKey::Fixed(name) => name,
                        TreeKey::Computed(_) => "*",
                    };
                    self.value(value, at, &below(path, name), loops);
                }
            }
            at.pop();
        }
    }

    fn value(&mut self, value: &TreeValue, at: &mut At, path: &str, loops: &mut Vec<At>) {
        match value {
            TreeValue::One(expr) => {
                let what = What::Leaf(expr.clone(), type_of(self.stack, expr));
                self.site(at, path, loops, what, settings(self.stack, expr));
            }
            TreeValue::Many(exprs) => {
                for (number, expr) in exprs.iter().enumerate() {
                    at.push(number);
                    let what = What::Argument(expr.clone(), type_of(self.stack, expr));
                    self.site(at, path, loops, what, settings(self.stack, expr));
                    at.pop();
                }
            }
            TreeValue::Nodes { nodes, .. } | TreeValue::Embedded(_, nodes) => {
                let mut names = Vec::new();
                all_settings(self.stack, nodes, &mut names);
                self.site(at, path, loops, What::Group, names);
                self.walk(nodes, at, path, loops);
            }
        }
    }

    fn site(&mut self, at: &At, path: &str, loops: &[At], what: What, mut names: Vec<String>) {
        if !path.is_empty() {
            names.push(path.trim_end_matches(".*").to_owned());
        }
        // What is left without anything in it is as good as gone too.
        let around = above(path).map(str::to_owned).collect();
        // A condition and a loop have no path of their own.
        let called = match &what {
            What::Condition(first) => format!("when {first}"),
            What::Loop(first) => format!("each {first}"),
            What::Leaf(..) | What::Argument(..) | What::Group => path.to_owned(),
        };
        self.found.push(Site {
            at: at.clone(),
            path: path.to_owned(),
            loops: loops.to_vec(),
            what,
            called,
            names,
            around,
        });
    }

    fn mistakes(&self, tree: &[TreeNode]) -> Vec<Mistake<'static, Vec<TreeNode>>> {
        let mut all = Vec::new();
        for (number, site) in self.found.iter().enumerate() {
            let mut add = |how, more: &[String], make: Make| {
                let mut names = site.names.clone();
                names.extend_from_slice(more);
                all.push(Mistake { how, what: site.called.clone(), names, around: site.around.clone(), make });
            };
            let at = site.at.clone();
            if matches!(site.what, What::Condition(_)) {
                add("flip", &[], Box::new(move |tree| flip(tree, &at)));
                continue;
            }
            add("delete", &[], Box::new(move |tree| delete(tree, &at)));
            let at = site.at.clone();
            if has_name(tree, &at) {
                let other = renamed(site.path.trim_end_matches(".*"));
                add("rename", &[other], Box::new(move |tree| rename(tree, &at)));
            }
            let (What::Leaf(expr, of) | What::Argument(expr, of)) = &site.what else { continue };
            if let Some(other) = changed(self.stack, expr) {
                let at = site.at.clone();
                add("change", &[], Box::new(move |tree| *expr_at(tree, &at) = other.clone()));
            }
            if let Some((there, other)) = self.next(number, expr, of) {
                let (at, here, other_at) = (site.at.clone(), expr.clone(), there.at.clone());
                add(
                    "swap",
                    &there.names,
                    Box::new(move |tree| {
                        *expr_at(tree, &at) = other.clone();
                        *expr_at(tree, &other_at) = here.clone();
                    }),
                );
            }
        }
        all
    }

    fn equal_swaps(&self, committed: &Committed, deployed: &Deployed) -> Vec<Mistake<'static, Vec<TreeNode>>> {
        let reading = Reading {
            stack: self.stack,
            view: deployed.view("helm"),
            target: "helm",
            environment: &committed.env.name,
            release: &deployed.name,
            own: &[],
            loops: &[],
            provider: None,
            findings: None,
        };
        let of_leaf = |site: &Site| match &site.what {
            What::Leaf(expr, of) if site.loops.is_empty() => {
                let Evaluated::Value(value) = reading.evaluate(expr) else { return None };
                Some((expr.clone(), of.clone(), value))
            }
            _ => None,
        };
        let leaves: Vec<_> = self.found.iter().filter_map(|site| Some((site, of_leaf(site)?))).collect();
        let mut all = Vec::new();
        for (number, (site, (expr, of, value))) in leaves.iter().enumerate() {
            for (other, (there, there_of, there_value)) in &leaves[number + 1..] {
                let origins = [settings(self.stack, expr), settings(self.stack, there)];
                if of != there_of || value != there_value || origins[0] == origins[1] {
                    continue;
                }
                let (at, other_at, expr, there) = (site.at.clone(), other.at.clone(), expr.clone(), there.clone());
                let make = move |tree: &mut Vec<TreeNode>| {
                    *expr_at(tree, &at) = there.clone();
                    *expr_at(tree, &other_at) = expr.clone();
                };
                let names = site.names.iter().chain(&other.names).cloned().collect();
                let what = format!("{} with {}", site.path, other.path);
                all.push(Mistake { how: "swap", what, names, around: Vec::new(), make: Box::new(make) as _ });
            }
        }
        all
    }

    /// The next site of another expression of equal type within the same loops.
    fn next(&self, number: usize, expr: &Expr, of: &str) -> Option<(&Site, Expr)> {
        let loops = &self.found[number].loops;
        let own = bare(expr);
        let (before, after) = self.found.split_at(number);
        after.iter().chain(before).skip(1).find_map(|site| match &site.what {
            What::Leaf(other, other_of) | What::Argument(other, other_of)
                if other_of == of && site.loops == *loops && bare(other) != own =>
            {
                Some((site, other.clone()))
            }
            _ => None,
        })
    }
}

/// The paths above one, without the first words.
fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('.').skip(1).map(|(at, _)| &path[..at])
}

/// The names of keys among nodes.
fn keys(nodes: &[TreeNode]) -> Vec<&str> {
    let mut names = Vec::new();
    for node in nodes {
        if let TreeNode::Key { key: TreeKey::Fixed(name), .. } = node {
            names.push(&**name);
        }
    }
    names
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The path of the first key among nodes.
fn first_path(nodes: &[TreeNode], path: &str) -> String {
    match nodes.first() {
        Some(TreeNode::Key { key: TreeKey::Fixed(name), .. }) => below(path, name),
        Some(TreeNode::When(_, nodes) | TreeNode::Each(_, nodes)) => first_path(nodes, path),
        _ => path.to_owned(),
    }
}

/// The settings that anything below nodes names.
fn all_settings(stack: &Stack, nodes: &[TreeNode], into: &mut Vec<String>) {
    for node in nodes {
        match node {
            TreeNode::When(_, nodes) | TreeNode::Each(_, nodes) => all_settings(stack, nodes, into),
            TreeNode::Item { value, .. } | TreeNode::Key { value, .. } => match value {
                TreeValue::One(expr) => into.extend(settings(stack, expr)),
                TreeValue::Many(exprs) => into.extend(exprs.iter().flat_map(|expr| settings(stack, expr))),
                TreeValue::Nodes { nodes, .. } | TreeValue::Embedded(_, nodes) => all_settings(stack, nodes, into),
            },
        }
    }
}

/// The nodes that hold a place, its number among them, and that of an argument.
fn holder<'t>(tree: &'t mut Vec<TreeNode>, at: &[usize]) -> (&'t mut Vec<TreeNode>, usize, Option<usize>) {
    let [first, rest @ ..] = at else { panic!("a place is never empty") };
    if rest.is_empty() {
        return (tree, *first, None);
    }
    if is_many(&tree[*first]) {
        return (tree, *first, rest.first().copied());
    }
    match &mut tree[*first] {
        TreeNode::When(_, nodes)
        | TreeNode::Each(_, nodes)
        | TreeNode::Item { value: TreeValue::Nodes { nodes, .. } | TreeValue::Embedded(_, nodes), .. }
        | TreeNode::Key { value: TreeValue::Nodes { nodes, .. } | TreeValue::Embedded(_, nodes), .. } => {
            holder(nodes, rest)
        }
        other => panic!("nothing is below {other:?}"),
    }
}

fn is_many(node: &TreeNode) -> bool {
    matches!(node, TreeNode::Item { value: TreeValue::Many(_), .. } | TreeNode::Key { value: TreeValue::Many(_), .. })
}

fn delete(tree: &mut Vec<TreeNode>, at: &[usize]) {
    let (nodes, number, argument) = holder(tree, at);
    match (&mut nodes[number], argument) {
        (
            TreeNode::Item { value: TreeValue::Many(exprs), .. } | TreeNode::Key { value: TreeValue::Many(exprs), .. },
            Some(argument),
        ) => _ = exprs.remove(argument),
        _ => _ = nodes.remove(number),
    }
}

fn flip(tree: &mut Vec<TreeNode>, at: &[usize]) {
    let (nodes, number, _) = holder(tree, at);
    if let TreeNode::When(condition, _) = &mut nodes[number] {
        *condition = Expr { span: condition.span, kind: Kind::Not(Box::new(condition.clone())) };
    }
}

fn has_name(tree: &[TreeNode], at: &[usize]) -> bool {
    let mut tree = tree.to_vec();
    let (nodes, number, argument) = holder(&mut tree, at);
    argument.is_none() && matches!(nodes[number], TreeNode::Key { .. })
}

fn rename(tree: &mut Vec<TreeNode>, at: &[usize]) {
    let (nodes, number, _) = holder(tree, at);
    if let TreeNode::Key { key, span, .. } = &mut nodes[number] {
        *key = match key {
            TreeKey::Fixed(name) => TreeKey::Fixed(SmolStr::from(renamed(name))),
            TreeKey::Computed(name) => {
                let letter = Expr { kind: Kind::Literal(trueline::value::Value::string("x")), span: *span };
                TreeKey::Computed(Expr { kind: Kind::Text(vec![name.clone(), letter]), span: *span })
            }
        };
    }
}

fn expr_at<'t>(tree: &'t mut Vec<TreeNode>, at: &[usize]) -> &'t mut Expr {
    let (nodes, number, argument) = holder(tree, at);
    match (&mut nodes[number], argument) {
        (TreeNode::Item { value, .. } | TreeNode::Key { value, .. }, argument) => match (value, argument) {
            (TreeValue::One(expr), _) => expr,
            (TreeValue::Many(exprs), Some(argument)) => &mut exprs[argument],
            (other, _) => panic!("{other:?} is no expression"),
        },
        (other, _) => panic!("{other:?} has no value"),
    }
}
