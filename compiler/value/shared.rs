//! Texts of the image embedded at build time, read without a detour.
//!
//! In: what `serde` reads. Out: the text, copied once; nothing is allocated for an empty one.
//! `serde`'s own way makes a `String` first and copies that, which was a third of decoding an image.

use std::{fmt, sync::Arc};

use serde::{
    Deserializer, Serializer,
    de::{Error, Visitor},
};

/// Writes a text.
///
/// # Errors
/// Those of the format.
pub fn serialize<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// Reads a text.
///
/// # Errors
/// Those of the format, and where there is no text.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    deserializer.deserialize_str(Text)
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Arc<str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Arc<str>, E> {
        Ok(if text.is_empty() { Arc::default() } else { text.into() })
    }
}
