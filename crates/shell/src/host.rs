//! What all sessions of a sensor share.

use crate::fs::{self, Image};
use crate::process::{self, Listing};
use crate::{Login, Machine};
use persona::{Instance, Persona, PersonaError};
use std::sync::Arc;

/// What all sessions of a sensor share: the persona's image. Cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Shared>);

struct Shared {
    persona: Arc<Persona>,
    instance: Instance,
    image: Arc<Image>,
    residents: Arc<[Listing]>,
}

impl Host {
    /// Builds the image; done once per sensor.
    pub fn new(persona: Arc<Persona>, instance: Instance) -> Result<Host, PersonaError> {
        let image = Arc::new(fs::build(&persona, &instance)?);
        let residents = process::residents(&persona, instance.booted);
        Ok(Host(Arc::new(Shared { persona, instance, image, residents })))
    }

    /// The persona.
    pub fn persona(&self) -> &Persona {
        &self.0.persona
    }

    /// The files every session begins with.
    pub(crate) fn image(&self) -> Arc<Image> {
        self.0.image.clone()
    }

    /// The processes every session begins with, by pid.
    pub(crate) fn residents(&self) -> &[Listing] {
        &self.0.residents
    }

    /// What sets this host apart from others of its persona.
    pub fn instance(&self) -> &Instance {
        &self.0.instance
    }

    /// A fresh machine for one attacker; costs next to nothing until something is changed.
    pub fn login(&self, login: Login) -> Machine {
        Machine::new(self.clone(), login)
    }
}
