//! Texts people type and others read: one form, and nothing in them that cannot be seen.
//!
//! Texts are kept in Unicode NFC. Control, format, bidirectional and zero-width characters are refused:
//! two e-mails that look alike on a phone must be the same, and no text may reorder the one beside it.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeEmoji, UnicodeGeneralCategory};

/// Zero width non-joiner and joiner: some scripts need them between letters (UAX #31 §2.3).
const JOINERS: [char; 2] = ['\u{200C}', '\u{200D}'];

/// Unicode Normalization Form C.
#[must_use]
pub fn nfc(text: &str) -> String {
    text.nfc().collect()
}

/// Unicode Normalization Form KC, for passwords (NIST SP 800-63B-4 §3.1.1.2).
#[must_use]
pub fn nfkc(text: &str) -> String {
    text.nfkc().collect()
}

/// Whether every character of an e-mail address can be seen.
#[must_use]
pub fn is_visible_address(text: &str) -> bool {
    !text.chars().any(is_invisible)
}

/// Whether every character of a name or a message can be seen; joiners between letters and the
/// variation selector after an emoji are part of what is seen.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    chars.iter().enumerate().all(|(at, c)| {
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied();
        let after = chars.get(at + 1).copied();
        match c {
            c if JOINERS.contains(c) => before.is_some_and(takes_joiners) && after.is_some_and(takes_joiners),
            '\u{FE0F}' => before.is_some_and(|c| !c.is_ascii() && c.is_emoji_char()),
            c => !is_invisible(*c),
        }
    })
}

/// Letters and marks of scripts that need joiners: Latin ones do not, and end before U+0370.
fn takes_joiners(c: char) -> bool {
    use GeneralCategory as G;
    let is_mark = matches!(c.general_category(), G::NonspacingMark | G::SpacingMark | G::EnclosingMark);
    c >= '\u{0370}' && (c.is_alphabetic() || is_mark)
}

fn is_invisible(c: char) -> bool {
    use GeneralCategory as G;
    let category = matches!(
        c.general_category(),
        G::Control
            | G::Format
            | G::LineSeparator
            | G::ParagraphSeparator
            | G::PrivateUse
            | G::Surrogate
            | G::Unassigned
    );
    category || is_default_ignorable(c)
}

/// `Default_Ignorable_Code_Point` outside the categories above (Unicode 16, DerivedCoreProperties), and
/// the blank Braille pattern, which looks like a space.
fn is_default_ignorable(c: char) -> bool {
    matches!(
        u32::from(c),
        0x034F | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x2065 | 0x2800 | 0x3164 | 0xFE00..=0xFE0F
            | 0xFFA0 | 0xE0000..=0xE0FFF
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_found() {
        for hidden in [
            "\u{200B}",
            "\u{202E}",
            "\u{2066}",
            "\u{FEFF}",
            "\u{00AD}",
            "\u{180E}",
            "\u{3164}",
            "\u{E0061}",
            "\u{2028}",
            "\n",
            "\u{1b}",
            "\u{034F}",
            "\u{FE0F}",
            "\u{2800}",
            "\u{200D}",
        ] {
            let text = format!("ada{hidden}lovelace");
            assert!(!is_visible(&text), "{hidden:?}");
            assert!(!is_visible_address(&text), "{hidden:?}");
        }
    }

    #[test]
    fn names_of_many_scripts_can_be_seen() {
        for name in [
            "Ada Lovelace",
            "Zoë",
            "Nguyễn",
            "علی\u{200C}رضا",
            "क्\u{200D}ष",
            "李明",
            "O’Neill",
            "♥\u{FE0F} Ada",
        ] {
            assert!(is_visible(&nfc(name)), "{name}");
        }
        assert!(!is_visible("\u{200C}Ada") && !is_visible("Ada\u{200D}") && !is_visible("1\u{200D}2"));
        assert!(!is_visible_address("علی\u{200C}رضا@example.com"));
    }

    #[test]
    fn one_look_is_one_text() {
        assert_eq!(nfc("Zoe\u{0308}"), "Zoë");
        assert_eq!(nfkc("ﬁnger"), "finger");
    }
}
