"""Makes Mini App init data as Telegram does."""

import hashlib
import hmac
import json
import time
from urllib.parse import quote

BOT_TOKEN = "7342037359:AAHblackBoxTestsOnly-not_a_real_token"


def init_data(user, bot_token=BOT_TOKEN, age_s=0, fields=None):
    """`user` is {"id": …, "first_name": …}; the data is `age_s` seconds old."""
    fields = dict(fields or {}) | {
        "user": json.dumps(user, ensure_ascii=False, separators=(",", ":")),
        "auth_date": str(int(time.time()) - age_s),
    }
    check = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    secret = hmac.new(b"WebAppData", bot_token.encode(), hashlib.sha256).digest()
    fields["hash"] = hmac.new(secret, check.encode(), hashlib.sha256).hexdigest()
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
