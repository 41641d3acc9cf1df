// One HTTP/1.1 connection: requests one after the other, until one of them becomes a WebSocket.
#pragma once

#include "net/admission.hpp"
#include "net/types.hpp"

namespace net {

class Worker;

/// Serves the connection until it ends; it belongs to the worker. On the worker's thread.
void serve_http(Worker& worker, Socket socket, const asio::ip::address& peer,
                Admission::Place place);

/// Tells a client that there is no room, as far as that goes without waiting.
void refuse_connection(Socket& socket);

}  // namespace net
