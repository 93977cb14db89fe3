//! The two message formats that today's drivers speak.
//!
//! `OP_MSG` carries every command; `OP_QUERY` survives only for the very first `isMaster` of a
//! connection, before a driver knows what the server understands.
//!
//! # Source
//! <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/> (read 2026-11)

use std::io::{self, ErrorKind};

use bson::{Bson, Document, RawBsonRef, RawDocument};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The largest message that a server accepts, its header included.
pub const MAX_MESSAGE_BYTES: usize = 48_000_000;
/// The largest document that a server stores.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;
/// Documents nested deeper than this are refused unread: decoding them recurses.
pub const MAX_DEPTH: usize = 200;

const HEADER_BYTES: usize = 16;
const OP_REPLY: i32 = 1;
const OP_QUERY: i32 = 2004;
const OP_MSG: i32 = 2013;

const CHECKSUM_PRESENT: u32 = 1;
const MORE_TO_COME: u32 = 1 << 1;
/// The lower half of the flag bits must be understood or refused; the upper half may be ignored.
const REQUIRED_BITS: u32 = 0xffff;

/// How a message was framed, and so how its reply must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `OP_MSG`, answered by `OP_MSG`.
    Msg,
    /// The legacy `OP_QUERY` handshake, answered by `OP_REPLY`.
    LegacyQuery,
}

/// One request, with its document sequences merged into the body as arrays.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The sender's number for this message.
    pub request_id: i32,
    /// The message this one answers, 0 in requests.
    pub response_to: i32,
    /// The command; `$db` names its database.
    pub body: Document,
    /// The sender wants no reply to this message.
    pub more_to_come: bool,
    /// Which of the two formats it came in.
    pub framing: Framing,
}

impl Message {
    /// The command's name: the first key of the body.
    pub fn command(&self) -> &str {
        self.body.keys().next().map_or("", String::as_str)
    }

    /// The database the command addresses, empty when the sender left it out.
    pub fn database(&self) -> &str {
        self.body.get_str("$db").unwrap_or_default()
    }
}

/// Reads the next message, or `None` when the peer closed the connection between two messages.
///
/// # Errors
/// `InvalidData` for bytes that are not a message, `UnexpectedEof` for half of one.
pub async fn read_message<R>(reader: &mut R) -> io::Result<Option<Message>>
where
    R: AsyncRead + Unpin + ?Sized,
{
    let mut header = [0; HEADER_BYTES];
    if reader.read(&mut header[..1]).await? == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut header[1..]).await?;
    let length = Cursor(&header).length()?;
    if !(HEADER_BYTES..=MAX_MESSAGE_BYTES).contains(&length) {
        return Err(invalid(format!("a message of {length} bytes")));
    }
    let rest = length - HEADER_BYTES;
    // Grown as bytes arrive: a stranger's length field must not allocate 48 MB by itself.
    let mut message = header.to_vec();
    let read = reader.take(rest as u64).read_to_end(&mut message).await?;
    if read < rest {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    parse(&message).map(Some)
}

/// Parses one complete message, header included.
///
/// # Errors
/// `InvalidData` for anything that is not exactly one well-formed message.
pub fn parse(message: &[u8]) -> io::Result<Message> {
    let mut cursor = Cursor(message);
    if cursor.length()? != message.len() {
        return Err(invalid("the length field does not match the message"));
    }
    let request_id = cursor.int32()?;
    let response_to = cursor.int32()?;
    let (body, more_to_come, framing) = match cursor.int32()? {
        OP_MSG => {
            let (body, more_to_come) = parse_msg(message, cursor)?;
            (body, more_to_come, Framing::Msg)
        }
        OP_QUERY => (parse_query(cursor)?, false, Framing::LegacyQuery),
        other => return Err(invalid(format!("opcode {other} is not supported"))),
    };
    Ok(Message {
        request_id,
        response_to,
        body,
        more_to_come,
        framing,
    })
}

fn parse_msg(message: &[u8], mut cursor: Cursor<'_>) -> io::Result<(Document, bool)> {
    let flags = cursor.uint32()?;
    if flags & REQUIRED_BITS & !(CHECKSUM_PRESENT | MORE_TO_COME) != 0 {
        return Err(invalid(format!("unknown flag bits {flags:#x}")));
    }
    if flags & CHECKSUM_PRESENT != 0 {
        let (sections, sum) = cursor
            .0
            .split_last_chunk::<4>()
            .ok_or_else(|| invalid("the message ends inside its checksum"))?;
        if u32::from_le_bytes(*sum) != crc32c(&message[..message.len() - 4]) {
            return Err(invalid("the checksum does not match"));
        }
        cursor = Cursor(sections);
    }

    let mut body = None;
    let mut sequences = Vec::new();
    while !cursor.0.is_empty() {
        match cursor.byte()? {
            0 if body.is_none() => body = Some(cursor.document()?),
            0 => return Err(invalid("more than one body section")),
            1 => sequences.push(parse_sequence(&mut cursor)?),
            kind => return Err(invalid(format!("unknown section kind {kind}"))),
        }
    }
    let mut body = body.ok_or_else(|| invalid("no body section"))?;
    for (name, documents) in sequences {
        if body.insert(name, documents).is_some() {
            return Err(invalid("a document sequence repeats a field of the body"));
        }
    }
    Ok((body, flags & MORE_TO_COME != 0))
}

fn parse_sequence(cursor: &mut Cursor<'_>) -> io::Result<(String, Vec<Bson>)> {
    let length = Cursor(cursor.0).length()?;
    let mut section = Cursor(cursor.take(length)?);
    section.int32()?;
    let name = section.cstring()?.to_owned();
    let mut documents = Vec::new();
    while !section.0.is_empty() {
        documents.push(Bson::Document(section.document()?));
    }
    Ok((name, documents))
}

fn parse_query(mut cursor: Cursor<'_>) -> io::Result<Document> {
    cursor.uint32()?;
    let namespace = cursor.cstring()?;
    let database = namespace
        .strip_suffix(".$cmd")
        .ok_or_else(|| invalid("OP_QUERY is only for commands"))?
        .to_owned();
    let (_skip, _return) = (cursor.int32()?, cursor.int32()?);
    let mut body = cursor.document()?;
    // Old drivers wrap the command when they attach a read preference to it.
    if let Ok(inner) = body.get_document("$query") {
        body = inner.clone();
    }
    body.insert("$db", database);
    Ok(body)
}

/// Encodes `reply` as the answer to `request`.
///
/// # Errors
/// `InvalidData` for a document that BSON cannot hold: a key with a NUL, a size over the limit.
pub fn encode_reply(request: &Message, reply: &Document) -> io::Result<Vec<u8>> {
    let document = reply.to_vec().map_err(invalid)?;
    let (opcode, mut payload) = match request.framing {
        Framing::Msg => {
            let mut payload = 0_u32.to_le_bytes().to_vec();
            payload.push(0);
            (OP_MSG, payload)
        }
        Framing::LegacyQuery => {
            // AwaitCapable, no cursor, starting from 0, one document.
            let mut payload = 8_i32.to_le_bytes().to_vec();
            payload.extend_from_slice(&0_i64.to_le_bytes());
            payload.extend_from_slice(&0_i32.to_le_bytes());
            payload.extend_from_slice(&1_i32.to_le_bytes());
            (OP_REPLY, payload)
        }
    };
    payload.extend_from_slice(&document);
    frame(
        request.request_id.wrapping_add(1),
        request.request_id,
        opcode,
        &payload,
    )
}

/// Sends `reply` as the answer to `request`.
///
/// # Errors
/// Those of [`encode_reply`] and of the connection.
pub async fn write_reply<W>(writer: &mut W, request: &Message, reply: &Document) -> io::Result<()>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    writer.write_all(&encode_reply(request, reply)?).await?;
    writer.flush().await
}

fn frame(request_id: i32, response_to: i32, opcode: i32, payload: &[u8]) -> io::Result<Vec<u8>> {
    let length = HEADER_BYTES + payload.len();
    if length > MAX_MESSAGE_BYTES {
        return Err(invalid(format!("a message of {length} bytes")));
    }
    let length = i32::try_from(length).map_err(invalid)?;
    let mut message = Vec::with_capacity(HEADER_BYTES + payload.len());
    for field in [length, request_id, response_to, opcode] {
        message.extend_from_slice(&field.to_le_bytes());
    }
    message.extend_from_slice(payload);
    Ok(message)
}

/// The unread rest of a message; every step checks that the bytes are there.
#[derive(Clone, Copy)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> io::Result<&'a [u8]> {
        let (head, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| invalid("the message ends early"))?;
        self.0 = rest;
        Ok(head)
    }

    fn chunk(&mut self) -> io::Result<[u8; 4]> {
        let (head, rest) = self
            .0
            .split_first_chunk()
            .ok_or_else(|| invalid("the message ends early"))?;
        self.0 = rest;
        Ok(*head)
    }

    fn int32(&mut self) -> io::Result<i32> {
        self.chunk().map(i32::from_le_bytes)
    }

    fn uint32(&mut self) -> io::Result<u32> {
        self.chunk().map(u32::from_le_bytes)
    }

    fn length(&mut self) -> io::Result<usize> {
        usize::try_from(self.int32()?).map_err(|_| invalid("a negative length"))
    }

    fn byte(&mut self) -> io::Result<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn cstring(&mut self) -> io::Result<&'a str> {
        let end = self.0.iter().position(|byte| *byte == 0);
        let text = self.take(end.ok_or_else(|| invalid("a string without its end"))?)?;
        self.take(1)?;
        std::str::from_utf8(text).map_err(invalid)
    }

    fn document(&mut self) -> io::Result<Document> {
        let length = Cursor(self.0).length()?;
        let raw = RawDocument::from_bytes(self.take(length)?).map_err(invalid)?;
        if !is_shallow(raw).map_err(invalid)? {
            return Err(invalid(format!("documents nested deeper than {MAX_DEPTH}")));
        }
        Document::try_from(raw).map_err(invalid)
    }
}

/// Whether a document keeps to the depth allowed.
///
/// Walks with a list instead of the call stack, which is what a nested document would exhaust.
pub(crate) fn is_shallow(root: &RawDocument) -> bson::error::Result<bool> {
    let mut pending = vec![(root, 1)];
    while let Some((document, depth)) = pending.pop() {
        if depth > MAX_DEPTH {
            return Ok(false);
        }
        for element in document {
            match element?.1 {
                RawBsonRef::Document(inner) => pending.push((inner, depth + 1)),
                RawBsonRef::Array(inner) => {
                    pending.push((RawDocument::from_bytes(inner.as_bytes())?, depth + 1));
                }
                RawBsonRef::JavaScriptCodeWithScope(code) => pending.push((code.scope, depth + 1)),
                _ => {}
            }
        }
    }
    Ok(true)
}

/// CRC-32C bit by bit: drivers hardly ever send a checksum, so a table would be wasted here.
fn crc32c(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (POLYNOMIAL & 0_u32.wrapping_sub(sum & 1))
        })
    })
}

fn invalid(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests;
