//! Texts of the image embedded at build time, read without a detour.
//!
//! In: what `serde` reads. Out: the text, copied once; nothing is allocated for an empty one, nor for a short one that
//! was read not long ago.
//! `serde`'s own way makes a `String` first and copies that, which was a third of decoding an image.

use std::{cell::RefCell, fmt, sync::Arc};

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
        Ok(shared(text))
    }
}

/// How many texts are remembered.
const PLACES: usize = 1024;

/// The longest text that is remembered, in bytes: names are short, and what people write about them is written once.
const LONGEST: usize = 24;

thread_local! {
    /// Texts that were read lately, each at the place of its hash.
    static LATELY: RefCell<Vec<Arc<str>>> = RefCell::new(vec![Arc::default(); PLACES]);
}

/// A text, shared where it was read lately: names of workloads and settings come again and again.
fn shared(text: &str) -> Arc<str> {
    match text.len() {
        0 => Arc::default(),
        1..=LONGEST => LATELY.with_borrow_mut(|lately| {
            let hash = text.bytes().fold(0_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
            let place = &mut lately[(hash >> 16) as usize % PLACES];
            if **place != *text {
                *place = text.into();
            }
            place.clone()
        }),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_shared_and_what_falls_on_its_place_is_not_mixed_up_with_it() {
        assert!(Arc::ptr_eq(&shared("app.image"), &shared("app.image")));
        let long = "a text that people write about a setting";
        assert!(!Arc::ptr_eq(&shared(long), &shared(long)));
        assert_eq!((&*shared(""), &*shared(long)), ("", long));
        for number in 0..4 * PLACES {
            assert_eq!(&*shared(&number.to_string()), number.to_string());
        }
    }
}
