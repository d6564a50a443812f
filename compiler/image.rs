//! A checked stack as compact bytes, and back: what the build embeds, so that no run parses the standard library.
//!
//! In: a [`Stack`]. Out: bytes that only the compiler that wrote them reads.
//! Invariant: `decode(encode(stack)) == stack`.

use crate::schema::Stack;

/// The bytes of a stack.
///
/// # Errors
/// Where the format cannot say a value; no stack that was loaded holds one.
pub fn encode(stack: &Stack) -> Result<Vec<u8>, postcard::Error> {
    postcard::to_allocvec(stack)
}

/// The stack of some bytes.
///
/// # Errors
/// Where the bytes were not written by [`encode`] of this compiler.
pub fn decode(bytes: &[u8]) -> Result<Stack, postcard::Error> {
    postcard::from_bytes(bytes)
}
