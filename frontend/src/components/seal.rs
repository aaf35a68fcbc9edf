//! The disc of the design, drawn in two halves: the mark, the seal, and the cut of an approval request.

use leptos::prelude::*;

/// Which halves are filled: `Know` for the password, `Hold` for the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    None,
    Know,
    Hold,
    Both,
}

impl Half {
    /// For `data-half`.
    pub fn data_half(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Know => "know",
            Self::Hold => "hold",
            Self::Both => "both",
        }
    }
}

#[component]
pub fn Mark() -> impl IntoView {
    const SHAPES: &str = r#"<path fill="currentColor" d="M17.8 2.12A14 14 0 1 0 17.8 29.88V21.96H10V10.04H17.8Z"/><path fill="var(--hold)" d="M20.2 2.64A14 14 0 0 1 20.2 29.36V19.56H12.4V12.44H20.2Z"/>"#;
    view! { <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden="true" inner_html=SHAPES></svg> }
}

#[component]
pub fn Seal(half: Half, #[prop(optional)] mini: bool) -> impl IntoView {
    const HALVES: &str = r#"<path class="know" d="M57 4.54A46 46 0 1 0 57 95.46V68.64H31V31.36H57Z"/><path class="hold" d="M63 5.88A46 46 0 0 1 63 94.12V62.64H37V37.36H63Z"/>"#;
    view! {
        <svg class="seal" class:mini=mini data-half=half.data_half() viewBox="0 0 100 100" aria-hidden="true" inner_html=HALVES></svg>
    }
}

/// The paths of the two halves of a disc (centre 100, radius 68), `[know, hold]`, cut by a number from
/// 0 to 99. Page and phone draw the same cut from the same number.
pub fn cut(number: u32) -> [String; 2] {
    const STEPS: [f64; 4] = [-20.0, -10.0, 10.0, 20.0];
    const EDGES: [f64; 6] = [-0.66, -0.4, -0.14, 0.14, 0.4, 0.66];
    const RADIUS: f64 = 68.0;
    let mut hash = (number + 49).wrapping_mul(2_654_435_761);
    let mut rows = [0.0_f64; 7];
    for at in 0..rows.len() {
        let step = STEPS[(hash & 3) as usize];
        // Neighbours differ, so that every row is visible as a tooth.
        rows[at] = if at > 0 && (rows[at - 1] - step).abs() < 1.0 { -step } else { step };
        hash = (hash >> 2) ^ (hash << 13);
    }
    [-1.0, 1.0].map(|side: f64| {
        let x = rows.map(|row| row + 3.0 * side);
        let rim = |x: f64| (RADIUS * RADIUS - x * x).sqrt();
        let large = u8::from(side * (x[0] + x[6]) < 0.0);
        let sweep = u8::from(side > 0.0);
        let (top, end) = (decimal(100.0 - rim(x[0])), decimal(100.0 + rim(x[6])));
        let (left, right) = (decimal(100.0 + x[0]), decimal(100.0 + x[6]));
        let mut path = format!("M{left} {top}A68 68 0 {large} {sweep} {right} {end}");
        for (at, edge) in EDGES.into_iter().enumerate().rev() {
            let gap = if side * (x[at] - x[at + 1]) < 0.0 { -3.0 } else { 3.0 };
            let (down, along) = (decimal(100.0 + RADIUS * edge + gap), decimal(100.0 + x[at]));
            path += &format!("V{down}H{along}");
        }
        path + "Z"
    })
}

/// Formats a number that is not negative with two decimals. The standard formatting of floats would add
/// more to the program than a whole page.
pub fn decimal(value: f64) -> String {
    let hundredths = (value * 100.0).round() as u32;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
