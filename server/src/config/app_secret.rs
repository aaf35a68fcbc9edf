//! `APP_SECRET` and the one before it. In development it is made once and kept, so that nobody has to think of one and
//! sessions survive a restart.

use std::{fs, io, path::Path};

use super::source::Source;
use crate::domain::{ids::Random, secret::Secret};

const NAME: &str = "APP_SECRET";
const PREVIOUS: &str = "APP_SECRET_PREVIOUS";
const SHORTEST: usize = 32;

pub(super) fn app_secret(from: &Source<'_>, data: &Path) -> Secret {
    if let Some(secret) = from.secret(NAME, SHORTEST) {
        if !from.production && secret.len() < SHORTEST {
            from.wrong(NAME, format!("at least {SHORTEST} characters are needed"));
        }
        return Secret::new(secret);
    }
    if from.production {
        from.wrong(NAME, "is required in production; `openssl rand -hex 32` makes one");
        return Secret::new(String::new());
    }
    let path = data.join("app_secret");
    match read_or_make(data, &path, from.makes_files) {
        Ok(secret) if secret.len() >= SHORTEST => Secret::new(secret),
        Ok(_) => {
            from.wrong(NAME, format!("{} is too short; delete it", path.display()));
            Secret::new(String::new())
        }
        Err(error) => {
            from.wrong(NAME, format!("{} cannot be used: {error}", path.display()));
            Secret::new(String::new())
        }
    }
}

/// `APP_SECRET_PREVIOUS`, during a rotation. What was signed under it is accepted: it has to be as good.
pub(super) fn previous_app_secret(from: &Source<'_>, current: &Secret) -> Option<Secret> {
    let secret = from.secret(PREVIOUS, SHORTEST)?;
    if !from.production && secret.len() < SHORTEST {
        from.wrong(PREVIOUS, format!("at least {SHORTEST} characters are needed"));
    }
    if secret == current.reveal() {
        from.wrong(PREVIOUS, "is the same as APP_SECRET");
    }
    from.weak("APP_SECRET_PREVIOUS is set: a rotation is under way; remove it when `check` counts nothing and SESSION_ABSOLUTE_SECONDS have passed");
    Some(Secret::new(secret))
}

fn read_or_make(data: &Path, path: &Path, keeps: bool) -> io::Result<String> {
    match fs::read_to_string(path) {
        Ok(secret) => Ok(secret.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = hex::encode(Random::system().bytes::<32>());
            if keeps {
                make_private_folder(data)?;
                write_private(path, &secret)?;
            }
            Ok(secret)
        }
        Err(error) => Err(error),
    }
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use io::Write;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)?.write_all(text.as_bytes())
}
