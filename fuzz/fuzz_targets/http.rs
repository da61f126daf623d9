//! The http decoy.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::session(emulation::definition("http").expect("the decoy exists"), data);
});
