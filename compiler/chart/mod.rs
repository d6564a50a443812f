//! A chart's folder into the keys that its templates read, and values against those.
//!
//! In: the texts of a chart's folder, and of files of values. Out: a surface in KDL, or findings.
//! Never: the disk, stacks, what a key means to a deployment.
//! Invariant: a key counts as dead only if every template was followed; what could not be followed is said.

mod call;
mod check;
mod files;
mod lex;
mod model;
mod parse;
mod reads;
mod schema;
mod surface;
mod walk;
mod yaml;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::json;

pub use self::files::File;
use self::{files::Chart, model::Entry, reads::Key, yaml::Node};
use crate::{
    diag::Diags,
    source::{Source, Sources, Span},
};

/// What is known of a chart.
pub struct Scanned {
    chart: Chart,
    defaults: Node,
    reads: reads::Reads,
    unread: Vec<String>,
    incomplete: bool,
}

/// Reads a chart: the texts of its folder, and the paths of archives below `charts/`, which are not read.
///
/// None where there is no `Chart.yaml` that can be read; what is wrong with it is said.
#[must_use]
pub fn scan(files: &[File], archives: &[String], diags: &mut Diags) -> Option<Scanned> {
    let chart = files::chart(files, archives, diags)?;
    let defaults = files::defaults(&chart);
    let walked = walk::walk(&chart, &defaults, diags);
    Some(Scanned { chart, defaults, reads: walked.reads, unread: walked.unread, incomplete: walked.incomplete })
}

impl Scanned {
    /// The chart's surface, as KDL.
    #[must_use]
    pub fn surface(&self) -> String {
        surface::text(&self.chart, &self.entries())
    }

    /// The keys that are read, as JSON: `[{"path", "read", "tpl", "file", "line"}]`, by path.
    #[must_use]
    pub fn keys(&self, sources: &Sources) -> serde_json::Value {
        let one = |(steps, key): (Vec<reads::Step>, &Key)| {
            let place = key.first.and_then(|span| Some((sources.get(span.source)?, span)));
            let (file, line) =
                place.map_or(("", 0), |(source, span)| (source.name.as_str(), source.line_column(span.start).0));
            let read = match (key.whole, key.items || key.keys, key.scalar) {
                (true, ..) => "whole",
                (false, true, _) => "items",
                (false, false, true) => "value",
                (false, false, false) => "test",
            };
            json!({"path": reads::shown(&steps), "read": read, "tpl": key.tpl, "file": file, "line": line})
        };
        self.reads.live().into_iter().map(one).collect()
    }

    /// What is wrong with files of values, which come in the order in which Helm is given them.
    pub fn check(&self, values: &[Arc<Source>], diags: &mut Diags) {
        check::check(self, values, diags);
    }

    fn entries(&self) -> Vec<Entry> {
        model::entries(&self.reads, &self.defaults, self.chart.schema.as_ref().map(|(_, schema)| schema))
    }
}

/// A file of values with everything hidden that may be a secret: the values of keys whose names announce one, and
/// comments. Lines and columns stay.
#[must_use]
pub fn masked(source: &Source) -> Source {
    let mut text = source.text.clone().into_bytes();
    for span in check::secrets(source) {
        hide(&mut text, span);
    }
    // Only whole characters are replaced, byte by byte.
    let text = String::from_utf8(text).unwrap_or_default();
    Source { text, ..source.clone() }
}

fn hide(text: &mut [u8], span: Span) {
    for byte in text.iter_mut().take(span.end as usize).skip(span.start as usize) {
        if !matches!(byte, b'\n' | b'\r' | b' ') {
            *byte = b'*';
        }
    }
}
