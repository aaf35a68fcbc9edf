//! One SMTP session: what each command is answered with, and what is kept (RFC 5321).

use std::{slice::Iter, sync::Arc};

use smtp_proto::{
    Error, MailFrom, RcptTo, Request,
    request::receiver::{DataReceiver, DummyDataReceiver, RequestReceiver},
};

use super::{Mode, message};
use crate::emulator::Emulator;

/// How large an e-mail may be, in bytes; `EHLO` tells it.
const MAX_BYTES: usize = 262_144;
/// How many recipients an e-mail may have: as few as the RFC allows.
const MAX_RECIPIENTS: usize = 100;

const GREETING: &str = "220 sandbox ESMTP";
const EXTENSIONS: &str = "250-sandbox\r\n250-SIZE 262144\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
                          250-PIPELINING\r\n250 ENHANCEDSTATUSCODES";
const OK: &str = "250 2.0.0 OK";
const BAD_SEQUENCE: &str = "503 5.5.1 This command comes too early or twice";
const TOO_LARGE: &str = "552 5.3.4 An e-mail may have 262144 bytes";

/// A client's session. It knows no connection: bytes go in and answers come out.
pub(super) struct Session {
    emulator: Arc<Emulator>,
    requests: RequestReceiver,
    input: Input,
    greeted: bool,
    ended: bool,
    /// The sender, once told; empty in reports of failed delivery.
    from: Option<String>,
    to: Vec<String>,
}

/// What the client sends next.
enum Input {
    Commands,
    Data(DataReceiver, Vec<u8>),
    /// The rest of an e-mail that is too large.
    Excess(DummyDataReceiver),
}

impl Session {
    /// A session and the greeting that is its first answer.
    pub(super) fn begin(emulator: Arc<Emulator>) -> (Self, Vec<u8>) {
        let session = Self {
            emulator,
            requests: RequestReceiver::default(),
            input: Input::Commands,
            greeted: false,
            ended: false,
            from: None,
            to: Vec::new(),
        };
        (session, line(GREETING))
    }

    /// Takes what arrived, which may be several commands at once, and returns the answers.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.iter();
        let mut answers = Vec::new();
        while !self.ended && !bytes.as_slice().is_empty() {
            if let Some(answer) = self.next_answer(&mut bytes) {
                answers.extend(line(answer));
            }
        }
        answers
    }

    /// Whether the connection is to be closed.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The answer to what comes next; `None` where more of it has to arrive.
    fn next_answer(&mut self, bytes: &mut Iter<'_, u8>) -> Option<&'static str> {
        match &mut self.input {
            Input::Commands => match self.requests.ingest(bytes).map(Request::into_owned) {
                Ok(request) => Some(self.answer(request)),
                Err(Error::NeedsMoreData { .. }) => None,
                Err(error) => Some(self.problem(&error)),
            },
            Input::Data(receiver, sent) => {
                if receiver.ingest(bytes, sent) {
                    let sent = std::mem::take(sent);
                    return Some(self.keep(&sent));
                }
                if sent.len() > MAX_BYTES {
                    self.input = Input::Excess(DummyDataReceiver::new_data(receiver));
                }
                None
            }
            Input::Excess(receiver) => receiver.ingest(bytes).then(|| {
                self.forget();
                TOO_LARGE
            }),
        }
    }

    fn answer(&mut self, request: Request<String>) -> &'static str {
        match request {
            Request::Ehlo { .. } => self.greet(EXTENSIONS),
            Request::Helo { .. } => self.greet("250 sandbox"),
            Request::Mail { from } => self.set_sender(from),
            Request::Rcpt { to } => self.add_recipient(to),
            Request::Data => self.begin_data(),
            Request::Rset => {
                self.forget();
                OK
            }
            Request::Noop { .. } => OK,
            Request::Vrfy { .. } => "252 2.1.5 An e-mail would find out",
            Request::Quit => {
                self.ended = true;
                "221 2.0.0 Bye"
            }
            _ => "502 5.5.1 This command is not there",
        }
    }

    fn problem(&mut self, error: &Error) -> &'static str {
        match error {
            Error::UnknownCommand if !self.greeted => {
                // Such as the first line of a request that a web page sent here: what follows could be commands.
                self.ended = true;
                "500 5.5.1 Unknown command"
            }
            Error::UnknownCommand => "500 5.5.1 Unknown command",
            Error::InvalidSenderAddress => "501 5.1.7 The sender's address is wrong",
            Error::InvalidRecipientAddress => "501 5.1.3 The recipient's address is wrong",
            Error::InvalidParameter { .. } => "501 5.5.4 A parameter is wrong",
            Error::UnsupportedParameter { .. } => "555 5.5.4 Unknown parameter",
            Error::ResponseTooLong => {
                // Where the next command begins is not known.
                self.ended = true;
                "500 5.5.6 The line is too long"
            }
            _ => "501 5.5.2 The command is not written correctly",
        }
    }

    fn greet(&mut self, answer: &'static str) -> &'static str {
        self.forget();
        self.greeted = true;
        answer
    }

    fn set_sender(&mut self, from: MailFrom<String>) -> &'static str {
        if !self.greeted || self.from.is_some() {
            return BAD_SEQUENCE;
        }
        if from.size > MAX_BYTES {
            return TOO_LARGE;
        }
        self.from = Some(from.address);
        OK
    }

    fn add_recipient(&mut self, to: RcptTo<String>) -> &'static str {
        if self.from.is_none() {
            return BAD_SEQUENCE;
        }
        if to.address.is_empty() || self.mode() == Mode::Refuse {
            return "550 5.1.1 No such mailbox";
        }
        if self.to.len() == MAX_RECIPIENTS {
            return "452 4.5.3 Too many recipients";
        }
        self.to.push(to.address);
        OK
    }

    fn begin_data(&mut self) -> &'static str {
        if self.to.is_empty() {
            return BAD_SEQUENCE;
        }
        if self.mode() == Mode::Defer {
            return "451 4.3.0 Try again later";
        }
        let (mut receiver, mut sent) = (DataReceiver::new(), Vec::new());
        // The end of the command is the beginning of the first line, which may begin with a dot.
        receiver.ingest(&mut b"\r\n".iter(), &mut sent);
        sent.clear();
        self.input = Input::Data(receiver, sent);
        "354 End with a dot on a line of its own"
    }

    /// Keeps an e-mail, once for each recipient.
    fn keep(&mut self, sent: &[u8]) -> &'static str {
        if sent.len() > MAX_BYTES {
            self.forget();
            return TOO_LARGE;
        }
        let from = self.from.take().unwrap_or_default();
        let mails = message::read(sent, &from, &self.to, self.emulator.now());
        self.emulator.update(|state| mails.into_iter().for_each(|mail| state.mailbox.deliver(mail)));
        self.forget();
        "250 2.6.0 Kept"
    }

    /// Forgets the e-mail that was begun.
    fn forget(&mut self) {
        self.input = Input::Commands;
        self.from = None;
        self.to.clear();
    }

    fn mode(&self) -> Mode {
        self.emulator.state().mailbox.mode
    }
}

fn line(answer: &str) -> Vec<u8> {
    format!("{answer}\r\n").into_bytes()
}
