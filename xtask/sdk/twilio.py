"""The official Python SDK against the simulator: what a user of Twilio would write.

    python3 -P twilio.py http://127.0.0.1:4010/twilio

The address is that of the simulator; everything else is as in production.
"""

import datetime
import queue
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from twilio.base.exceptions import TwilioRestException
from twilio.credential.client_credential_provider import ClientCredentialProvider
from twilio.http.client_token_manager import ClientTokenManager
from twilio.request_validator import RequestValidator
from twilio.rest import Client

BASE = sys.argv[1]
ACCOUNT, TOKEN = "AC" + "1" * 32, "2" * 32
TO, FROM = "+14155552345", "+14155550100"
SERVICE, VERIFY = "MG" + "3" * 32, "VA" + "4" * 32


def client(*credentials, **options):
    client = Client(*credentials, **options)
    for product in (client.api, client.lookups, client.verify):
        product.base_url = BASE
    return client


def refused(code, act):
    try:
        act()
    except TwilioRestException as error:
        assert error.code == code, (error.code, code, error.msg)
        return error
    raise AssertionError(f"not refused with {code}")


twilio = client(ACCOUNT, TOKEN)

# messages
sent = [twilio.messages.create(to=TO, from_=FROM, body=f"Hello {n}") for n in range(5)]
assert sent[0].status == "queued" and sent[0].sid.startswith("SM")
assert sent[0].date_created is not None
assert sent[0].fetch().body == "Hello 0"
media = twilio.messages.create(to=TO, from_=FROM, media_url=["https://example.com/1.png", "https://example.com/2.png"])
assert media.num_media == "2" and media.sid.startswith("MM")
bodies = [m.body for m in twilio.messages.stream(to=TO, page_size=2)]
assert bodies == ["", "Hello 4", "Hello 3", "Hello 2", "Hello 1", "Hello 0"], bodies
assert len(twilio.messages.list(limit=3, page_size=2)) == 3
page = twilio.messages.page(page_size=4)
following = page.next_page()
assert following is not None and len(list(following)) == 2
assert following.next_page() is None
later = twilio.messages.create(
    to=TO, messaging_service_sid=SERVICE, body="x", schedule_type="fixed", send_at="2030-01-01T00:00:00Z"
)
assert later.status == "scheduled"
assert later.update(status="canceled").status == "canceled"
chat = twilio.messages.create(to=f"whatsapp:{TO}", from_=f"whatsapp:{FROM}", content_sid="HX" + "7" * 32)
assert chat.to == f"whatsapp:{TO}"
lost = twilio.messages.create(to="+15005550010", from_=FROM, body="x")
time.sleep(1.3)
assert (lost.fetch().status, lost.fetch().error_code) == ("undelivered", 30003)
today = datetime.date.today()
assert chat.sid in [m.sid for m in twilio.messages.list(date_sent_after=today - datetime.timedelta(days=1))]
assert sent[0].fetch().status == "delivered"
assert sent[0].update(body="").body == ""
assert sent[0].delete() is True
refused(20404, sent[0].fetch)
refused(21211, lambda: twilio.messages.create(to="+15005550001", from_=FROM, body="x"))
refused(21606, lambda: twilio.messages.create(to=TO, from_="+14155559999", body="x"))
refused(21602, lambda: twilio.messages.create(to=TO, from_=FROM))

# calls
call = twilio.calls.create(to=TO, from_=FROM, twiml="<Response/>", record=True)
assert call.status == "queued"
time.sleep(0.8)
assert call.fetch().status == "in-progress"
assert call.update(twiml="<Response><Hangup/></Response>").status == "in-progress"
assert call.update(status="completed").status == "completed"
refused(21220, lambda: call.update(twiml="<Response/>"))
assert [c.sid for c in twilio.calls.list(status="completed")] == [call.sid]
[recording] = twilio.recordings.list(call_sid=call.sid)
assert twilio.recordings(recording.sid).fetch().call_sid == call.sid

waiting = twilio.calls.create(to=TO, from_=FROM, url="https://example.com/twiml")
assert waiting.update(status="canceled").status == "canceled"


# callbacks
class Application(BaseHTTPRequestHandler):
    heard = queue.Queue()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        self.heard.put((self.path, form, self.headers["X-Twilio-Signature"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


application = ThreadingHTTPServer(("127.0.0.1", 0), Application)
threading.Thread(target=application.serve_forever, daemon=True).start()
hook = f"http://127.0.0.1:{application.server_port}"
validator = RequestValidator(TOKEN)


def told(name, count):
    states = []
    for _ in range(count):
        path, form, signature = Application.heard.get(timeout=10)
        assert validator.validate(hook + path, form, signature), form
        assert not validator.validate(hook + path, form | {"To": "+1"}, signature)
        states.append(form[name])
    return states


twilio.messages.create(to=TO, from_=FROM, body="x", status_callback=f"{hook}/sms?shop=a%20b")
assert told("MessageStatus", 4) == ["queued", "sending", "sent", "delivered"]
call = twilio.calls.create(
    to=TO,
    from_=FROM,
    twiml="<Response/>",
    status_callback=f"{hook}/call",
    status_callback_event=["initiated", "ringing", "answered", "completed"],
)
assert told("CallStatus", 3) == ["initiated", "ringing", "in-progress"]
call.update(status="completed")
assert told("CallStatus", 1) == ["completed"]

# the rest
numbers = twilio.incoming_phone_numbers.list()
assert FROM in [number.phone_number for number in numbers]
assert twilio.balance.fetch().currency == "USD"
assert "sms" in [record.category for record in twilio.usage.records.list(limit=20)]
number = twilio.lookups.v2.phone_numbers("+14159929960").fetch(fields="line_type_intelligence")
assert number.valid and number.line_type_intelligence["type"] == "mobile"
assert twilio.lookups.v2.phone_numbers("+1415").fetch().validation_errors == ["TOO_SHORT"]
service = twilio.verify.v2.services(VERIFY)
started = service.verifications.create(to=TO, channel="sms")
assert service.verifications(started.sid).fetch().status == "pending"
assert service.verification_checks.create(to=TO, code="000000").status == "pending"
assert service.verification_checks.create(to=TO, code="123456").valid is True
refused(20404, lambda: service.verification_checks.create(to=TO, code="123456"))

# credentials
assert len(client("SK" + "5" * 32, "secret", ACCOUNT).messages.list(limit=1)) == 1
assert refused(20003, client(ACCOUNT, "wrong").balance.fetch).status == 401

manager = ClientTokenManager("client_credentials", "OQ" + "6" * 32, "secret")
manager.client.oauth.base_url = BASE
by_token = client(credential_provider=ClientCredentialProvider("", "", manager), account_sid=ACCOUNT)
assert by_token.messages.create(to=TO, from_=FROM, body="x").status == "queued"
assert by_token.lookups.v2.phone_numbers("+14159929960").fetch().valid

print("the official SDK is satisfied")
