//! A server of the wire protocol that says what the test tells it to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bson::{Document, doc};
use business_tools_mongo::sandbox::wire::{Message, encode_reply, read_message};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

/// What the server does with one command.
#[derive(Debug, Clone)]
pub enum Act {
    /// Answers.
    Reply(Document),
    /// Answers late.
    Late(Duration, Document),
    /// Closes the connection: the command was read, its answer is lost.
    Drop,
    /// Says nothing, and keeps the connection.
    Hang,
    /// Sends half of the answer and closes.
    Half(Document),
    /// Sends bytes that are no message.
    Bytes(Vec<u8>),
}

/// The server, and what it was asked.
pub struct Script {
    pub address: SocketAddr,
    acts: Arc<Mutex<VecDeque<Act>>>,
    seen: Arc<Mutex<Vec<Document>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Script {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Script {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let acts = Arc::<Mutex<VecDeque<Act>>>::default();
        let seen = Arc::<Mutex<Vec<Document>>>::default();
        let (script, log) = (Arc::clone(&acts), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Self {
            address,
            acts,
            seen,
            task,
        }
    }

    /// What is done with the next commands, one after the other. Without a word they get `{ok: 1}`.
    pub fn then(&self, act: Act) -> &Self {
        self.acts.lock().unwrap().push_back(act);
        self
    }

    pub fn reply(&self, reply: Document) -> &Self {
        self.then(Act::Reply(reply))
    }

    /// A first batch.
    pub fn batch(&self, documents: Vec<Document>) -> &Self {
        self.reply(
            doc! {"cursor": {"firstBatch": documents, "id": 0_i64, "ns": "shop.x"}, "ok": 1.0},
        )
    }

    /// The commands that came, without those by which the driver looks after its connections.
    pub fn commands(&self) -> Vec<Document> {
        self.seen.lock().unwrap().clone()
    }

    /// The only command that came.
    pub fn command(&self) -> Document {
        let commands = self.commands();
        assert_eq!(commands.len(), 1, "{commands:?}");
        commands[0].clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    acts: Arc<Mutex<VecDeque<Act>>>,
    seen: Arc<Mutex<Vec<Document>>>,
) {
    while let Ok(Some(message)) = read_message(&mut stream).await {
        let act = match message.command().to_ascii_lowercase().as_str() {
            "hello" | "ismaster" => Act::Reply(hello()),
            "endsessions" | "ping" => Act::Reply(doc! {"ok": 1.0}),
            _ => {
                seen.lock().unwrap().push(message.body.clone());
                let act = acts.lock().unwrap().pop_front();
                act.unwrap_or_else(|| Act::Reply(doc! {"ok": 1.0}))
            }
        };
        if !play(&mut stream, &message, act).await {
            return;
        }
    }
}

async fn play(stream: &mut TcpStream, message: &Message, act: Act) -> bool {
    match act {
        Act::Reply(reply) => {
            let bytes = encode_reply(message, &reply).unwrap();
            stream.write_all(&bytes).await.is_ok()
        }
        Act::Late(wait, reply) => {
            tokio::time::sleep(wait).await;
            let bytes = encode_reply(message, &reply).unwrap();
            stream.write_all(&bytes).await.is_ok()
        }
        Act::Drop => false,
        Act::Hang => {
            tokio::time::sleep(Duration::from_mins(10)).await;
            false
        }
        Act::Half(reply) => {
            let bytes = encode_reply(message, &reply).unwrap();
            let _ = stream.write_all(&bytes[..bytes.len() / 2]).await;
            false
        }
        Act::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.flush().await;
            // Stays open: only what was sent tells that it is no answer.
            tokio::time::sleep(Duration::from_mins(10)).await;
            false
        }
    }
}

fn hello() -> Document {
    doc! {
        "helloOk": true, "ismaster": true, "isWritablePrimary": true,
        "maxBsonObjectSize": 16_777_216, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000,
        "minWireVersion": 0, "maxWireVersion": 25, "logicalSessionTimeoutMinutes": 30,
        "connectionId": 1, "readOnly": false, "ok": 1.0,
    }
}
