//! The telnet decoy.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::session(emulation::definition("telnet").expect("the decoy exists"), data);
});
