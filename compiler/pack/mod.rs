//! Data as compact bytes, and back: the form of what the build embeds.
//!
//! In: anything that is [`Pack`]. Out: an [`Image`], and readers of it.
//! Never: bytes that another build wrote; so nothing is checked twice, and what does not fit is a mistake of ours.
//! Invariant: what is read is equal to what was written. A text that stands in an image more than once is written once,
//! and made once however often it is read.
//!
//! A format of our own, because reading the stack was a third of a short run: no result is passed up for errors that there
//! cannot be, every list has its size from the start, and the names that come again and again are not made again.

mod basics;
mod lazy;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use indexmap::IndexMap;

pub use lazy::Lazy;

/// Why reading cannot fail.
const OURS: &str = "the build that wrote an image reads it";

/// What can be written into an image; `pack!` says it of a type.
pub trait Pack: Sized {
    /// Writes it.
    fn write(&self, to: &mut Writer);

    /// Reads it, where it was written.
    fn read(from: &mut Reader) -> Self;
}

/// Says of a type of ours how it is packed: field by field, and before those of an enum a byte for the variant.
macro_rules! pack {
    (struct $name:ident $(<$of:ident>)? ($item:ident)) => {
        impl $(<$of: $crate::pack::Pack>)? $crate::pack::Pack for $name $(<$of>)? {
            fn write(&self, to: &mut $crate::pack::Writer) {
                let Self($item) = self;
                $crate::pack::Pack::write($item, to);
            }

            fn read(from: &mut $crate::pack::Reader) -> Self {
                Self($crate::pack::Pack::read(from))
            }
        }
    };
    (struct $name:ident $(<$of:ident>)?: $($field:ident),+) => {
        impl $(<$of: $crate::pack::Pack>)? $crate::pack::Pack for $name $(<$of>)? {
            fn write(&self, to: &mut $crate::pack::Writer) {
                let Self { $($field),+ } = self;
                $($crate::pack::Pack::write($field, to);)+
            }

            fn read(from: &mut $crate::pack::Reader) -> Self {
                Self { $($field: $crate::pack::Pack::read(from)),+ }
            }
        }
    };
    (enum $name:ident: $($variant:ident $(($($item:ident),+))? $({ $($field:ident),+ })?),+) => {
        const _: () = {
            enum Tag { $($variant),+ }

            impl $crate::pack::Pack for $name {
                fn write(&self, to: &mut $crate::pack::Writer) {
                    match self {
                        $(Self::$variant $(($($item),+))? $({ $($field),+ })? => {
                            to.byte(Tag::$variant as u8);
                            $($($crate::pack::Pack::write($item, to);)+)?
                            $($($crate::pack::Pack::write($field, to);)+)?
                        })+
                    }
                }

                fn read(from: &mut $crate::pack::Reader) -> Self {
                    let tag = from.byte();
                    $(if tag == Tag::$variant as u8 {
                        $($(let $item = $crate::pack::Pack::read(from);)+)?
                        $($(let $field = $crate::pack::Pack::read(from);)+)?
                        return Self::$variant $(($($item),+))? $({ $($field),+ })?;
                    })+
                    from.wrong()
                }
            }
        };
    };
}

pub(crate) use pack;

/// Something packed, and the texts that were read of it.
///
/// The bytes: how many texts it shares (4), then where each of them begins in what follows and the last one ends (4 each),
/// the texts, and the thing.
pub struct Image {
    bytes: &'static [u8],
    texts: OnceLock<Box<[OnceLock<Arc<str>>]>>,
}

impl Image {
    /// The image of these bytes, which lie in the program.
    #[must_use]
    pub const fn new(bytes: &'static [u8]) -> Image {
        Image { bytes, texts: OnceLock::new() }
    }

    /// The thing.
    #[must_use]
    pub fn unpacked<T: Pack>(&'static self) -> T {
        let (count, starts) = self.head();
        T::read(&mut Reader::new(self, starts + fixed(self.bytes, 4 + 4 * count)))
    }

    /// How many texts it shares, and where the first one begins.
    fn head(&self) -> (usize, usize) {
        let count = fixed(self.bytes, 0);
        (count, 8 + 4 * count)
    }

    /// The text of this number, without its cell.
    fn text(&self, number: usize) -> &'static str {
        let (_, starts) = self.head();
        let at = 4 + 4 * number;
        let (from, to) = (starts + fixed(self.bytes, at), starts + fixed(self.bytes, at + 4));
        str::from_utf8(&self.bytes[from..to]).expect(OURS)
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({} bytes)", self.bytes.len())
    }
}

/// Four bytes as a number.
fn fixed(bytes: &[u8], at: usize) -> usize {
    let bytes = bytes[at..].first_chunk().expect(OURS);
    u32::from_le_bytes(*bytes) as usize
}

/// The bytes of something, for an [`Image`]. The same thing gives the same bytes.
#[must_use]
pub fn packed(thing: &impl Pack) -> Vec<u8> {
    let mut once = Writer::default();
    thing.write(&mut once);
    let mut again: Vec<(Arc<str>, u32)> = once.counted.into_iter().filter(|(_, count)| *count > 1).collect();
    // Those that come most often have the shortest numbers.
    again.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let shared: IndexMap<Arc<str>, ()> = again.into_iter().map(|(text, _)| (text, ())).collect();
    let mut whole = Writer::default();
    whole.fixed(shared.len());
    let mut end = 0;
    for length in shared.keys().map(|text| text.len()).chain([0]) {
        whole.fixed(end);
        end += length;
    }
    shared.keys().for_each(|text| whole.bytes.extend(text.as_bytes()));
    whole.shared = shared;
    thing.write(&mut whole);
    whole.bytes
}

/// Writes things.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    /// Texts that were written whole, and how often.
    counted: IndexMap<Arc<str>, u32>,
    /// Texts that the image has once for all.
    shared: IndexMap<Arc<str>, ()>,
}

impl Writer {
    /// Writes one byte.
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Writes bytes whose number is known where they are read.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Writes a number, a small one in one byte.
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    fn fixed(&mut self, number: usize) {
        let number = u32::try_from(number).expect("no image has 4 GiB");
        self.bytes(&number.to_le_bytes());
    }

    /// Writes a text: twice its length and the text, or, where it is shared, twice its number and one.
    fn text(&mut self, text: &Arc<str>) {
        if let Some(number) = self.shared.get_index_of(text) {
            return self.number(2 * number as u64 + 1);
        }
        // Nothing is made for an empty text, so there is nothing to share.
        if !text.is_empty() {
            *self.counted.entry(text.clone()).or_default() += 1;
        }
        self.number(2 * text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// Writes something behind its length, so that it can be passed over.
    fn skippable(&mut self, thing: &impl Pack) {
        let at = self.bytes.len();
        self.fixed(0);
        thing.write(self);
        let length = u32::try_from(self.bytes.len() - at - 4).expect("no image has 4 GiB");
        self.bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
    }
}

/// Reads what was written, in the same order.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    rest: &'static [u8],
    texts: &'static [OnceLock<Arc<str>>],
    image: &'static Image,
}

impl Reader {
    /// Reads what stands at a byte of an image.
    fn new(image: &'static Image, at: usize) -> Reader {
        let texts = image.texts.get_or_init(|| (0..image.head().0).map(|_| OnceLock::new()).collect());
        Reader { rest: &image.bytes[at..], texts, image }
    }

    /// Reads one byte.
    #[inline]
    pub fn byte(&mut self) -> u8 {
        let [byte] = self.bytes();
        byte
    }

    /// Reads that many bytes.
    #[inline]
    pub fn bytes<const COUNT: usize>(&mut self) -> [u8; COUNT] {
        let (bytes, rest) = self.rest.split_first_chunk().expect(OURS);
        self.rest = rest;
        *bytes
    }

    /// Reads a number.
    #[inline]
    pub fn number(&mut self) -> u64 {
        let byte = self.byte();
        if byte < 0x80 { byte.into() } else { self.large(byte) }
    }

    /// The rest of a number of several bytes.
    fn large(&mut self, first: u8) -> u64 {
        let (mut number, mut shift) = (u64::from(first & 0x7f), 7);
        loop {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return number;
            }
            shift += 7;
        }
    }

    /// Reads how long something is.
    #[inline]
    fn length(&mut self) -> usize {
        self.number() as usize
    }

    /// Reads a text.
    fn text(&mut self) -> Arc<str> {
        let number = self.length();
        if number == 0 {
            return Arc::default();
        }
        if number % 2 == 1 {
            let number = number / 2;
            return self.texts[number].get_or_init(|| self.image.text(number).into()).clone();
        }
        let (text, rest) = self.rest.split_at(number / 2);
        self.rest = rest;
        str::from_utf8(text).expect(OURS).into()
    }

    /// Passes over something, and gives a reader of it.
    fn skipped(&mut self) -> Reader {
        let length = u32::from_le_bytes(self.bytes()) as usize;
        let at = *self;
        self.rest = &self.rest[length..];
        at
    }

    /// Where the next byte stands in the image.
    fn at(&self) -> u32 {
        (self.image.bytes.len() - self.rest.len()) as u32
    }

    /// Ends the program: no variant has this byte.
    #[cold]
    pub fn wrong(&self) -> ! {
        panic!("{OURS}")
    }
}
