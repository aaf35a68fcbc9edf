//! Icons: strokes on 20 × 20. None stands alone; a text is always beside it.

use leptos::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Check,
    Cross,
    Clock,
    Alert,
    Dot,
    Down,
}

impl Icon {
    fn strokes(self) -> &'static str {
        match self {
            Self::Check => r#"<path d="m4 10.5 4 4 8-9"/>"#,
            Self::Cross => r#"<path d="m5 5 10 10M15 5 5 15"/>"#,
            Self::Clock => r#"<circle cx="10" cy="10" r="7.5"/><path d="M10 5.5V10l3 2"/>"#,
            Self::Alert => r#"<circle cx="10" cy="10" r="7.5"/><path d="M10 6v4.5M10 13.6v.01"/>"#,
            Self::Dot => r#"<circle cx="10" cy="10" r="2.5"/>"#,
            Self::Down => r#"<path d="m5 8 5 5 5-5"/>"#,
        }
    }
}

/// Draws an icon.
pub fn icon(icon: Icon) -> impl IntoView {
    view! { <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" inner_html=icon.strokes()></svg> }
}
