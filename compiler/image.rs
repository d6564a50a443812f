//! A checked stack as compact bytes, and back: what the build embeds, so that no run parses the standard library.
//!
//! In: a [`Stack`]. Out: texts and bytes that only the compiler that wrote them reads.
//! Invariant: `decode(encode(stack)) == stack`.

pub use crate::pack::Image;
use crate::{pack::packed, schema::Stack};

/// The texts and bytes of a stack.
#[must_use]
pub fn encode(stack: &Stack) -> (String, Vec<u8>) {
    packed(stack)
}

/// The stack of an image, which was written by [`encode`] of this compiler.
#[must_use]
pub fn decode(image: &'static Image) -> Stack {
    image.unpacked()
}
