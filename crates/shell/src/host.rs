//! What all sessions of a sensor share.

use crate::{Login, Machine};
use persona::{Instance, Persona, PersonaError};
use std::sync::Arc;

/// What all sessions of a sensor share: the persona's image. Cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Image>);

struct Image {
    persona: Arc<Persona>,
    instance: Instance,
}

impl Host {
    /// Builds the image; done once per sensor.
    pub fn new(persona: Arc<Persona>, instance: Instance) -> Result<Host, PersonaError> {
        Ok(Host(Arc::new(Image { persona, instance })))
    }

    /// The persona.
    pub fn persona(&self) -> &Persona {
        &self.0.persona
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
