//! Group commit: one thread that brings everything written onto the medium within [`SYNC_WITHIN`].

use super::disk;
use super::{Shared, lock};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// How long a written event may wait before its sync begins: half of the 100 ms promised, the other half is for the medium.
const SYNC_AFTER: Duration = Duration::from_millis(50);

/// Runs until the spool is closed.
pub(super) fn run(shared: &Arc<Shared>) {
    loop {
        {
            let mut control = lock(&shared.control);
            while !control.dirty && !control.stop {
                control = shared.wake.wait(control).unwrap_or_else(PoisonError::into_inner);
            }
            if !control.stop {
                // More writes gather meanwhile; a stop ends the wait.
                let waited = shared.wake.wait_timeout_while(control, SYNC_AFTER, |control| !control.stop);
                control = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            control.dirty = false;
            if control.stop {
                return;
            }
        }
        sync(shared);
    }
}

/// Syncs what was written until now: segments first, then the state that speaks of them.
pub(super) fn sync(shared: &Shared) {
    let (files, directory, marker, reserved) = {
        let mut log = lock(&shared.log);
        log.dirty = false;
        let mut files = std::mem::take(&mut log.retired);
        files.extend(log.active.clone());
        let directory = std::mem::take(&mut log.directory_changed).then(|| log.config.directory.clone());
        log.plan_reserve();
        let saved = log.marker.save().and_then(|()| log.marker.handle());
        (files, directory, saved, log.marker.state.reserved)
    };
    for file in &files {
        if let Err(error) = file.sync() {
            lock(&shared.log).trouble.sync(&error);
        }
    }
    if let Some(Err(error)) = directory.map(|directory| disk::sync_directory(&directory)) {
        lock(&shared.log).trouble.sync(&error);
    }
    let synced = marker.and_then(|file| file.sync_data());
    let mut log = lock(&shared.log);
    match synced {
        Ok(()) => {
            log.marker.synced();
            log.reserved = log.reserved.max(reserved);
        }
        Err(error) => {
            let directory = log.config.directory.clone();
            log.trouble.marker(&error, &directory);
        }
    }
}
