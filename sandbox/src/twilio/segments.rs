//! How many segments a text message is sent in.
//!
//! With the letters of GSM 03.38 (3GPP TS 23.038 §6.2.1) a segment holds 160 of them, or 153 beside the header of
//! a text in several segments; letters of its extension table count twice and are not divided. Any other text is
//! sent in UTF-16: 70 units, or 67.

/// The basic table, without what stands at the same place as its escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// What a letter takes of a segment; `None` where the table does not have it.
fn septets(letter: char) -> Option<usize> {
    if BASIC.contains(letter) { Some(1) } else { EXTENSION.contains(letter).then_some(2) }
}

/// The number of segments; an empty text is one.
pub(super) fn count(text: &str) -> usize {
    let gsm: Option<Vec<usize>> = text.chars().map(septets).collect();
    let (sizes, single, of_several) = match gsm {
        Some(sizes) => (sizes, 160, 153),
        None => (text.chars().map(char::len_utf16).collect(), 70, 67),
    };
    if sizes.iter().sum::<usize>() <= single {
        return 1;
    }
    let (mut segments, mut used) = (1, 0);
    for size in sizes {
        if used + size > of_several {
            (segments, used) = (segments + 1, 0);
        }
        used += size;
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_holds_160_letters_of_gsm_or_153_beside_others() {
        for (letters, segments) in [(0, 1), (160, 1), (161, 2), (306, 2), (307, 3)] {
            assert_eq!(count(&"é".repeat(letters)), segments, "{letters}");
        }
    }

    #[test]
    fn letters_of_the_extension_table_count_twice_and_are_not_divided() {
        assert_eq!(count(&"€".repeat(80)), 1);
        assert_eq!(count(&"€".repeat(81)), 2);
        // 152 of 153 places: the next one would be divided.
        assert_eq!(count(&"€".repeat(152)), 2);
        assert_eq!(count(&"€".repeat(153)), 3);
    }

    #[test]
    fn other_texts_are_counted_in_units_of_utf_16() {
        assert_eq!(count(&"ё".repeat(70)), 1);
        assert_eq!(count(&"ё".repeat(71)), 2);
        assert_eq!(count(&"😀".repeat(35)), 1);
        assert_eq!(count(&"😀".repeat(36)), 2);
        // A pair of units is not divided: 33 in a segment.
        assert_eq!(count(&"😀".repeat(67)), 3);
    }
}
