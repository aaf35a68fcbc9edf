//! Icons: strokes on 20 × 20. Each is shown beside a text and hidden from screen readers.

use leptos::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Check,
    Cross,
    Clock,
    Alert,
    Dot,
    Down,
    Next,
    Phone,
    Keypad,
    Text,
    Call,
    Mail,
    Paper,
    Key,
    Screen,
}

impl Icon {
    fn strokes(self) -> &'static str {
        match self {
            Self::Check => r#"<path d="m4 10.5 4 4 8-9"/>"#,
            Self::Cross => r#"<path d="m5 5 10 10M15 5 5 15"/>"#,
            Self::Clock => r#"<circle cx="10" cy="10" r="7.5"/><path d="M10 5.5V10l3 2"/>"#,
            Self::Alert => r#"<circle cx="10" cy="10" r="7.5"/><path d="M10 6v4.5M10 13.6v.01"/>"#,
            Self::Dot => r#"<circle cx="10" cy="10" r="2.5"/>"#,
            Self::Next => r#"<path d="m8 5 5 5-5 5"/>"#,
            Self::Phone => r#"<rect x="5.5" y="2" width="9" height="16" rx="2"/><path d="M9 15.5h2"/>"#,
            Self::Keypad => {
                r#"<rect x="2.5" y="5" width="15" height="10" rx="2"/><path d="M6.5 10h.01M10 10h.01M13.5 10h.01" stroke-width="2"/>"#
            }
            Self::Text => r#"<path d="M3 4h14v9.5H9.5L6 16.5v-3H3z"/>"#,
            Self::Call => {
                r#"<path d="M5 3h2.6l1.3 3.7-1.7 1.4a8.6 8.6 0 0 0 4.7 4.7l1.4-1.7 3.7 1.3V15a2 2 0 0 1-2 2C8.9 17 3 11.1 3 5a2 2 0 0 1 2-2z"/>"#
            }
            Self::Mail => {
                r#"<rect x="2.5" y="4.5" width="15" height="11" rx="1"/><path d="m3 5.5 7 5.5 7-5.5"/>"#
            }
            Self::Paper => r#"<path d="M5 2.5h10v15H5zM8 7h4M8 10h4M8 13h2"/>"#,
            Self::Key => r#"<circle cx="6.5" cy="10" r="3.5"/><path d="M10 10h7.5v3M14 10v2"/>"#,
            Self::Screen => r#"<rect x="4" y="4" width="12" height="8.5" rx="1"/><path d="M2 15.5h16"/>"#,
            Self::Down => r#"<path d="m5 8 5 5 5-5"/>"#,
        }
    }
}

/// Draws an icon.
pub fn icon(icon: Icon) -> impl IntoView {
    view! { <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" inner_html=icon.strokes()></svg> }
}
