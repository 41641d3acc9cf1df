// One WebSocket connection: Beast does the handshake and the reads, the outbox does the writes.
#pragma once

#include <string>

#include "net/admission.hpp"
#include "net/types.hpp"

namespace net {

class Worker;

/// What is needed of the request that asked for the upgrade.
struct UpgradeRequest {
  std::string target;
  std::string host;
  std::string key;          // Sec-WebSocket-Key; the version is 13
  std::string early_bytes;  // read behind the request already
};

/// Takes the connection over; it belongs to the worker. On the worker's thread.
void serve_websocket(Worker& worker, Socket socket, UpgradeRequest request, Admission::Place place);

}  // namespace net
