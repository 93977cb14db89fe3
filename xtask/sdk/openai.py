"""The official Python SDK against the simulator: what a user of OpenAI would write.

    python3 -P openai.py http://127.0.0.1:4010/openai

The address is that of the simulator; everything else is as in production.
"""

import base64
import io
import json
import struct
import sys
import wave

import openai
from openai import OpenAI

BASE = sys.argv[1]
KEY = "sk-proj-0123456789abcdef0123456789"
MODEL = "gpt-6-luna"


def client(key=KEY):
    return OpenAI(api_key=key, base_url=BASE, max_retries=0)


def refused(kind, code, act):
    try:
        act()
    except kind as error:
        assert error.code == code, (error.code, code, error.message)
        return error
    raise AssertionError(f"not refused with {kind.__name__} {code}")


def png(width, height):
    return ai.images.generate(model="gpt-image-2", prompt="source", size=f"{width}x{height}").data[0].b64_json


def size(picture):
    return struct.unpack(">II", base64.b64decode(picture)[16:24])


def recording(seconds, name="sandbox-say-good-morning.wav"):
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * int(8000 * seconds))
    return (name, sound.getvalue(), "audio/wav")


ai = client()

# responses
answer = ai.responses.create(model=MODEL, input="Hello", instructions="Be kind.", max_output_tokens=200)
assert answer.output_text == "You said: Hello. My instructions are: Be kind.", answer.output_text
assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
assert ai.responses.retrieve(answer.id).output_text == answer.output_text
again = ai.responses.create(model=MODEL, input="And now?", previous_response_id=answer.id)
assert "You have spoken 2 times." in again.output_text
assert ai.responses.input_tokens.count(model=MODEL, input="Hello").input_tokens == 5
cut = ai.responses.create(model=MODEL, input="sandbox:long", max_output_tokens=16)
assert cut.status == "incomplete" and cut.incomplete_details.reason == "max_output_tokens"
refusal = ai.responses.create(model=MODEL, input="sandbox:refuse").output[0].content[0]
assert refusal.type == "refusal"
schema = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
format = {"type": "json_schema", "name": "trip", "schema": schema, "strict": True}
trip = ai.responses.create(model=MODEL, input="Plan a trip", text={"format": format})
assert json.loads(trip.output_text) == {"city": "simulated city", "days": 1}
late = ai.responses.create(model=MODEL, input="Hello", background=True)
assert late.status == "queued"
assert [ai.responses.retrieve(late.id).status for _ in range(2)] == ["in_progress", "completed"]
stopped = ai.responses.create(model=MODEL, input="Hello", background=True)
assert ai.responses.cancel(stopped.id).status == "cancelled"
tool = {"type": "function", "name": "get_weather", "parameters": schema, "strict": True}
call = ai.responses.create(model=MODEL, input="How is the weather?", tools=[tool]).output[0]
assert call.type == "function_call" and json.loads(call.arguments)["days"] == 1
output = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny"}
told = ai.responses.create(model=MODEL, input=[{"role": "user", "content": "Well?"}, call, output], tools=[tool])
assert told.output_text == "The tool said: Sunny."
ai.responses.delete(answer.id)
refused(openai.NotFoundError, None, lambda: ai.responses.retrieve(answer.id))

# responses in pieces
with ai.responses.stream(model=MODEL, input="Hello") as stream:
    deltas = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
    final = stream.get_final_response()
assert deltas == final.output_text == "You said: Hello."
events = list(ai.responses.create(model=MODEL, input="weather", tools=[tool], stream=True))
assert [event.sequence_number for event in events] == list(range(len(events)))
assert events[0].type == "response.created" and events[-1].type == "response.completed"
assert events[-1].response.output[0].name == "get_weather"
with ai.responses.stream(model=MODEL, input="Plan", text={"format": format}) as stream:
    assert json.loads(stream.get_final_response().output_text)["days"] == 1

# pictures to look at
url = f"data:image/png;base64,{png(1024, 1024)}"
image = {"type": "input_image", "image_url": url, "detail": "auto"}
question = {"type": "input_text", "text": "What is it?"}
seen = ai.responses.create(model=MODEL, input=[{"role": "user", "content": [question, image]}])
assert seen.output_text.startswith("The picture is a PNG of 1024 x 1024 pixels."), seen.output_text

# chat
messages = [{"role": "user", "content": "Hello"}]
chat = ai.chat.completions.create(model=MODEL, messages=messages, n=2, max_completion_tokens=50)
assert [choice.message.content for choice in chat.choices] == ["You said: Hello.", "You said: Hello. (choice 2)"]
function = {"type": "function", "function": {"name": "get_weather", "parameters": schema, "strict": True}}
weather = [{"role": "user", "content": "The weather?"}]
chat = ai.chat.completions.create(model=MODEL, messages=weather, tools=[function])
assert chat.choices[0].finish_reason == "tool_calls"
calls = chat.choices[0].message.tool_calls
weather += [chat.choices[0].message, {"role": "tool", "tool_call_id": calls[0].id, "content": "Sunny"}]
chat = ai.chat.completions.create(model=MODEL, messages=weather, tools=[function])
assert chat.choices[0].message.content == "The tool said: Sunny."
kept = {"type": "json_schema", "json_schema": {"name": "trip", "schema": schema, "strict": True}}
chat = ai.chat.completions.create(model=MODEL, messages=messages, response_format=kept)
assert json.loads(chat.choices[0].message.content)["city"] == "simulated city"
chunks = list(
    ai.chat.completions.create(
        model=MODEL, messages=messages, stream=True, stream_options={"include_usage": True}
    )
)
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert text == "You said: Hello." and chunks[-1].usage.total_tokens > 0
with ai.chat.completions.stream(model=MODEL, messages=weather[:1], tools=[function]) as stream:
    done = stream.get_final_completion()
assert json.loads(done.choices[0].message.tool_calls[0].function.arguments)["days"] == 1

# images
picture = ai.images.generate(model="gpt-image-2", prompt="A red bicycle", size="1536x1024", quality="low", n=2)
assert [size(one.b64_json) for one in picture.data] == [(1536, 1024)] * 2
assert picture.usage.total_tokens > 0
source = base64.b64decode(png(1024, 1024))
edited = ai.images.edit(
    model="gpt-image-2",
    image=[("a.png", source, "image/png"), ("b.png", source, "image/png")],
    mask=("mask.png", source, "image/png"),
    prompt="Make it blue",
)
assert size(edited.data[0].b64_json) == (1024, 1024)
pieces = list(ai.images.generate(model="gpt-image-2", prompt="x", stream=True, partial_images=1))
assert [piece.type for piece in pieces] == ["image_generation.partial_image", "image_generation.completed"]
refused(
    openai.BadRequestError,
    "moderation_blocked",
    lambda: ai.images.generate(model="gpt-image-2", prompt="sandbox:blocked"),
)

# audio
heard = ai.audio.transcriptions.create(model="gpt-transcribe", file=recording(2))
assert heard.text == "Good morning." and heard.usage.input_token_details.audio_tokens == 20
verbose = ai.audio.transcriptions.create(
    model="whisper-1",
    file=recording(2),
    response_format="verbose_json",
    timestamp_granularities=["word", "segment"],
)
assert verbose.duration == 2.0 and verbose.words[0].word == "Good" and verbose.segments[0].end == 2.0
srt = ai.audio.transcriptions.create(model="whisper-1", file=recording(2), response_format="srt")
assert srt.startswith("1\n00:00:00,000 --> 00:00:02,000\nGood morning.")
parts = list(ai.audio.transcriptions.create(model="gpt-transcribe", file=recording(2), stream=True))
assert parts[-1].type == "transcript.text.done" and parts[-1].text == "Good morning."
assert ai.audio.translations.create(model="whisper-1", file=recording(2)).text == "Good morning."
refused(
    openai.BadRequestError,
    "invalid_value",
    lambda: ai.audio.transcriptions.create(model="gpt-transcribe", file=("a.wav", b"no sound")),
)
said = ai.audio.speech.create(model="gpt-4o-mini-tts", voice="coral", input="Good morning", response_format="wav")
with wave.open(io.BytesIO(said.content)) as sound:
    assert sound.getframerate() == 24000 and sound.getnframes() > 0
with ai.audio.speech.with_streaming_response.create(model="tts-1", voice="alloy", input="Hi") as streamed:
    assert sum(len(chunk) for chunk in streamed.iter_bytes()) > 100

# embeddings and moderation
near = ai.embeddings.create(
    model="text-embedding-3-small", input=["refund my order", "refunding orders", "rain in Paris"], dimensions=512
)
first, second, third = (item.embedding for item in near.data)


def product(a, b):
    return sum(x * y for x, y in zip(a, b))


assert len(first) == 512 and abs(product(first, first) - 1) < 1e-5
assert product(first, second) > product(first, third) + 0.2
checked = ai.moderations.create(model="omni-moderation-latest", input="I will kill you")
assert checked.results[0].flagged and checked.results[0].categories.violence
assert not ai.moderations.create(input="Good morning").results[0].flagged

# models
models = {model.id: model for model in ai.models.list()}
assert str(models["tts-1"].shutdown_date) == "2027-01-06"
assert "gpt-4" not in models and ai.models.retrieve(MODEL).id == MODEL
refused(openai.NotFoundError, "model_not_found", lambda: ai.models.retrieve("gpt-4"))

# files
files = [
    ai.files.create(
        file=(f"{name}.txt", b"text"),
        purpose="vision",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    for name in "abc"
]
assert files[0].expires_at - files[0].created_at == 3600
assert [file.filename for file in ai.files.list(limit=2, order="asc")] == ["a.txt", "b.txt", "c.txt"]
assert ai.files.retrieve(files[1].id).bytes == 4
assert ai.files.content(files[1].id).content == b"text"
assert ai.files.delete(files[1].id).deleted
refused(openai.NotFoundError, None, lambda: ai.files.retrieve(files[1].id))
assert [file.filename for file in ai.files.list(purpose="vision")] == ["c.txt", "a.txt"]

# what is wrong
error = refused(openai.AuthenticationError, "invalid_api_key", client("sk-wrong-0123456789").models.list)
assert error.request_id.startswith("req_")
error = refused(
    openai.BadRequestError,
    "decimal_above_max_value",
    lambda: ai.responses.create(model=MODEL, input="x", temperature=3),
)
assert error.param == "temperature"
raw = ai.responses.with_raw_response.create(model=MODEL, input="x")
assert raw.headers["x-ratelimit-remaining-requests"] == "9999"

print("the official SDK is satisfied")
