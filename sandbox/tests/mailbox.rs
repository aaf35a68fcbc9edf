//! The mailbox: what arrives by SMTP, and the calls that read and control it.

use sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

const NOTE: &str = "From: Countersign <no-reply@countersign.example>\r\nSubject: Hello\r\n\r\nHi Ada.\r\n";

async fn sandbox() -> Sandbox {
    Sandbox::start(Settings::default()).await.expect("the sandbox starts")
}

/// The control API of a sandbox.
struct Control(String);

impl Control {
    fn of(sandbox: &Sandbox) -> Self {
        Self(format!("{}/_sandbox", sandbox.url()))
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.0));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("it answers");
        let status = response.status().as_u16();
        let text = response.text().await.expect("the answer is complete");
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn mails(&self, query: &str) -> Vec<Value> {
        let (status, body) = self.call(reqwest::Method::GET, &format!("/mail{query}"), None).await;
        assert_eq!(status, 200);
        body["mails"].as_array().expect("mails is a list").clone()
    }

    async fn set_mode(&self, mode: &str) -> (u16, Value) {
        self.call(reqwest::Method::PUT, "/mail", Some(json!({"mode": mode}))).await
    }
}

/// One member of every e-mail.
fn each<'a>(mails: &'a [Value], member: &str) -> Vec<&'a str> {
    mails.iter().map(|mail| mail[member].as_str().expect("it is text")).collect()
}

/// An SMTP client that shows the answers as they are.
struct Client(BufReader<TcpStream>);

impl Client {
    /// Connects and reads the greeting.
    async fn connect(sandbox: &Sandbox) -> (Self, String) {
        let url = sandbox.smtp_url().expect("there is a listener");
        let address = url.strip_prefix("smtp://").expect("the URL is of SMTP");
        let mut client = Self(BufReader::new(TcpStream::connect(address).await.expect("the port is open")));
        let greeting = client.answer().await;
        (client, greeting)
    }

    /// A client that has said hello.
    async fn ready(sandbox: &Sandbox) -> Self {
        let (mut client, _) = Self::connect(sandbox).await;
        assert!(client.say("EHLO test").await.starts_with("250"));
        client
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("the connection is open");
    }

    /// The next answer, with all its lines; empty if the connection was closed.
    async fn answer(&mut self) -> String {
        let mut answer = String::new();
        while self.0.read_line(&mut answer).await.is_ok_and(|length| length > 0) {
            let last = answer.trim_end().rsplit('\n').next().unwrap_or_default();
            if last.as_bytes().get(3) == Some(&b' ') {
                break;
            }
        }
        answer.trim_end().replace("\r\n", "\n")
    }

    async fn say(&mut self, command: &str) -> String {
        self.send(&format!("{command}\r\n")).await;
        self.answer().await
    }

    /// Says these commands and returns the codes of their answers.
    async fn codes(&mut self, commands: &[&str]) -> Vec<String> {
        let mut codes = Vec::new();
        for command in commands {
            codes.push(self.say(command).await.chars().take(3).collect());
        }
        codes
    }

    /// Sends an e-mail; the answer to its last dot.
    async fn mail(&mut self, to: &[&str], message: &str) -> String {
        self.say("MAIL FROM:<no-reply@countersign.example>").await;
        for to in to {
            assert!(self.say(&format!("RCPT TO:<{to}>")).await.starts_with("250"));
        }
        assert!(self.say("DATA").await.starts_with("354"));
        self.send(message).await;
        self.say(".").await
    }
}

#[tokio::test]
async fn an_email_is_shown_decoded() {
    let sandbox = sandbox().await;
    let message = "From: =?utf-8?q?Countersign_=E2=9C=93?= <no-reply@countersign.example>\r\n\
        To: ada@example.com\r\n\
        Subject: =?utf-8?q?Reset_your_password_=E2=80=93?=\r\n =?utf-8?q?_now?=\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=outer\r\n\r\n\
        --outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n\
        --inner\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Choose a new password, it=E2=80=99s quick:\r\nhttps://countersign.example/reset#abc=\r\ndef\r\n\
        --inner\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        PHA+SGkg4pyTPC9wPg==\r\n\
        --inner--\r\n\
        --outer\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nattached\r\n\
        --outer--\r\n";
    assert_eq!(Client::ready(&sandbox).await.mail(&["ada@example.com"], message).await, "250 2.6.0 Kept");
    let mut mails = Control::of(&sandbox).mails("").await;
    let mail = mails[0].as_object_mut().expect("an e-mail is an object");
    let at = mail.remove("at").expect("it has a time");
    assert!(at.as_str().is_some_and(|at| at.len() == "2026-03-02T14:02:31.000Z".len()), "{at}");
    assert!(mail.remove("id").is_some_and(|id| id.is_string()));
    let shown = json!({
        "to": "ada@example.com",
        "from": "Countersign ✓ <no-reply@countersign.example>",
        "subject": "Reset your password – now",
        "text": "Choose a new password, it’s quick:\nhttps://countersign.example/reset#abcdef",
        "html": "<p>Hi ✓</p>",
    });
    assert_eq!(json!(mail), shown);
}

#[tokio::test]
async fn what_an_email_does_not_have_is_empty() {
    let sandbox = sandbox().await;
    let mut client = Client::ready(&sandbox).await;
    client.mail(&["ada@example.com"], "").await;
    client.mail(&["ada@example.com"], "No header.\r\n").await;
    client.mail(&["ada@example.com"], "Content-Type: text/html\r\n\r\n<p>Hi</p>\r\n").await;
    let mails = Control::of(&sandbox).mails("").await;
    assert_eq!(each(&mails, "text"), ["", "No header.\n", ""]);
    assert_eq!(each(&mails, "subject"), [""; 3]);
    assert_eq!(each(&mails, "from"), ["no-reply@countersign.example"; 3]);
    assert_eq!([&mails[0]["html"], &mails[1]["html"]], [&json!("<p>Hi</p>\n"), &Value::Null]);
}

#[tokio::test]
async fn each_recipient_has_an_entry_and_is_found_without_letter_case() {
    let sandbox = sandbox().await;
    let mut client = Client::ready(&sandbox).await;
    client.mail(&["ada@example.com"], NOTE).await;
    client.mail(&["grace@example.com", "Ada@Example.com"], NOTE).await;
    let control = Control::of(&sandbox);
    let newest_first = ["Ada@Example.com", "grace@example.com", "ada@example.com"];
    assert_eq!(each(&control.mails("").await, "to"), newest_first);
    assert_eq!(
        each(&control.mails("?to=ADA%40example.com").await, "to"),
        ["Ada@Example.com", "ada@example.com"]
    );
    assert!(control.mails("?to=alan@example.com").await.is_empty());
}

#[tokio::test]
async fn dots_at_the_beginning_of_a_line_are_kept() {
    let sandbox = sandbox().await;
    let mut client = Client::ready(&sandbox).await;
    let message = "Subject: Dots\r\n\r\n..one\r\n...two\r\n.. three\r\nfour.\r\n";
    client.mail(&["ada@example.com"], message).await;
    // The header of this one begins with a dot.
    client.mail(&["ada@example.com"], "..Subject: no\r\nSubject: yes\r\n\r\n").await;
    let mails = Control::of(&sandbox).mails("").await;
    assert_eq!(each(&mails, "text"), ["", ".one\n..two\n. three\nfour.\n"]);
    assert_eq!(each(&mails, "subject"), ["yes", "Dots"]);
}

#[tokio::test]
async fn commands_may_arrive_together_or_in_pieces() {
    let sandbox = sandbox().await;
    let mut client = Client::ready(&sandbox).await;
    let together = format!(
        "MAIL FROM:<a@example.com> BODY=8BITMIME\r\nRCPT TO:<ada@example.com>\r\nDATA\r\n{NOTE}.\r\nNOOP\r\n"
    );
    client.send(&together).await;
    for code in ["250", "250", "354", "250", "250"] {
        assert!(client.answer().await.starts_with(code));
    }
    for byte in together.chars() {
        client.send(&byte.to_string()).await;
        client.0.flush().await.expect("the connection is open");
    }
    for code in ["250", "250", "354", "250", "250"] {
        assert!(client.answer().await.starts_with(code));
    }
    assert_eq!(each(&Control::of(&sandbox).mails("").await, "text"), ["Hi Ada.\n"; 2]);
}

#[tokio::test]
async fn a_session_follows_the_order_of_commands() {
    let sandbox = sandbox().await;
    let (mut client, greeting) = Client::connect(&sandbox).await;
    assert_eq!(greeting, "220 sandbox ESMTP");
    let mail = "MAIL FROM:<a@example.com>";
    assert_eq!(client.codes(&[mail, "NOOP", "RSET", "HELO test"]).await, ["503", "250", "250", "250"]);
    assert_eq!(
        client.say("EHLO test").await,
        "250-sandbox\n250-SIZE 262144\n250-8BITMIME\n250-SMTPUTF8\n250-PIPELINING\n250 ENHANCEDSTATUSCODES"
    );
    let rcpt = "RCPT TO:<ada@example.com>";
    let early = client.codes(&[rcpt, "DATA", mail, mail, "DATA", rcpt, "RSET", "DATA"]).await;
    assert_eq!(early, ["503", "503", "250", "503", "503", "250", "250", "503"]);
    let wrong =
        ["MAIL", "MAIL FROM:<a>", "RCPT TO:<>", "HOP", "", "STARTTLS", "AUTH PLAIN AGEAYg==", "VRFY ada"];
    assert_eq!(client.codes(&wrong).await, ["501", "501", "503", "500", "500", "502", "502", "252"]);
    assert_eq!(client.codes(&["MAIL FROM:<>", "RCPT TO:<>", "RCPT TO:<ada>"]).await, ["250", "550", "501"]);
    assert_eq!(client.say("QUIT").await, "221 2.0.0 Bye");
    assert_eq!(client.answer().await, "", "the connection is closed");
}

#[tokio::test]
async fn an_email_that_is_too_large_is_refused_and_the_session_goes_on() {
    let sandbox = sandbox().await;
    let mut client = Client::ready(&sandbox).await;
    let too_large = "552 5.3.4 An e-mail may have 262144 bytes";
    assert_eq!(client.say("MAIL FROM:<a@example.com> SIZE=262145").await, too_large);
    // A sender that does not tell the size, and one byte too many.
    let lines = "a line of thirty-two characters.\n".replace('\n', "\r\n").repeat(262_144 / 34);
    let filled = format!("{lines}{}\r\n", "x".repeat(262_144 - lines.len() - 2));
    assert_eq!(client.mail(&["ada@example.com"], &format!("{filled}x\r\n")).await, too_large);
    assert_eq!(client.mail(&["ada@example.com"], &filled).await, "250 2.6.0 Kept");
    assert_eq!(Control::of(&sandbox).mails("").await.len(), 1);
}

#[tokio::test]
async fn a_request_of_a_web_page_brings_no_email() {
    let sandbox = sandbox().await;
    let (mut client, _) = Client::connect(&sandbox).await;
    let body = "EHLO a\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<ada@example.com>\r\nDATA\r\nOpen this link.\r\n.\r\n";
    client.send(&format!("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n{body}")).await;
    assert_eq!(client.answer().await, "500 5.5.1 Unknown command");
    assert_eq!(client.answer().await, "", "the connection is closed");
    assert_eq!(Control::of(&sandbox).mails("").await.len(), 0);
}

#[tokio::test]
async fn a_line_without_end_ends_the_session() {
    let sandbox = sandbox().await;
    let mut client = Client::ready(&sandbox).await;
    client.send(&"x".repeat(5000)).await;
    assert_eq!(client.answer().await, "500 5.5.6 The line is too long");
    assert_eq!(client.answer().await, "", "the connection is closed");
}

#[tokio::test]
async fn the_newest_five_hundred_emails_are_kept() {
    let sandbox = sandbox().await;
    let mut client = Client::ready(&sandbox).await;
    client.mail(&["first@example.com"], NOTE).await;
    let others: Vec<String> = (0..100).map(|number| format!("ada{number}@example.com")).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    for _ in 0..4 {
        client.mail(&others, NOTE).await;
    }
    client.mail(&others[..99], NOTE).await;
    let control = Control::of(&sandbox);
    assert_eq!(control.mails("").await.len(), 500);
    assert_eq!(control.mails("?to=first@example.com").await.len(), 1);
    client.mail(&["last@example.com"], NOTE).await;
    assert_eq!(control.mails("").await.len(), 500);
    assert!(control.mails("?to=first@example.com").await.is_empty());
}

#[tokio::test]
async fn an_email_has_at_most_a_hundred_recipients() {
    let sandbox = sandbox().await;
    let mut client = Client::ready(&sandbox).await;
    client.say("MAIL FROM:<a@example.com>").await;
    let codes = client.codes(&["RCPT TO:<ada@example.com>"; 101]).await;
    assert_eq!([codes[99].as_str(), codes[100].as_str()], ["250", "452"]);
}

#[tokio::test]
async fn the_mailbox_defers_or_refuses_until_it_accepts_again() {
    let sandbox = sandbox().await;
    let (control, mut client) = (Control::of(&sandbox), Client::ready(&sandbox).await);
    assert_eq!(control.set_mode("defer").await, (200, json!({"mode": "defer"})));
    let rcpt = "RCPT TO:<ada@example.com>";
    assert_eq!(client.codes(&["MAIL FROM:<a@example.com>", rcpt]).await, ["250", "250"]);
    assert_eq!(client.say("DATA").await, "451 4.3.0 Try again later");
    assert_eq!(control.set_mode("refuse").await, (200, json!({"mode": "refuse"})));
    assert_eq!(client.codes(&["RSET", "MAIL FROM:<a@example.com>"]).await, ["250", "250"]);
    assert_eq!(client.say(rcpt).await, "550 5.1.1 No such mailbox");
    assert_eq!(client.codes(&["DATA", "RSET"]).await, ["503", "250"]);
    assert_eq!(control.set_mode("accept").await, (200, json!({"mode": "accept"})));
    assert_eq!(client.mail(&["ada@example.com"], NOTE).await, "250 2.6.0 Kept");
    assert_eq!(control.set_mode("lose").await.0, 422);
}

#[tokio::test]
async fn delete_and_reset_empty_the_mailbox_and_reset_accepts_again() {
    let sandbox = sandbox().await;
    let (control, mut client) = (Control::of(&sandbox), Client::ready(&sandbox).await);
    client.mail(&["ada@example.com"], NOTE).await;
    assert_eq!(control.call(reqwest::Method::DELETE, "/mail", None).await.0, 204);
    assert!(control.mails("").await.is_empty());
    client.mail(&["ada@example.com"], NOTE).await;
    control.set_mode("refuse").await;
    assert_eq!(control.call(reqwest::Method::POST, "/reset", None).await.0, 204);
    assert!(control.mails("").await.is_empty());
    assert_eq!(client.mail(&["ada@example.com"], NOTE).await, "250 2.6.0 Kept");
}

#[tokio::test]
async fn the_configuration_tells_where_emails_are_taken() {
    let sandbox = sandbox().await;
    let (_, config) = Control::of(&sandbox).call(reqwest::Method::GET, "/config", None).await;
    assert_eq!(config["smtpUrl"], json!(sandbox.smtp_url()));
    let without = Sandbox::start(Settings { smtp_port: None, ..Settings::default() }).await.unwrap();
    assert_eq!(without.smtp_url(), None);
    let (_, config) = Control::of(&without).call(reqwest::Method::GET, "/config", None).await;
    assert_eq!(config["smtpUrl"], Value::Null);
}

#[tokio::test]
async fn stopping_the_sandbox_closes_the_port_and_the_connections() {
    let sandbox = sandbox().await;
    let mut client = Client::ready(&sandbox).await;
    sandbox.stop().await;
    assert_eq!(client.0.read(&mut [0]).await.expect("it is closed in order"), 0);
    let url = sandbox.smtp_url().expect("there was a listener");
    assert!(TcpStream::connect(url.trim_start_matches("smtp://")).await.is_err());
}

#[tokio::test]
async fn the_fifty_first_client_is_turned_away_until_another_leaves() {
    let sandbox = sandbox().await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(Client::ready(&sandbox).await);
    }
    let (mut one_more, greeting) = Client::connect(&sandbox).await;
    assert_eq!(greeting, "421 4.3.2 Too many connections");
    assert_eq!(one_more.answer().await, "", "the connection is closed");
    let mut first = clients.swap_remove(0);
    first.say("QUIT").await;
    assert_eq!(first.answer().await, "", "the connection is closed");
    // The place is free at once or soon.
    while Client::connect(&sandbox).await.1 != "220 sandbox ESMTP" {}
}
