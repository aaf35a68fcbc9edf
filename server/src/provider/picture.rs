//! Reads the QR code in a PNG picture.

use png::{ColorType, Decoder, Transformations};

/// A picture wider than this holds more than one address.
const WIDEST: u32 = 2000;

/// What the one QR code of a picture says; `None` when it is no PNG or holds none.
pub(super) fn read_qr(bytes: &[u8]) -> Option<String> {
    let mut decoder = Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().ok()?;
    let info = reader.info();
    if info.width > WIDEST || info.height > WIDEST {
        return None;
    }
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut pixels).ok()?;
    let (channels, alpha) = match frame.color_type {
        ColorType::Grayscale => (1, None),
        ColorType::GrayscaleAlpha => (2, Some(1)),
        ColorType::Rgb => (3, None),
        ColorType::Rgba => (4, Some(3)),
        ColorType::Indexed => return None,
    };
    let (width, height) = (frame.width as usize, frame.height as usize);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        let pixel = &pixels[y * frame.line_size + x * channels..][..channels];
        // What is transparent lies on white.
        if alpha.is_some_and(|at| pixel[at] < 128) { 255 } else { pixel[0] }
    });
    let (_, content) = image.detect_grids().first()?.decode().ok()?;
    Some(content)
}
