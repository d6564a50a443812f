//! A stack from its embedded image is the stack from its text.

use std::sync::Arc;

use trueline::{
    compile::Stdlib,
    diag::Diags,
    image::{self, Image},
    schema::load,
    source::{Source, SourceId},
};

use super::support::{name_of, read, root, sorted};

#[test]
fn text_and_image_are_the_same_stack() {
    let library = Stdlib::embedded();
    let mut next = 1;
    let folders = sorted(&root().join("stdlib/stacks"));
    assert!(!folders.is_empty());
    for folder in folders {
        let name = name_of(&folder);
        let texts: Vec<Arc<Source>> = sorted(&folder)
            .into_iter()
            .map(|file| {
                let source = Source {
                    id: SourceId(next),
                    name: format!("stdlib/stacks/{name}/{}", name_of(&file)),
                    text: read(&file),
                };
                next += 1;
                Arc::new(source)
            })
            .collect();
        let mut diags = Diags::default();
        let loaded = load::load(&name, &texts, &[], &mut diags).expect("the stack loads");
        assert_eq!(diags.as_slice(), [], "a shipped stack has no finding");
        let embedded = library.stack(&name, &mut diags).expect("the stack is embedded");
        assert_eq!(loaded, *embedded, "{name}");
        let written = image::encode(&loaded);
        assert_eq!(written, image::encode(&embedded), "{name}");
        let (texts, bytes) = written;
        assert_eq!(image::decode(Box::leak(Box::new(Image::new(texts.leak(), bytes.leak())))), loaded, "{name}");
    }
}
