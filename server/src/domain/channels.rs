//! How codes may be sent.

use shared::Via;

/// The allowed ways, in the order in which they are offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channels(Vec<Via>);

impl Default for Channels {
    fn default() -> Self {
        Self(vec![Via::Sms, Via::Call])
    }
}

impl Channels {
    /// These ways, each once; `None` where there is none.
    #[must_use]
    pub fn new(ways: impl IntoIterator<Item = Via>) -> Option<Self> {
        let mut allowed = Vec::new();
        for way in ways {
            if !allowed.contains(&way) {
                allowed.push(way);
            }
        }
        (!allowed.is_empty()).then_some(Self(allowed))
    }

    /// The one by which a code goes where nobody has chosen.
    #[must_use]
    pub fn first(&self) -> Via {
        self.0[0]
    }

    /// Whether a way is allowed.
    #[must_use]
    pub fn allows(&self, way: Via) -> bool {
        self.0.contains(&way)
    }

    /// All that are allowed.
    #[must_use]
    pub fn all(&self) -> &[Via] {
        &self.0
    }
}
