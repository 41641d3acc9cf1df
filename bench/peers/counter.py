"""The counter as a plain Flask application over Redis: the peer of our increments."""

import os

import redis
from flask import Flask, jsonify

app = Flask(__name__)
store = redis.Redis(port=int(os.environ["REDIS_PORT"]))


@app.get("/api/counter")
def read():
    return jsonify(value=int(store.get("counter") or 0))


@app.post("/api/counter/increment")
def increment():
    return jsonify(value=store.incr("counter"))
