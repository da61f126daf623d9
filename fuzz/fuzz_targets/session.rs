//! Every decoy; the first byte picks one.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let decoys = fuzz::decoys();
    if let Some((&which, rest)) = data.split_first() {
        fuzz::session(decoys[usize::from(which) % decoys.len()], rest);
    }
});
